"""Edits that an editor applied to another text than they were made for: some look at no version."""

from collections import Counter
from typing import TYPE_CHECKING

from wainwright.lsp.documents.positions import Encoding, TextIndex, split_lines
from wainwright.lsp.edits.edit import replacements

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lsprotocol import types

    from wainwright.lsp.edits.edit import LineHunks, Merge


def misplaced(
    edits: "Sequence[types.TextEdit]", texts: "Sequence[str]", encoding: Encoding | str
) -> tuple[str, str] | None:
    """What somebody typed, and what these edits made of it; None where they were not applied to such a text.

    ``texts``: the one that the edits were made for, and then those that the editor told of, in order.
    """
    made_for, *told = texts
    if len(told) < 2:  # there is none that somebody typed before the one with the edit
        return None
    right = _placed(made_for, edits, encoding)
    for at in reversed(range(len(told) - 1)):
        # Behind the right text comes what the person did to it.
        if told[at] in (made_for, right):
            continue
        spoiled = _placed(told[at], edits, encoding)
        if spoiled in told[at + 1 :]:
            return told[at], spoiled
    return None


def seems_made(before: str, after: str, now: str) -> bool | None:
    """Whether a text comes from the one with an edit, by the lines that the edit brings and takes away.

    None where it has some of both, as somebody has typed in these very lines; and where a line is gone that the edit
    takes away without any for it: nobody can tell that from one that was typed in.
    """
    old, new, there = (Counter(line.strip() for line in split_lines(text)) for text in (before, after, now))
    gone, come = old - new, new - old
    made = all(there[line] <= new[line] for line in gone) and all(there[line] >= new[line] for line in come)
    if made and come:
        return True
    as_before = all(there[line] >= old[line] for line in gone) and all(
        there[line] <= old[line] for line in come
    )
    # Behind a line that it brings, or in front of it, somebody may have typed at once.
    return False if as_before and (gone or not any(line in now for line in come)) else None


def put_back(spoiled: str, now: str, right: str, merge: "Merge", hunks: "LineHunks") -> tuple[str, bool]:
    """A text with what is right in the place of what was spoiled, and whether that is all of it.

    ``now`` has what somebody typed since: where both touch the same lines, these stay as they are, and what is gone
    of the right ones comes beside them.
    """
    whole = merge(spoiled, now, right)
    if whole is not None:
        return whole, True
    lines, text = split_lines(spoiled), now
    for one in replacements(spoiled, right, hunks):
        mended = merge(spoiled, text, "".join([*lines[: one.start], one.text, *lines[one.end :]]))
        text = text if mended is None else mended
    wanted = split_lines(right)
    for at, line in enumerate(wanted):
        there = split_lines(text)
        if line not in lines and line not in there:
            above = next((there.index(one) + 1 for one in reversed(wanted[:at]) if one in there), 0)
            above -= bool(above) and not there[above - 1].endswith(("\n", "\r"))
            text = "".join([*there[:above], line, *there[above:]])
    return text, False


def _placed(text: str, edits: "Sequence[types.TextEdit]", encoding: Encoding | str) -> str:
    """The text after these edits; a position outside of it is the nearest one inside, as in most editors."""
    index = TextIndex(text, encoding)
    for edit in reversed(edits):
        start, end = index.offsets(edit.range)
        text = text[:start] + edit.new_text + text[end:]
    return text
