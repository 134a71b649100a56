"""What an editor shows at its lines: failing tests and findings, as long as they hold of the newest tree."""

from tests.unit.domain.test_machine import BASE, DEPLOYED, RED, REVIEWED, SNAPSHOT, WAY_TO, receipt, started

from wainwright.domain import events as ev
from wainwright.domain.deployment import DeployFailed, Monitored
from wainwright.domain.evidence import Case, Finding, Receipt
from wainwright.domain.fold import fold, replay
from wainwright.domain.goal import Stage
from wainwright.domain.state import RunState
from wainwright.engine.views.run_view import RunView, view
from wainwright.journal import Account

SPENT = Account(cap_usd=None, cap_tokens=None, spent_usd=0, spent_tokens=0, calls=0, lost=0)
MESSAGE = (
    "\x1b[31massert 3 == 2\x1b[0m\ntests/a.py:9: in helper\ntests/a.py:12: Error\nother/tests/a.py:99: x"
)


def seen(*events: ev.Event) -> RunView:
    state = replay(list(events))
    assert isinstance(state, RunState)
    return view(state, SPENT, (), ())


def failing(tree: str) -> Receipt:
    return receipt(tree, 1).model_copy(
        update={"cases": (Case(name="tests/a.py::one", outcome="failed", message=MESSAGE),)}
    )


def test_a_failing_test_stands_at_its_line_with_what_it_says() -> None:
    red = RED.model_copy(update={"receipt": failing("t2")})
    (one,) = seen(*WAY_TO[Stage.TEST], red).failing
    assert (one.where, one.severity, one.code) == ("tests/a.py:12", "blocker", "test")
    assert one.trigger == "tests/a.py::one fails."
    assert one.consequence.startswith("assert 3 == 2\n"), "without the colours of a terminal"


def test_what_was_red_before_the_run_is_told_softly_until_it_is_known_better() -> None:
    before = ev.BaseTested(receipt=failing("t0"))
    (one,) = seen(started(), SNAPSHOT, before).failing
    assert (one.severity, one.binding) == ("minor", False)
    assert one.trigger == "tests/a.py::one was red before the run, and is."
    assert seen(started(), SNAPSHOT, BASE).failing == ()


def test_a_finding_about_an_older_tree_holds_no_more() -> None:
    finding = Finding(where="a.py:1", trigger="x", consequence="y", severity="minor", route="defer")
    reviewed = REVIEWED.model_copy(update={"findings": (finding,)})
    state = replay([*WAY_TO[Stage.REVIEW], reviewed])
    assert state is not None
    (one,) = view(state, SPENT, (), ()).findings
    assert (one.where, one.code, one.document) == ("a.py:1", "review", "review.md")
    state = fold(state, reviewed.model_copy(update={"tree": "older"}))
    assert view(state, SPENT, (), ()).findings == ()


def test_what_was_noticed_while_tasks_were_built_stands_beside_the_review() -> None:
    said, beside = (
        Finding(where="a.py:1", trigger=words, consequence="y", severity="minor", route="defer")
        for words in ("said", "beside")
    )
    way = [
        one.model_copy(update={"remarks": (said, beside)}) if isinstance(one, ev.TaskLanded) else one
        for one in WAY_TO[Stage.REVIEW]
    ]
    assert seen(*way).findings == (), "nobody has looked at this tree yet"
    found = seen(*way, REVIEWED.model_copy(update={"findings": (said,)})).findings
    assert [(one.trigger, one.code) for one in found] == [("said", "review"), ("beside", "noticed")]


def test_what_went_wrong_with_a_service_stands_where_it_seems_to_come_from_until_the_tree_is_another() -> (
    None
):
    failed = DeployFailed(reason="It is not healthy. The end of its log:\nno port", where="a.py:3")
    state = replay([*WAY_TO[Stage.DEPLOY], failed])
    assert state is not None
    (one,) = view(state, SPENT, (), ()).findings
    assert (one.where, one.code, one.severity, one.consequence) == (
        "a.py:3",
        "incident",
        "blocker",
        "no port",
    )
    assert one.trigger == "The deployment failed: It is not healthy. The end of its log:"
    assert view(state.changed(head_tree="mended"), SPENT, (), ()).findings == ()
    assert seen(*WAY_TO[Stage.DEPLOY], failed.model_copy(update={"where": ""})).findings == ()


def test_a_breach_and_a_concern_of_the_monitor_stand_where_they_seem_to_come_from() -> None:
    quiet = Monitored(
        probes=3, failures=0, breach=False, report="Quiet.", concern="It is slow.", where="a.py"
    )
    (one,) = seen(*WAY_TO[Stage.MONITOR], quiet).findings
    assert (one.where, one.code, one.severity, one.consequence) == (
        "a.py",
        "incident",
        "minor",
        "It is slow.",
    )
    breach = Monitored(probes=3, failures=3, breach=True, report="Down.", where="a.py:9")
    (one,) = seen(*WAY_TO[Stage.MONITOR], breach).findings
    assert (one.where, one.severity) == ("a.py:9", "blocker")
    again = replay([*WAY_TO[Stage.MONITOR], breach])
    assert again is not None
    assert fold(again.changed(stage=Stage.DEPLOY, deployment_plan=None), DEPLOYED).incident is None
