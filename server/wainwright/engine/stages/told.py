"""What every role of a run is told before its own words: the same bytes for all, as long as nothing new is known."""

from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs


async def told(parts: EngineParts, state: RunState, name: str) -> tuple[str, ...]:
    """What all are told, in parts. ``name``: of the piece of work that asks."""
    known = await workbenches.shared(parts, state, name)
    return tuple([await parts.redactor.clean(part) for part in briefs.shared(state, known)])
