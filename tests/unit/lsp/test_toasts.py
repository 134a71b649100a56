"""What pops up by itself, and what a person is told at the end of a run."""

from types import SimpleNamespace
from typing import Any

from lsprotocol import types

from wainwright.domain.goal import Stage
from wainwright.lsp.runs.toasts import EVERY_S, Toasts
from wainwright.lsp.runs.told import came_of_it, spent

INFO, ERROR = types.MessageType.Info, types.MessageType.Error


def editor(shown: list[str], logged: list[str], *, terminal: bool = False) -> Any:
    return SimpleNamespace(
        profile=SimpleNamespace(line_length=52 if terminal else 0),
        window_show_message=lambda one: shown.append(one.message),
        window_log_message=lambda one: logged.append(one.message),
    )


def test_one_a_minute_pops_up_and_the_others_are_in_the_log() -> None:
    shown: list[str] = []
    logged: list[str] = []
    server = editor(shown, logged)
    now = [1000.0]
    toasts = Toasts(server, lambda: now[0])
    for at, kind, text in ((0, INFO, "a"), (10, INFO, "b"), (20, ERROR, "c"), (EVERY_S + 15, INFO, "d")):
        now[0] = 1000.0 + at
        toasts.say(kind, text)
    toasts.acted()
    toasts.say(INFO, "e")
    assert (shown, logged) == (["a", "c", "e"], ["b", "d"])


def test_a_terminal_is_told_a_line_and_the_log_all_of_it() -> None:
    said = (
        "DONE, in your files, branch wainwright/a-name-that-is-long-enough. 2 files changed; 2 tests green."
    )
    shown: list[str] = []
    logged: list[str] = []
    Toasts(editor(shown, logged, terminal=True)).say(INFO, said)
    assert (shown, logged) == (["DONE, in your files, branch wainwright/a-name-that-…"], [said])


def test_the_end_says_what_changed_and_a_bar_what_it_cost() -> None:
    receipt, smoke = SimpleNamespace(passed=3, failed=1), SimpleNamespace(passed=0, failed=0)
    deployment = SimpleNamespace(url="http://127.0.0.1:8000", serves=True)
    view: Any = SimpleNamespace(
        stage=Stage.DONE, receipts=(receipt, smoke), deployment=deployment, unpriced=0, cost_usd=0.126
    )
    assert came_of_it(view, 2) == "2 files changed; 3 tests green, 1 red; it serves at http://127.0.0.1:8000"
    assert spent(view, 61.0) == "1 minute, $0.13"
    nothing: Any = SimpleNamespace(receipts=(), deployment=None, unpriced=2, cost_usd=0.0)
    assert came_of_it(nothing, 0) == ""
    assert spent(nothing, 3.0) == "0 minutes, price unknown"
