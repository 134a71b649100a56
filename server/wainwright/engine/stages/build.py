"""BUILD: acceptance tests, attempts at tasks, what is checked before a task may land, and the landing itself.

A task lands as one commit on the run's head: the head and the task's commit are merged without a checkout, the tests
run on the *merged* tree, and the head moves by compare-and-swap. One landing at a time.
"""

import asyncio
import re
from dataclasses import replace

from pydantic import JsonValue

from wainwright.agents import roles
from wainwright.agents.answers import AcceptanceAnswer, FindingsAnswer, WorkAnswer
from wainwright.agents.loop import OutOfTurns, Work, run_agent
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.errors import BadAnswer, WorkspaceError
from wainwright.domain.evidence import Finding, Receipt
from wainwright.domain.goal import Fact
from wainwright.domain.plan import EVERYTHING, covers
from wainwright.domain.state import RunState, TaskState
from wainwright.engine.live_run import Scheduler
from wainwright.engine.parts import House
from wainwright.engine.stages import briefs
from wainwright.engine.workbenches import Desks
from wainwright.journal import Spend, Steps
from wainwright.tools import receipts
from wainwright.tools.toolbox import Desk
from wainwright.workspace.files import digest

_OWN_RED = (
    "Acceptance tests of requirements that only this task serves are red. Mend the code. If one can only pass "
    "once another task is there, answer again as you did; the whole is tested when all tasks are merged."
)


_FOR_TESTS = re.compile(r"(^|[/._-])(tests?|specs?|conftest|__tests__)([/._-]|$)", re.IGNORECASE)
"""Paths that look like tests, in any language."""


class _Begun(Fact):
    """Where an attempt started; recorded, so that a resumed attempt starts at the same place."""

    commit: str
    claimed: tuple[str, ...] = ()
    landed: tuple[str, ...] = ()
    """Tasks that were on the head already."""
    own_tests: tuple[str, ...] = ()
    """Acceptance tests of the requirements that the task serves."""
    due_tests: tuple[str, ...] = ()
    """Those of them that no other unfinished task has a part in: they have to pass before the task may land."""


class _Checked(Fact):
    """What the engine found out about an answer."""

    refusal: str
    remarks: tuple[Finding, ...] = ()


