"""A task's tree that is ready to be landed."""

from dataclasses import dataclass

from wainwright.domain.effects import RunTask
from wainwright.domain.events import Event
from wainwright.domain.evidence import Finding
from wainwright.domain.state import RunState


@dataclass(eq=False)
class Ready:
    """What an attempt wants landed, while it waits for it."""

    effect: RunTask
    commit: str
    began: str
    """The commit that its own change is measured from."""
    laid: tuple[str, ...]
    """Acceptance files in its tree that were not on the head it began on."""
    subject: str
    summary: str
    remarks: tuple[Finding, ...] = ()
    outcome: tuple[Event, ...] | None = None
    """What is still to be written of it, once that is known; nothing where it has landed."""

    @property
    def task(self) -> str:
        """The task that it is of."""
        return self.effect.task

    def at_work(self, state: RunState) -> bool:
        """Whether the attempt still counts: nobody has skipped the task meanwhile, and it has not landed."""
        one = state.tasks.get(self.task)
        return one is not None and one.status == "running" and one.attempt == self.effect.attempt
