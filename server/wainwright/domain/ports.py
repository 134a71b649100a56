"""What lower rooms are lent by higher ones, as protocols; ``app.py`` wires them."""

from typing import Literal, Protocol

from wainwright.domain.changes import Changeset
from wainwright.domain.goal import Fact


class EditorAnswer(Fact):
    """What became of a changeset in the editor."""

    status: Literal["applied", "partial", "refused", "absent"]
    detail: str = ""
    """Which files were not changed, and why."""
    left: tuple[str, ...] = ()
    """The paths of those files."""


class Editor(Protocol):
    """The editor a run was started from."""

    async def apply(self, run: str, changeset: Changeset) -> EditorAnswer:
        """Offer one versioned edit, check by content what came of it, and say so. Safe to call again."""
        ...

    async def agrees(self, question: str) -> bool:
        """Ask the person for a yes; anything else, nothing for a while included, is a no."""
        ...

    def tell(self, text: str) -> None:
        """Say something to the person."""
        ...


class NoEditor:
    """No editor is attached: the branch is all there is."""

    async def apply(self, run: str, changeset: Changeset) -> EditorAnswer:
        """Nothing is applied."""
        return EditorAnswer(status="absent")

    async def agrees(self, question: str) -> bool:
        """Nobody is asked."""
        return False

    def tell(self, text: str) -> None:
        """Nobody hears it."""
