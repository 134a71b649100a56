"""Checks a statement about a run, offline and with nothing but Python.

    python verifier.py STATEMENT COMMIT

A run of Wainwright wrote down all that it did as a chain of rows: the hash of each covers the row and the hash before
it. The commit that it delivered names the last of these hashes in its message (`Wainwright-Run: RUN HASH`), and the
name of a commit is the hash of all that is in it. So whoever knows the commit, from their own history, can tell
whether a statement says what the run wrote down before it delivered that commit, row by row:

    git log --format=%H --grep=^Wainwright-Run:

It ends with 0 when all is as it was written; else it says what is not, and ends with 1.
This file stands alone: it needs neither Wainwright, nor its journal, nor git.
"""

import base64
import binascii
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:wainwright:run:v1"
COLUMNS = ("seq", "kind", "key", "effect", "fingerprint", "usd", "tokens", "body", "epoch", "at")
"""What the hash of a row covers, in this order, behind the name of the run; the body comes last, as it is."""
_TYPES = (int, str, str, str, str, float, int, str, int, float)
_TRAILER = re.compile(rb"^Wainwright-Run: (\S+) ([0-9a-f]{64})$", re.MULTILINE)
_TREE = re.compile(rb"tree ([0-9a-f]{40,64})\n")

Json = dict[str, Any]


def as_written(statement: Json) -> bytes:
    """A statement as a file has it: there is one way only."""
    return (json.dumps(statement, ensure_ascii=False, indent=1) + "\n").encode("utf-8", "surrogatepass")


def name_of(commit: bytes, like: str) -> str:
    """The name of a commit by what is in it, as long as the one that is known."""
    content = b"commit %d\0" % len(commit) + commit
    return (hashlib.sha256 if len(like) == 64 else hashlib.sha1)(content).hexdigest()


def trailer(commit: bytes) -> tuple[str, str]:
    """The run and the hash that the message of a commit names; empty where it names none."""
    found = _TRAILER.findall(commit.partition(b"\n\n")[2])
    return (found[-1][0].decode("utf-8", "replace"), found[-1][1].decode()) if found else ("", "")


def tree_of(commit: bytes) -> str:
    """The tree of a commit."""
    found = _TREE.match(commit)
    return found[1].decode() if found else ""


def digest(before: str, run: str, row: Json) -> str:
    """The hash of a row that follows one with the hash ``before``."""
    plain = [run, *(row[name] for name in COLUMNS if name != "body")]
    content = json.dumps(plain, ensure_ascii=False, separators=(",", ":")) + row["body"]
    return hashlib.sha256((before + content).encode()).hexdigest()


def predicate(run: str, rows: list[Json]) -> Json:
    """What a statement says of a run: all of it follows from the rows."""
    facts = [(row, json.loads(row["body"])) for row in rows if row["kind"] == "event"]
    ended = [row for row in rows if row["kind"] in ("done", "failed", "lost")]
    return {
        "run": run,
        "goal": next((fact["goal"]["text"] for _, fact in facts if fact["kind"] == "run-started"), ""),
        "head": rows[-1]["hash"] if rows else "",
        "spent": {
            "usd": sum(row["usd"] for row in ended),
            "tokens": sum(row["tokens"] for row in ended),
            "calls": sum(row["effect"] == "llm" and row["kind"] == "done" for row in rows),
        },
        "events": [{"row": row["seq"], "kind": fact["kind"]} for row, fact in facts],
        "steps": [
            {"row": row["seq"], "key": row["key"], "ended": row["kind"], "hash": row["hash"]} for row in ended
        ],
        "receipts": [
            {"row": row["seq"], "of": fact["kind"], **_counted(fact["receipt"])}
            for row, fact in facts
            if fact.get("receipt")
        ],
        "approvals": [
            {"row": row["seq"], **{name: fact[name] for name in ("gate", "decision", "by", "reason")}}
            for row, fact in facts
            if fact["kind"] == "gate-decided"
        ],
        "rows": rows,
    }


