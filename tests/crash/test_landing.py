"""`kill -9` while two tasks land as one batch: each lands once, and nothing that was answered is asked again."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures import team
from tests.fixtures.openai_server import OpenAIServer
from tests.fixtures.program import SERVER, Program, program

from wainwright.domain.events import TaskLanded
from wainwright.journal import Journal

EXTRA = {"PYTHONPATH": f"{SERVER}:{Path(__file__).parents[2]}"}


@pytest.fixture
def wainwright() -> Iterator[Program]:
    with program() as made:
        yield made


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "moment", ["written", *(pytest.param(one, marks=pytest.mark.nightly) for one in ("merged", "moved"))]
)
def test_a_batch_that_is_cut_off_lands_once(wainwright: Program, moment: str) -> None:
    dying = replace(wainwright, entry=("tests.crash.landing", moment), extra=EXTRA)
    with OpenAIServer(team.play) as server:
        killed = dying.do("run", team.GOAL, "--json", server=server)
        assert killed.code == -signal.SIGKILL, killed.out + killed.err
        landed = landings(wainwright)
        assert landed == (["multiply", "subtract"] if moment == "written" else []), "all of it, or nothing"
        ended = wainwright.do("resume", "--json", server=server)
        assert (ended.code, ended.last["stage"]) == (0, "DONE"), ended.out + ended.err
        asked = Counter(json.dumps(request["messages"]) for request in server.requests)
    assert (set(asked.values()), ended.last["lost_calls"]) == ({1}, 0)
    assert [task for task in landings(wainwright) if task in ("multiply", "subtract")] == [
        "multiply",
        "subtract",
    ]
    branch = ended.last["branch"]
    subjects = wainwright.git("log", "--format=%s", f"main..{branch}").splitlines()
    assert len(subjects) == len(set(subjects)), subjects
    assert "return a * b" in wainwright.git("show", f"{branch}:calc/mul.py")
    assert "return a - b" in wainwright.git("show", f"{branch}:calc/sub.py")


def landings(wainwright: Program) -> list[str]:
    """The tasks that the journal says have landed, by name."""
    (place,) = (wainwright.root / "state" / "wainwright").glob("*/journal.db")
    journal = Journal(place)
    events = journal.events(journal.runs()[0].run)
    journal.close()
    return sorted(event.task for event in events if isinstance(event, TaskLanded))
