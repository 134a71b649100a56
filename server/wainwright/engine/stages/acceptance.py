"""BUILD: acceptance tests, written from the requirements before the code."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass

from wainwright.agents import roles
from wainwright.agents.answers import AcceptanceAnswer
from wainwright.agents.loop import Brief, Work, run_agent
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.changes import content_hash
from wainwright.domain.decide import goes_on
from wainwright.domain.evidence import AcceptanceTest, Receipt
from wainwright.domain.plan import EVERYTHING, covers
from wainwright.domain.skipping import left_out, skipped
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.noting import NotesOfRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs, red_first
from wainwright.engine.stages.belonging import standing, with_files
from wainwright.engine.stages.landing import commit_message, move_head
from wainwright.engine.stages.recorded import Beginning, begin, recorded_receipt
from wainwright.engine.stages.told import told
from wainwright.journal import Steps
from wainwright.tools.toolbox import Workbench

FOR_TESTS = re.compile(r"(^|/|[._-])(tests?|specs?|conftest|__tests__)([/._-]|$)", re.IGNORECASE)
"""Paths that look like tests, in any language."""
KEPT = "acceptance"
"""Where the commit that has all acceptance tests is kept, below the run's name."""


async def write_acceptance(
    parts: EngineParts, run: LiveRun, effect: ef.WriteAcceptance
) -> tuple[ev.Event, ...]:
    """Let the tester write tests. They are kept beside the head and enter it with their tasks, read-only."""
    state = run.state
    steps = run.steps(f"/BUILD/acceptance.{effect.round}/tester")
    begun = await begin(steps, Beginning(commit=await _start(parts, state)))
    name = f"acceptance-{effect.round}"
    shared = await told(parts, state, name)
    async with workbenches.writing(parts, state, name, begun.commit, write_set=("**",)) as workbench:
        workbench.person = run.person
        run.tell("the tester writes acceptance tests")
        brief = briefs.join(
            briefs.instructions(state),
            briefs.before(effect.digest),
            briefs.survivors(state),
            await workbenches.shown(parts, state, workbench, effect.digest, room=roles.ACCEPTANCE.room),
        )
        checking = _Checking(parts, state, workbench, steps)
        done = await run_agent(
            roles.ACCEPTANCE.speaking(briefs.tested_by(state)).where(from_nothing=state.from_nothing),
            AcceptanceAnswer,
            Brief(await parts.redactor.clean(brief), shared, notes=NotesOfRun(parts, run)),
            workbench=workbench,
            steps=steps,
            models=parts.models.during(run.tell, run.left_s),
            check=checking.check,
            tell=run.tell,
        )
        commit = begun.commit
        if done.answer.status == "done":
            commit = await workbench.checkpoint("acceptance tests")
    files, _ = await asyncio.to_thread(_written, parts, state, begun.commit, commit, done.answer)
    async with run.integration:
        events = await pinned(parts, run, commit, files, done.answer, checking.first)
        # Written before anybody else lands: whoever did so in between would land without the tests that are due.
        if goes_on(run.state, effect):
            await run.emit(*events)
    return ()


async def _start(parts: EngineParts, state: RunState) -> str:
    """The head, with the tests on it that were written for a plan before and never landed."""
    head, former = state.present_head, state.former_acceptance
    if former is None or not former.kept:
        return head
    return (await with_files(parts, head, former.kept, former.files, "Acceptance tests of the plan before"))[
        0
    ]


