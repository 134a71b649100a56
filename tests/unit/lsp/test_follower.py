"""What a follower says when a run goes on in another process."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from lsprotocol import types

from wainwright.domain.goal import Stage
from wainwright.engine.views.run_view import GateView, Notice
from wainwright.lsp.runs.follower import END, LEAVE, Follower
from wainwright.lsp.runs.toasts import Toasts

nobody: Any = None


async def test_a_person_is_told_why_a_run_does_not_go_on_here() -> None:
    shown: list[types.ShowMessageParams] = []
    server: Any = SimpleNamespace(window_show_message=shown.append, profile=SimpleNamespace(line_length=0))
    follower = Follower(server, nobody, nobody, Toasts(server), nobody, "r1", alone=True)
    view: Any = SimpleNamespace(stage=Stage.BUILD, waiting="")
    await follower._say(cast("Any", view))
    assert shown == [], "a run that was let go of on purpose needs no words"
    why = "Another process took run r1 over. Look at it there; this one has stopped."
    follower.hear(Notice(run="r1", kind="left", text=why, stage=Stage.BUILD))
    await follower._say(cast("Any", view))
    assert [(one.type, one.message) for one in shown] == [(types.MessageType.Warning, why)]


async def test_what_is_asked_at_a_gate_is_told_in_full_length() -> None:
    asked: list[tuple[str, str]] = []

    async def choose(question: str, choices: list[str], detail: str = "") -> None:
        asked.append((question, detail))

    server: Any = SimpleNamespace(profile=SimpleNamespace(show_document=False, questions_take_keys=False))
    questions: Any = SimpleNamespace(choose=choose, takes_words=True)
    command = f"sh -c 'true {'a' * 3_000}; rm -rf data'"
    for kind in ("plan", "deploy"):
        told = {
            "question": "May it?",
            "detail": command,
            "yes": "Yes",
            "no": "No",
            "read": "run.md",
            "seen": "",
        }
        gate = GateView.model_validate({"id": f"{kind}-1", "kind": kind, **told})
        await Follower(server, nobody, questions, nobody, nobody, "r1", alone=True)._ask(gate)
    assert asked == [("May it?", command)] * 2


@pytest.mark.parametrize(
    ("pressed", "ends", "decided"),
    [
        (["Yes"], True, "approve"),
        (["No"], False, "reject"),
        (["No", LEAVE], True, ""),
        (["No", None], True, ""),
        (["No", END], True, "reject"),
        (["Answer"], True, "answer"),
        ([None], True, ""),
    ],
)
async def test_a_no_that_ends_the_run_is_asked_about_twice(
    pressed: list[str | None], ends: bool, decided: str
) -> None:
    said: list[str] = []

    async def choose(question: str, choices: list[str], detail: str = "") -> str | None:
        title = pressed.pop(0)
        assert title is None or title in choices
        return title

    async def decide_quietly(run: str, gate: str, decision: str, reason: str) -> None:
        said.append(decision)

    async def say_at_gate(run: str, gate: GateView, decision: str) -> None:
        said.append(decision)

    server: Any = SimpleNamespace(profile=SimpleNamespace(show_document=False, questions_take_keys=False))
    questions: Any = SimpleNamespace(choose=choose, takes_words=True)
    steering: Any = SimpleNamespace(decide_quietly=decide_quietly, say_at_gate=say_at_gate)
    told = {"id": "q", "kind": "question", "question": "Which?", "detail": "", "yes": "Yes", "no": "No"}
    told |= {"read": "run.md", "seen": ""}
    gate = GateView.model_validate({**told, "answer": "Answer", "ends": ends})
    await Follower(server, nobody, questions, nobody, steering, "r1", alone=True)._ask(gate)
    assert said == [decided] * bool(decided)