def _counted(receipt: Json) -> Json:
    """A test run: the tree, the command, how it ended, and how many tests ended how."""
    counts: dict[str, int] = {}
    for case in receipt.get("cases", ()):
        counts[case["outcome"]] = counts.get(case["outcome"], 0) + 1
    return {"tree": receipt["tree"], "command": receipt["command"], "exit": receipt["exit"], "tests": counts}


def statement(run: str, rows: list[Json], commit: str, content: bytes) -> Json:
    """The statement about a run that delivered a commit."""
    return {
        "_type": STATEMENT,
        "subject": [
            {"name": "commit", "digest": {"gitCommit": commit}},
            {"name": "tree", "digest": {"gitTree": tree_of(content)}},
        ],
        "predicateType": PREDICATE,
        "predicate": {"commit": base64.b64encode(content).decode(), **predicate(run, rows)},
    }


def check(text: bytes, commit: str) -> list[str]:
    """What is wrong with a statement about a commit that is known, a sentence each; nothing: it can be believed."""
    try:
        told = json.loads(text)
        content = base64.b64decode(told["predicate"]["commit"], validate=True)
        rows = told["predicate"]["rows"]
        if name_of(content, commit) != commit:
            return [f"It is about another commit than {commit}, or its copy of that commit was changed."]
        run, head = trailer(content)
        if not head:
            return ["The message of the commit names no run: nothing vouches for this statement."]
        wrong = _wrong_row(run, head, rows)
        if wrong:
            return [wrong]
        if as_written(statement(run, rows, commit, content)) != text:
            return ["What it says beside the rows does not follow from them, or it is not written as it was."]
    except (
        KeyError,
        TypeError,
        ValueError,
        IndexError,
        AttributeError,
        RecursionError,
        binascii.Error,
    ) as error:
        return [f"It is no statement of a run: {type(error).__name__} {error}"]
    return []


def _wrong_row(run: str, head: str, rows: list[Json]) -> str:
    """The first thing that is not as it was written; empty when all is."""
    before, number = "", 0
    for row in rows:
        shaped = tuple(row) == (*COLUMNS, "hash")
        if not shaped or [type(row[name]) for name in COLUMNS] != list(_TYPES):
            return f"A row behind row {number} is none."
        if row["seq"] <= number or digest(before, run, row) != row["hash"]:
            return f"Row {row['seq']} was changed, or one before it was taken away."
        before, number = row["hash"], row["seq"]
    if before != head:
        return "The rows end elsewhere than the commit says: some are missing, or all were written anew."
    return ""


def told(text: bytes) -> list[str]:
    """What a statement says, in some lines."""
    said = json.loads(text)["predicate"]
    spent = said["spent"]
    lines = [
        f"Run {said['run']}: {said['goal']}",
        f"{len(said['rows'])} rows, {len(said['events'])} facts, {len(said['steps'])} steps, "
        f"{spent['calls']} model calls, {spent['tokens']} tokens, ${spent['usd']:.4f}",
    ]
    for one in said["receipts"]:
        tests = ", ".join(f"{count} {outcome}" for outcome, count in one["tests"].items()) or "no report"
        lines.append(
            f"{one['of']}: `{one['command']}` on tree {one['tree'][:10]} ended with {one['exit']}: {tests}"
        )
    lines += [f"{one['gate']}: {one['decision']} by {one['by']} {one['reason']}" for one in said["approvals"]]
    return lines


def main(arguments: list[str]) -> int:
    """Check the statement in a file against the full name of a commit."""
    if len(arguments) != 2 or not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", arguments[1]):
        sys.stderr.write(f"{__doc__}\n")
        return 2
    text = Path(arguments[0]).read_bytes()
    wrong = check(text, arguments[1])
    lines = wrong or [*told(text), f"All of it is as it was written before commit {arguments[1]}."]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
