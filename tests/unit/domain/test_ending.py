"""What a person is told when a run ends unfinished, and how a branch is taken over."""

import pytest
from tests.unit.domain.test_machine import EACH, WAY_TO, state_at

from wainwright.domain import events as ev
from wainwright.domain.artifacts import artifacts
from wainwright.domain.ending import ending, take_over
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import Stage

BRANCH = "wainwright/it-unfinished"


@pytest.mark.parametrize("stage", [Stage.FAILED, Stage.CANCELLED])
def test_what_was_done_what_is_missing_where_it_is_and_how_it_goes_on(stage: Stage) -> None:
    kept = ev.Kept(branch=BRANCH, way=f"git merge {BRANCH}", patches=("x/b.patch",), detail="One is lost.")
    state = fold(state_at(stage), kept)
    told = ending(state)
    done = "Done: a (a)." if stage is Stage.FAILED else "Missing: a (a)."
    assert done in told
    assert f"What landed is on branch `{BRANCH}`. `git merge {BRANCH}` takes it over." in told
    assert "What is on no branch is kept as a patch: `x/b.patch`." in told
    assert told[-2:] == ("One is lost.", "`wainwright resume r1` goes on.")
    assert all(sentence in artifacts(state)["summary.md"] for sentence in told)


def test_an_end_where_all_tasks_have_landed_says_what_comes_after_them() -> None:
    assert "Missing: what comes from TEST on." in ending(fold(state_at(Stage.FAILED), EACH["kept"]))


def test_a_run_that_achieved_nothing_says_so() -> None:
    state = replay([*WAY_TO[Stage.PLANNING], ev.RunCancelled(by="person"), ev.Kept()])
    assert state is not None
    assert "Nothing was built, so nothing is kept." in ending(state)


def test_the_command_that_goes_on_is_said_once() -> None:
    hint = "Mend that, then `wainwright resume r1`."
    state = replay([*WAY_TO[Stage.PLANNING], ev.RunFailed(reason="No.", hint=hint), ev.Kept()])
    assert state is not None
    assert not any("wainwright resume" in told for told in ending(state))


def test_a_run_at_work_or_done_has_no_such_end() -> None:
    assert (
        ending(state_at(Stage.BUILD)) == ending(state_at(Stage.DONE)) == ending(state_at(Stage.FAILED)) == ()
    )


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ("git merge b", "`git merge b` takes it over."),
        ("git stash && git merge b && git stash pop", "takes it over."),
        ("git stash && git merge b", "in the stash as well"),
        ("git reset b", "is in your files already"),
        ("git worktree add ../x b", "opens it beside them"),
        ("", "`git log b` shows it."),
    ],
)
def test_how_a_branch_is_taken_over(way: str, said: str) -> None:
    assert said in take_over("b", way)
    assert way in take_over("b", way)
