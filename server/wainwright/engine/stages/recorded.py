"""What an attempt writes down as steps of the journal, so that a resumed one finds the same again."""

import asyncio
from collections.abc import Collection

from pydantic import JsonValue

from wainwright.domain.evidence import Receipt
from wainwright.domain.goal import Fact
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.judging import judged
from wainwright.engine.parts import EngineParts
from wainwright.journal import Spend, Steps
from wainwright.tools.toolbox import Workbench


class Beginning(Fact):
    """Where an attempt started; recorded, so that a resumed attempt starts at the same place."""

    commit: str
    alone: bool = False
    """The implementer writes the acceptance tests too, and they are pinned on the way."""
    onto: str = ""
    """Where the tree begins with what was built before: the commit without that. Changes are looked at from there."""
    claimed: tuple[str, ...] = ()
    landed: tuple[str, ...] = ()
    """Tasks that were on the head already."""
    laid: tuple[str, ...] = ()
    """Acceptance files that were laid into the tree, to land with the task or with a later one."""
    own_tests: tuple[str, ...] = ()
    """Acceptance tests of the requirements that the task serves."""
    due_tests: tuple[str, ...] = ()
    """Those of them that no other unfinished task has a part in: they have to pass before the task may land."""

    @property
    def plain(self) -> str:
        """The commit that the attempt's own change is measured from."""
        return self.onto or self.commit


async def begin(steps: Steps, now: Beginning) -> Beginning:
    """Where this attempt starts, or where it started when it is resumed."""

    async def act(_key: str) -> tuple[JsonValue, Spend]:
        return now.model_dump(mode="json"), Spend()

    return Beginning.model_validate(await steps.step("begin", inputs=None, effect="read", act=act))


async def recorded_receipt(
    parts: EngineParts,
    state: RunState,
    workbench: Workbench,
    steps: Steps,
    commit: str,
    acceptance: Collection[str] | None = None,
) -> Receipt | None:
    """The tests on a commit of an agent; recorded.

    With the ``acceptance`` tests that stand in it, what is red beyond the base was run again once, alone.
    """
    if parts.sandbox is None or not state.testable:
        return None
    name = f"{workbench.name}-check"

    async def act(_key: str) -> tuple[JsonValue, Spend]:
        if acceptance is None:
            receipt = await workbenches.receipt(parts, state, name, commit)
        else:
            receipt, _ = await judged(parts, state, name, commit, acceptance)
        return receipt.model_dump(mode="json"), Spend()

    tree = await asyncio.to_thread(workbench.repository.tree_of, commit)
    return Receipt.model_validate(
        await steps.step("receipt", inputs={"tree": tree, "command": state.command}, effect="read", act=act)
    )
