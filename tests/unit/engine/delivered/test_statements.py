"""A stranger who has the commit believes a statement about it when nothing was changed, and only then."""

import copy
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.delivered import Delivered

from wainwright.domain.errors import InputError
from wainwright.engine.tracing import verifier
from wainwright.engine.tracing.statements import VERIFIER, Statements
from wainwright.journal import Row
from wainwright.journal.chain import digest
from wainwright.workspace import anchors

pytestmark = pytest.mark.asyncio(loop_scope="session")
TAMPERINGS = 300
Rows = list[dict[str, Any]]


async def test_the_delivered_commit_vouches_for_all_that_was_done_before(it: Delivered) -> None:
    commit, text = await Statements(it.parts).of(it.run)
    assert commit == it.git("rev-parse", it.branch).strip()
    told = json.loads(text)
    said = told["predicate"]
    assert told["subject"][1]["digest"]["gitTree"] == it.git("rev-parse", f"{it.branch}^{{tree}}").strip()
    assert it.git("log", "-1", "--format=%(trailers:key=Wainwright-Run,valueonly)", it.branch).strip() == (
        f"{it.run} {said['head']}"
    )
    kinds = [one["kind"] for one in said["events"]]
    assert kinds[0] == "run-started"
    assert {"plan-proposed", "task-landed", "tested", "reviewed"} <= set(kinds)
    assert {"base-tested", "red-first", "task-landed", "tested"} <= {one["of"] for one in said["receipts"]}
    assert [one["gate"] for one in said["approvals"]] == ["plan-1", "apply-1"]
    assert said["spent"]["calls"] == sum("/model#" in one["key"] for one in said["steps"])


async def test_it_is_checked_in_the_way_in_which_the_journal_makes_its_chain() -> None:
    row = Row(3, "done", "/A/model#0", "llm", "f", 0.1, 7, '{"text": "ä\\n"}', 2, 1.5)
    assert verifier.digest("before", "run", row._asdict()) == digest("before", "run", row), (
        "engine/tracing/verifier.py and journal/chain.py go together; a change needs another PREDICATE"
    )


async def test_the_program_that_checks_it_stands_alone(it: Delivered, tmp_path: Path) -> None:
    commit, text = await Statements(it.parts).of(it.run)
    alone, statement = tmp_path / "check.py", tmp_path / "statement.json"
    alone.write_bytes(VERIFIER.read_bytes())
    statement.write_bytes(text)
    assert len(VERIFIER.read_text().splitlines()) <= 300

    def check(name: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, "-I", "-S", str(alone), str(statement), name]
        return subprocess.run(line, check=False, cwd=tmp_path, capture_output=True, text=True, env={})

    fine = check(commit)
    assert (fine.returncode, fine.stderr) == (0, "")
    assert f"All of it is as it was written before commit {commit}." in fine.stdout
    assert "apply-1: approve by policy" in fine.stdout
    other = check("0" * 40)
    assert other.returncode == 1
    assert "It is about another commit" in other.stdout
    assert check("HEAD").returncode == 2


async def test_every_tampering_is_found(it: Delivered) -> None:
    commit, text = await Statements(it.parts).of(it.run)
    chance = random.Random(20)
    assert verifier.check(text, commit) == []
    believed = []
    for number in range(TAMPERINGS):
        how = WAYS[number % len(WAYS)]
        changed = text
        while changed == text:
            changed = how(chance, text, commit)
        if not verifier.check(changed, commit):
            believed.append(how.__name__)
    assert believed == []


def _bytes(chance: random.Random, text: bytes, _commit: str) -> bytes:
    at = chance.randrange(len(text))
    new = bytes([chance.randrange(32, 127)])
    return chance.choice(
        (text[:at] + new + text[at + 1 :], text[:at] + new + text[at:], text[:at] + text[at + 1 :])
    )


