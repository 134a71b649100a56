"""BUILD: acceptance tests on the base, with nothing but their files added. There they have to be red.

A test that is green before anything was changed shows nothing, unless it is to keep what is so already; one that is
broken by itself never will.
"""

import asyncio
import re
from collections.abc import Collection, Sequence
from pathlib import PurePosixPath

from wainwright.domain import events as ev
from wainwright.domain.evidence import AcceptanceTest, Case, Receipt, RedFirst
from wainwright.domain.plan import EVERYTHING
from wainwright.domain.state import RunState, guarding
from wainwright.engine import workbenches
from wainwright.engine.parts import EngineParts
from wainwright.engine.stages.belonging import with_files
from wainwright.receipts.names import as_reported, belongs, passed_within
from wainwright.receipts.text import report_text
from wainwright.receipts.verdict import red_first

_NO_MODULE = re.compile(r"No module named ['\"](\w+)")
"""What Python says; other languages tell a package from a file of the project by how it is spelled."""
POSTPONED = "on the base no test tells anything of itself; a task that brings what runs tests can change that"
_NAMED_MAX = 10
_SETS_UP = re.compile(
    r"(^|/)(go\.(mod|sum|work)|package(-lock)?\.json|[^/]*\.config\.[cm]?[jt]s|tsconfig[^/]*\.json|pyproject\.toml"
    r"|(setup|tox)\.(cfg|ini|py)|pytest\.ini|Cargo\.(toml|lock)|pom\.xml|(build|settings)\.gradle(\.kts)?|build\.sbt"
    r"|[^/]*\.(csproj|sln)|CMakeLists\.txt|Makefile|Gemfile(\.lock)?|Rakefile|\.rspec|composer\.(json|lock)"
    r"|phpunit\.xml(\.dist)?|mix\.(exs|lock))$"
)
"""Files that say how tests are built and run, and hold nothing of what they test."""


def told(
    state: RunState, receipt: Receipt, tests: Sequence[AcceptanceTest], files: Collection[str]
) -> ev.RedFirstTested:
    """What a receipt of the base with the test files says of each test; ``files`` are those of the tree."""
    base, names = state.base_receipt, tuple(dict.fromkeys(test.test for test in tests))
    nothing_yet = base is None or not (base.ran or base.exit == 0)
    if nothing_yet and not receipt.ran and set(receipt.unbuilt) <= set(base.unbuilt if base else ()):
        # Red with or without the tests, and no word of them: only what a task brings can tell.
        return ev.RedFirstTested(receipt=receipt, postponed=POSTPONED)
    guards = tuple(test.test for test in tests if guarding(state, test))
    if receipt.cases:
        found = _found(receipt, base, names, _ours(state, files), guards)
        return ev.RedFirstTested(found=found, receipt=receipt)
    rest = tuple(name for name in names if name not in guards)
    if receipt.exit == 0:
        return ev.RedFirstTested(found=RedFirst(green=names), receipt=receipt)
    return ev.RedFirstTested(found=RedFirst(red=rest, green=guards), receipt=receipt)


def _found(
    receipt: Receipt,
    base: Receipt | None,
    tests: Sequence[str],
    ours: Collection[str] | None,
    guards: Collection[str],
) -> RedFirst:
    """How each test ended, whatever the report calls it: the worst of what it stands for."""
    called = {test: as_reported(test, receipt, base) for test in tests}
    ended = red_first(
        receipt, base, tuple(dict.fromkeys(name for names in called.values() for name in names))
    )
    kinds = {kind: set(names) for kind, names in ended if names}
    order = [kind for kind in ("unbuilt", "red", "not_run", "green") if kind in kinds]
    found: dict[str, list[str]] = {kind: [] for kind in order}
    for test, names in called.items():
        kind = next(kind for kind in order if kinds[kind] & set(names))
        if passed_within(test, names, receipt, guard=test in guards):
            kind = "green"
        foreign = kind == "red" and ours is not None and _wants_what_nobody_brings(receipt, test, names, ours)
        found.setdefault("unbuilt" if foreign else kind, []).append(test)
    return RedFirst.model_validate(found)


def _ours(state: RunState, files: Collection[str]) -> frozenset[str] | None:
    """What modules of the workspace can be called, those to come included; None where any file may come."""
    written = [path for one in state.tasks.values() for path in one.task.write_set]
    if EVERYTHING in written:
        return None
    return frozenset(part.partition(".")[0] for path in (*files, *written) for part in path.split("/"))


def _wants_what_nobody_brings(
    receipt: Receipt, test: str, names: Sequence[str], ours: Collection[str]
) -> bool:
    """Whether a test is red for want of a module that is neither of the workspace nor to come."""
    file = test.partition("::")[0]
    messages = [
        case.message
        for case in receipt.cases
        if case.outcome in ("failed", "error")
        and (any(belongs(case.name, name) for name in names) or (case.unbuilt and _concerns(case, file)))
    ]
    lacking = [_NO_MODULE.search(message) for message in messages]
    return bool(lacking) and all(found is not None and found[1] not in ours for found in lacking)


