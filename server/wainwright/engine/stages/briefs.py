"""What each role is told: Markdown out of the state. The same state gives the same words: steps are found again.

Text that comes from files and commands stands in a fence that it cannot end, or on one line; that of earlier models
begins no heading among our own words (``domain/marks.py``). The common prompt says that it is no instruction.
"""

import re
from collections.abc import Mapping, Sequence

from wainwright.domain import skipping
from wainwright.domain.evidence import (
    MISSING_OR_NEEDLESS,
    AcceptanceTest,
    Finding,
    Receipt,
    Suite,
    listed,
    unnoticed,
)
from wainwright.domain.goal import Place
from wainwright.domain.marks import among, fenced
from wainwright.domain.plan import Plan
from wainwright.domain.shown import in_line
from wainwright.domain.state import RunState, TaskState
from wainwright.domain.text import cut
from wainwright.domain.tiers import reach
from wainwright.receipts.text import report_text
from wainwright.workspace.comparison import Unshown
from wainwright.workspace.context import Shared

BUILT_MAX = 12_000
"""Characters of what was built for one task and did not land."""
LATER_MAX = 8_000
"""Characters of an acceptance test that is not in the tree yet."""
BASE_MAX = 3_000
"""Characters of what the tests say before any change."""
UNNOTICED_MAX = 20
"""Places that no test looks at, of which a role is told."""
UNSHOWN_MAX = 40
"""Links, modes and binary files of a change that a reviewer is told of."""
UNSHOWN_CHARACTERS = 6_000
"""Characters of the difference of one file that only looks binary."""
TESTS_MAX = 2_400
"""Characters of a new file of acceptance tests that a reviewer of the whole is shown."""
DIFF_MAX = 60_000
"""Characters of a diff that a role is shown; it can read the files for the rest."""


def shared(state: RunState, known: Shared) -> tuple[str, ...]:
    """What all roles are told, in parts: the first is the same for all of a run, the second from the plan on.

    How the tests are run stands last in the first part: a plan may know that better than what was recognised.
    """
    network = f"Commands do reach {reach(state.tier)}, and no other host." if reach(state.tier) else ""
    first = join("# What all are given", known.text, goal(state, known), network, tests(state))
    if state.plan is None:
        return (first,)
    return (first, join(requirements(state), plan(state), notes(state), design(state)))


def goal(state: RunState, known: Shared) -> str:
    """What the person asked, and where they stood; what they selected unless it is among what is ``known``."""
    text = f"## Goal\n\n{state.goal.text}"
    place = state.goal.place
    if place is None:
        return text
    lines = f", lines {place.first_line} to {place.last_line}" if place.first_line else ""
    text += f"\n\nThe person stood in `{in_line(place.path)}`{lines}."
    if place.text and not _shown(known, place):
        text += f" The selected text:\n\n{fenced(cut(place.text, 4000))}"
    if place.diagnostics:
        text += "\n\nDiagnostics there:\n" + fenced("\n".join(f"- {in_line(d)}" for d in place.diagnostics))
    return text


def _shown(known: Shared, place: Place) -> bool:
    if place.first_line is None or place.path not in known.seen:
        return False
    wanted = range(place.first_line, (place.last_line or place.first_line) + 1)
    return set(wanted) <= set(known.seen[place.path][1])


def tests(state: RunState) -> str:
    """How the tests are run, and what they say on the base."""
    if not state.suites and state.from_nothing:
        return ""
    if not state.suites:
        return "## Tests\n\nIt is not known how this workspace is tested."
    text = "## Tests\n\n" + "\n".join(f"Command: `{in_line(s.command)}`{_where(s)}" for s in state.suites)
    text += "".join(f"\n{among(one.reason)}" for one in state.left_out)
    if not state.testable:
        return f"{text}\n\nNo test is run: {among(state.untested or state.tier_reason)}"
    base = state.base_tested
    if base is None or state.from_nothing:
        return text
    if base.receipt is None:
        return f"{text}\n\nIt was not run: {among(base.reason)}"
    return f"{text}\n\nOn the base, before any change:\n\n{fenced(cut(report_text(base.receipt), BASE_MAX))}"


def _where(suite: Suite) -> str:
    folder = "" if suite.folder == "." else f" in `{in_line(suite.folder)}`"
    return f"{folder} ({in_line(suite.reason)})" if suite.reason else folder


