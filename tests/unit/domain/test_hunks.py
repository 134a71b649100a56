"""What a person says of hunks, where it leads, and the document that they say it in."""

import pytest
from tests.unit.domain.test_machine import (
    DELIVERED,
    READ,
    REVIEWED,
    SHOWN,
    WAY_TO,
    decided,
    opened,
    told,
)

from wainwright.domain import change_diff
from wainwright.domain.artifacts import artifacts
from wainwright.domain.choosing import all_refused, refused
from wainwright.domain.decide import decide
from wainwright.domain.errors import IllegalTransition
from wainwright.domain.events import Event
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import Stage
from wainwright.domain.hunks import HunkDecision, HunksDecided
from wainwright.domain.state import RunState

AT_GATE = [*WAY_TO[Stage.REVIEW], REVIEWED, SHOWN, opened("apply", f"tree t2\n{READ}")]
IN_PART = DELIVERED.model_copy(update={"commit": "c4", "tree": "t5", "left_out": (1,)})


def said(
    *hunks: int, decision: HunkDecision = "reject", reason: str = "In English.", commit: str = "c3"
) -> Event:
    return HunksDecided(commit=commit, hunks=hunks, decision=decision, reason=reason, by="person")


def after(*events: Event) -> RunState:
    state = replay([*AT_GATE, *events])
    assert state is not None
    return state


@pytest.mark.parametrize(
    ("events", "out"),
    [
        ((), []),
        ((said(1, 3),), [1, 3]),
        ((said(1, 2), said(1, decision="accept")), [2]),
        ((said(2, decision="accept"), said(2, decision="change", reason="shorter")), [2]),
    ],
)
def test_what_was_said_last_of_a_hunk_counts(events: tuple[Event, ...], out: list[int]) -> None:
    state = after(*events)
    assert list(refused(state)) == out
    assert (state.stage, len(state.open_gates)) == (Stage.REVIEW, 1), "the gate decides, not what is said"
    # The yes leads to what is accepted, whatever was said.
    approved = replay([*AT_GATE, *events, decided("apply-1")])
    assert approved is not None
    assert [told(effect) for effect in decide(approved)] == ["HandOver number=1"]


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (said(4), "There is no hunk 4"),
        (said(), "There is no hunk named"),
        (said(1, commit="c9"), "another one since"),
    ],
)
def test_what_is_said_of_something_else_is_refused(event: Event, why: str) -> None:
    with pytest.raises(IllegalTransition, match=why):
        after(event)


def test_the_rest_goes_back_to_build_with_the_words_and_what_it_was() -> None:
    state = after(said(1), decided("apply-1"), IN_PART)
    assert (state.stage, state.head, state.head_tree) == (Stage.BUILD, "c4", "t5")
    task = state.tasks["rework-1"]
    assert "The person rejected these lines: In English." in task.digest
    assert "+eins" in task.digest
    assert "+zehn" not in task.digest, "what was accepted is no part of it"
    assert (state.shown, state.said, state.delivered) == (None, {}, None)
    assert state.handed == IN_PART, "what the person has is known"


@pytest.mark.parametrize(("path", "anew"), [("a.py", False), ("tests/a.py", True)])
def test_tests_of_which_lines_are_refused_are_written_anew(path: str, anew: bool) -> None:
    shown = SHOWN.model_copy(update={"files": (SHOWN.files[0].model_copy(update={"path": path}),)})
    state = replay(
        [*WAY_TO[Stage.REVIEW], REVIEWED, shown, said(1), opened("apply"), decided("apply-1"), IN_PART]
    )
    assert state is not None
    assert (state.acceptance is None) is anew
    assert ("In English." in state.acceptance_digest) is anew


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_all_hunks_refused_is_the_change_rejected(decision: str) -> None:
    state = after(said(1, 2, 3, reason="Not so."))
    assert all_refused(state)
    state = after(said(1, 2, 3, reason="Not so."), decided("apply-1", decision, "all of it"))
    assert (state.stage, state.head, state.handed) == (Stage.BUILD, "c2", None)
    digest = state.tasks["rework-1"].digest
    assert digest.startswith("The person rejected the change: all of it\n")
    assert "The person rejected these lines: Not so." in digest
    assert "+zehn" in digest


@pytest.mark.parametrize("out", [(1,), (1, 2, 3)])
def test_the_same_change_built_again_is_asked_about_again(out: tuple[int, ...]) -> None:
    """The yes was for the rest, and the tree that was refused is the one that was built again."""
    in_part = () if len(out) == 3 else (IN_PART,)
    state = after(said(*out), decided("apply-1"), *in_part)
    assert state.stage is Stage.BUILD
    again = state.changed(stage=Stage.REVIEW, head_tree="t2", shown=SHOWN, reviewed=REVIEWED)
    assert [told(effect) for effect in decide(again)] == ["OpenGate apply-2"]
    asked = fold(again, opened("apply", f"tree t2\n{READ}", number=2))
    assert [told(effect) for effect in decide(fold(asked, decided("apply-2")))] == [
        f"HandOver number={again.reviews}"
    ]


def test_the_document_is_a_diff_in_which_each_hunk_says_what_it_serves() -> None:
    text = change_diff.render(after())
    assert "# a.py: modified, serves R1; task a (a)\n--- a/a.py\n+++ b/a.py\n" in text
    assert "@@ -10,1 +10,1 @@ hunk 2, serves R1\n-ten\n+zehn\n" in text
    assert "# It is binary, 9 bytes.\n# hunk 3 is the whole file\n" in text
    assert "# R1: It works." in text
    assert text == change_diff.render(after(said(1))), "what is said is not written into it"
    assert "in your files yet" not in text, "nor is it written again when the change is handed over"


def test_the_summary_says_how_much_changed_where() -> None:
    handed = after(said(1, decision="accept"), decided("apply-1"), DELIVERED)
    handed = handed.changed(stage=Stage.DONE)
    assert "## What changed\n\n- a.py: +2 -2\n- " in artifacts(handed)["summary.md"]
    without = handed.changed(delivered=IN_PART)
    assert "- a.py: +1 -1\n" in artifacts(without)["summary.md"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_the_document_says_of_which_change_it_is(end: str) -> None:
    shown = SHOWN.model_copy(update={"tree": "0abc"})
    state = replay([*AT_GATE[:-2], shown])
    assert state is not None
    assert change_diff.tree_of(change_diff.render(state).replace("\n", end)) == "0abc"
    assert change_diff.tree_of("no diff") == ""


def test_words_below_a_hunk_are_read_with_it() -> None:
    text = change_diff.render(after())
    text = text.replace("+eins\n", "+eins\n> In English,\n>  please.\n").replace("+zehn\n", "+zehn\r\n")
    lines = text.split("\n")
    one, two, three = change_diff.spots(text)
    assert (one.number, one.words, two.words, three.words) == (1, "In English,\nplease.", "", "")
    assert (lines[one.first][:2], lines[one.last]) == ("@@", ">  please.")
    assert (lines[two.first][-17:], lines[three.first][:8]) == ("hunk 2, serves R1", "# hunk 3")
    assert one.last < two.first <= two.last < three.first
    assert change_diff.spots("no diff\n") == []