def _beside_the_rows(chance: random.Random, text: bytes, _commit: str) -> bytes:
    """Something that is said of the rows, or of the commit, and the rows left as they are."""
    told = json.loads(text)
    said = told["predicate"]
    where = chance.choice(("approvals", "receipts", "steps", "events", "spent", "subject", "more"))
    if where == "subject":
        chance.choice(told["subject"])["digest"] = {"gitCommit": f"{chance.getrandbits(160):040x}"}
    elif where == "more":
        chance.choice((told, said))["more"] = "said"
    elif where == "spent":
        said["spent"][chance.choice(("tokens", "calls"))] += 1
    else:
        chance.choice(said[where])["row"] += 1
    return verifier.as_written(told)


def _rechained(change: Callable[[random.Random, Rows], None], *, commit_too: bool) -> Callable[..., bytes]:
    """Rows that were changed, with every hash behind them made anew; and the commit's copy with the new head."""

    def tamper(chance: random.Random, text: bytes, commit: str) -> bytes:
        told = json.loads(text)
        rows = copy.deepcopy(told["predicate"]["rows"])
        run, head = told["predicate"]["run"], told["predicate"]["head"]
        change(chance, rows)
        before = ""
        for row in rows:
            row["hash"] = before = verifier.digest(before, run, row)
        content = it_content = verifier.base64.b64decode(told["predicate"]["commit"])
        if commit_too:
            content = it_content.replace(head.encode(), before.encode())
            commit = verifier.name_of(content, commit) if chance.random() < 0.5 else commit
        try:
            return verifier.as_written(verifier.statement(run, rows, commit, content))
        except (KeyError, ValueError):
            return text  # too broken for a statement: another one is tried

    tamper.__name__ = f"{change.__name__}, rechained, {'commit too' if commit_too else 'commit left'}"
    return tamper


def _a_field(chance: random.Random, rows: Rows) -> None:
    row, name = chance.choice(rows), chance.choice(verifier.COLUMNS[1:])
    value = row[name]
    row[name] = f"{value}x" if isinstance(value, str) and name != "body" else value
    if name == "body":
        row[name] = value.replace("e", "a", 1)
    elif not isinstance(value, str):
        row[name] = type(value)(value + 1)


def _gone(chance: random.Random, rows: Rows) -> None:
    del rows[chance.randrange(1, len(rows))]


def _cut(chance: random.Random, rows: Rows) -> None:
    del rows[chance.randrange(2, len(rows)) :]


def _swapped(chance: random.Random, rows: Rows) -> None:
    one, other = chance.sample(range(1, len(rows)), 2)
    rows[one]["seq"], rows[other]["seq"] = rows[other]["seq"], rows[one]["seq"]
    rows[one], rows[other] = rows[other], rows[one]


def _more(chance: random.Random, rows: Rows) -> None:
    rows.append({**chance.choice(rows), "seq": rows[-1]["seq"] + 1})


WAYS: list[Callable[..., bytes]] = [
    _bytes,
    _beside_the_rows,
    *(
        _rechained(change, commit_too=too)
        for change in (_a_field, _gone, _cut, _swapped, _more)
        for too in (False, True)
    ),
]


async def test_a_journal_that_was_changed_gives_no_statement(
    it: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = it.parts.journal.lines
    monkeypatch.setattr(
        it.parts.journal,
        "lines",
        lambda run: [one.replace("task-landed", "task-landet") for one in lines(run)],
    )
    with pytest.raises(InputError, match=r"Row \d+ was changed"):
        await Statements(it.parts).of(it.run)


async def test_the_same_trailer_gives_the_same_commit(it: Delivered) -> None:
    """A run that was killed while it delivered does not deliver another commit when it goes on."""
    tip, line = it.git("rev-parse", it.branch).strip(), "Wainwright-Run: other 00"
    made = anchors.with_trailer(it.parts.state, tip, line)
    assert anchors.with_trailer(it.parts.state, tip, line) == made != tip
    assert anchors.content(it.parts.state, made).endswith(b"\n\nWainwright-Run: other 00\n")
