"""What an editor is told about the page of a plan: one file of `pages/` is one case.

The text before the first section says what it is about; `‸` in the buffer is where the person stands. Sections:
`tasks` (id, status, attempt, model calls), `gate KIND`, and what is expected: `hover`, `hints`, `completion`,
`definition` and `references` (the words they lead to), `problems` (line, code, severity), `commands TASK` (titles of
lenses), `formatted` (`none`: the page stays).
"""

import re
from pathlib import Path

import pytest

from wainwright.domain.goal import Stage
from wainwright.domain.plan_problems import problems
from wainwright.domain.plan_reading import parse
from wainwright.engine.tracing.tasks import TaskTold
from wainwright.engine.views.run_view import GateView, RunView, TaskView
from wainwright.lsp.documents.positions import TextIndex
from wainwright.lsp.features.completion import completion
from wainwright.lsp.features.formatting import formatting
from wainwright.lsp.features.inlay_hints import inlay_hints
from wainwright.lsp.features.plan_diagnostics import diagnostics
from wainwright.lsp.features.plan_hover import on_plan
from wainwright.lsp.features.plan_places import definition, references
from wainwright.lsp.runs.plan_pages import PlanPage
from wainwright.lsp.runs.task_commands import task_commands

PAGES = sorted((Path(__file__).parent / "pages").glob("*.txt"))
WORKSPACE = Path("/work space")
FILES = ("src/a.py", "src/b.py", "src/api/a.py")


def page_of(sections: dict[str, str]) -> tuple[PlanPage, int]:
    marked = sections["buffer"]
    source, at = marked.replace("‸", ""), max(marked.find("‸"), 0)
    rows = [line.split() for line in sections["tasks"].splitlines()]
    tasks = tuple(
        TaskView(
            id=name,
            title=name,
            status=status,
            attempt=int(attempt),
            needs=(),
            write_set=(),
            summary="It is there." if status == "landed" else "",
        )
        for name, status, attempt, _ in rows
    )
    gates = tuple(
        GateView(id=f"{kind}-1", kind=kind, question="?", detail="", yes="Yes", no="No", read="", seen="")
        for name in sections
        for kind in [name.removeprefix("gate ")]
        if name.startswith("gate ")
    )
    view = RunView.model_construct(
        run="r1", stage=Stage.PLANNING if gates else Stage.BUILD, tasks=tasks, gates=gates, cautions=()
    )
    told = {
        name: TaskTold(
            task=name,
            calls=int(calls),
            tokens=3000,
            cost_usd=0.03,
            seconds=12.0,
            saw=("- read a.py",),
            tests="`pytest` on tree t0: 4 passed",
        )
        for name, _, _, calls in rows
        if int(calls)
    }
    read = parse(source)
    return PlanPage("file:///plan.md", "r1", source, TextIndex(source), read, problems(read), view, told), at


def words(page: PlanPage, places: list) -> list[str]:
    return [page.source[slice(*page.index.offsets(one.range))] for one in places]


def seen(page: PlanPage, at: int, name: str) -> list[str]:
    """What is told under the heading of a section, a line each."""
    position = page.index.position(at)
    what, _, about = name.partition(" ")
    if what == "hover":
        return on_plan(page, position).splitlines()
    if what == "hints":
        whole = page.index.range(0, len(page.source))
        lines = page.source.split("\n")
        heads = {hint.position.line: hint.label for hint in inlay_hints(page, whole)}
        return [f"{lines[line].split()[1].rstrip(':')}: {label}" for line, label in heads.items()]
    if what == "completion":
        return [item.label for item in completion(page, position, FILES)]
    if what == "definition":
        return words(page, definition(page, WORKSPACE, position))
    if what == "references":
        return words(page, references(page, position, declared=False))
    if what == "problems":
        return [f"{one.range.start.line + 1} {one.code} {one.severity.name.lower()}" for one in told(page)]
    if what == "commands":
        return [offer.short for offer in task_commands(page, about)]
    assert what == "formatted"
    edits = formatting(page)
    return edits[0].new_text.splitlines() if edits else ["none"]


def told(page: PlanPage) -> list:
    return sorted(diagnostics(page), key=lambda one: (one.range.start.line, one.code))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page(path: Path) -> None:
    parts = re.split(r"^=== (.*)\n", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    sections = {name: text.strip("\n") for name, text in zip(parts[1::2], parts[2::2], strict=True)}
    page, at = page_of(sections)
    for name, text in sections.items():
        if name not in ("buffer", "tasks") and not name.startswith("gate "):
            assert seen(page, at, name) == text.splitlines(), name


def test_a_path_leads_to_its_file() -> None:
    page, _ = page_of({"buffer": "## Tasks\n### a: A\n- writes: `src/a.py`, `src/**`, `**`\n", "tasks": ""})
    places = [definition(page, WORKSPACE, page.index.position(at)) for at in (30, 42, 52)]
    assert [[one.uri for one in some] for some in places] == [
        ["file:///work%20space/src/a.py"],
        ["file:///work%20space/src"],
        [],
    ]
