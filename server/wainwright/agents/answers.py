"""What a model's reply says: blocks of text for files, and one JSON object for the answer.

Code and documents never travel inside JSON strings. Four kinds of block, each marker alone on its line::

    <<<<<<< SEARCH path/to/file        <<<<<<< FILE path/to/file
    the lines as they are now          the whole file
    =======                            >>>>>>> FILE
    the lines as they shall be
    >>>>>>> REPLACE                    <<<<<<< DELETE path/to/file

Instead of blocks, a patch in the form that begins with ``*** Begin Patch`` is read, since some models are trained on
it; and a unified diff in a fence, where nothing else is in the reply.

The answer is the last fenced ```json block outside of these, or the whole rest when that is JSON, or the one
object that stands on lines of its own. A fence that was not closed ends where its JSON ends.
"""

import re
from typing import Literal

from pydantic import Field, JsonValue, ValidationError

from wainwright.domain.errors import PlanError
from wainwright.domain.evidence import AcceptanceTest, Finding
from wainwright.domain.goal import Fact
from wainwright.domain.written_json import read_json
from wainwright.tools.files import Block


class Reading(Fact):
    """A reply, taken apart."""

    blocks: tuple[Block, ...] = ()
    answer: JsonValue = None
    problems: tuple[str, ...] = ()
    """What could not be read, as sentences for the model."""


