"""How far a run is on its way, stage by stage, and when each began."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from wainwright.domain.fold import fold
from wainwright.domain.goal import ENDS, WORKING, Fact, Stage
from wainwright.engine.views.run_view import RunView
from wainwright.journal import Journal

Mark = Literal["done", "now", "later", "skipped", "wrong"]


class StageView(Fact):
    """A stage of a run."""

    stage: Stage
    mark: Mark
    began: float | None = None
    """Seconds since the epoch; None: it has not begun."""
    why: str = ""
    """Why it is skipped."""


class Timeline:
    """When the stages of a run began, as the journal says; it is read again when the run has moved on."""

    def __init__(self, journal: Journal, run: str) -> None:
        self._journal = journal
        self._run = run
        self._began: dict[Stage, float] = {}

    def began(self, now: Stage) -> dict[Stage, float]:
        """When each began, in seconds since the epoch; ``now`` is the present stage."""
        if now not in self._began:
            state = None
            facts = zip(self._journal.events(self._run), self._journal.times(self._run), strict=False)
            for fact, (at, _) in facts:
                state = fold(state, fact)
                self._began.setdefault(state.stage, at)
        return self._began


def stages(view: RunView, began: Mapping[Stage, float] = MappingProxyType({})) -> tuple[StageView, ...]:
    """The stages between the first and the last, in their order."""
    at = WORKING.index(view.stage) if view.stage in WORKING else len(WORKING)
    here: Mark = "now"
    if view.stage in ENDS and view.stage is not Stage.DONE:
        at = max((WORKING.index(stage) for stage in began if stage in WORKING), default=-1)
        here = "wrong" if view.stage is Stage.FAILED else "later"
    elif view.stage is Stage.NEW:
        at = -1
    return tuple(
        StageView(
            stage=stage,
            mark="skipped" if stage in view.skips else here if at == number else _mark(at, number),
            began=began.get(stage),
            why=view.skips.get(stage, ""),
        )
        for number, stage in enumerate(WORKING)
    )


def _mark(at: int, number: int) -> Mark:
    return "done" if at > number else "later"
