"""One structured answer of a role that can look at the tree and not write."""

import hashlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

from wainwright.agents.loop import Work, run_agent
from wainwright.agents.roles import Assignment
from wainwright.domain.goal import Fact
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts

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
) -> Work[A]:
    """Ask a role that answers with one structure, at a workbench where it can only read.

    ``brief`` is given what the workbench shows of the workspace, looked through for what it is ``about``;
    of nothing in particular where that is empty, and not at all where it is None.
    """
    state = run.state
    run.tell(f"the {assignment.role} thinks")
    commit = state.head or state.base
    assert commit is not None
    name = f"{assignment.name}-{hashlib.sha256(scope.encode()).hexdigest()[:8]}"
    async with workbenches.reading(parts, state, name, commit) as workbench:
        shown = await workbenches.shown(parts, state, workbench, about) if about is not None else ""
        return await run_agent(
            assignment,
            form,
            parts.redactor.redact(brief(shown)),
            workbench=workbench,
            steps=run.steps(f"{scope}/{assignment.name}"),
            models=parts.models,
            check=check,
            tell=run.tell,
        )