_OPEN = re.compile(r"^<{5,9} ?(SEARCH|FILE|DELETE)[ \t]+`?([^`\r\n]+?)`?[ \t]*$")
_MIDDLE = re.compile(r"^={5,9}[ \t]*$")
_CLOSE = {"SEARCH": re.compile(r"^>{5,9} ?REPLACE[ \t]*$"), "FILE": re.compile(r"^>{5,9} ?FILE\b.*$")}
_FENCE = re.compile(r"^[ \t]*```json[ \t]*(?=[\r\n\[{])", re.MULTILINE | re.IGNORECASE)
_V4A = re.compile(
    r"^\*\*\* Begin Patch[ \t]*\n(?:(?!\*\*\* (?:Begin|End) Patch).*\n)*\*\*\* End Patch[ \t]*$", re.MULTILINE
)
_V4A_BEGINS = re.compile(r"^\*\*\* Begin Patch[ \t]*$", re.MULTILINE)
_V4A_PATH = re.compile(r"^\*\*\* (?:Update|Add|Delete) File: (.+)$", re.MULTILINE)
_DIFF = re.compile(r"^```(?:diff|patch)[ \t]*\n((?:(?!```).*\n)*)```[ \t]*$", re.MULTILINE)
_DIFF_PATH = re.compile(r"^\+\+\+ (?:b/)?([^\t\n]+)", re.MULTILINE)
_HUNK = re.compile(r"^@@ ", re.MULTILINE)
_ANY_FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[^`]*$")
_WORDED_FENCE = re.compile(r"[ \t]*(?:`{3,}|~{3,})\w")
_BARE_FENCE = re.compile(r"```[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_OBJECT = re.compile(r"^\{", re.MULTILINE)
_MORE = re.compile(r"\s*[\[{]")


def read(text: str) -> Reading:
    """Take a reply apart. Never raises: what cannot be read is listed as a problem."""
    blocks: list[Block] = []
    problems: list[str] = []
    rest: list[str] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        opened = _OPEN.match(lines[at].rstrip("\r"))
        if opened is None:
            rest.append(lines[at].rstrip("\r"))
            at += 1
            continue
        kind, path = opened.group(1), opened.group(2).strip()
        if kind == "DELETE":
            blocks.append(Block(kind="delete", path=path))
            at += 1
            continue
        end = _close(lines, at + 1, kind)
        if end is None:
            problems.append(f"The {kind} block for {path} has no end marker; nothing of it was used.")
            break
        block = _block(kind, path, lines[at + 1 : end])
        if isinstance(block, str):
            problems.append(block)
        else:
            blocks.append(block)
        at = end + 1
    beside_blocks = "\n".join(rest)
    patch = None if blocks or problems else _patch(beside_blocks)
    if isinstance(patch, str):
        problems.append(patch)
    elif patch is not None:
        blocks, beside_blocks = [patch[0]], patch[1]
    answer, problem = _answer(beside_blocks)
    if not (blocks or problems or problem or answer) and (diff := _diff(beside_blocks)):
        blocks = [diff]
    return Reading(blocks=tuple(blocks), answer=answer, problems=(*problems, *([problem] if problem else [])))


def _patch(text: str) -> tuple[Block, str] | str | None:
    """The patches in a text, as one edit, and the text without them; or what is wrong with them."""
    found = list(_V4A.finditer(text))
    if _V4A_BEGINS.search(text, found[-1].end() if found else 0):
        return "The patch has no *** End Patch line; nothing of it was used."
    if not found:
        return None
    told = "\n".join(one[0] for one in found)
    paths = dict.fromkeys(path.strip() for path in _V4A_PATH.findall(told))
    return Block(kind="patch", path=", ".join(paths), replace=told + "\n"), _V4A.sub("", text)


def _diff(text: str) -> Block | None:
    """The unified diffs in the fences of a text, as one edit."""
    told = "\n".join(one[1] for one in _DIFF.finditer(text) if _HUNK.search(one[1]))
    paths = dict.fromkeys(_DIFF_PATH.findall(told))
    return Block(kind="patch", path=", ".join(paths), replace=told + "\n") if paths else None


def beside(text: str) -> str:
    """The text with all that stands in blocks and code fences blanked out; each character stays where it is."""
    lines = text.split("\n")
    shown: list[str] = []
    at = 0
    while at < len(lines):
        end = ends(lines, at)
        if end is None:
            shown.append(lines[at])
            at += 1
            continue
        shown += [" " * len(line) for line in lines[at : end + 1]]
        at = end + 1
    return "\n".join(shown)


def ends(lines: list[str], at: int) -> int | None:
    """The last line of the block or code fence that begins at a line, if one does; len(lines) without an end."""
    line = lines[at].rstrip("\r")
    if opened := _OPEN.match(line):
        if opened.group(1) == "DELETE":
            return None
        end = _close(lines, at + 1, opened.group(1))
    elif fence := _ANY_FENCE.match(line):
        closing = re.compile(rf"[ \t]*{fence[1][0]}{{{len(fence[1])},}}[ \t]*")
        end = next((n for n in range(at + 1, len(lines)) if closing.fullmatch(lines[n].rstrip("\r"))), None)
    else:
        return None
    return len(lines) if end is None else end


def begins_another(opening: str, line: str) -> bool:
    """Whether a line within what ``opening`` began tells that it was never ended: it begins another."""
    return bool(
        _OPEN.match(line.rstrip("\r"))
        or (not _OPEN.match(opening.rstrip("\r")) and _WORDED_FENCE.match(line))
    )


def _close(lines: list[str], start: int, kind: str) -> int | None:
    for at in range(start, len(lines)):
        if _CLOSE[kind].match(lines[at].rstrip("\r")):
            return at
    return None


def _block(kind: str, path: str, body: list[str]) -> Block | str:
    """The block, or what is wrong with it."""
    if kind == "FILE":
        return Block(kind="file", path=path, replace=_join(_unfenced(path, body)))
    middles = [at for at, line in enumerate(body) if _MIDDLE.match(line.rstrip("\r"))]
    if not middles:
        return f"The SEARCH block for {path} has no ======= line; nothing of it was used."
    # A line of equal signs may belong to either text, under a heading, in a merge conflict: the file decides.
    at = middles[0]
    return Block(kind="search", path=path, search=_join(body[:at]), replace=_join(body[at + 1 :]))


def _unfenced(path: str, body: list[str]) -> list[str]:
    """Some models put a code fence around a whole file; it is not part of the file, unless that is Markdown."""
    opening = r"^```(markdown|md)$" if path.endswith(".md") else r"^```\w*$"
    if len(body) >= 2 and re.match(opening, body[0].strip()) and body[-1].strip() == "```":
        return body[1:-1]
    return body


def _join(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def _answer(text: str) -> tuple[JsonValue, str]:
    fenced = list(_FENCE.finditer(text))
    if fenced:
        return _json(text[fenced[-1].end() :], "The ```json block is not JSON")
    bare = text.strip()
    unfenced = _BARE_FENCE.fullmatch(bare)
    bare = unfenced.group(1).strip() if unfenced else bare
    if bare.startswith("{") and bare.endswith("}"):
        return _json(bare, "The reply looks like JSON and is none")
    return _among_words(beside(text)), ""


def _among_words(text: str) -> JsonValue:
    """The one object that stands on lines of its own among words; None where that could be another, or is none."""
    begins = [one.start() for one in _OBJECT.finditer(text)]
    try:
        value, end = read_json(text, begins[0]) if begins else (None, 0)
    except (ValueError, RecursionError):
        return None
    alone = not text[end:].partition("\n")[0].strip() and all(at < end for at in begins)
    return value if value and alone else None


def _json(text: str, otherwise: str) -> tuple[JsonValue, str]:
    """The JSON that a text begins with, if at most words follow; else what is wrong with it."""
    try:
        value, end = read_json(text)
    except (ValueError, RecursionError) as error:
        return None, f"{otherwise}: {str(error).removesuffix('.')}."
    if _MORE.match(text, end):
        return None, f"{otherwise}: more JSON follows its end at character {end}. Answer with one object."
    return value, ""


# ---- the forms of answers


class DesignAnswer(Fact):
    """The designer's; the documents come as FILE blocks."""

    summary: str = Field(min_length=1)


class ExplainAnswer(Fact):
    """The reviewer's where something is explained; the explanation comes as a FILE block."""

    summary: str = Field(min_length=1)


class Noticed(Fact):
    """Something that is wrong, or was left out on purpose, and stays as it is."""

    where: str = Field(min_length=1)
    """``path`` or ``path:line``."""
    what: str = Field(min_length=1)


class _Noticing(Fact):
    noticed: tuple[Noticed, ...] = Field(default=(), max_length=10)

    @property
    def noted(self) -> tuple[Finding, ...]:
        """What was noticed, as findings that nobody has to answer."""
        beside = "it was left as it is"
        return tuple(
            Finding(where=one.where, trigger=one.what, consequence=beside, severity="minor", route="defer")
            for one in self.noticed
        )


class _Building(_Noticing):
    also: tuple[str, ...] = Field(default=(), max_length=40)
    """Files beyond the write set that the task could not do without: those it added or deleted."""

    @property
    def declared(self) -> tuple[str, ...]:
        """The same, without what would name everything."""
        return tuple(one for one in self.also if one.strip("*/. "))


class WorkAnswer(_Building):
    """The implementer's, when a task is at its end."""

    status: Literal["done", "impossible", "environment", "wrong-tests"]
    summary: str = Field(min_length=1)
    """What changed and why: the body of the commit."""
    subject: str = ""
    """The commit's first line; empty: the title of the task."""
    because: str = ""
    """For all others than ``done``: what stands in the way."""


class AloneAnswer(_Building):
    """The implementer's of a small goal, whose tests are their own."""

    status: Literal["done", "bigger", "wrong-tests", "impossible", "environment"]
    summary: str = Field(min_length=1)
    """What changed and why: the body of the commit."""
    subject: str = ""
    """The commit's first line; empty: the title of the task."""
    because: str = ""
    """For others than ``done``: what stands in the way. For ``done``: why a requirement has no test."""
    tests: tuple[AcceptanceTest, ...] = ()


class AcceptanceAnswer(Fact):
    """The tester's, when the acceptance tests stand."""

    status: Literal["done", "impossible"]
    tests: tuple[AcceptanceTest, ...] = ()
    summary: str = Field(min_length=1)


class TriageAnswer(Fact):
    """The tester's, about a red receipt."""

    cause: Literal["code", "test", "environment"]
    digest: str = Field(min_length=1)


class ConsentAnswer(Fact):
    """The reviewer's, on the claim that an acceptance test is wrong."""

    agree: bool
    reason: str = Field(min_length=1)


class FindingsAnswer(Fact):
    """The critic's and the reviewer's."""

    summary: str = ""
    findings: tuple[Finding, ...] = Field(default=(), max_length=20)


class DeployAnswer(Fact):
    """The deployer's; the runbook comes as a FILE block."""

    target: str
    """The name of one of the targets that the prompt lists."""
    reason: str = Field(min_length=1)
    command: tuple[str, ...] = ()
    health_path: str = Field(default="/", pattern=r"^(/.*)?$")
    """Empty where there is nothing to serve."""
    smoke: tuple[str, ...] = ()


class MonitorAnswer(Fact):
    """The monitor's reading of the probes."""

    report: str = Field(min_length=1)
    concern: str = ""


def explain(error: ValidationError | PlanError) -> str:
    """Sentences that tell a model what in its answer to mend."""
    if isinstance(error, PlanError):
        return error.message
    parts = []
    for one in error.errors(include_url=False, include_context=False)[:8]:
        where = ".".join(str(p) for p in one["loc"]) or "the object"
        parts.append(f"{where}: {one['msg']}")
    return "; ".join(parts) + "."
