"""What a person has to say yes to before the engine runs commands: at the gate at which agents ask, too.

Tests that the person or the workspace names are run by themselves within walls. What a model named is judged as its
shell lines are, and behind Landlock alone a person is asked about everything. A yes is to these commands on this tree
under these rules and in this fence, and a process that comes later goes on with the gate.
"""

import hashlib
from collections.abc import Sequence
from pathlib import PurePosixPath

from wainwright.domain.errors import SandboxError
from wainwright.domain.evidence import Suite
from wainwright.domain.state import RunState
from wainwright.domain.tiers import why_asked
from wainwright.engine.parts import EngineParts
from wainwright.sandbox import tiers
from wainwright.sandbox.protocol import Sandbox
from wainwright.tools.approvals import approval


class NotAgreed(SandboxError):
    """A person said no to a command, or would have to say yes, and nobody is there."""


def fence(parts: EngineParts) -> Sandbox:
    """What commands are run in. Raises SandboxError where there is nothing."""
    if parts.sandbox is None:
        raise SandboxError(f"No command can be run: {parts.sandbox_reason}", "See `wainwright doctor`.")
    return parts.sandbox


def why_not(parts: EngineParts, state: RunState, suites: Sequence[Suite]) -> str:
    """Why commands are not run before a person's yes, as a part of a sentence; empty where they are.

    Raises NotAgreed for what the rules deny.
    """
    judged = parts.settings.commands.rules.judge(
        [suite.command for suite in suites if _by_a_model(state, suite)], str(parts.workspace)
    )
    if judged.verdict == "deny":
        raise NotAgreed(f"{_names(suites)} is not run: {judged.why}.", "Name other test commands.")
    return judged.why or why_asked(fence(parts).tier)


async def agreed(
    parts: EngineParts,
    state: RunState,
    name: str,
    suites: Sequence[Suite],
    tree: str,
    *,
    only: Sequence[str] = (),
) -> Sandbox:
    """What runs these suites on a tree, as soon as a person has said yes where one has to.

    ``name`` says for which work, as that of its tree. Raises NotAgreed.
    """
    sandbox, why = fence(parts), why_not(parts, state, suites)
    if not why:
        return sandbox
    who = parts.persons.get(state.run)
    person = who() if who is not None else None
    if person is None:
        raise NotAgreed(f"Nobody is there to agree to {_names(suites)}: {why}.", "Resume it where you are.")
    place = parts.repository.place
    at = PurePosixPath(place.top if place.prefix else parts.workspace, place.prefix or ".")
    narrowed = f", narrowed to {', '.join(only)}" if only else ""
    asked = approval(
        [suite.shown for suite in suites],
        why=why,
        where=f"{at}, in a tree that nobody else has ({tree[:10]}){narrowed}; runners are asked for a report",
        tier=sandbox.tier,
        bound=("tests", tree, list(only), parts.settings.commands.rules.version, str(at)),
        once="A yes is for these commands on this tree",
    )
    binds = hashlib.sha256(f"{asked.digest} {name} {state.resumes}".encode()).hexdigest()
    no = await person(asked, f"{name}/tests", binds)
    if no:
        raise NotAgreed(f"{_names(suites)} was not run: {no}.", "Resume the run to be asked again.")
    return tiers.agreed(sandbox)


def _by_a_model(state: RunState, suite: Suite) -> bool:
    """Whether neither the person nor the workspace has named it."""
    return (suite.command, suite.folder) not in {(one.command, one.folder) for one in state.own_suites}


def _names(suites: Sequence[Suite]) -> str:
    return ", ".join(f"`{suite.shown}`" for suite in suites)