@dataclass
class _Checking:
    """Looks at what the tester answers, and remembers how the tests ended before the change."""

    parts: EngineParts
    state: RunState
    workbench: Workbench
    steps: Steps
    first: ev.RedFirstTested | None = None

    async def check(self, done: Work[AcceptanceAnswer]) -> str:
        """Why the answer is not accepted; empty when it is."""
        self.first = None
        answer, workbench = done.answer, self.workbench
        if answer.status == "impossible":
            return ""
        commit = await workbench.checkpoint("acceptance tests")
        files, changes = await asyncio.to_thread(
            _written, self.parts, self.state, workbench.began_at, commit, answer
        )
        if not files:
            return "You answered done, but no test file was written."
        deleted = [path for status, path in changes if status == "D"]
        if deleted:
            return f"You deleted {', '.join(deleted)}. Leave the existing tests alone."
        wrong = (
            _misplaced_tests(self.state, workbench, [path for _, path in changes])
            or uncovered(self.state, answer.tests, answer.summary)
            or unplaced(answer.tests, files)
        )
        return wrong or await self._red_first(answer, commit, files)

    async def _red_first(self, answer: AcceptanceAnswer, commit: str, files: Sequence[str]) -> str:
        state = self.state
        assert state.base is not None
        there, _ = await with_files(self.parts, state.base, commit, files, "Acceptance tests on the base")
        receipt = await recorded_receipt(self.parts, state, self.workbench, self.steps, there)
        if receipt is None:
            return ""
        around = await asyncio.to_thread(self.parts.repository.files, commit)
        self.first = red_first.told(state, receipt, answer.tests, around)
        return _harmful(state, receipt, files) or red_first.unfit(
            state, self.first, answer.tests, answer.summary
        )


def _written(
    parts: EngineParts, state: RunState, began: str, commit: str, answer: AcceptanceAnswer
) -> tuple[tuple[str, ...], list[tuple[str, str]]]:
    """The files with the tests of an answer, written now or before, or landed; and what was changed now."""
    changes = [(status, path) for status, path in parts.repository.changes(began, commit)]
    named = {*(test.test.partition("::")[0] for test in answer.tests), *_landed_before(state)}
    found = {path for status, path in changes if status != "D"}
    return tuple(sorted(found | (named & set(parts.repository.files(commit))))), changes


async def pinned(
    parts: EngineParts,
    run: LiveRun,
    commit: str,
    files: Sequence[str],
    answer: AcceptanceAnswer,
    first: ev.RedFirstTested | None,
) -> tuple[ev.Event, ...]:
    """Keep the tests beside the head. Those of work that has landed already go onto it at once."""
    state, head = run.state, run.state.present_head
    kept, _ = await with_files(parts, head, commit, files, "Acceptance tests")
    ref = f"{state.run}/{KEPT}"
    await asyncio.to_thread(
        parts.repository.move, ref, kept, await asyncio.to_thread(parts.repository.resolve, ref)
    )
    receipt = first.receipt if first else None
    owners = {**_owners(state, answer, files, receipt), **_landed_before(state, answer)}
    written = ev.AcceptanceWritten(
        commit=head,
        tree=state.head_tree or "",
        tests=answer.tests,
        files=await asyncio.to_thread(_hashes, parts, kept, files),
        kept=kept,
        owners=owners,
        waits=red_first.hindering(state, receipt, tuple(owners)) if receipt else (),
        summary=answer.summary,
    )
    now = standing(state.changed(acceptance=written))
    message = await asyncio.to_thread(
        commit_message, parts, state, head, kept, "Add acceptance tests", answer.summary
    )
    new, tree = await with_files(parts, head, kept, now, message)
    if new != head:
        await move_head(parts, run, new)
    events: tuple[ev.Event, ...] = (written.model_copy(update={"commit": new, "tree": tree}),)
    return (first, *events) if first else events


def _landed_before(state: RunState, answer: AcceptanceAnswer | None = None) -> dict[str, tuple[str, ...]]:
    """Files of the tests before these that are on the head, with their tasks; without those an answer names tests of.

    They were shown true by what landed, and stay pinned when others are written anew.
    """
    former = state.former_acceptance
    if former is None or not former.kept:
        return {}
    there = standing(state.changed(acceptance=former))
    named = {test.test.partition("::")[0] for test in answer.tests} if answer else set()
    return {path: former.owners[path] for path in there if path in former.owners and path not in named}


