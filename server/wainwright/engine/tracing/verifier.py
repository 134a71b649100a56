"""Checks a statement about a run, offline and with nothing but Python.

    python verifier.py STATEMENT COMMIT [KEY]

A run of Wainwright wrote down all that it did as a chain of rows: the hash of each covers the row and the hash before
it. The commit that it delivered names the last of these hashes in its message (`Wainwright-Run: RUN HASH`), and the
name of a commit is the hash of all that is in it. So whoever knows the commit, from their own history, can tell
whether a statement says what the run wrote down before it delivered that commit, row by row:

    git log --format=%H --grep=^Wainwright-Run:

Where the person had a key, the commit and the statement are signed (ed25519; the statement in an envelope of DSSE).
KEY is its public half, as they told you: with it, what is not signed by that key is not believed. Without it, the
signatures are checked against the key that they name themselves, which vouches for nobody.

It ends with 0 when all is as it was written; else it says what is not, and ends with 1.
This file stands alone: it needs neither Wainwright, nor its journal, nor git.
"""

import base64
import hashlib
import json
import re
import sys
from pathlib import Path
from typing import Any

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "urn:wainwright:run:v1"
PAYLOAD = "application/vnd.in-toto+json"
COMMIT = "urn:wainwright:commit:v1"
"""As what a commit is signed: all that is in it but the line of the signature."""
COLUMNS = ("seq", "kind", "key", "effect", "fingerprint", "usd", "tokens", "body", "epoch", "at")
"""What the hash of a row covers, in this order, behind the name of the run; the body comes last, as it is."""
_TYPES = (int, str, str, str, str, float, int, str, int, float)
_TRAILER = re.compile(rb"^Wainwright-Run: (\S+) ([0-9a-f]{64})$", re.MULTILINE)
_SIGNATURE = re.compile(
    rb"(?<=\n)Wainwright-Signature: ed25519 ([A-Za-z0-9+/]{43}=) ([A-Za-z0-9+/]{86}==)\n\Z"
)
_KEY = "[A-Za-z0-9+/]{43}="
_TREE = re.compile(rb"tree ([0-9a-f]{40,64})\n")

_NO_STATEMENT = (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError)

Json = dict[str, Any]
Point = tuple[int, int, int, int]


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


def to_sign(kind: str, content: bytes) -> bytes:
    """What is signed of a content: DSSE's way of saying what it is."""
    return b"DSSEv1 %d %s %d " % (len(kind), kind.encode(), len(content)) + content


def signature_line(key: str, signature: str) -> str:
    """The last line of the message of a commit that is signed."""
    return f"Wainwright-Signature: ed25519 {key} {signature}"


def envelope(payload: bytes, key: str, signature: str) -> bytes:
    """A statement with its signature."""
    signed = [{"keyid": key, "sig": signature}]
    told = {"payloadType": PAYLOAD, "payload": base64.b64encode(payload).decode(), "signatures": signed}
    return as_written(told)


def opened(text: bytes) -> tuple[bytes, str]:
    """The statement in a file, and the key that it is signed with; empty where it is not. Raises ValueError."""
    told = json.loads(text)
    if "payload" not in told:
        return text, ""
    payload, one = base64.b64decode(told["payload"], validate=True), told["signatures"][0]
    key, signature = one["keyid"], one["sig"]
    if not _signed(key, signature, to_sign(PAYLOAD, payload)) or envelope(payload, key, signature) != text:
        raise ValueError("its signature does not hold")
    return payload, key


def signer(commit: bytes) -> str:
    """The key that a commit is signed with; empty where it is not. Raises ValueError for a wrong signature."""
    found = _SIGNATURE.search(commit)
    if found is None:
        return ""
    key, signature = found[1].decode(), found[2].decode()
    if not _signed(key, signature, to_sign(COMMIT, commit[: found.start()])):
        raise ValueError("the signature of the commit does not hold")
    return key


def check(text: bytes, commit: str, key: str = "") -> list[str]:
    """What is wrong with a statement about a commit that is known, a sentence each; nothing: it can be believed.

    ``key``: who has to have signed it; empty: nobody.
    """
    try:
        payload, stated_by = opened(text)
        told = json.loads(payload)
        content = base64.b64decode(told["predicate"]["commit"], validate=True)
        rows = told["predicate"]["rows"]
        if name_of(content, commit) != commit:
            return [f"It is about another commit than {commit}, or its copy of that commit was changed."]
        if key and (stated_by != key or signer(content) not in (key, "")):
            return [f"It is not signed with the key {key}."]
        run, head = trailer(content)
        if not head:
            return ["The message of the commit names no run: nothing vouches for this statement."]
        wrong = _wrong_row(run, head, rows)
        if wrong:
            return [wrong]
        if as_written(statement(run, rows, commit, content)) != payload:
            return ["What it says beside the rows does not follow from them, or it is not written as it was."]
        signer(content)
    except _NO_STATEMENT as error:
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


