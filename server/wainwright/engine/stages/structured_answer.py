"""One structured answer of a role that can look at the tree and not write."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wainwright.agents.loop import Brief, Work, run_agent
from wainwright.agents.roles import Assignment
from wainwright.domain.goal import Fact
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.noting import NotesOfRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.told import told
from wainwright.models.client import Message

A = TypeVar("A", bound=Fact)


async def ask(
    parts: EngineParts,
    run: LiveRun,
    assignment: Assignment,
    form: type[A],
    scope: str,
    brief: Callable[[str], str],
    check: Callable[[Work[A]], Awaitable[str]] | None = None,
    about: str | None = None,
    *,
    earlier: tuple[Message, ...] = (),
) -> Work[A]:
    """Ask a role that answers with one structure, at a workbench where it can only read.

    All roles are told the same first. ``brief`` says what is at hand, given what the tree holds beyond that: what
    has changed, and what it is ``about``; nothing where that is None. Where it goes on with an ``earlier``
    conversation, it says what is new.
    """
    state = run.state
    assignment = assignment.where(from_nothing=state.from_nothing)
    run.tell(f"the {assignment.role} thinks")
    commit = state.head or state.base
    assert commit is not None
    name = f"{assignment.name}-{hashlib.sha256(scope.encode()).hexdigest()[:8]}"
    shared = await told(parts, state, name)
    async with workbenches.reading(parts, state, name, commit) as workbench:
        shown = ""
        # Of the base nothing is new, and nobody speaks of a part of it.
        if about or (about is not None and commit != state.base):
            shown = await workbenches.shown(parts, state, workbench, about, room=assignment.room)
        return await run_agent(
            assignment,
            form,
            Brief(await parts.redactor.clean(brief(shown)), shared, earlier, NotesOfRun(parts, run)),
            workbench=workbench,
            steps=run.steps(f"{scope}/{assignment.name}"),
            models=parts.models.during(run.tell, run.left_s),
            check=check,
            tell=run.tell,
        )
