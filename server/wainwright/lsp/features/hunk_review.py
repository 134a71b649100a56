"""Hunks of a change: what is offered on each of them in `change.diff`, by code action and by lens."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain import change_diff
from wainwright.domain.change_diff import Spot
from wainwright.lsp.documents.sides import Side
from wainwright.lsp.runs.available import AvailableCommand

if TYPE_CHECKING:
    from wainwright.engine.hunks import ChangeView, HunkView
    from wainwright.lsp.documents.own import OwnDocument
    from wainwright.lsp.runs.hunks import Hunks

_SAID = {"accept": "accepted", "reject": "rejected", "change": "to be changed"}


def shows_hunks(document: "OwnDocument") -> bool:
    """Whether a document is the change of a run."""
    return document.run is not None and document.name.endswith(f"/{change_diff.NAME}")


async def here(hunks: "Hunks", run: str, span: types.Range) -> list[AvailableCommand]:
    """What is offered for the hunks that a range touches, for their files, and for all."""
    seen = await hunks.seen(run)
    if seen is None:
        return []
    spots = await hunks.below(seen)
    if not spots:
        return []
    touched = [s for s in spots if s.first <= span.end.line and span.start.line <= s.last]
    return [*_on_hunks(seen, touched, await hunks.in_files(seen.run)), *_on_all(seen)]


async def on_side(hunks: "Hunks", side: Side, span: types.Range) -> list[AvailableCommand]:
    """What is offered for the hunks that a range of a side touches, for its file, and for all."""
    seen, found = await _of_side(hunks, side)
    if seen is None:
        return []
    touched = [one for one, first, last in found if first <= span.end.line and span.start.line <= last]
    spots = [Spot(number=one.number, first=0, last=0, words="") for one in touched]
    return [*_on_hunks(seen, spots, await hunks.in_files(seen.run)), *_on_all(seen)]


async def _of_side(hunks: "Hunks", side: Side) -> "tuple[ChangeView | None, list[tuple[HunkView, int, int]]]":
    """The change that a side is of, and the hunks in it with their first and last line there, from 0.

    None where the run shows another by now.
    """
    seen = await hunks.seen(side.run)
    if seen is None or seen.commit != side.commit or side.which != "after":
        return None, []
    of_it = [one for one in seen.hunks if one.path == side.path]
    return seen, [(one, one.line - 1, one.line - 1 + max(one.length - 1, 0)) for one in of_it]


async def lenses_of_side(hunks: "Hunks", side: Side) -> list[types.CodeLens]:
    """On each hunk of a side what ``lenses`` has in `change.diff`."""
    seen, found = await _of_side(hunks, side)
    if seen is None:
        return []
    return [lens for one, first, _ in found for lens in _lenses_on(seen, one, first, words="")]


def _on_hunks(
    seen: "ChangeView", spots: "list[Spot]", in_files: frozenset[str]
) -> Iterator[AvailableCommand]:
    known = {one.number: one for one in seen.hunks}
    touched = [(spot, known[spot.number]) for spot in spots if spot.number in known]
    for spot, one in touched:
        yield from _on_one(seen, one, words=spot.words)
    for path in dict.fromkeys(one.path for _, one in touched):
        if seen.handed:
            there = {"run": seen.run, "file": path}
            if path in in_files:
                yield AvailableCommand(f"Revert the change of {path}", "wainwright.revert", there)
            yield AvailableCommand(f"Apply the change of {path} again", "wainwright.apply", there)
        elif seen.asked and sum(one.path == path for one in seen.hunks) > 1:
            yield _said(seen, f"Accept all of {path}", "accept", file=path)
            yield _said(seen, f"Reject all of {path}", "reject", file=path)


def _on_one(seen: "ChangeView", one: "HunkView", *, words: str) -> Iterator[AvailableCommand]:
    name = f"hunk {one.number} of {one.path}"
    about = {"run": seen.run, "hunk": one.number}
    explain = AvailableCommand(f"Explain {name}", "wainwright.explainHunk", about, short="Explain")
    if seen.handed:
        there: dict[str, object] = {"run": seen.run, "hunks": [one.number]}
        yield AvailableCommand(
            f"Revert {name}", "wainwright.revert", there, short=f"Revert hunk {one.number}"
        )
        yield AvailableCommand(f"Apply {name} again", "wainwright.apply", there, short="Apply it again")
        yield explain
        return
    if not seen.asked:
        yield explain
        return
    if one.decision != "accept":
        yield _said(seen, f"Accept {name}", "accept", hunks=[one.number], short=f"Accept hunk {one.number}")
    why = f": {' '.join(words.split())}" if words else ""
    which: dict[str, object] = {"hunks": [one.number], **({"reason": words} if words else {})}
    yield _said(seen, f"Reject {name}{why}", "reject", short=f"Reject hunk {one.number}", **which)
    if words:
        yield _said(
            seen, f"Have {name} changed{why}", "change", short=f"Have hunk {one.number} changed", **which
        )
    yield explain


def _on_all(seen: "ChangeView") -> Iterator[AvailableCommand]:
    if len(seen.hunks) > 1 and seen.asked:
        yield _said(seen, f"Accept all {len(seen.hunks)} hunks", "accept")
        yield _said(seen, f"Reject all {len(seen.hunks)} hunks", "reject")


def _said(
    seen: "ChangeView", title: str, decision: str, *, short: str = "", **which: object
) -> AvailableCommand:
    argument = {"run": seen.run, "commit": seen.commit, "decision": decision, **which}
    return AvailableCommand(title, "wainwright.hunk", argument, short=short)


async def lenses(hunks: "Hunks", run: str) -> list[types.CodeLens]:
    """On each hunk: what was said of it, and what can be."""
    seen = await hunks.seen(run)
    if seen is None:
        return []
    known = {one.number: one for one in seen.hunks}
    spots = [(spot, known[spot.number]) for spot in await hunks.below(seen) if spot.number in known]
    return [lens for spot, one in spots for lens in _lenses_on(seen, one, spot.first, words=spot.words)]


def _lenses_on(seen: "ChangeView", one: "HunkView", line: int, *, words: str) -> list[types.CodeLens]:
    place = types.Range(types.Position(line, 0), types.Position(line, 0))
    offers = list(_on_one(seen, one, words=words))
    if one.decision and not seen.handed:
        reason = f": {' '.join(one.reason.split())}" if one.reason else ""
        explain = offers.pop()
        offers.insert(0, replace(explain, short=f"{_SAID[one.decision]}{reason}"))
    return [
        types.CodeLens(place, types.Command(o.short or o.title, o.command, arguments=[o.argument]))
        for o in offers
    ]
