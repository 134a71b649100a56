"""What a person takes over of a change, hunk by hunk, and what BUILD is told of the rest."""

from wainwright.domain.errors import IllegalTransition
from wainwright.domain.hunks import Hunk, HunksDecided, ShownFile
from wainwright.domain.marks import fenced
from wainwright.domain.state import RunState


def take(state: RunState, event: HunksDecided) -> RunState:
    """Note what was said of hunks. Raises IllegalTransition where another change is shown, or none."""
    shown = state.shown
    if shown is None or shown.commit != event.commit:
        raise IllegalTransition(
            "The change has become another one since you looked at it.", "Look at change.diff again."
        )
    unknown = [number for number in event.hunks if number not in shown.hunks]
    if unknown or not event.hunks:
        raise IllegalTransition(
            f"There is no hunk {', '.join(map(str, unknown)) or 'named'} in this change.",
            f"It has the hunks 1 to {len(shown.hunks)}.",
        )
    return state.changed(said={**state.said, **dict.fromkeys(event.hunks, event)})


def refused(state: RunState) -> dict[int, HunksDecided]:
    """The hunks of the shown change that are not taken over, by number."""
    return {number: said for number, said in sorted(state.said.items()) if said.decision != "accept"}


def all_refused(state: RunState) -> bool:
    """Whether nothing of the change is left to take over."""
    return state.shown is not None and bool(state.said) and refused(state).keys() == state.shown.hunks.keys()


def refused_files(state: RunState) -> frozenset[str]:
    """The files of the shown change in which something was refused."""
    hunks = state.shown.hunks if state.shown else {}
    return frozenset(hunks[number][0].path for number in refused(state))


def rework(state: RunState) -> str:
    """What BUILD is told of the hunks that were refused: the words for each, and what it was."""
    shown = state.shown
    if shown is None:
        return ""
    told = []
    for said in dict.fromkeys(refused(state).values()):
        parts = [shown.hunks[number] for number in said.hunks if refused(state).get(number) == said]
        told.append(f"{_asked(said)}\n\n{fenced(''.join(map(_as_it_was, parts)))}")
    return "\n\n".join(told)


def _asked(said: HunksDecided) -> str:
    words = said.reason.strip()
    if said.decision == "change":
        return f"Make these lines again, with this change: {words}"
    why = f": {words}" if words else ", without saying why: leave them out, or solve it in another way"
    return f"The person rejected these lines{why}"


def _as_it_was(part: tuple[ShownFile, Hunk]) -> str:
    file, hunk = part
    return f"{file.path}, {file.kind}\n{hunk.lines or file.note}\n"
