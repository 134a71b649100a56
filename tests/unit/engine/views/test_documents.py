"""`run.md` and `runs.md`: what waits for a person first, how far a run is, and how an unfinished one ended."""

from tests.unit.domain.test_machine import BASE, SNAPSHOT, plan, started, state_at

from wainwright.domain import events as ev
from wainwright.domain.decide import decide
from wainwright.domain.effects import OpenGate
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import Stage
from wainwright.domain.state import RunState
from wainwright.engine.views.documents import listed, render
from wainwright.engine.views.run_view import RunView, view
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


def test_what_waits_stands_first_and_the_picture_last() -> None:
    state = replay([started(), SNAPSHOT, BASE, ev.PlanProposed(plan=plan("a", "end<a"))])
    assert state is not None
    (effect,) = decide(state)
    assert isinstance(effect, OpenGate)
    seen = view(
        fold(state, ev.GateOpened(gate=effect.gate)),
        SPENT,
        (),
        tuple(f".wainwright/runs/r1/{name}" for name in ("change.diff", "plan.md", "plan.json")),
    )
    text = render(seen, ["the planner thinks"])
    headings = [line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")]
    assert headings == [
        *("Decide", "Your notes", "Timeline", "Tasks", "Newest", "Spent", "Documents", "Picture"),
    ]
    assert "- [change.diff](change.diff)\n- [plan.md](plan.md)" in text
    assert '  PLANNING["PLANNING"]:::now' in text
    assert '  t1["end: waiting"]:::later' in text, "some ids mean something to Mermaid"
    assert "  t0 --> t1" in text
    (first, second) = listed([state_view(Stage.DONE), seen]).split("## All")
    assert "# Runs\n\n## Waits for you\n\n- [r1](runs/r1/run.md): PLANNING, $0.00." in first
    assert "Is the plan for “Make it work” right?" in first
    assert "- [r1](runs/r1/run.md): DONE, $0.00" in second


def state_view(stage: Stage) -> RunView:
    return view(state_at(stage), SPENT, (), ())
