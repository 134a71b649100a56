"""A stranger who has the commit believes a statement about it when nothing was changed, and only then."""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fixtures.delivered import Delivered
from tests.fixtures.tampering import TAMPERINGS, WAYS

from wainwright.domain.errors import InputError
from wainwright.engine.tracing import verifier
from wainwright.engine.tracing.statements import VERIFIER, Statements
from wainwright.journal import Row
from wainwright.journal.chain import digest
from wainwright.workspace import anchors

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_delivered_commit_vouches_for_all_that_was_done_before(it: Delivered) -> None:
    commit, text, _ = await Statements(it.parts).of(it.run)
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


@pytest.mark.parametrize(
    ("spent", "shown"),
    [
        ({"calls": 2, "tokens": 90, "usd": 0.5}, "2 model calls, 90 tokens, $0.5000"),
        ({"calls": 2, "tokens": 90, "usd": 0.0}, "2 model calls, 90 tokens, price unknown"),
        ({"calls": 0, "tokens": 0, "usd": 0.0}, "0 model calls, 0 tokens, $0.0000"),
    ],
)
async def test_a_price_that_nobody_knows_is_not_said_to_be_nothing(
    it: Delivered, spent: dict[str, float], shown: str
) -> None:
    _, text, _ = await Statements(it.parts).of(it.run)
    said = json.loads(text)
    said["predicate"]["spent"] = spent
    assert shown in "\n".join(verifier.told(json.dumps(said).encode()))


async def test_it_is_checked_in_the_way_in_which_the_journal_makes_its_chain() -> None:
    row = Row(3, "done", "/A/model#0", "llm", "f", 0.1, 7, '{"text": "ä\\n"}', 2, 1.5)
    assert verifier.digest("before", "run", row._asdict()) == digest("before", "run", row), (
        "engine/tracing/verifier.py and journal/chain.py go together; a change needs another PREDICATE"
    )


async def test_the_program_that_checks_it_stands_alone(it: Delivered, tmp_path: Path) -> None:
    commit, text, _ = await Statements(it.parts).of(it.run)
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
    commit, text, _ = await Statements(it.parts).of(it.run)
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
    told = anchors.content(it.parts.state, it.git("rev-parse", it.branch).strip())
    more = anchors.with_trailers(told, "Wainwright-Run: other 00", "More: of it")
    made = anchors.written(it.parts.state, more)
    assert anchors.written(it.parts.state, more) == made != it.branch
    assert anchors.content(it.parts.state, made).endswith(b"\n\nWainwright-Run: other 00\nMore: of it\n")
