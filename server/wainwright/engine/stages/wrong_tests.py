"""BUILD: an implementer says that acceptance tests are wrong, and the reviewer agrees or does not.

Tests that are changed to make them pass are how work gets faked, so nobody decides that alone.
"""

import asyncio
from dataclasses import dataclass

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import ConsentAnswer
from wainwright.agents.loop import Brief, run_agent
from wainwright.domain.ladder import tests_may_be_wrong
from wainwright.domain.marks import among, fenced
from wainwright.domain.state import TaskState
from wainwright.domain.text import cut
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.noting import NotesOfRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.belonging import coming_later, standing, working_with
from wainwright.engine.stages.recorded import recorded_receipt
from wainwright.engine.stages.told import told
from wainwright.journal import Spend, Steps
from wainwright.tools.toolbox import Workbench

_NONE = "There are no acceptance tests of this task that could be wrong. Go on, or answer `impossible` and say why."
_TOO_OFTEN = (
    "The acceptance tests were written anew often enough. Make them pass, or answer `impossible` and say why."
)
_UNSAID = (
    "Say in `because` which test is wrong, which requirement it goes against, and what it should demand."
)


@dataclass(frozen=True)
class WrongTests:
    """What becomes of an implementer's claim about the tests in their tree."""

    parts: EngineParts
    run: LiveRun
    one: TaskState
    workbench: Workbench
    laid: tuple[str, ...]
    """Acceptance files in the tree that are not on the head."""

    async def consent(self, steps: Steps, claim: str) -> ConsentAnswer:
        """Whether the reviewer agrees, and why or why not. Asked once for a claim; recorded as one step."""
        state = self.run.state
        name = self.one.task.id
        # What another task that has landed meanwhile had a part in is to be in the tree, and is not in this one yet.
        own = (*working_with(state, name), *coming_later(state, name))
        files = sorted({*standing(state), *self.laid, *own})
        if not files:
            return ConsentAnswer(agree=False, reason=_NONE)
        if not claim.strip():
            return ConsentAnswer(agree=False, reason=_UNSAID)
        if not tests_may_be_wrong(state):
            return ConsentAnswer(agree=False, reason=_TOO_OFTEN)
        commit = await self.workbench.checkpoint(self.one.task.title)
        tree = await asyncio.to_thread(self.workbench.repository.tree_of, commit)

        async def act(key: str) -> tuple[JsonValue, Spend]:
            inside = steps.below(f"consent{key.rpartition('#')[2]}-{tree[:12]}")
            answer = await self._ask(inside, commit, files, claim)
            return answer.model_dump(mode="json"), Spend()

        inputs: JsonValue = {"tree": tree, "claim": claim}
        return ConsentAnswer.model_validate(
            await steps.step("consent", inputs=inputs, effect="read", act=act)
        )

    async def _ask(self, steps: Steps, commit: str, files: list[str], claim: str) -> ConsentAnswer:
        parts, state, workbench, task = self.parts, self.run.state, self.workbench, self.one.task
        receipt = await recorded_receipt(parts, state, workbench, steps, commit)
        diff = await asyncio.to_thread(workbench.repository.diff, workbench.began_at, commit)
        brief = briefs.join(
            briefs.task(self.one).replace("## Your task", "## The task"),
            await asyncio.to_thread(self._tests, commit, files),
            briefs.diff(diff),
            briefs.receipt(receipt, own=workbench.own_tests, base=state.base_receipt),
            f"## The Implementer's claim\n\n{among(claim)}",
        )
        shared = await told(parts, state, workbench.name)
        self.run.tell("the reviewer is asked whether the tests are wrong", task.id)
        async with workbenches.reading(parts, state, f"{workbench.name}-consent", commit) as reader:
            done = await run_agent(
                roles.CONSENT.where(from_nothing=state.from_nothing),
                ConsentAnswer,
                Brief(await parts.redactor.clean(brief), shared, notes=NotesOfRun(parts, self.run, task.id)),
                workbench=reader,
                steps=steps.below(roles.CONSENT.name),
                models=parts.models.during(self.run.tell, self.run.left_s),
            )
        return done.answer

    def _tests(self, commit: str, files: list[str]) -> str:
        read, written = self.parts.repository.read, self.run.state.acceptance
        kept = written.kept if written and written.kept else commit
        found = {path: read(commit, path) or read(kept, path) or b"" for path in files}
        texts = {path: content.decode("utf-8", "replace") for path, content in found.items()}
        shown = [f"`{path}`:\n\n{fenced(cut(text, briefs.LATER_MAX))}" for path, text in texts.items()]
        return "## The acceptance tests\n\n" + "\n\n".join(shown)
