"""`run.md`: what has to be known to decide a plan, and how an unfinished run ended."""

from tests.unit.domain.test_machine import BASE, SNAPSHOT, plan, started, state_at

from wainwright.domain import events as ev
from wainwright.domain.decide import decide
from wainwright.domain.effects import OpenGate
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import Stage
from wainwright.domain.state import RunState
from wainwright.engine.views.documents import render
from wainwright.engine.views.run_view import view
from wainwright.journal import Account

SPENT = Account(cap_usd=None, cap_tokens=None, spent_usd=0, spent_tokens=0, calls=0, lost=0)


def shown(state: RunState) -> str:
    return render(view(state, SPENT, (), ()), [])


def test_a_plan_is_shown_with_its_tasks_files_and_requirements() -> None:
    planned = plan("a", "b<a", notes="Nothing else.")
    state = replay([started(), SNAPSHOT, BASE, ev.PlanProposed(plan=planned)])
    assert state is not None
    (effect,) = decide(state)
    assert isinstance(effect, OpenGate)
    text = shown(fold(state, ev.GateOpened(gate=effect.gate)))
    asked = text.partition("## Decide\n\n")[2].partition("\n\n")[0]
    assert asked.splitlines() == [
        "- **plan-1** Is the plan for “Make it work” right?",
        "  - revision 1",
        "  - a: a (R1; writes a/**)",
        "  - b: b (R1; writes b/**)",
        "  - R1: It works.",
        "    - Nothing else.",
    ]


def test_an_unfinished_end_says_where_its_work_is() -> None:
    text = shown(fold(state_at(Stage.FAILED), ev.Kept(branch="wainwright/x", way="git merge wainwright/x")))
    assert "- What landed is on branch `wainwright/x`. `git merge wainwright/x` takes it over." in text
    assert "- `wainwright resume r1` goes on." in text


def test_a_change_that_was_handed_over_says_how_it_is_taken_over() -> None:
    delivered = ev.Delivered(commit="c3", branch="wainwright/x", way="git reset wainwright/x")
    assert "`git reset wainwright/x` puts" in shown(state_at(Stage.DEPLOY).changed(handed=delivered))