def _owners(
    state: RunState, answer: AcceptanceAnswer, files: Sequence[str], receipt: Receipt | None
) -> dict[str, tuple[str, ...]]:
    """Which tasks a file of tests belongs to: those that serve what it shows, or all where nobody says what."""
    shows: dict[str, set[str]] = {path: set() for path in files}
    for test in answer.tests:
        shows.get(test.test.partition("::")[0], set()).add(test.requirement)
    ran = {case.name.partition("::")[0] for case in (receipt.cases if receipt else ())}
    # A file of what is left out alone belongs to who will never land; any other one waits for nobody who is skipped.
    done = [one.task for one in state.tasks.values() if one.status != "skipped"]
    found = {}
    for path, wanted in shows.items():
        if wanted:
            serving = [one.task for one in skipped(state)] if wanted <= left_out(state) else done
            found[path] = tuple(task.id for task in serving if wanted & set(task.acceptance))
        elif path in ran:
            found[path] = tuple(task.id for task in done)
    return found


def _hashes(parts: EngineParts, commit: str, files: Sequence[str]) -> dict[str, str]:
    found = {path: parts.repository.read(commit, path) for path in files}
    return {path: content_hash(content) for path, content in found.items() if content is not None}


def uncovered(state: RunState, tests: Sequence[AcceptanceTest], why: str, where: str = "summary") -> str:
    """Each requirement has a test, or it is said by its number why it has none."""
    known = {r.id for r in state.plan.requirements} if state.plan else set()
    shown = {test.requirement for test in tests}
    if shown - known:
        return f"There is no requirement {', '.join(sorted(shown - known))}."
    gone = sorted(shown & left_out(state))
    if gone:
        return f"The person skipped the tasks that serve {', '.join(gone)}: write no test of that."
    silent = sorted(r for r in known - shown - left_out(state) if r not in why)
    if silent:
        names = ", ".join(silent)
        return (
            f"No test shows {names}. Write one, or say in `{where}`, by its number, why it cannot be tested."
        )
    return ""


def unplaced(tests: Sequence[AcceptanceTest], files: Sequence[str]) -> str:
    """Tests are named by their file, in every language: it says with which task they land."""
    lost = [test.test for test in tests if test.test.partition("::")[0] not in files]
    if not lost:
        return ""
    return (
        f"There is no such file: {', '.join(lost[:5])}. Name a test as `path/of/the/file::name of the test`."
    )


def _harmful(state: RunState, receipt: Receipt, files: Sequence[str]) -> str:
    """The tests that were there still say what they said, as far as they can be built."""
    base = state.base_receipt.passing if state.base_receipt else frozenset()
    broken = sorted(n for n in base & set(receipt.failing) if n.partition("::")[0] not in files)
    if broken:
        return f"These tests passed before and do not now: {', '.join(broken[:10])}."
    there = {case.name for case in receipt.cases}
    hindered = set(red_first.hindering(state, receipt, files))
    gone = sorted(
        n for n in base - there if n.partition("::")[0] in files and n.partition("::")[0] not in hindered
    )
    if gone:
        return f"These tests passed before and are gone: {', '.join(gone[:10])}. Put them back."
    return ""


def _misplaced_tests(state: RunState, workbench: Workbench, paths: list[str]) -> str:
    """What a tester may not write: protected places, and the files that the plan gives to a task."""
    wrong = [refusal for path in paths if (refusal := workbench.refuses(path))]
    tasks = [t for t in (state.plan.tasks if state.plan else ()) if t.write_set != (EVERYTHING,)]
    wrong += [
        f"{path} belongs to the task {task.id}; write tests only, in files of their own"
        for path in paths
        for task in tasks
        if covers(task.write_set, path) and not FOR_TESTS.search(path)
    ]
    return "\n".join(wrong)
