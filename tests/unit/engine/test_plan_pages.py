"""What a person edits on the page of a plan counts however it was saved, and nothing is written over it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.unit.domain.test_machine import BASE, SNAPSHOT, plan, started

from wainwright.domain import events as ev
from wainwright.domain.decide import decide
from wainwright.domain.effects import OpenGate
from wainwright.domain.errors import PlanError
from wainwright.domain.fold import fold, replay
from wainwright.domain.state import RunState
from wainwright.engine.plan_pages import PlanPages
from wainwright.engine.views.documents import Documents, folder, read_page
from wainwright.engine.views.run_view import Decide


class Desk:
    """A run that waits for a yes to its plan, and the folder that its documents are in."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.state = self.planned(replay([started(), SNAPSHOT, BASE]))
        self.documents = self.anew()
        parts: Any = SimpleNamespace(workspace=workspace)
        self.pages = PlanPages(parts, self.now, self.submit)
        self.documents.write(self.state)

    def anew(self) -> Documents:
        """What writes documents, in a process that knows nothing of what was written."""
        journal: Any = None
        return Documents(self.workspace, "r1", journal)

    def planned(self, state: RunState | None, *tasks: str) -> RunState:
        state = fold(state, ev.PlanProposed(plan=plan(*(tasks or ("a",)))))
        (effect,) = decide(state)
        assert isinstance(effect, OpenGate)
        return fold(state, ev.GateOpened(gate=effect.gate))

    async def now(self, _run: str) -> RunState:
        return self.state

    async def submit(self, _run: str, event: ev.Event) -> None:
        self.state = fold(self.state, event)

    def edit(self, old: str, new: str) -> str:
        text = self.page
        assert old in text
        place = folder(self.workspace, "r1") / "plan.md"
        place.write_text(text.replace(old, new), encoding="utf-8")
        return self.page

    @property
    def page(self) -> str:
        text = read_page(self.workspace, "r1")
        assert text is not None
        return text


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


async def test_what_any_program_saved_counts_at_the_gate(desk: Desk) -> None:
    mine = desk.edit("Do it.", "Do it well.")
    yes = Decide(run="r1", decision="approve")
    assert await desk.pages.at_the_gate("r1", yes) == yes
    assert desk.state.tasks["a"].task.instruction == "Do it well."
    desk.documents.write(desk.state)
    desk.anew().write(desk.state)
    assert desk.page == mine


async def test_a_page_that_is_no_plan_is_not_said_yes_to(desk: Desk) -> None:
    desk.edit("- serves: R1\n", "")
    with pytest.raises(PlanError, match=r"plan\.md, line 7: Task a has no acceptance"):
        await desk.pages.at_the_gate("r1", Decide(run="r1", decision="approve"))
    assert desk.state.tasks["a"].task.acceptance == ("R1",)


async def test_a_no_tells_the_planner_what_was_written(desk: Desk) -> None:
    desk.edit("Do it.", "Do it.\n\n> Smaller.\n> Much.")
    desk.edit("# Plan\n", "# Plan\n\n> Not like this.\n")
    no = await desk.pages.at_the_gate("r1", Decide(run="r1", decision="reject", reason="No."))
    assert no.reason == "No.\nNot like this.\nOn a: Smaller.\nMuch."


async def test_a_new_plan_has_a_new_page_and_an_edited_one_is_kept_beside(desk: Desk) -> None:
    mine = desk.edit("Do it.", "Do it wrong.\n\n## My thoughts\n\nKeep these.")
    state = fold(desk.state, ev.GateDecided(gate="plan-1", decision="reject", reason="No.", by="person"))
    desk.state = desk.planned(state, "b")
    desk.anew().write(desk.state)
    assert desk.page.startswith("# Plan 2\n")
    assert "### b: b" in desk.page
    assert "## My thoughts\n\nKeep these." in desk.page
    assert (folder(desk.workspace, "r1") / "plan-1.md").read_text(encoding="utf-8") == mine
    came = await desk.pages.take("r1", mine)
    assert [one.code for one in came.problems] == ["not-taken"], "what is left of the old plan does not count"
    assert list(desk.state.tasks) == ["b"]


async def test_a_page_that_nobody_touched_gives_way_to_a_new_one(desk: Desk) -> None:
    state = fold(desk.state, ev.GateDecided(gate="plan-1", decision="reject", reason="No.", by="person"))
    desk.state = desk.planned(state, "b")
    desk.documents.write(desk.state)
    assert desk.page.startswith("# Plan 2\n")
    assert not (folder(desk.workspace, "r1") / "plan-1.md").exists()


async def test_a_page_is_looked_at_once_for_each_save(desk: Desk) -> None:
    await desk.pages.look("r1")
    desk.edit("Do it.", "Do it well.")
    await desk.pages.look("r1")
    await desk.pages.look("r1")
    assert desk.state.tasks["a"].task.instruction == "Do it well."
    assert desk.state.plan is not None
