"""`kill -9` of a run at work, again and again: it goes on, and nothing that was answered is asked again."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator

import pytest
from tests.fixtures import team
from tests.fixtures.leftovers import files_of_work
from tests.fixtures.openai_server import Answer, OpenAIServer
from tests.fixtures.program import Program, program

MOMENTS = (
    "edits calc/sub.py",
    "run_tests",
    "the critic looks at the change",
    "tests the merged tree",
    "the reviewer thinks",
    "starts the service",
)
"""Words of the run's story after which it is killed, each in a process of its own."""


@pytest.fixture
def wainwright() -> Iterator[Program]:
    with program() as made:
        yield made


def kill_after(process: subprocess.Popen[str], words: str) -> str:
    """Read a run's story until it says this, then kill it; returns all that was read."""
    assert process.stdout is not None
    read = ""
    for line in process.stdout:
        read += line
        if words in line:
            break
    process.kill()
    process.wait()
    return read


def left(wainwright: Program) -> list[str]:
    """What lies in the state directory for a run or a process, beside the tree that is served."""
    (journal,) = (wainwright.root / "state" / "wainwright").glob("*/journal.db")
    return files_of_work(journal.parent)


@pytest.mark.nightly
@pytest.mark.timeout(400)  # seven processes, one after the other
def test_a_run_killed_at_many_moments_pays_for_nothing_twice(wainwright: Program) -> None:
    def script(body: dict[str, object]) -> Answer:
        answer = team.play(body)
        return Answer(**{**vars(answer), "delay_s": 0.05})

    with OpenAIServer(script) as server:
        command, lay_about = ["run", team.GOAL, "--deploy"], 0
        for moment in MOMENTS:
            story = kill_after(wainwright.start(*command, "--json", server=server), moment)
            assert moment in story, f"it never came to “{moment}”:\n{story}"
            command = ["resume"]
            lay_about += len(left(wainwright))
        ended = wainwright.do("resume", "--json", server=server)
        assert (ended.code, ended.last["stage"]) == (0, "DONE"), ended.out + ended.err
        seen, requests = ended.last, server.requests

    # Each answer that arrived is one step. What was asked again was under way at a kill, and is shown as lost.
    again = {text: n for text, n in Counter(json.dumps(r["messages"]) for r in requests).items() if n > 1}
    assert sum(n - 1 for n in again.values()) <= seen["lost_calls"] <= len(MOMENTS) * 2
    assert seen["model_calls"] == len({json.dumps(r["messages"]) for r in requests})
    assert seen["model_calls"] <= server.completed <= seen["model_calls"] + seen["lost_calls"]
    # Nothing of the work is lost, and nothing is there twice.
    assert "return a * b" in wainwright.git("show", f"{seen['branch']}:calc/mul.py")
    assert "return a - b" in wainwright.git("show", f"{seen['branch']}:calc/sub.py")
    subjects = wainwright.git("log", "--format=%s", f"main..{seen['branch']}").splitlines()
    assert len(subjects) == len(set(subjects)), subjects
    assert {task["status"] for task in seen["tasks"]} == {"landed"}
    assert wainwright.git("branch", "--list", "wainwright/*").split() == [seen["branch"]]
    # What the killed processes left lying about is gone.
    assert lay_about
    assert left(wainwright) == []