class Builder:
    """Performs the effects of BUILD."""

    def __init__(self, house: House, desks: Desks) -> None:
        self._house = house
        self._desks = desks

    # ---- acceptance tests

    async def write_acceptance(self, run: Scheduler, effect: ef.WriteAcceptance) -> tuple[ev.Event, ...]:
        """Let the tester write tests on the run's head. They become the first commit, and read-only."""
        state = run.state
        steps = run.steps(f"/BUILD/acceptance.{effect.round}/tester")
        begun = await self._begin(steps, _Begun(commit=_head(state)))
        desk = await self._desks.writing(state, f"acceptance-{effect.round}", begun.commit, write_set=("**",))
        run.tell("the tester writes acceptance tests")
        brief = briefs.join(
            briefs.goal(state),
            briefs.requirements(state),
            briefs.plan(state),
            briefs.design(state),
            briefs.before(effect.digest),
            briefs.tests(state),
            await self._desks.shown(state, desk, state.goal.text),
        )
        done = await run_agent(
            roles.ACCEPTANCE,
            AcceptanceAnswer,
            self._house.redactor.redact(brief),
            desk=desk,
            steps=steps,
            models=self._house.models,
            check=lambda answer: self._check_tests(state, desk, steps, answer),
            tell=run.tell,
        )
        commit = begun.commit
        if done.answer.status == "done":
            commit = await desk.checkpoint("acceptance tests")
        message = f"Acceptance tests\n\n{done.answer.summary}\n\nRun: {state.run}"
        head, tree = await self._squash(begun.commit, commit, message)
        async with run.integration:
            await self._move(run, head)
        named = {test.test.partition("::")[0] for test in done.answer.tests}
        files = await asyncio.to_thread(self._blobs, begun.commit, head, named)
        return (
            ev.AcceptanceWritten(
                commit=head, tree=tree, tests=done.answer.tests, files=files, summary=done.answer.summary
            ),
        )

    async def _check_tests(
        self, state: RunState, desk: Desk, steps: Steps, done: Work[AcceptanceAnswer]
    ) -> str:
        if done.answer.status == "impossible":
            return ""
        commit = await desk.checkpoint("acceptance tests")
        changes = await asyncio.to_thread(desk.repository.changes, desk.began_at, commit)
        named = {test.test.partition("::")[0] for test in done.answer.tests}
        if not changes and not named & set(await asyncio.to_thread(desk.repository.files, commit)):
            return "You answered done, but no test file was written."
        deleted = [path for status, path in changes if status == "D"]
        if deleted:
            return f"You deleted {', '.join(deleted)}. Leave the existing tests alone."
        wrong = _misplaced_tests(state, desk, [path for _, path in changes]) or _uncovered(state, done.answer)
        if wrong:
            return wrong
        receipt = await self._receipt(state, desk, steps, commit)
        written = {*named, *(path for _, path in changes)}
        return "" if receipt is None else _unfit_tests(state, receipt, written)

    def _blobs(self, base: str, tip: str, named: set[str]) -> dict[str, str]:
        """Path -> digest of what the tester wrote, now or for an earlier plan."""
        repository = self._house.repository
        paths = {path for status, path in repository.changes(base, tip) if status != "D"} | named
        found = {path: repository.read(tip, path) for path in sorted(paths)}
        return {path: digest(content) for path, content in found.items() if content is not None}

    def judged(self, state: RunState) -> tuple[str, ...]:
        """Acceptance files that hold tests. What stands beside them is pinned too, but has no cases of its own."""
        if state.acceptance is None:
            return ()
        named = {test.test.partition("::")[0] for test in state.acceptance.tests}
        return tuple(path for path in state.acceptance.files if path in named or receipts.holds_tests(path))

    def tampered(self, state: RunState, commit: str) -> tuple[str, ...]:
        """Acceptance test files that are not what the tester wrote."""
        pinned = state.acceptance.files if state.acceptance else {}
        read = self._house.repository.read
        return tuple(path for path, sha in pinned.items() if digest(read(commit, path) or b"") != sha)

    # ---- one attempt at a task

    async def run_task(self, run: Scheduler, effect: ef.RunTask) -> tuple[ev.Event, ...]:
        """Let an implementer make one attempt, and land it."""
        one = run.state.tasks[effect.task]
        if one.status != "running":
            await run.emit(
                ev.TaskStarted(
                    task=effect.task, revision=effect.revision, attempt=effect.attempt, rung=effect.rung
                )
            )
        scope = f"/BUILD/{effect.task}.{effect.revision}.{effect.attempt}"
        steps = run.steps(f"{scope}/implementer")
        begun = await self._begin(steps, _begin_task(run.state, one))
        try:
            done, desk, remarks = await self._attempt(run, one, effect, steps, begun)
        except (OutOfTurns, BadAnswer) as error:
            return (self._failed(effect, "code", error.message),)
        answer = done.answer
        if answer.status != "done":
            cause: ev.FailureCause = "environment" if answer.status == "environment" else "impossible"
            return (self._failed(effect, cause, answer.because or answer.summary),)
        commit = await desk.checkpoint(one.task.title)
        async with run.integration:
            return await self._land(run, one, effect, begun.commit, commit, answer.summary, remarks)

    async def _attempt(
        self, run: Scheduler, one: TaskState, effect: ef.RunTask, steps: Steps, begun: _Begun
    ) -> tuple[Work[WorkAnswer], Desk, tuple[Finding, ...]]:
        state, name = run.state, effect.task
        pinned = frozenset(state.acceptance.files) if state.acceptance else frozenset()
        desk = await self._desks.writing(
            state,
            f"{name}-{effect.revision}-{effect.attempt}",
            begun.commit,
            write_set=one.task.write_set,
            claimed=begun.claimed,
            read_only=pinned,
        )
        desk.own_tests, desk.due_tests = begun.own_tests, begun.due_tests
        remarks: list[Finding] = []

        def tell(text: str) -> None:
            run.tell(text, name)

        async def check(done: Work[WorkAnswer]) -> str:
            if done.answer.status != "done":
                return ""
            checked = await self._check(run, one, desk, steps)
            remarks[:] = checked.remarks
            return checked.refusal

        tell(f"the implementer begins {name}")
        brief = briefs.join(
            briefs.goal(state),
            briefs.requirements(state),
            briefs.task(one),
            briefs.before(one.digest if one.digest != one.task.instruction else ""),
            briefs.design(state),
            briefs.acceptance(state, begun.own_tests, begun.due_tests),
            briefs.tests(state),
            briefs.since(begun.landed),
            await self._desks.shown(state, desk, one.task.instruction, one.task.write_set),
        )
        limits = self._house.settings.limits
        done = await run_agent(
            replace(roles.IMPLEMENT, turns=limits.turns_per_task),
            WorkAnswer,
            self._house.redactor.redact(brief),
            desk=desk,
            steps=steps,
            models=self._house.models,
            check=check,
            refusals_max=limits.repairs,
            rung=effect.rung,
            tell=tell,
        )
        return done, desk, tuple(remarks)

    async def _check(self, run: Scheduler, one: TaskState, desk: Desk, steps: Steps) -> _Checked:
        """May this land? Files, tests, critic, reviewer; recorded as one step, since tests print times."""
        commit = await desk.checkpoint(one.task.title)

        tree = await asyncio.to_thread(desk.repository.tree_of, commit)

        async def act(key: str) -> tuple[JsonValue, Spend]:
            number = int(key.rpartition("#")[2])
            # An attempt that was killed while it was given up may come here again with another tree.
            inside = steps.below(f"check{number}-{tree[:12]}")
            checked = await self._look(run, one, desk, inside, commit, first=number == 0)
            return checked.model_dump(mode="json"), Spend()

        found = await steps.step("check", inputs=tree, effect="read", act=act)
        return _Checked.model_validate(found)

    async def _look(
        self, run: Scheduler, one: TaskState, desk: Desk, steps: Steps, commit: str, *, first: bool
    ) -> _Checked:
        state = run.state
        misplaced = await asyncio.to_thread(self._misplaced, desk, commit)
        if misplaced:
            return _Checked(refusal=misplaced)
        receipt = await self._receipt(state, desk, steps, commit)
        if receipt is not None:
            broken = _turned_red(state, receipt)
            if broken:
                names = ", ".join(broken[:10])
                text = receipts.report_text(receipt, own=broken)
                return _Checked(refusal=f"Green before your change and red now: {names}.\n{text}")
            if first and receipts.red(receipt, desk.due_tests):
                run.tell("sends it back: acceptance tests of its own are red", one.task.id)
                return _Checked(refusal=f"{_OWN_RED}\n{receipts.report_text(receipt, own=desk.due_tests)}")
        findings = await self._opinions(run, one, desk, steps, commit, receipt)
        binding = [f for f in findings if f.binding]
        if binding:
            return _Checked(refusal=briefs.findings(tuple(binding), "The review found"), remarks=findings)
        return _Checked(refusal="", remarks=findings)

    def _misplaced(self, desk: Desk, commit: str) -> str:
        """Changes by shell that the edit blocks would have refused, and deletions that were not declared."""
        wrong = []
        for status, path in desk.repository.changes(desk.began_at, commit):
            refusal = desk.refuses(path)
            if refusal:
                wrong.append(f"{path}: {refusal}")
            elif status == "D" and not covers(desk.write_set, path):
                wrong.append(f"{path} is deleted and not in your write set; put it back")
        return "\n".join(wrong)

    async def _receipt(self, state: RunState, desk: Desk, steps: Steps, commit: str) -> Receipt | None:
        """The tests on the agent's tree as it stands; recorded."""
        if self._house.sandbox is None or state.test_command is None:
            return None
        command = state.test_command
        name = f"{desk.tree.name}-check"

        async def act(_key: str) -> tuple[JsonValue, Spend]:
            receipt = await self._desks.receipt(state, name, commit, command)
            return receipt.model_dump(mode="json"), Spend()

        tree = await asyncio.to_thread(desk.repository.tree_of, commit)
        return Receipt.model_validate(
            await steps.step("receipt", inputs={"tree": tree, "command": command}, effect="read", act=act)
        )

    async def _opinions(
        self, run: Scheduler, one: TaskState, desk: Desk, steps: Steps, commit: str, receipt: Receipt | None
    ) -> tuple[Finding, ...]:
        """The critic looks first and advises; the reviewer verifies and decides."""
        state = run.state
        diff = await asyncio.to_thread(desk.repository.diff, desk.began_at, commit)
        if not diff.strip():
            return ()
        shared = briefs.join(
            briefs.goal(state),
            briefs.requirements(state, one.task.acceptance),
            briefs.design(state),
            briefs.task(one).replace("## Your task", "## The task"),
            briefs.diff(diff),
            briefs.receipt(receipt, own=desk.own_tests),
        )
        reader = await self._desks.reading(state, f"{desk.tree.name}-read", commit)
        run.tell("the critic looks at the change", one.task.id)
        critique = await self._ask(roles.CRITIQUE, shared, reader, steps)
        run.tell("the reviewer looks at the change", one.task.id)
        text = briefs.join(shared, briefs.findings(critique.findings, "The Critic's findings"))
        return (await self._ask(roles.TASK_REVIEW, text, reader, steps)).findings

    async def _ask(
        self, assignment: roles.Assignment, brief: str, desk: Desk, steps: Steps
    ) -> FindingsAnswer:
        done = await run_agent(
            assignment,
            FindingsAnswer,
            self._house.redactor.redact(brief),
            desk=desk,
            steps=steps.below(assignment.name),
            models=self._house.models,
        )
        return done.answer

    # ---- landing

    async def _land(
        self,
        run: Scheduler,
        one: TaskState,
        effect: ef.RunTask,
        began: str,
        commit: str,
        summary: str,
        remarks: tuple[Finding, ...],
    ) -> tuple[ev.Event, ...]:
        """Merge onto the head, test the merged tree, move the head. The event is written before the next landing."""
        repository, state = self._house.repository, run.state
        head = state.head
        assert head is not None
        merged = await asyncio.to_thread(repository.merge, head, commit)
        if merged.tree is None:
            both = await asyncio.to_thread(self._conflict, began, head, commit, merged.conflicts)
            return (self._failed(effect, "conflict", both),)
        message = f"{one.task.title}\n\n{summary}\n\nTask: {effect.task}\nRun: {state.run}"
        landed = head
        if merged.tree != state.head_tree:
            landed = await asyncio.to_thread(repository.commit_tree, merged.tree, [head], message)
        receipt = None
        if self._house.sandbox is not None and state.test_command is not None:
            run.tell(f"tests the merged tree of {effect.task}", effect.task)
            receipt = await self._desks.receipt(state, "landing", landed, state.test_command)
            broken = _turned_red(state, receipt)
            if broken:
                red = f"Merged with the other tasks, these tests turned red: {', '.join(broken[:10])}.\n"
                return (self._failed(effect, "code", red + receipts.report_text(receipt)),)
        await self._move(run, landed)
        await run.emit(
            ev.TaskLanded(
                task=effect.task,
                attempt=effect.attempt,
                commit=landed,
                tree=merged.tree,
                summary=summary,
                receipt=receipt,
                remarks=remarks,
            )
        )
        return ()

    def _conflict(self, began: str, head: str, commit: str, paths: tuple[str, ...]) -> str:
        """Both intents, for the attempt that starts on the new head."""
        repository = self._house.repository
        theirs = repository.diff(began, head, paths)
        mine = repository.diff(began, commit, paths)
        return briefs.join(
            f"Your change and what landed meanwhile are in each other's way in {', '.join(paths)}. "
            "You start again on the new state; keep what both want.",
            briefs.diff(theirs, "What landed meanwhile"),
            briefs.diff(mine, "Your earlier change"),
        )

    async def _squash(self, began: str, commit: str, message: str) -> tuple[str, str]:
        repository = self._house.repository
        tree = await asyncio.to_thread(repository.tree_of, commit)
        if tree == await asyncio.to_thread(repository.tree_of, began):
            return began, tree
        return await asyncio.to_thread(repository.commit_tree, tree, [began], message), tree

    async def _move(self, run: Scheduler, new: str) -> None:
        """Move the run's ref. It follows the journal: after a crash it may be ahead, and is taken back first."""
        repository, state = self._house.repository, run.state
        ref = f"{state.run}/head"
        old = await asyncio.to_thread(repository.resolve, ref)
        if not await asyncio.to_thread(repository.move, ref, new, old):
            raise WorkspaceError(
                f"The head of run {state.run} was moved by somebody else.", "Resume the run."
            )

    async def _begin(self, steps: Steps, now: _Begun) -> _Begun:
        async def act(_key: str) -> tuple[JsonValue, Spend]:
            return now.model_dump(mode="json"), Spend()

        return _Begun.model_validate(await steps.step("begin", inputs=None, effect="read", act=act))

    def _failed(self, effect: ef.RunTask, cause: ev.FailureCause, digest: str) -> ev.TaskFailed:
        return ev.TaskFailed(
            task=effect.task, attempt=effect.attempt, cause=cause, digest=self._house.redactor.redact(digest)
        )


