"""BUILD: what is checked before a task may land: which files it touched, the tests, the critic and the reviewer."""

import asyncio
from dataclasses import dataclass, replace

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import FindingsAnswer
from wainwright.agents.loop import Brief, run_agent
from wainwright.agents.spoken import to_go_on_with
from wainwright.domain.changes import content_hash
from wainwright.domain.evidence import Finding, Receipt, Verdict
from wainwright.domain.goal import Fact
from wainwright.domain.plan import covers
from wainwright.domain.sizes import criticises, reviews_tasks
from wainwright.domain.state import TaskState
from wainwright.engine import workbenches
from wainwright.engine.judging import broken, verdict_on
from wainwright.engine.live_run import LiveRun
from wainwright.engine.noting import NotesOfRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.belonging import standing, tests_in
from wainwright.engine.stages.recorded import recorded_receipt
from wainwright.engine.stages.told import told
from wainwright.journal import Spend, Steps
from wainwright.receipts.names import belongs
from wainwright.receipts.text import report_text
from wainwright.tools.toolbox import Workbench

_OWN_RED = (
    "Acceptance tests of requirements that only this task serves are red, or did not run. Mend the code. If one can "
    "only pass once another task is there, answer again as you did; the whole is tested when all tasks are merged."
)
_OWN_TESTS_RED = "Your own tests are red on your tree, or did not run. They are pinned now: mend the code."

NAMED_MAX = 20
"""New files beyond the write set that are named."""
_UNDECLARED = (
    "What your task cannot do without you may name in `also` of your answer, with why in its summary: a path, or "
    "`folder/**`. What another task owns, what is pinned and what is protected stays refused."
)


class Checked(Fact):
    """What the engine found out about an answer."""

    refusal: str
    """What to mend before the task may land; empty when it may."""
    remarks: tuple[Finding, ...] = ()
    looked: str = ""
    """Which commit the reviewers were shown; empty when they were not asked."""
    scope: str = ""
    """Where their conversations are kept."""


