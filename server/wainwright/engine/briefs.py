"""What each role is told: Markdown out of the state. The same state gives the same words: steps are found again.

Text that comes from files, tools and earlier models stands under its own heading; the role prompts say that it is
material and no instruction.
"""

from wainwright.domain.evidence import Finding, Receipt
from wainwright.domain.state import RunState, TaskState
from wainwright.tools.receipts import report_text
from wainwright.tools.toolbox import cut

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
        text += f" The selected text:\n\n```\n{cut(place.text, 4000)}\n```"
    if place.diagnostics:
        text += "\n\nDiagnostics there:\n" + "\n".join(f"- {d}" for d in place.diagnostics)
    return text


def tests(state: RunState) -> str:
    """How the tests are run, and what they say on the base."""
    if state.test_command is None:
        return "## Tests\n\nNo test command is known for this workspace."
    text = f"## Tests\n\nCommand: `{state.test_command}`"
    base = state.base_tested
    if base is None:
        return text
    if base.receipt is None:
        return f"{text}\n\nIt was not run: {base.reason}"
    return f"{text}\n\nOn the base, before any change:\n\n{_receipt(base.receipt)}"


def requirements(state: RunState) -> str:
    """The numbered requirements."""
    if state.plan is None:
        return ""
    return "## Requirements\n\n" + "\n".join(f"- {r.id}: {r.text}" for r in state.plan.requirements)


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


def design(state: RunState) -> str:
    """The design documents."""
    if state.design is None:
        return ""
    return "## Design\n\n" + "\n\n".join(f"### {d.name}\n\n{d.text}" for d in state.design.documents)


def before(digest: str) -> str:
    """What went wrong earlier."""
    return f"## What happened before\n\n{digest}" if digest else ""


def task(one: TaskState) -> str:
    """The implementer's own task."""
    t = one.task
    write = "any file" if t.write_set == ("**",) else ", ".join(f"`{p}`" for p in t.write_set)
    serves = ", ".join(t.acceptance)
    return f"## Your task: {t.id}, {t.title}\n\n{t.instruction}\n\nYou may write {write}. It serves {serves}."


def acceptance(state: RunState) -> str:
    """The acceptance tests that stand already."""
    if state.acceptance is None or not state.acceptance.files:
        return ""
    files = "\n".join(f"- `{path}`" for path in sorted(state.acceptance.files))
    return f"## Acceptance tests\n\nRead-only, in the tree:\n{files}\n\n{state.acceptance.summary}"


def diff(text: str, title: str = "The change") -> str:
    """A diff, cut in the middle when it is long."""
    return f"## {title}\n\n```diff\n{cut(text, DIFF_MAX) or 'No difference.'}\n```"


def receipt(found: Receipt | None, title: str = "Receipt of the tests") -> str:
    """A receipt."""
    return f"## {title}\n\n{_receipt(found) if found else 'There is none.'}"


def findings(found: tuple[Finding, ...], title: str) -> str:
    """Findings of another role."""
    lines = [f"- {f.where}: {f.trigger} -> {f.consequence} ({f.severity}, {f.route})" for f in found]
    return f"## {title}\n\n" + ("\n".join(lines) or "None.")


def join(*parts: str) -> str:
    """The parts that say something."""
    return "\n\n".join(part for part in parts if part)


def _receipt(found: Receipt) -> str:
    return cut(report_text(found), 12_000)
