"""Several processes at one run: what they decide at the same moment never breaks it. No model is asked here."""

import asyncio
import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.fixtures import team

from wainwright.deploy.targets import available
from wainwright.domain import events as ev
from wainwright.domain.errors import InputError, Late, RunBusy
from wainwright.domain.fold import replay
from wainwright.domain.goal import WORKING, Goal, Stage
from wainwright.domain.plan import Plan
from wainwright.domain.ports import NoEditor
from wainwright.engine.engine import Engine
from wainwright.engine.parts import EngineParts
from wainwright.engine.views.run_view import Decide, Start
from wainwright.journal import Journal
from wainwright.models.router import Models
from wainwright.receipts.store import ReceiptStore
from wainwright.secrets import Redactor
from wainwright.settings import Settings
from wainwright.workspace.index import Indexes
from wainwright.workspace.repository import Repository
from wainwright.workspace.trust import Trust


class Place:
    """A workspace with a journal that several engines open."""

    def __init__(self, root: Path) -> None:
        self.workspace, self.state = team.make_workspace(root / "work"), root / "state"
        self.journals: list[Journal] = []

    def engine(self) -> Engine:
        settings = Settings()
        self.journals.append(Journal(self.state / "journal.db"))
        parts = EngineParts(
            workspace=self.workspace,
            state=self.state,
            settings=settings,
            journal=self.journals[-1],
            repository=Repository(self.workspace, self.state),
            indexes=Indexes(self.state / "index"),
            receipts=ReceiptStore(self.state / "receipts"),
            models=Models.connect(settings),
            redactor=Redactor(),
            sandbox=None,
            sandbox_reason="not needed",
            targets=available(self.state, None),
            editor=NoEditor(),
            trust=Trust(self.state, self.workspace, word=True),
        )
        return Engine(parts)

    def waiting_run(self, name: str, tier: str = "none") -> None:
        """A run that nobody owns, whose plan waits for somebody."""
        journal = Journal(self.state / "journal.db")
        first = ev.RunStarted(
            run=name,
            goal=Goal(text="x"),
            workspace=str(self.workspace),
            route=WORKING,
            autonomy="suggest",
            trust="trusted",
            tier=tier,
            attended=True,
        )
        lease = journal.create(first, name, "x", cap_usd=None, cap_tokens=None)
        gate = ev.Gate(id="plan-1", kind="plan", question="Right?")
        journal.append(
            lease,
            [
                ev.SnapshotTaken(commit="0" * 40, tree="0" * 40, head=None),
                ev.PlanProposed(plan=Plan.model_validate(team.PLAN)),
                ev.GateOpened(gate=gate),
            ],
        )
        journal.release(lease)
        journal.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    for journal in made.journals:
        journal.close()


async def test_full_auto_is_refused_where_it_lacks_what_it_needs(place: Place) -> None:
    with pytest.raises(InputError, match="may not be full-auto here: no sandbox"):
        await place.engine().start(Start(goal=Goal(text="x"), autonomy="full-auto", attended=True))
    assert place.journals[0].runs() == []


async def test_two_processes_that_decide_one_gate_at_once_leave_a_run_that_can_be_read(place: Place) -> None:
    engines = [place.engine() for _ in range(4)]
    for number in range(12):
        run = f"r{number}"
        place.waiting_run(run)
        told = await asyncio.gather(
            *(one.decide(Decide(run=run, decision="approve", reason=str(one))) for one in engines),
            return_exceptions=True,
        )
        assert all(not isinstance(one, BaseException) or isinstance(one, InputError) for one in told), told
        state = replay(place.journals[0].events(run))
        assert state is not None
        assert state.stage is Stage.DESIGN
        assert not any(row.owned for row in place.journals[0].runs())


async def test_words_are_no_yes_at_a_gate_that_is_not_answered_in_words(place: Place) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    with pytest.raises(
        InputError, match=r"not answered in words\. Approve it \(Approve the plan\), or reject it"
    ):
        await engine.decide(Decide(run="r1", decision="answer", reason="No, use floats."))
    assert (await engine.view("r1")).waiting == "gate"


async def test_a_gate_that_was_decided_is_told_from_one_that_never_was(place: Place) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    with pytest.raises(InputError, match=r"Run r1 has no gate plan-9\. Open gates: plan-1\."):
        await engine.decide(Decide(run="r1", gate="plan-9", decision="approve"))
    await engine.decide(Decide(run="r1", gate="plan-1", decision="approve"))
    for gate, kind, said in (
        ("plan-1", Late, "Gate plan-1 of run r1 is decided already"),
        ("plan-9", InputError, r"Run r1 has no gate plan-9\. Open gates: none\."),
        (None, InputError, r"not said\. Open gates: none\."),
    ):
        with pytest.raises(kind, match=said) as caught:
            await engine.decide(Decide(run="r1", gate=gate, decision="approve"))
        assert type(caught.value) is kind


async def test_a_task_is_not_steered_before_it_is_built(place: Place) -> None:
    place.waiting_run("r1")
    with pytest.raises(InputError, match=r"That is done in BUILD; before that, edit plan\.md"):
        await place.engine().steer("r1", "subtract", "pause")


async def test_a_run_that_was_cancelled_at_a_gate_asks_nothing(place: Place) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    seen = await engine.cancel("r1")
    assert (seen.stage, seen.waiting, seen.gates) == (Stage.CANCELLED, "", ())


async def test_a_run_is_cancelled_and_decided_at_once(place: Place) -> None:
    one, other = place.engine(), place.engine()
    for number in range(12):
        run = f"r{number}"
        place.waiting_run(run)
        await asyncio.gather(
            one.cancel(run), other.decide(Decide(run=run, decision="approve")), return_exceptions=True
        )
        assert replay(place.journals[0].events(run)) is not None