@dataclass
class TaskCheck:
    """The checks of one attempt."""

    parts: EngineParts
    run: LiveRun
    one: TaskState
    workbench: Workbench
    laid: tuple[str, ...] = ()
    """Acceptance files in the tree that are not on the head."""
    alone: bool = False
    """The tests are the implementer's own, and no other task has a part in them."""
    last: Checked | None = None
    """The newest check for which the reviewers were asked: they go on from there."""

    async def check(self, steps: Steps, declared: tuple[str, ...] = ()) -> Checked:
        """May this land? Recorded as one step, since tests print times.

        ``declared`` are files beyond the write set that the answer says it added or deleted.
        """
        commit = await self.workbench.checkpoint(self.one.task.title)
        tree = await asyncio.to_thread(self.workbench.repository.tree_of, commit)

        async def act(key: str) -> tuple[JsonValue, Spend]:
            number = int(key.rpartition("#")[2])
            # An attempt that was killed while it was given up may come here again with another tree.
            name = f"check{number}-{tree[:12]}"
            before = steps.below(self.last.scope) if self.last else None
            checked = await self._examine(steps.below(name), before, commit, declared, first=number == 0)
            return checked.model_copy(update={"scope": name}).model_dump(mode="json"), Spend()

        found = await steps.step(
            "check", inputs=[tree, *declared] if declared else tree, effect="read", act=act
        )
        checked = Checked.model_validate(found)
        self.last = checked if checked.looked else self.last
        return checked

    async def _examine(
        self, steps: Steps, before: Steps | None, commit: str, declared: tuple[str, ...], *, first: bool
    ) -> Checked:
        state, workbench = self.run.state, self.workbench
        misplaced = await asyncio.to_thread(self._misplaced, commit, declared)
        if misplaced:
            return Checked(refusal=misplaced)
        there = tests_in(state, {*standing(state), *self.laid})
        receipt = await recorded_receipt(self.parts, state, workbench, steps, commit, there)
        if receipt is not None:
            verdict = await verdict_on(self.parts, state, commit, receipt, there)
            refusal = self._red(receipt, verdict, first=first)
            if refusal:
                return Checked(refusal=refusal)
        findings = await self._opinions(steps, before, commit, receipt)
        binding = [f for f in findings if f.binding]
        refusal = briefs.findings(tuple(binding), "The review found") if binding else ""
        return Checked(refusal=refusal, remarks=findings, looked=commit)

    def _red(self, receipt: Receipt, verdict: Verdict, *, first: bool) -> str:
        """What the receipt has against landing: what is worse than on the base, and at first what is still red."""
        base, due = self.run.state.base_receipt, self.workbench.due_tests
        worse = broken(receipt, verdict, base)
        if worse:
            return worse
        red = [
            name
            for name in (*verdict.acceptance_red, *verdict.not_run)
            if any(belongs(name, one) for one in due)
        ]
        if not red or not (first or self.alone):
            return ""
        self.run.tell("sends it back: acceptance tests of its own are red", self.one.task.id)
        return f"{_OWN_TESTS_RED if self.alone else _OWN_RED}\n{report_text(receipt, own=due, base=base)}"

    def _misplaced(self, commit: str, declared: tuple[str, ...]) -> str:
        """Changes by shell that the edit blocks would have refused; additions and deletions that nobody declared."""
        wrong, added = [], []
        mine = (*self.workbench.write_set, *declared)
        for status, path in self.workbench.repository.changes(self.workbench.began_at, commit):
            pinned = self._pinned(commit, path)
            refusal = "" if pinned else self.workbench.refuses(path)
            if refusal:
                wrong.append(f"{path}: {refusal}")
            elif status == "D" and not covers(mine, path):
                wrong.append(f"{path} is deleted and not in your write set; put it back")
            elif status == "A" and not pinned and not covers(mine, path):
                added.append(f"{path} is new and not in your write set; remove it")
        wrong += [
            *added[:NAMED_MAX],
            *([f"and {len(added) - NAMED_MAX} more are new"] if added[NAMED_MAX:] else []),
        ]
        return "\n".join([*wrong, _UNDECLARED]) if wrong else ""

    def _pinned(self, commit: str, path: str) -> bool:
        """Whether a file is an acceptance test, exactly as it was pinned."""
        written = self.run.state.acceptance
        content = self.workbench.repository.read(commit, path)
        pinned = written.files.get(path) if written else None
        return content is not None and pinned == content_hash(content)

    async def _opinions(
        self, steps: Steps, before: Steps | None, commit: str, receipt: Receipt | None
    ) -> tuple[Finding, ...]:
        """The critic looks first and advises; the reviewer verifies and decides. Not for goals of every size.

        Who has looked already goes on from there, and is shown what differs since.
        """
        state, workbench, task = self.run.state, self.workbench, self.one.task
        if not reviews_tasks(state):
            return ()
        diff = await asyncio.to_thread(workbench.repository.diff, workbench.began_at, commit)
        unshown = await asyncio.to_thread(workbench.repository.unshown, workbench.began_at, commit)
        if not diff.strip():
            return ()
        result = briefs.receipt(receipt, own=workbench.own_tests, base=state.base_receipt)
        tests = await asyncio.to_thread(self._own_tests)
        told_first = briefs.join(
            briefs.untested(state),
            briefs.task(self.one).replace("## Your task", "## The task"),
            briefs.diff(tests, "Its acceptance tests") if tests else "",
            briefs.diff(diff),
            briefs.unshown(unshown),
            result,
        )
        since = ""
        if self.last is not None:
            since = await asyncio.to_thread(workbench.repository.diff, self.last.looked, commit)
        told_again = briefs.join(
            briefs.AGAIN,
            briefs.diff(since, "The difference since your last look"),
            briefs.unshown(unshown),
            result,
        )
        shared = await told(self.parts, state, workbench.name)

        async def ask(assignment: roles.Assignment, more: str) -> FindingsAnswer:
            assignment = assignment.where(from_nothing=state.from_nothing)
            earlier = await to_go_on_with(before.below(assignment.name), assignment) if before else ()
            text = await self.parts.redactor.clean(briefs.join(told_again if earlier else told_first, more))
            brief = Brief(text, earlier=earlier) if earlier else Brief(text, shared)
            return await self._opinion(assignment, brief, reader, steps)

        async with workbenches.reading(self.parts, state, f"{workbench.name}-read", commit) as reader:
            advice = ""
            if criticises(state):
                self.run.tell("the critic looks at the change", task.id)
                critique = await ask(roles.CRITIQUE, "")
                advice = briefs.findings(critique.findings, "The Critic's findings")
            self.run.tell("the reviewer looks at the change", task.id)
            return (await ask(roles.TASK_REVIEW, advice)).findings

    def _own_tests(self) -> str:
        """The acceptance tests of this task, as far as they are in its tree."""
        base = self.run.state.base
        files = tuple(sorted({test.partition("::")[0] for test in self.workbench.own_tests or ()}))
        if base is None or not files:
            return ""
        return self.workbench.repository.diff(base, self.workbench.began_at, files)

    async def _opinion(
        self, assignment: roles.Assignment, brief: Brief, reader: Workbench, steps: Steps
    ) -> FindingsAnswer:
        done = await run_agent(
            assignment,
            FindingsAnswer,
            replace(brief, notes=NotesOfRun(self.parts, self.run, self.one.task.id)),
            workbench=reader,
            steps=steps.below(assignment.name),
            models=self.parts.models.during(self.run.tell, self.run.left_s),
        )
        return done.answer