def tested_by(state: RunState) -> str:
    """What tests the workspace, in its own words: they say in which language a role's example is."""
    base = state.base_receipt
    return (base.runner if base else "") or " ".join(suite.command for suite in state.suites)


def requirements(state: RunState) -> str:
    """The numbered requirements."""
    if state.plan is None:
        return ""
    lines = [
        f"- {r.id}{' (a guard: it is so today and stays so)' if r.guards else ''}: {among(r.text)}"
        for r in state.plan.requirements
    ]
    return "## Requirements\n\n" + "\n".join(lines)


def untested(state: RunState) -> str:
    """Which requirements no test shows, and what the Tester says of that."""
    lines = [f"- {', '.join(names)}: {among(why)}" for why, names in skipping.untested(state).items()]
    head = "## Requirements without a test\n\nNo acceptance test shows these. The words of who wrote the tests:\n\n"
    return head + "\n".join(lines) if lines else ""


def skipped(state: RunState) -> str:
    """What nobody is to miss, since a person skipped it."""
    lines = "\n".join(f"- {sentence}" for sentence in skipping.told(state))
    return f"## Skipped\n\nThis is not part of the change, and no finding:\n{lines}" if lines else ""


def without(state: RunState, one: TaskState) -> str:
    """What a task needs and does not get, since a person skipped it."""
    needed = [state.tasks[name].task for name in one.without if name in state.tasks]
    lines = "\n".join(f"- {t.id}, {in_line(t.title)}: {among(t.instruction)}" for t in needed)
    return f"## Not there\n\nThese were skipped; do without them:\n{lines}" if lines else ""


def before_the_change(state: RunState) -> str:
    """How the acceptance tests ended with nothing but their files added, and what their author says of them."""
    written, first = state.acceptance, state.red_first
    if written is None or first is None or first.postponed:
        return ""
    green = ", ".join(f"`{in_line(one)}`" for one in first.found.green)
    told = f"Red, as what shows a change has to be: {len(first.found.red)}."
    told += f" Green: {green}." if green else ""
    head = "## The acceptance tests before the change"
    # What the author of the change says of it is no reason to believe it.
    account = any(written.summary == one.summary for one in state.tasks.values())
    return join(head, told, "" if account else f"Their author's words: {among(written.summary)}")


def notes(state: RunState) -> str:
    """What the planner told the person."""
    return f"## The Planner's notes\n\n{among(state.plan.notes)}" if state.plan and state.plan.notes else ""


def plan(state: RunState) -> str:
    """The tasks, a line each."""
    if state.plan is None:
        return ""
    tasks = [
        f"- `{t.id}` {in_line(t.title)} (needs: {', '.join(t.needs) or 'nothing'}; "
        f"writes: {', '.join(map(in_line, t.write_set))}; serves: {', '.join(t.acceptance)})"
        for t in state.plan.tasks
    ]
    return "## Tasks\n\n" + "\n".join(tasks)


def instructions(state: RunState) -> str:
    """What the tasks say, for those who look at all of them."""
    tasks = state.plan.tasks if state.plan else ()
    return join("## What the tasks say", *(f"### {t.id}\n\n{among(t.instruction)}" for t in tasks))


_FORMER = (
    "Change it as little as will do. What landed stays: a requirement that it meets already remains in the list, "
    'with `"met": true`, and no task has to serve it.'
)
"""What a planner is told of the plan before."""


def former(state: RunState) -> str:
    """The plan and design that were given up, for those who make new ones."""
    parts = []
    if state.former_plan is not None:
        parts.append(f"## The plan before, whole\n\n{_FORMER}\n\n{_whole(state.former_plan)}")
    if state.former_design is not None:
        text = "\n\n".join(fenced(d.text) for d in state.former_design.documents if d.name.endswith(".md"))
        parts.append(f"## The design before\n\n{text}")
    return "\n\n".join(parts)


