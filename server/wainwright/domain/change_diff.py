"""``change.diff``: the change that a person is asked about, as a document that any editor opens, read both ways.

It is a unified diff that ``git apply`` takes as well. It is written once for each change, and what was said of its
hunks is not written into it: a person may write their words under a hunk, and nothing takes them away.
"""

import re
from itertools import pairwise
from typing import NamedTuple

from wainwright.domain.hunks import Hunk, ShownFile
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState
from wainwright.domain.text import headline

NAME = "change.diff"
WORDS = ">"
"""How a line begins in which a person says something of the hunk above it."""
_HUNK = re.compile(r"@@ .* @@ hunk (\d+)\b.*|# hunk (\d+)\b.*")
_HEAD = re.compile(r"# The change of .*, tree ([0-9a-f]+)")
_FILE = re.compile(r"# (\S.*): (?:created|modified|deleted)\b.*")


class Spot(NamedTuple):
    """A hunk in the document as it stands."""

    number: int
    first: int
    """Its first line, from 0."""
    last: int
    """Its last line, words included."""
    words: str
    """What the person wrote under it."""


def render(state: RunState) -> str:
    """The document of the shown change; empty when none is shown."""
    shown = state.shown
    if shown is None:
        return ""
    where = f"on branch {shown.branch}" if shown.branch else f"in {shown.patch}"
    count, files = len(shown.hunks), len(shown.files)
    head = [
        f"# The change of {state.run}, tree {shown.tree}",
        f"# {count} {'hunk' if count == 1 else 'hunks'} in {files} {'file' if files == 1 else 'files'}, {where}; "
        "what is new in it reaches your files when you approve it.",
        "# Accept or reject a hunk, or ask for a change of it, by a code action on it, or in a terminal:",
        "# `wainwright hunk reject 1 WORDS`. What is not refused is taken over when the change is approved;",
        "# from then on the code actions take hunks back, and put them in again.",
        f"# Where no words are asked for, write them below the hunk, in lines that begin with `{WORDS}`.",
    ]
    if state.plan is not None:
        head += ["#", *(f"# {one.id}: {in_line(headline(one.text, 160))}" for one in state.plan.requirements)]
    return "\n".join([*head, "", *(line for file in shown.files for line in _file(state, file))])


def _file(state: RunState, file: ShownFile) -> list[str]:
    path = in_line(file.path)
    titles = [
        f"{name} ({in_line(state.tasks[name].task.title)})" for name in file.tasks if name in state.tasks
    ]
    by = f"; task {', '.join(titles)}" if titles else ""
    told = [f"# {path}: {file.kind}, serves {', '.join(file.serves) or 'no requirement by name'}{by}"]
    told += [f"# It {file.note}."] if file.note else []
    if not file.hunks[0].lines:
        return [*told, f"# hunk {file.hunks[0].number} is the whole file", ""]
    old, new = f"a/{path}", f"b/{path}"
    told.append(f"--- {'/dev/null' if file.kind == 'created' else old}")
    told.append(f"+++ {'/dev/null' if file.kind == 'deleted' else new}")
    for hunk in file.hunks:
        told += [_header(file, hunk), *hunk.lines.removesuffix("\n").split("\n")]
    return [*told, ""]


def _header(file: ShownFile, hunk: Hunk) -> str:
    old, new = _span(hunk.old_start, hunk.old_len), _span(hunk.new_start, hunk.new_len)
    serves = f", serves {', '.join(file.serves)}" if file.serves else ""
    return f"@@ -{old} +{new} @@ hunk {hunk.number}{serves}"


def _span(start: int, length: int) -> str:
    """An empty range names the line before it."""
    return f"{start + bool(length)},{length}"


def tree_of(text: str) -> str:
    """Of which change a document is; empty where it does not say so any more."""
    named = _HEAD.fullmatch(text.partition("\n")[0].rstrip("\r"))
    return named[1] if named else ""


def spots(text: str) -> list[Spot]:
    """The hunks of the document as a person left it, in order, with what they wrote under each."""
    lines = re.split(r"\r\n|\n|\r", text)
    named = [(at, _HUNK.fullmatch(line)) for at, line in enumerate(lines)]
    starts = [(at, int(name[1] or name[2])) for at, name in named if name]
    found = list[Spot]()
    for (first, number), (end, _) in pairwise([*starts, (len(lines), 0)]):
        # What stands before the next file is no part of a hunk.
        own = next((at for at in range(first + 1, end) if _FILE.fullmatch(lines[at])), end)
        said = [line[len(WORDS) :].strip() for line in lines[first + 1 : own] if line.startswith(WORDS)]
        found.append(Spot(number, first, max(first, own - 1), "\n".join(said).strip()))
    return found
