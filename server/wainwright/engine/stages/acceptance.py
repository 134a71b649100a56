"""BUILD: acceptance tests, written from the requirements before the code."""

import asyncio
import re

from wainwright.agents import roles
from wainwright.agents.answers import AcceptanceAnswer
from wainwright.agents.loop import Work, run_agent
from wainwright.domain import effects as ef
from wainwright.domain import events as ev
from wainwright.domain.changes import content_hash
from wainwright.domain.evidence import Receipt
from wainwright.domain.plan import EVERYTHING, covers
from wainwright.domain.state import RunState
from wainwright.engine import workbenches
from wainwright.engine.live_run import LiveRun
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages import briefs
from wainwright.engine.stages.landing import move_head, squash
from wainwright.engine.stages.recorded import Beginning, begin, recorded_receipt
from wainwright.journal import Steps
from wainwright.receipts.detect import holds_tests
from wainwright.receipts.text import report_text
from wainwright.tools.toolbox import Workbench

_FOR_TESTS = re.compile(r"(^|[/._-])(tests?|specs?|conftest|__tests__)([/._-]|$)", re.IGNORECASE)
"""Paths that look like tests, in any language."""


async def write_acceptance(
    parts: EngineParts, run: LiveRun, effect: ef.WriteAcceptance
) -> tuple[ev.Event, ...]:
    """Let the tester write tests on the run's head. They become the first commit, and read-only."""
    state = run.state
    steps = run.steps(f"/BUILD/acceptance.{effect.round}/tester")
    begun = await begin(steps, Beginning(commit=state.present_head))
    name = f"acceptance-{effect.round}"
    async with workbenches.writing(parts, state, name, begun.commit, write_set=("**",)) as workbench:
        run.tell("the tester writes acceptance tests")
        brief = briefs.join(
            briefs.goal(state),
            briefs.requirements(state),
            briefs.plan(state),
            briefs.design(state),
            briefs.before(effect.digest),
            briefs.tests(state),
            await workbenches.shown(parts, state, workbench, state.goal.text),
        )
        done = await run_agent(
            roles.ACCEPTANCE,
            AcceptanceAnswer,
            parts.redactor.redact(brief),
            workbench=workbench,
            steps=steps,
            models=parts.models,
            check=lambda answer: _check_tests(parts, state, workbench, steps, answer),
            tell=run.tell,
        )
        commit = begun.commit
        if done.answer.status == "done":
            commit = await workbench.checkpoint("acceptance tests")
    message = f"Acceptance tests\n\n{done.answer.summary}\n\nRun: {state.run}"
    head, tree = await squash(parts, begun.commit, commit, message)
    async with run.integration:
        await move_head(parts, run, head)
    named = {test.test.partition("::")[0] for test in done.answer.tests}
    files = await asyncio.to_thread(_blobs, parts, begun.commit, head, named)
    return (
        ev.AcceptanceWritten(
            commit=head, tree=tree, tests=done.answer.tests, files=files, summary=done.answer.summary
        ),
    )


async def _check_tests(
    parts: EngineParts, state: RunState, workbench: Workbench, steps: Steps, done: Work[AcceptanceAnswer]
) -> str:
    if done.answer.status == "impossible":
        return ""
    commit = await workbench.checkpoint("acceptance tests")
    changes = await asyncio.to_thread(workbench.repository.changes, workbench.began_at, commit)
    named = {test.test.partition("::")[0] for test in done.answer.tests}
    if not changes and not named & set(await asyncio.to_thread(workbench.repository.files, commit)):
        return "You answered done, but no test file was written."
    deleted = [path for status, path in changes if status == "D"]
    if deleted:
        return f"You deleted {', '.join(deleted)}. Leave the existing tests alone."
    wrong = _misplaced_tests(state, workbench, [path for _, path in changes]) or _uncovered(
        state, done.answer
    )
    if wrong:
        return wrong
    receipt = await recorded_receipt(parts, state, workbench, steps, commit)
    written = {*named, *(path for _, path in changes)}
    return "" if receipt is None else _unfit_tests(state, receipt, written)


def _blobs(parts: EngineParts, base: str, tip: str, named: set[str]) -> dict[str, str]:
    """Path -> digest of what the tester wrote, now or for an earlier plan."""
    repository = parts.repository
    paths = {path for status, path in repository.changes(base, tip) if status != "D"} | named
    found = {path: repository.read(tip, path) for path in sorted(paths)}
    return {path: content_hash(content) for path, content in found.items() if content is not None}


def judged(state: RunState) -> tuple[str, ...]:
    """Acceptance files that hold tests. What stands beside them is pinned too, but has no cases of its own."""
    if state.acceptance is None:
        return ()
    named = {test.test.partition("::")[0] for test in state.acceptance.tests}
    return tuple(path for path in state.acceptance.files if path in named or holds_tests(path))


def tampered(parts: EngineParts, state: RunState, commit: str) -> tuple[str, ...]:
    """Acceptance test files that are not what the tester wrote."""
    pinned = state.acceptance.files if state.acceptance else {}
    read = parts.repository.read
    return tuple(path for path, sha in pinned.items() if content_hash(read(commit, path) or b"") != sha)


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
    broken = sorted(n for n in state.base_passing - receipt.passing if n.partition("::")[0] not in written)
    if broken:
        return f"These tests passed before and do not now: {', '.join(broken[:10])}."
    gone = _gone(state, receipt, sorted(written))
    if gone:
        return f"These tests passed before and are gone: {', '.join(gone[:10])}. Put them back."
    if receipt.cases and not any(c.name.partition("::")[0] in written for c in receipt.cases):
        return f"`{state.test_command}` does not find your tests:\n{report_text(receipt)}"
    return ""


def _misplaced_tests(state: RunState, workbench: Workbench, paths: list[str]) -> str:
    """What a tester may not write: protected places, and the files that the plan gives to a task."""
    wrong = [refusal for path in paths if (refusal := workbench.refuses(path))]
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
    return sorted(name for name in state.base_passing - there if name.partition("::")[0] in files)