def _uncovered(state: RunState, answer: AcceptanceAnswer) -> str:
    """Each requirement has a test, or the tester says by its number why it has none."""
    known = {r.id for r in state.plan.requirements} if state.plan else set()
    shown = {test.requirement for test in answer.tests}
    if shown - known:
        return f"There is no requirement {', '.join(sorted(shown - known))}."
    silent = sorted(r for r in known - shown if r not in answer.summary)
    if silent:
        names = ", ".join(silent)
        return (
            f"No test shows {names}. Write one, or say in `summary`, by its number, why it cannot be tested."
        )
    return ""


def _unfit_tests(state: RunState, receipt: Receipt, written: set[str]) -> str:
    """The tests that were there still say what they said, and the new ones are found."""
    broken = sorted(n for n in _base_passing(state) - receipt.passing if n.partition("::")[0] not in written)
    if broken:
        return f"These tests passed before and do not now: {', '.join(broken[:10])}."
    gone = _gone(state, receipt, sorted(written))
    if gone:
        return f"These tests passed before and are gone: {', '.join(gone[:10])}. Put them back."
    if receipt.cases and not any(c.name.partition("::")[0] in written for c in receipt.cases):
        return f"`{state.test_command}` does not find your tests:\n{receipts.report_text(receipt)}"
    return ""