def unfit(
    state: RunState,
    first: ev.RedFirstTested,
    tests: Sequence[AcceptanceTest],
    words: str,
    where: str = "summary",
) -> str:
    """What is wrong with the tests, as told to their author; empty when they may stand.

    ``words`` are the author's, in the field ``where`` of the answer.
    """
    if first.postponed or first.receipt is None or not tests:
        return ""
    found, guards = first.found, {test.test for test in tests if guarding(state, test)}
    same = state.plan is not None and state.plan.keeps_behaviour
    wrong = []
    if found.unbuilt:
        why = report_text(first.receipt, own=found.unbuilt)
        wrong.append(
            f"These cannot be built or collected, and not for want of what is to come: {_names(found.unbuilt)}. "
            f"The fault is their own; mend it.\n{why}"
        )
    if found.not_run:
        wrong.append(
            f"These did not run, since `{first.receipt.command}` does not find them or skips them: "
            f"{_names(found.not_run)}. Name them as the report does, and place them where they are found. "
            f"{_reported(state, first.receipt, found.not_run)}"
        )
    early = () if same else tuple(name for name in found.green if name not in guards)
    if early:
        wrong.append(
            f"These pass before anything was changed, so they show nothing: {_names(early)}. Make them fail for want "
            'of the change; or, where one is to keep what is so already, give it `"guards": true` in your answer.'
        )
    late = [test for test in tests if test.test in found.red and _against(state, test, words)]
    if late:
        planned = ", ".join(sorted({test.requirement for test in late if not test.guards}))
        way = 'leave `"guards"` out where they show what is to come'
        if planned:
            way = (
                f"where the plan is wrong and {planned} is not so today, say that in `{where}`, by its number"
            )
        wrong.append(
            "These are said to guard what is so already, and are red before the change: "
            f"{_names([test.test for test in late])}. Correct them; or {way}."
        )
    if not wrong and not found.red and not same:
        wrong.append("None of your tests is red before the change. At least one has to show what is to come.")
    return "\n\n".join(wrong)


def _against(state: RunState, test: AcceptanceTest, words: str) -> bool:
    """Whether a red test ought to be green: its author calls it a guard, or the plan does and nobody contradicts."""
    return guarding(state, test) and (
        test.guards or not re.search(rf"\b{re.escape(test.requirement)}\b", words)
    )


def _reported(state: RunState, receipt: Receipt, tests: Sequence[str]) -> str:
    """What the report has in the place of these tests: those of their files, or else all that are new."""
    files = tuple(dict.fromkeys(test.partition("::")[0] for test in tests))
    there = [case.name for case in receipt.cases if any(belongs(case.name, file) for file in files)]
    skipped = any(belongs(name, test) for name in there for test in tests)
    if there and not skipped:
        return f"Of these files it has {_names(there)}."
    before = {case.name for case in state.base_receipt.cases} if state.base_receipt else set[str]()
    new = [case.name for case in receipt.cases if case.name not in before]
    if new and not skipped and not receipt.unbuilt:
        return f"It has none of {_names(files)}; what is new in it is {_names(new)}."
    return (
        "This is the report, on the base with your test files and without your change, where your tests have to "
        f"be red.\n{report_text(receipt)}"
    )


def _names(tests: Sequence[str]) -> str:
    more = f" and {len(tests) - _NAMED_MAX} more" if len(tests) > _NAMED_MAX else ""
    return ", ".join(tests[:_NAMED_MAX]) + more


def hindering(state: RunState, receipt: Receipt, files: Sequence[str]) -> tuple[str, ...]:
    """Test files with which the base cannot be built: they have to wait for what they test."""
    if not receipt.cases:
        return tuple(files)
    before = {case.name for case in (state.base_receipt.cases if state.base_receipt else ()) if case.unbuilt}
    unbuilt = [case for case in receipt.cases if case.unbuilt and case.name not in before]
    found = {path for path in files for case in unbuilt if _concerns(case, path)}
    unplaced = any(not any(_concerns(case, path) for path in files) for case in unbuilt)
    return tuple(files) if unplaced else tuple(path for path in files if path in found)


def _concerns(unbuilt: Case, path: str) -> bool:
    """Whether what could not be built is a file, or the package that the file lies in."""
    what = unbuilt.name.partition("::")[0].removesuffix("/")
    return what in (path, str(PurePosixPath(path).parent))


async def postponed(parts: EngineParts, state: RunState, commit: str) -> ev.RedFirstTested | None:
    """What could not run on the base alone, now that a task brings what runs it; None where nothing was put off.

    ``commit`` is what the task lands: of it only what says how tests are run is added to the base, with their files.
    """
    written, first = state.acceptance, state.red_first
    if written is None or not written.kept or first is None or not first.postponed or first.receipt is None:
        return None
    assert state.base is not None
    there = await with_setup(parts, state.base, commit)
    if there == state.base:
        return None
    there, _ = await with_files(parts, there, written.kept, written.files, "The acceptance tests")
    receipt = await workbenches.receipt(parts, state, "red-first", there)
    if not receipt.cases:
        return None
    files = await asyncio.to_thread(parts.repository.files, commit)
    return told(state, receipt, written.tests, files)


async def with_setup(parts: EngineParts, base: str, commit: str) -> str:
    """The base with what a later commit brings that says how tests are built and run; the base if that is nothing."""
    changes = await asyncio.to_thread(parts.repository.changes, base, commit)
    brought = [path for status, path in changes if status != "D" and _SETS_UP.search(path)]
    return (await with_files(parts, base, commit, brought, "How the tests are run"))[0] if brought else base
