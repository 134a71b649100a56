"""What each role is told: Markdown out of the state. The same state gives the same words: steps are found again.

Text that comes from files, tools and earlier models stands under its own heading; the role prompts say that it is
material and no instruction.
"""

from collections.abc import Mapping, Sequence

from wainwright.domain.evidence import Finding, Receipt, Suite
from wainwright.domain.state import RunState, TaskState, without_test
from wainwright.domain.text import cut
from wainwright.receipts.text import report_text
from wainwright.workspace.context import fenced

LATER_MAX = 8_000
"""Characters of an acceptance test that is not in the tree yet."""
SURVIVORS_MAX = 20
"""Mutants that a role is told of."""
DIFF_MAX = 60_000
"""Characters of a diff that a role is shown; it can read the files for the rest."""


def goal(state: RunState) -> str:
    """What the person asked, and where they stood."""
    text = f"## Goal\n\n{state.goal.text}"
    place = state.goal.place
    if place is None:
        return text
    lines = f", lines {place.first_line} to {place.last_line}" if place.first_line else ""
    text += f"\n\nThe person stood in `{place.path}`{lines}."
    if place.text:
        text += f" The selected text:\n\n{fenced(cut(place.text, 4000))}"
    if place.diagnostics:
        text += "\n\nDiagnostics there:\n" + "\n".join(f"- {d}" for d in place.diagnostics)
    return text


def tests(state: RunState) -> str:
    """How the tests are run, and what they say on the base."""
    if not state.suites:
        return "## Tests\n\nIt is not known how this workspace is tested."
    text = "## Tests\n\n" + "\n".join(f"Command: `{s.command}`{_where(s)}" for s in state.suites)
    text += "".join(f"\n{one.reason}" for one in state.left_out)
    if not state.testable:
        return f"{text}\n\nNo test is run: {state.untested or state.tier_reason}"
    base = state.base_tested
    if base is None:
        return text
    if base.receipt is None:
        return f"{text}\n\nIt was not run: {base.reason}"
    return f"{text}\n\nOn the base, before any change:\n\n{cut(report_text(base.receipt), 12_000)}"


def _where(suite: Suite) -> str:
    folder = "" if suite.folder == "." else f" in `{suite.folder}`"
    return f"{folder} ({suite.reason})" if suite.reason else folder


def tested_by(state: RunState) -> str:
    """What tests the workspace, in its own words: they say in which language a role's example is."""
    base = state.base_receipt
    return (base.runner if base else "") or " ".join(suite.command for suite in state.suites)


def requirements(state: RunState, served: tuple[str, ...] = ()) -> str:
    """The numbered requirements; ``served`` are those of the task at hand, and are marked."""
    if state.plan is None:
        return ""
    lines = [f"- {r.id}{' (this task)' if r.id in served else ''}: {r.text}" for r in state.plan.requirements]
    return "## Requirements\n\n" + "\n".join(lines)


def untested(state: RunState) -> str:
    """Which requirements no test shows, and what the Tester says of that."""
    lines = [f"- {name}: {why}" for name, why in without_test(state).items()]
    head = (
        "## Requirements without a test\n\nNothing shows these but the code itself. The Tester's words:\n\n"
    )
    return head + "\n".join(lines) if lines else ""


def notes(state: RunState) -> str:
    """What the planner told the person."""
    return f"## The Planner's notes\n\n{state.plan.notes}" if state.plan and state.plan.notes else ""


def plan(state: RunState) -> str:
    """The tasks."""
    if state.plan is None:
        return ""
    tasks = [
        f"- **{t.id}** {t.title} (needs: {', '.join(t.needs) or 'nothing'}; writes: {', '.join(t.write_set)})\n"
        f"  {t.instruction}"
        for t in state.plan.tasks
    ]
    return "## Tasks\n\n" + "\n".join(tasks)


def former(state: RunState) -> str:
    """The plan and design that were given up, for those who make new ones."""
    parts = []
    if state.former_plan is not None:
        told = [f"- {r.id}: {r.text}" for r in state.former_plan.requirements]
        told += [f"- task {t.id}: {t.title} ({', '.join(t.acceptance)})" for t in state.former_plan.tasks]
        parts.append("## The plan before\n\n" + "\n".join(told))
    if state.former_design is not None:
        text = "\n\n".join(fenced(d.text) for d in state.former_design.documents if d.name.endswith(".md"))
        parts.append(f"## The design before\n\n{text}")
    return "\n\n".join(parts)


def design(state: RunState) -> str:
    """The design documents; an OpenAPI document is long and says again what the requirements say."""
    if state.design is None:
        return ""
    told = [d for d in state.design.documents if d.name.endswith(".md")]
    text = "\n\n".join(f"### {d.name}\n\n{fenced(d.text)}" for d in told)
    return f"## Design\n\nNotes of the team; they are not part of the change.\n\n{text}"


def before(digest: str) -> str:
    """What went wrong earlier."""
    return f"## What happened before\n\n{digest}" if digest else ""


def task(one: TaskState) -> str:
    """The implementer's own task."""
    t = one.task
    write = "any file" if t.write_set == ("**",) else ", ".join(f"`{p}`" for p in t.write_set)
    serves = ", ".join(t.acceptance)
    return f"## Your task: {t.id}, {t.title}\n\n{t.instruction}\n\nYou may write {write}. It serves {serves}."


def acceptance(
    there: Sequence[str], later: Mapping[str, str], own: tuple[str, ...], due: tuple[str, ...]
) -> str:
    """The acceptance tests in the tree, those of the task at hand, and which of these it answers for alone.

    ``later`` has the text of those that show what the task is to do and that cannot be in its tree yet.
    """
    if not there and not later:
        return ""
    files = "\n".join(f"- `{path}`" for path in there) or "None."
    shared = " (another unfinished task has a part in it)"
    mine = "\n".join(f"- `{test}`{'' if test in due else shared}" for test in own) or "None."
    text = f"## Acceptance tests\n\nRead-only, in the tree:\n{files}\n\nOf this task's requirements:\n{mine}"
    for path, content in later.items():
        text += f"\n\n`{path}` comes with a later task, since it tests that one's work too:\n\n"
        text += fenced(cut(content, LATER_MAX))
    return text


def since(landed: tuple[str, ...]) -> str:
    """What the tree holds beyond the base."""
    done = ", ".join(landed) or "no other task yet"
    return f"Beside that and the acceptance tests, these tasks have landed and are in your tree: {done}."


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


def receipt(found: Receipt | None, own: tuple[str, ...] | None = None, base: Receipt | None = None) -> str:
    """A receipt, beside that of the base; ``own`` are the tests of the task at hand."""
    text = cut(report_text(found, own=own, base=base), 12_000) if found else "There is none."
    return f"## Receipt of the tests\n\n{text}"


def survivors(state: RunState) -> str:
    """What the acceptance tests of this run did not notice, when small changes were tried on them."""
    found = state.mutants.survivors if state.mutants else ()
    lines = [f"- `{one.where}`: {one.said}" for one in found[:SURVIVORS_MAX]]
    head = "## What the acceptance tests do not notice\n\nLines are those of the change as it was tested.\n\n"
    return head + "\n".join(lines) if lines else ""


def findings(found: tuple[Finding, ...], title: str) -> str:
    """Findings of another role."""
    lines = [f"- {f.where}: {f.trigger} -> {f.consequence} ({f.severity}, {f.route})" for f in found]
    return f"## {title}\n\n" + ("\n".join(lines) or "None.")


def join(*parts: str) -> str:
    """The parts that say something."""
    return "\n\n".join(part for part in parts if part)
