"""Where a delivered line comes from, and the way back to before it: in the editor's open texts, and in a terminal."""

import subprocess
import sys

import pytest
from client import Refused
from editors import VsCode
from tests.fixtures import team
from tests.fixtures.openai_server import OpenAIServer
from tests.fixtures.program import program
from workplace import ADDED, GOAL, ON_DISK, completed

DELIVERED = ON_DISK + ADDED


async def test_a_delivered_line_is_explained_and_rewound_in_an_open_text(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    person.editor.open(workplace.file, ON_DISK)
    run = (await person.command("start", goal=GOAL))["run"]
    await person.reads("DONE")
    assert person.editor.text(workplace.file) == DELIVERED
    line = DELIVERED.splitlines().index("def sub(a: int, b: int) -> int:")

    seen = await person.command("why", uri=workplace.uri("calc/__init__.py"), line=line)
    assert (seen["run"], seen["task"]) == (run, "subtract")
    assert seen["step"].startswith("/BUILD/subtract.")
    assert "implementer/model#" in seen["call"]
    told = (workplace.root / ".wainwright" / "why.md").read_text()
    assert "+def sub(a: int, b: int) -> int:" in told
    assert person.shown[-1]["uri"] == seen["uri"]

    names = [one["name"] for one in (await person.command("checkpoints"))["checkpoints"]]
    assert names == [f"{run}@1", f"{run}@0"]
    test = workplace.root / "tests" / "test_sub.py"
    delivered = test.read_text()
    person.answers[f"Rewind to {run}@0"] = "Rewind"
    await person.command("rewind", checkpoint=f"{run}@0")
    await person.reads("rewind-1 leads back")
    assert person.editor.text(workplace.file) == ON_DISK
    assert not test.exists()

    person.answers["Rewind to rewind-1"] = "Rewind"
    person.answers["Rewind to which checkpoint"] = f"rewind-1: before the rewind to {run}@0"
    await person.command("rewind")
    await person.reads("rewind-2 leads back")
    assert person.editor.text(workplace.file) == DELIVERED
    assert test.read_text() == delivered

    person.editor.type(workplace.file, "Sums.", "Sums, by me.")
    await person.command("rewind", checkpoint=f"{run}@0")
    await person.is_asked(f"Rewind to {run}@0", times=2)
    again = person.questions(f"Rewind to {run}@0")[-1]
    assert "calc/__init__.py: you changed it since" in again["message"]
    assert [one["title"] for one in again["actions"]] == ["Rewind", "Rewind, with what I changed", "Not now"]
    await person.reads("rewind-3 leads back")
    assert "Sums, by me." in person.editor.text(workplace.file)
    assert not test.exists()
    assert await person.client.leave() == 0


async def test_a_run_is_replayed_and_forked_from_the_editor(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    workplace.file.write_text(ON_DISK.replace("a + b", "a  +  b"))
    run = (await person.command("review"))["run"]
    await person.reads("DONE")
    calls = len(completed(workplace.model))

    document = f".wainwright/runs/{run}/run.md"
    again = await person.take(await person.action(f"Replay {run} against its record", document))
    assert again["sentence"] in await person.reads(f"{run} would go as it went")
    assert (again["differences"], again["calls"], again["asked"]) == ([], calls, calls)
    rows = (await person.command("rows", run=run))["rows"]
    assert rows[0]["text"] == "the run begins"

    person.answers[f"Fork {run} from where"] = "Where REVIEW begins"
    begun = await person.take(await person.action(f"Fork {run}", document))
    assert begun == {"parent": run, "run": ""}
    told = await person.reads(f"beside {run}: the result is the same, file by file; 0 model calls")
    fork = told.partition(" beside ")[0]
    assert fork in await person.reads("goes on from row")
    assert fork in await person.reads("DONE")
    assert len(completed(workplace.model)) == calls, "all was answered from the record"
    compared = await person.command("compare", run=fork)
    assert (compared["parent"], compared["given"], compared["files"]) == (run, calls, [])
    said = (await person.command("replay", run=fork))["sentence"]
    assert said == await person.reads("would go as it went")

    at = next(row["number"] for row in rows if "/reviewer/model#" in row["text"]) - 1
    anew = await person.command("fork", run=run, row=at, anew=["reviewer"])
    await person.reads(f"{anew['run']} beside {run}")
    assert await person.reads("goes on from row") == f"{anew['run']} goes on from row {at} of {run}."
    assert anew["run"] in await person.reads("DONE")
    assert len(completed(workplace.model)) == 2 * calls

    with pytest.raises(Refused, match=f"Run {run} has no row 9999"):
        await person.command("fork", run=run, row=9999)
    with pytest.raises(Refused, match=f"Run {run} is no fork"):
        await person.command("compare", run=run)
    for command in ("replay", "rows", "fork", "compare"):
        with pytest.raises(Refused, match="There is no run nobody"):
            await person.command(command, run="nobody")
    assert await person.client.leave() == 0


@pytest.mark.nightly
def test_in_a_terminal(tmp_path):
    with program() as wainwright, OpenAIServer(team.play) as server:
        seen = wainwright.do("run", team.GOAL, "--json", server=server).last
        wainwright.git("merge", "--quiet", seen["branch"])
        sub = wainwright.workspace / "calc" / "sub.py"
        delivered = sub.read_text()

        told = wainwright.do("why", "calc/sub.py:2")
        assert told.code == 0, told.err
        assert f"Run {seen['run']} wrote it" in told.out
        assert "  +    return a - b" in told.out
        assert "Asked for by the implementer, openai/any: row" in told.out
        assert "tests/test_more.py::test_sub (R1) was red before the change." in told.out
        assert wainwright.do("why", "calc/sub.py:2", "--json", "--run", seen["run"]).last["whole"]
        assert wainwright.do("why", "calc/sub.py").code == 2
        assert "has 2 lines" in wainwright.do("why", "calc/sub.py:9").err

        before = f"{seen['run']}@0"
        assert before in wainwright.do("rewind").out
        asked = wainwright.do("rewind", before)
        assert "D calc/sub.py  +0 -2" in asked.out
        assert sub.exists(), "nobody said yes"
        assert "`--yes` rewinds without a question" in asked.err
        assert "rewind rewind-1` takes it back" in wainwright.do("rewind", before, "--yes").out
        assert not sub.exists()
        assert wainwright.do("rewind", "rewind-1", "--yes", "--json").last["back"] == "rewind-2"
        assert sub.read_text() == delivered
        assert "There is no checkpoint nowhere." in wainwright.do("rewind", "nowhere").err

        statement, check = tmp_path / "statement.json", tmp_path / "check.py"
        written = wainwright.do("audit", "statement", "--to", str(statement), "--verifier", str(check))
        assert written.code == 0, written.err
        commit = wainwright.git("rev-parse", seen["branch"]).strip()
        assert commit in written.err
        line = [sys.executable, str(check), str(statement), commit]
        believed = subprocess.run(line, check=False, capture_output=True, text=True)
        assert believed.returncode == 0, believed.stdout
        assert wainwright.do("audit", "statement").out.encode() == statement.read_bytes()
