"""A workspace is moved while a run is interrupted: its runs are found again, and go on in the new place."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.test_kill_run import kill_after
from tests.fixtures import team
from tests.fixtures.openai_server import OpenAIServer
from tests.fixtures.program import Program, program


class Moved(Program):
    """The same person with the same workspace, which lies elsewhere now."""

    @property
    def workspace(self) -> Path:
        return self.root / "elsewhere"


@pytest.fixture
def wainwright() -> Iterator[Program]:
    with program() as made:
        yield made


@pytest.mark.nightly
@pytest.mark.timeout(200)
def test_a_run_goes_on_where_its_workspace_was_moved_to(wainwright: Program) -> None:
    moved = Moved(wainwright.root)
    with OpenAIServer(team.play) as server:
        kill_after(wainwright.start("run", team.GOAL, "--json", server=server), "tests the merged tree")
        asked = len(server.requests)
        wainwright.workspace.rename(moved.workspace)
        # Another project comes to lie where it was: it has no runs.
        team.make_workspace(wainwright.workspace)
        assert "No runs yet" in wainwright.do("runs").out
        ended = moved.do("resume", "--json", server=server)
        assert (ended.code, ended.last["stage"]) == (0, "DONE"), ended.out + ended.err
        assert f"found again: it was {wainwright.workspace}" in " ".join(ended.err.split())
        assert len(server.requests) > asked
    assert moved.do("show", "--json").last["run"] == ended.last["run"]
    assert "return a - b" in moved.git("show", f"{ended.last['branch']}:calc/sub.py")
    moved.end()
