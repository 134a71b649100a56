"""A window's place at the engine of its workspace, which other windows may share."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wainwright.domain.ports import Editor
    from wainwright.engine.engine import Engine

Opens = Callable[[Path, "Editor"], Awaitable["Seat"]]
"""A place at the engine of a folder. Raises InputError for one that cannot be worked in."""


def _nobody(_run: str) -> None:
    """There is no other window."""


@dataclass
class Seat:
    """What a window has of an engine."""

    engine: "Engine"
    leave: Callable[[], Awaitable[None]]
    """The window has gone; ``in_order`` says whether it said so."""
    take: Callable[[str], None] = _nobody
    """Its person works on a run in this window: here it asks and hands over, and other windows show it."""
    shared: Callable[[str], None] = field(default=_nobody)
    """Called with each run that is worked on in another window; set by who sits here."""
    under_way: tuple[str, ...] = ()
    """Runs that other windows worked on when this one came."""
    in_order: bool = True