def told(text: bytes, key: str = "") -> list[str]:
    """What a statement says, in some lines."""
    payload, stated_by = opened(text)
    said = json.loads(payload)["predicate"]
    spent = said["spent"]
    cost = f"${spent['usd']:.4f}" if spent["usd"] or not spent["calls"] else "price unknown"
    lines = [
        f"Run {said['run']}: {said['goal']}",
        f"{len(said['rows'])} rows, {len(said['events'])} facts, {len(said['steps'])} steps, "
        f"{spent['calls']} model calls, {spent['tokens']} tokens, {cost}",
    ]
    for one in said["receipts"]:
        tests = ", ".join(f"{count} {outcome}" for outcome, count in one["tests"].items()) or "no report"
        lines.append(
            f"{one['of']}: `{one['command']}` on tree {one['tree'][:10]} ended with {one['exit']}: {tests}"
        )
    lines += [f"{one['gate']}: {one['decision']} by {one['by']} {one['reason']}" for one in said["approvals"]]
    for what, by in (("commit", signer(base64.b64decode(said["commit"]))), ("statement", stated_by)):
        whose = "" if key else "; whether that is theirs, you have to know"
        lines.append(f"The {what} is signed with {by}{whose}." if by else f"The {what} is not signed.")
    return lines


# ---- ed25519, by RFC 8032: nothing is kept secret here, so nothing has to take the same time always

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P


def _point(packed: bytes) -> Point:
    number = int.from_bytes(packed, "little")
    y, odd = number & ((1 << 255) - 1), number >> 255
    square = (y * y - 1) * pow(_D * y * y + 1, -1, _P) % _P
    x = pow(square, (_P + 3) // 8, _P)
    if (x * x - square) % _P:
        x = x * pow(2, (_P - 1) // 4, _P) % _P
    if len(packed) != 32 or y >= _P or (x * x - square) % _P or (odd and not x):
        raise ValueError("a point that is not on the curve")
    x = x if x & 1 == odd else _P - x
    return x, y, 1, x * y % _P


def _sum(one: Point, other: Point) -> Point:
    a = (one[1] - one[0]) * (other[1] - other[0])
    b = (one[1] + one[0]) * (other[1] + other[0])
    c, d = 2 * one[3] * other[3] * _D, 2 * one[2] * other[2]
    e, f, g, h = (b - a) % _P, (d - c) % _P, (d + c) % _P, (b + a) % _P
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _times(number: int, point: Point) -> Point:
    total = (0, 1, 1, 0)
    while number:
        total = _sum(total, point) if number & 1 else total
        point, number = _sum(point, point), number >> 1
    return total


def _signed(key: str, signature: str, content: bytes) -> bool:
    """Whether the holder of a key signed a content."""
    public, sign = base64.b64decode(key, validate=True), base64.b64decode(signature, validate=True)
    scalar = int.from_bytes(sign[32:], "little")
    number = int.from_bytes(hashlib.sha512(sign[:32] + public + content).digest(), "little") % _ORDER
    base = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    left, right = _times(scalar, base), _sum(_point(sign[:32]), _times(number, _point(public)))
    alike = all((left[at] * right[2] - right[at] * left[2]) % _P == 0 for at in (0, 1))
    return alike and len(sign) == 64 and scalar < _ORDER


def main(arguments: list[str]) -> int:
    """Check the statement in a file against the full name of a commit."""
    shapes = (".+", "[0-9a-f]{40}|[0-9a-f]{64}", _KEY)
    fits = [re.fullmatch(shape, one) for shape, one in zip(shapes, arguments, strict=False)]
    if not 2 <= len(arguments) <= 3 or not all(fits):
        sys.stderr.write(f"{__doc__}\nThe commit by its full name; the key as it was printed.\n")
        return 2
    (path, commit), key = arguments[:2], "".join(arguments[2:])
    text = Path(path).read_bytes()
    wrong = check(text, commit, key)
    lines = wrong or [*told(text, key), f"All of it is as it was written before commit {commit}."]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if wrong else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