async def test_a_run_that_somebody_works_on_is_not_taken(place: Place) -> None:
    place.waiting_run("r")
    owner = Journal(place.state / "journal.db")
    lease = owner.claim("r")
    engine = place.engine()
    with pytest.raises(RunBusy, match="at work in process"):
        await engine.resume("r")
    # What is decided meanwhile is left for the owner.
    await engine.decide(Decide(run="r", decision="approve"))
    assert [signal.body["kind"] for signal in owner.signals("r")] == ["gate-decided"]
    owner.release(lease)
    owner.close()


async def test_what_another_process_asks_for_is_done_once(place: Place) -> None:
    owner, other = place.engine(), place.engine()
    for number in range(5):
        run = f"r{number}"
        place.waiting_run(run)
        await owner.resume(run)
        await other.cancel(run)
        assert (await owner.wait(run)).stage is Stage.CANCELLED
        # A cancelled run that is resumed is not cancelled again.
        assert place.journals[0].signals(run) == []


async def test_runs_are_named_by_how_they_begin(place: Place) -> None:
    for name in ("abc-1", "abc-2", "b"):
        place.waiting_run(name)
    engine = place.engine()
    assert (await engine.view("b")).run == "b"
    assert (await engine.view("abc-2")).run == "abc-2"
    assert (await engine.view()).run == "b"
    for wrong in ("abc", "z"):
        with pytest.raises(InputError, match="wainwright runs"):
            await engine.view(wrong)


async def test_looking_at_runs_in_a_folder_that_cannot_be_written(place: Place) -> None:
    place.waiting_run("r")
    (place.workspace / ".wainwright").write_text("a file, where a folder is wanted")
    assert (await place.engine().view("r")).waiting == "gate"


async def test_no_run_has_commands_run_behind_less_than_it_began_with(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any sandbox it goes on without commands: a scenario shows that."""
    tier, less = "bubblewrap + seccomp", SimpleNamespace(tier="Landlock 7 + seccomp")
    place.waiting_run("r1", tier)
    monkeypatch.setattr(EngineParts, "fence", lambda _self, *, attended: (less, "bwrap is missing"))
    engine = place.engine()
    with pytest.raises(
        InputError,
        match=f"began behind {re.escape(tier)}, and here is only Landlock 7 \\+ seccomp: bwrap is missing",
    ):
        await engine.resume("r1")
    assert not place.journals[0].runs()[0].owned
    assert (await engine.view("r1")).tier == f"Commands are held by {tier}."
    await engine.close()


@pytest.mark.parametrize(
    "caps",
    [{"cap_usd": float("nan")}, {"cap_usd": float("inf")}, {"cap_usd": -1.0}, {"cap_tokens": 10**30}],
    ids=str,
)
async def test_a_cap_that_is_no_number_is_refused_and_the_run_stays_free(
    place: Place, caps: dict[str, Any]
) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    with pytest.raises(InputError, match="A cap is a number"):
        await engine.resume("r1", **caps)
    assert not place.journals[0].runs()[0].owned
    await engine.close()


async def test_a_run_at_work_gets_its_new_caps_at_once(place: Place) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    await engine.resume("r1", attended=True)
    assert (await engine.resume("r1", cap_usd=7.0, cap_tokens=9)).at_work == "here"
    account = place.journals[0].account("r1")
    assert (account.cap_usd, account.cap_tokens) == (7.0, 9)
    await engine.close()


async def test_a_process_that_died_between_the_end_and_keeping_its_work_is_made_good(place: Place) -> None:
    place.waiting_run("r1")
    journal = Journal(place.state / "journal.db")
    place.journals.append(journal)
    journal.append(journal.claim("r1"), [ev.RunFailed(reason="No money.")])
    with sqlite3.connect(place.state / "journal.db") as database:
        database.execute(
            "UPDATE runs SET owner = '1:0'"
        )  # a process with this id that began at boot is another
    database.close()
    engine = place.engine()
    assert (await engine.view("r1")).ending == ()
    await engine.warm()
    seen = await engine.wait("r1")
    assert "Nothing was built, so nothing is kept." in seen.ending
    await engine.warm()
    assert [event.kind for event in journal.events("r1")].count("kept") == 1
    await engine.close()


async def test_a_process_that_died_before_the_documents_were_written_is_made_good(place: Place) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    await engine.cancel("r1")
    summary = place.workspace / ".wainwright" / "runs" / "r1" / "summary.md"
    text = summary.read_text()
    summary.unlink()
    tree = place.state / "trees" / "r1" / "one"
    tree.mkdir(parents=True)
    with sqlite3.connect(place.state / "journal.db") as database:
        database.execute("UPDATE runs SET owner = '1:0'")
    database.close()
    await engine.warm()
    await engine.wait("r1")
    assert summary.read_text() == text
    assert not tree.exists()
    assert not place.journals[0].runs()[0].abandoned
    await engine.close()


async def test_a_run_is_let_go_when_its_documents_are_written(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    seen: list[bool] = []

    async def tidy(run: str) -> None:
        there = (place.workspace / ".wainwright" / "runs" / run / "summary.md").exists()
        seen.append(there and place.journals[0].runs()[0].owned)

    monkeypatch.setattr(engine.disk, "tidy", tidy)
    await engine.cancel("r1")
    assert seen == [True]
    await engine.close()


async def test_a_run_that_nobody_works_on_keeps_its_work_when_it_is_cancelled(place: Place) -> None:
    place.waiting_run("r1")
    engine = place.engine()
    await engine.cancel("r1")
    assert [event.kind for event in place.journals[0].events("r1")][-2:] == ["run-cancelled", "kept"]
    assert (await engine.view("r1")).at_work == ""
    await engine.close()
