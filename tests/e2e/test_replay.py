"""What a run did, and forks of it, on the command line: real processes, git, sandbox; the model is scripted."""

import re
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from tests.fixtures import team
from tests.fixtures.openai_server import Answer, OpenAIServer, say
from tests.fixtures.program import Program, program
from tests.fixtures.scenario import who


@pytest.fixture(scope="module")
def done() -> Iterator[tuple[Program, dict[str, Any], int]]:
    """A run that is done, and how many calls it took."""
    with program() as made, OpenAIServer(team.play) as server:
        ended = made.do("run", team.GOAL, "--route", "PLANNING,BUILD,TEST,REVIEW", "--json", server=server)
        assert ended.code == 0, ended.out + ended.err
        yield made, ended.last, server.completed


def rows(wainwright: Program, run: str) -> list[dict[str, Any]]:
    listed = wainwright.do("replay", run, "--events", "--json")
    assert listed.code == 0, listed.err
    found: list[dict[str, Any]] = listed.last
    return found


def number(found: list[dict[str, Any]], text: str) -> int:
    return next(int(row["number"]) for row in found if text in row["text"])


def test_the_rows_of_a_run_are_listed_with_their_numbers(done: tuple[Program, dict[str, Any], int]) -> None:
    wainwright, run, calls = done
    found = rows(wainwright, run["run"])
    assert found[0]["text"] == "the run begins"
    assert sum("/model#" in row["text"] and row["kind"] == "done" for row in found) == calls
    told = wainwright.do("replay", run["run"][:10], "--events").out.splitlines()
    assert [int(line.split()[0]) for line in told] == [row["number"] for row in found]
    assert any("plan: 2 requirements, 3 tasks" in line or "plan: " in line for line in told)


def test_a_fork_asks_nothing_again_and_has_the_same_result(done: tuple[Program, dict[str, Any], int]) -> None:
    wainwright, run, calls = done
    at = number(rows(wainwright, run["run"]), "plan: ")
    with OpenAIServer(team.play) as server:
        ended = wainwright.do("replay", run["run"], "--fork", str(at), "--json", server=None)
        assert ended.code == 0, ended.out + ended.err
        assert server.completed == 0
    seen, compared = ended.last, ended.last["comparison"]
    assert seen["stage"] == "DONE"
    assert seen["run"] != run["run"]
    assert compared["files"] == []
    assert compared["calls"][1] == 0
    assert compared["given"] == calls
    assert (seen["tokens"], seen["cost_usd"]) == (0, 0.0)
    assert seen["branch"] != run["branch"]
    assert wainwright.git("rev-parse", f"{seen['branch']}^{{tree}}") == wainwright.git(
        "rev-parse", f"{run['branch']}^{{tree}}"
    )
    # The run that it comes from is as it was.
    assert wainwright.do("show", run["run"], "--json").last == run


def test_another_model_for_a_role_is_asked_and_what_changed_is_shown(
    done: tuple[Program, dict[str, Any], int],
) -> None:
    wainwright, run, _ = done
    at = number(rows(wainwright, run["run"]), "plan: ")
    asked = []

    def other(body: dict[str, Any]) -> Answer:
        asked.append(who(body))
        answer = team.play(body)
        return say(answer.text.replace("return a - b", "return a + -b")) if "a - b" in answer.text else answer

    with OpenAIServer(other) as server:
        words = ("--fork", str(at), "--model", "implementer=openai/other", "--api-base", server.base)
        ended = wainwright.do("replay", run["run"], *words)
    assert ended.code == 0, ended.out + ended.err
    assert "implementer:subtract" in asked
    assert "planner" not in asked
    assert "M calc/sub.py  +1 -1" in ended.out
    assert "more were answered from the record" in ended.out


def test_runs_and_forks_are_done_again_without_a_model_and_without_a_trace(
    done: tuple[Program, dict[str, Any], int],
) -> None:
    wainwright, run, calls = done
    before = wainwright.git("status", "--porcelain", "--ignored"), wainwright.git("for-each-ref")
    alone = wainwright.do("replay", run["run"], "--json")
    assert alone.code == 0, alone.out + alone.err
    assert (alone.last["calls"], alone.last["asked"]) == (calls, calls)
    assert (alone.last["differences"], alone.last["documents"]) == ([], [])
    told = wainwright.do("replay", run["run"])
    assert f"{calls} of {calls} recorded model calls were asked for again; none was made." in told.out
    newest = wainwright.do("replay", "--last", "20")
    assert newest.code == 0, newest.out + newest.err
    assert newest.out.count("would go as it went") == len(wainwright.do("runs", "--json").last)
    assert (wainwright.git("status", "--porcelain", "--ignored"), wainwright.git("for-each-ref")) == before


def test_a_journal_that_was_changed_goes_on_from_what_can_be_believed() -> None:
    with program() as wainwright, OpenAIServer(team.play) as server:
        ended = wainwright.do(
            "run", team.GOAL, "--route", "PLANNING,BUILD,TEST,REVIEW", "--json", server=server
        )
        run, asked = ended.last["run"], server.completed
        (path,) = wainwright.root.glob("state/wainwright/*/journal.db")
        with sqlite3.connect(path) as connection:
            connection.execute("UPDATE journal SET body = 'nonsense' WHERE body LIKE '%\"task-landed\"%'")
        connection.close()
        refused = wainwright.do("replay", run)
        assert refused.code == 2
        number = re.search(rf"wainwright replay {run} --fork (\d+)", refused.err)
        assert number is not None, refused.err
        onward = wainwright.do("replay", run, "--fork", number[1], "--json")
        assert onward.code == 0, onward.out + onward.err
        assert onward.last["stage"] == "DONE"
        assert asked < server.completed < 2 * asked, "what was believed was not asked again"


def test_a_run_with_a_service_and_a_monitor_is_done_again() -> None:
    with program() as wainwright:
        with OpenAIServer(team.play) as server:
            ended = wainwright.do("run", team.GOAL, "--json", server=server)
        assert ended.last["stage"] == "DONE"
        seen = wainwright.do("replay", "--json")
        assert seen.code == 0, seen.out + seen.err
        assert seen.last["asked"] == seen.last["calls"] == ended.last["model_calls"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--fork", "999999"), "has no row 999999"),
        (("--fork", "-1"), "has no row -1"),
        (("--fork", "1", "--model", "nonsense"), "ROLE=provider/model"),
        (("--fork", "1", "--model", "juggler=openai/x"), "There is no role juggler"),
        (("--model", "planner=openai/x"), "--model goes with --fork"),
        (("--last", "0"), "--last"),
    ],
)
def test_what_cannot_be_forked_is_told(
    done: tuple[Program, dict[str, Any], int], words: tuple[str, ...], told: str
) -> None:
    wainwright, run, _ = done
    refused = wainwright.do("replay", run["run"], *words)
    assert refused.code == 2
    assert told in refused.err
    assert "Traceback" not in refused.err