def _whole(plan: Plan) -> str:
    """A plan with all that its planner said."""
    marks = {r.id: " (met)" if r.met else " (guards)" if r.guards else "" for r in plan.requirements}
    told = [f"- {r.id}{marks[r.id]}: {among(r.text)}" for r in plan.requirements]
    for t in plan.tasks:
        begins = f"; starts from: {t.starts_from}" if t.starts_from else ""
        needs, writes, serves = (", ".join(words) for words in (t.needs, t.write_set, t.acceptance))
        told.append(
            f"- task {t.id}: {in_line(t.title)} "
            f"(serves: {serves}; needs: {needs or 'nothing'}; writes: {writes}{begins})"
        )
        told.append(f"  {among(t.instruction)}")
    told += [f"- tests: `{in_line(suite.command)}`{_where(suite)}" for suite in plan.suites]
    return "\n".join(told) + (f"\n\nIts notes: {among(plan.notes)}" if plan.notes else "")


def set_aside(one: TaskState, diff: str) -> str:
    """What was built for a task of the plan before and did not land, cut in the middle when it is long."""
    why = f"\n\nWhy it did not land: {among(cut(one.digest, LATER_MAX))}" if one.digest else ""
    return (
        f'## Built for {one.task.id}, and not landed\n\nA task with `"starts_from": "{one.task.id}"` begins with '
        f"it; say in its instruction what is still to do.{why}\n\n{fenced(cut(diff, BUILT_MAX))}"
    )


def design(state: RunState) -> str:
    """The design documents; an OpenAPI document is long and says again what the requirements say."""
    if state.design is None:
        return ""
    told = [d for d in state.design.documents if d.name.endswith(".md")]
    text = "\n\n".join(f"### {d.name}\n\n{fenced(d.text)}" for d in told)
    return f"## Design\n\nNotes of the team; they are not part of the change.\n\n{text}"


def before(digest: str) -> str:
    """What went wrong earlier."""
    return f"## What happened before\n\n{among(digest)}" if digest else ""


MENDS = (
    "Your change was merged; this came of it. The tree is the merged one now, so read again what you edit."
)
"""What an implementer is told that goes on with its conversation."""
BEGINS_AGAIN = (
    "Your work did not land; this came of it. You begin again in a new tree: read again what you edit."
)
"""The same, for another attempt at the same task."""
GOES_ON = "Your work did not land yet; this came of it. You go on in a new tree that holds what you made."
"""The same, where the attempt begins with what was made before."""
AGAIN = "Your findings went back, and this is what was made of them. Judge it as it is now, in the same form."
"""What a reviewer is told that goes on with its conversation."""


def looked_up(lines: str) -> str:
    """What was looked at in an earlier try."""
    return f"## Looked at in an earlier try\n\n{fenced(lines)}" if lines else ""


def task(one: TaskState) -> str:
    """The implementer's own task."""
    t = one.task
    write = "any file" if t.write_set == ("**",) else ", ".join(f"`{in_line(p)}`" for p in t.write_set)
    serves = ", ".join(t.acceptance)
    head = f"## Your task: {t.id}, {in_line(t.title)}"
    return f"{head}\n\n{among(t.instruction)}\n\nYou may write {write}. It serves {serves}."


def built_before(diff: str, *, in_tree: bool) -> str:
    """What an earlier attempt built for a task, cut in the middle when it is long."""
    title = (
        "## Built before, and in your tree already"
        if in_tree
        else "## Built before, and not in your tree: take from it what is right"
    )
    return f"{title}\n\n{fenced(cut(diff, BUILT_MAX))}" if diff.strip() else ""


def acceptance(
    there: Sequence[str], later: Mapping[str, str], own: tuple[str, ...], due: tuple[str, ...]
) -> str:
    """The acceptance tests in the tree, those of the task at hand, and which of these it answers for alone.

    ``later`` has the text of those that show what the task is to do and that cannot be in its tree yet.
    """
    if not there and not later:
        return ""
    files = "\n".join(f"- `{in_line(path)}`" for path in there) or "None."
    shared = " (another unfinished task has a part in it)"
    mine = "\n".join(f"- `{in_line(test)}`{'' if test in due else shared}" for test in own) or "None."
    text = f"## Acceptance tests\n\nRead-only, in the tree:\n{files}\n\nOf this task's requirements:\n{mine}"
    for path, content in later.items():
        text += f"\n\n`{in_line(path)}` comes with a later task, since it tests that one's work too:\n\n"
        text += fenced(cut(content, LATER_MAX))
    return text