def _begin_task(state: RunState, one: TaskState) -> _Begun:
    others = [t.task for t in state.unfinished if t.task.id != one.task.id]
    shared = {r for other in others for r in other.acceptance}
    alone = set(one.task.acceptance) - shared
    tests = state.acceptance.tests if state.acceptance else ()
    return _Begun(
        commit=_head(state),
        claimed=tuple(sorted({path for other in others for path in other.write_set})),
        landed=tuple(t.task.id for t in state.tasks.values() if t.status == "landed"),
        own_tests=tuple(dict.fromkeys(t.test for t in tests if t.requirement in one.task.acceptance)),
        due_tests=tuple(dict.fromkeys(t.test for t in tests if t.requirement in alone)),
    )


def _head(state: RunState) -> str:
    assert state.head is not None
    return state.head


def _base_passing(state: RunState) -> frozenset[str]:
    base = state.base_tested.receipt if state.base_tested else None
    return base.passing if base else frozenset()


def _turned_red(state: RunState, receipt: Receipt) -> list[str]:
    """Tests that passed on the base and do not now; all of them when the tests could not even begin."""
    return sorted(_base_passing(state) - receipt.passing)


def _misplaced_tests(state: RunState, desk: Desk, paths: list[str]) -> str:
    """What a tester may not write: protected places, and the files that the plan gives to a task."""
    wrong = [refusal for path in paths if (refusal := desk.refuses(path))]
    tasks = [t for t in (state.plan.tasks if state.plan else ()) if t.write_set != (EVERYTHING,)]
    wrong += [
        f"{path} belongs to the task {task.id}; write tests only, in files of their own"
        for path in paths
        for task in tasks
        if covers(task.write_set, path) and not _FOR_TESTS.search(path)
    ]
    return "\n".join(wrong)


def _gone(state: RunState, receipt: Receipt, written: list[str]) -> list[str]:
    """Tests that passed on the base and are not in the files any more, as far as these can be imported."""
    there = {case.name for case in receipt.cases}
    unknown = {name.partition("::")[0] for name in there if name.endswith("::collection")}
    files = set(written) - unknown
    return sorted(name for name in _base_passing(state) - there if name.partition("::")[0] in files)
