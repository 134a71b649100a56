"""Two processes on one workspace: the second follows what the first writes, and goes on when that has died.

A process that was stopped, or whose lease ran out because a clock was set, lives: nothing of it is asked twice,
unless a person takes the run from it, and then it says so.
"""

import json
import os
import signal
import sqlite3
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.fixtures import team
from tests.fixtures.openai_server import Answer, OpenAIServer
from tests.fixtures.program import Program, program, wait_until


@pytest.fixture
def wainwright() -> Iterator[Program]:
    with program() as made:
        yield made


def slowly(body: dict[str, object]) -> Answer:
    return Answer(**{**vars(team.play(body)), "delay_s": 0.05})


def no_implementer_before(killed: threading.Event) -> Callable[[dict[str, object]], Answer]:
    """Models who answer slowly, an implementer more so until the first process is killed: it has work left then."""

    def play(body: dict[str, object]) -> Answer:
        if team.part(body) == "Implementer":
            killed.wait(3)
        return slowly(body)

    return play


def until(process: subprocess.Popen[str], words: str) -> None:
    """Read a story until it says this."""
    assert process.stdout is not None
    assert any(words in line for line in process.stdout), words


def rest(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=150)
    return process.returncode, out, err


def journal(wainwright: Program) -> Path:
    (place,) = (wainwright.root / "state" / "wainwright").glob("*/journal.db")
    return place


def lease_runs_out(wainwright: Program) -> None:
    """What a clock does that is set an hour on, or a minute in which the owner was stopped."""
    connection = sqlite3.connect(journal(wainwright), timeout=10, isolation_level=None)
    connection.execute("UPDATE runs SET lease_until = 1")
    connection.close()


def repeated(server: OpenAIServer) -> int:
    asked = Counter(json.dumps(request["messages"]) for request in server.requests)
    return sum(many - 1 for many in asked.values())


@pytest.mark.timeout(300)
def test_the_second_process_follows_and_takes_over_when_the_first_is_killed(wainwright: Program) -> None:
    dead = threading.Event()
    with OpenAIServer(no_implementer_before(dead)) as server:
        first = wainwright.start("run", team.GOAL, "--json", server=server)
        until(first, "plan: ")
        second = wainwright.start("resume", "--wait", "--json", server=server)
        until(second, "attempt 1 begins")
        first.kill()
        killed = time.monotonic()
        dead.set()
        until(second, "the implementer begins")
        assert time.monotonic() - killed < 20
        code, out, err = rest(second)
        ended = json.loads(out.splitlines()[-1])
        assert (code, ended["stage"]) == (0, "DONE"), out + err
        assert repeated(server) <= ended["lost_calls"], (
            "what was under way at the kill is asked again, nothing else"
        )


@pytest.mark.timeout(300)
def test_an_owner_that_was_stopped_or_whose_clock_jumped_goes_on_and_pays_nothing_twice(
    wainwright: Program,
) -> None:
    with OpenAIServer(slowly) as server:
        first = wainwright.start("run", team.GOAL, "--json", server=server)
        until(first, "plan: ")
        second = wainwright.start("resume", "--wait", "--json", server=server)
        until(second, "attempt 1 begins")
        os.kill(first.pid, signal.SIGSTOP)
        lease_runs_out(wainwright)
        time.sleep(6)  # three looks of the second one
        assert second.poll() is None
        os.kill(first.pid, signal.SIGCONT)
        code, out, err = rest(first)
        assert (code, json.loads(out.splitlines()[-1])["stage"]) == (0, "DONE"), out + err
        code, out, err = rest(second)
        seen = json.loads(out.splitlines()[-1])
        assert (code, seen["stage"], seen["lost_calls"]) == (0, "DONE", 0), out + err
        assert repeated(server) == 0


@pytest.mark.nightly
@pytest.mark.timeout(300)
def test_an_owner_whose_run_was_taken_over_says_so_and_ends(wainwright: Program) -> None:
    with OpenAIServer(slowly) as server:
        first = wainwright.start("run", team.GOAL, "--json", server=server)
        until(first, "attempt 1 begins")
        os.kill(first.pid, signal.SIGSTOP)
        lease_runs_out(wainwright)
        second = wainwright.start("resume", "--json", server=server)
        until(second, "the implementer begins")
        os.kill(first.pid, signal.SIGCONT)
        code, _, err = rest(first)
        assert code == 2
        assert "took run" in err
        assert "Traceback" not in err
        code, out, err = rest(second)
        assert (code, json.loads(out.splitlines()[-1])["stage"]) == (0, "DONE"), out + err


@pytest.mark.timeout(300)
def test_one_task_is_paused_from_another_terminal_and_let_go_on(wainwright: Program) -> None:
    paused = threading.Event()

    def held(body: dict[str, object]) -> Answer:
        """Nobody implements anything before the pause has come."""
        if team.part(body) == "Implementer":
            paused.wait(120)
        return team.play(body)

    with OpenAIServer(held) as server:
        first = wainwright.start("run", team.GOAL, "--json", server=server)
        until(first, "attempt 1 begins")
        assert wainwright.do("task", "pause", "subtract").code == 0
        until(first, "subtract: is paused, by person")
        paused.set()
        refused = wainwright.do("task", "again", "nothing")
        assert (refused.code, "Tasks to be done" in refused.err) == (2, True), refused.err
        until(first, "landed: Did multiply.")
        assert "paused" in wainwright.do("show").out
        assert wainwright.do("task", "go-on", "subtract").code == 0
        code, out, err = rest(first)
        assert (code, json.loads(out.splitlines()[-1])["stage"]) == (0, "DONE"), out + err
        assert repeated(server) == 0


def test_a_process_of_another_namespace_is_believed_by_its_lease(wainwright: Program) -> None:
    with OpenAIServer(slowly) as server:
        first = wainwright.start("run", team.GOAL, "--json", server=server)
        until(first, "plan: ")
        first.kill()
        wait_until(lambda: first.poll() is not None)
    connection = sqlite3.connect(journal(wainwright), timeout=10, isolation_level=None)
    connection.execute("UPDATE runs SET owner = '1:1@elsewhere-1', lease_until = ?", [time.time() + 3600])
    assert "is at work in process 1" in wainwright.do("resume").err
    connection.execute("UPDATE runs SET lease_until = 1")
    connection.close()
    assert wainwright.do("show", "--json").last["interrupted"]