def since(landed: tuple[str, ...]) -> str:
    """What the tree holds beyond the base and the acceptance tests."""
    return f"These tasks have landed and are in your tree: {', '.join(landed)}." if landed else ""


def branch(state: RunState) -> str:
    """Where the change was delivered."""
    where = state.delivered.branch if state.delivered else None
    return f"## Delivered\n\nBranch `{where}`, commit {state.head}." if where else ""


def remarks(state: RunState) -> str:
    """What reviewers of single tasks noted and let pass."""
    found = tuple(finding for one in state.tasks.values() for finding in one.remarks)
    return (
        findings(found, "Noted on single tasks and let pass; decide whether any of it matters")
        if found
        else ""
    )


def diff(text: str, title: str = "The change") -> str:
    """A diff, cut in the middle when it is long."""
    return f"## {title}\n\n{fenced(cut(text, DIFF_MAX) or 'No difference.')}"


def change(state: RunState, text: str) -> str:
    """The whole change as a diff; of long new files of acceptance tests what they show.

    How these end, before and after, is known from receipts, and they were pinned since.
    """
    tests = state.acceptance.tests if state.acceptance and before_the_change(state) else ()
    shown, named = [], []
    for part in re.split(r"^(?=diff --git )", text, flags=re.MULTILINE):
        head, _, lines = part.partition("\n@@")
        path = re.search(r"^\+\+\+ b/(.+)$", head, re.MULTILINE)
        own = [one for one in tests if path and one.test.partition("::")[0] == path[1]]
        if path and own and "\nnew file mode " in head and len(lines) > TESTS_MAX:
            shown.append(f"{head}\n(not shown: {lines.count(chr(10)) - 1} lines)\n")
            named.append(f"- `{in_line(path[1])}`\n{_shows(own)}")
        else:
            shown.append(part)
    return join(diff("".join(shown)), join(_NAMED, "\n".join(named)) if named else "")


_NAMED = (
    "### Acceptance tests that are not shown\n\nNew files, which nobody could change since their tests were seen "
    "before the change. Read them where you doubt that a test shows its requirement."
)


def _shows(tests: Sequence[AcceptanceTest]) -> str:
    """The tests of a file by what they show, without its name."""
    by_requirement: dict[str, list[str]] = {}
    for one in tests:
        by_requirement.setdefault(one.requirement, []).append(f"`{in_line(one.test.partition('::')[2])}`")
    return "\n".join(f"  - {in_line(number)}: {', '.join(names)}" for number, names in by_requirement.items())


def unshown(found: Sequence[Unshown]) -> str:
    """What a diff does not show: links, modes, binary files; and as text what only looks like those."""
    lines = []
    for one in found[:UNSHOWN_MAX]:
        said = f"- `{in_line(one.path)}` {in_line(one.said)}"
        lines.append(f"{said}\n\n{fenced(cut(one.text, UNSHOWN_CHARACTERS))}\n" if one.text else said)
    more = len(found) - UNSHOWN_MAX
    lines += [f"- and {more} more"] if more > 0 else []
    return "## What the lines of the change do not show\n\n" + "\n".join(lines) if lines else ""


def receipt(found: Receipt | None, own: tuple[str, ...] | None = None, base: Receipt | None = None) -> str:
    """A receipt, beside that of the base; ``own`` are the tests of the task at hand."""
    text = fenced(cut(report_text(found, own=own, base=base), 12_000)) if found else "There is none."
    return f"## Receipt of the tests\n\n{text}"


def survivors(state: RunState) -> str:
    """What the acceptance tests of this run did not notice, when small changes were tried on them."""
    found = state.mutants.survivors if state.mutants else ()
    lines = [f"- `{in_line(where)}`: {in_line(said)}" for where, said in unnoticed(found).items()][
        :UNNOTICED_MAX
    ]
    head = "## What the acceptance tests do not notice"
    lines_of = f"Lines are those of the change as it was tested. {MISSING_OR_NEEDLESS}"
    return join(head, lines_of, "\n".join(lines)) if lines else ""


def findings(found: tuple[Finding, ...], title: str) -> str:
    """Findings of another role."""
    return f"## {title}\n\n{listed(found, in_line) or 'None.'}"


def join(*parts: str) -> str:
    """The parts that say something."""
    return "\n\n".join(part for part in parts if part)
