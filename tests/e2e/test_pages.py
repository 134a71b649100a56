"""What a client that draws a run is given: its page, its change, and what commands print meanwhile."""

import asyncio

import pytest
from client import Refused, load_profile
from editors import VsCode
from workplace import FINDING, GOAL, ON_DISK

OURS = {"wainwright": {"events": False, "output": True}}


async def test_a_run_is_drawn_from_one_answer(workplace):
    workplace.team.findings = [FINDING]
    capabilities = {**load_profile(VsCode.profile)["capabilities"], "experimental": OURS}
    person = await workplace.sit_down(VsCode, "--autonomy", "suggest", capabilities=capabilities)
    with pytest.raises(Refused, match="There is no run"):
        await person.command("page")
    person.answers["Is the plan"] = "Approve the plan"
    person.editor.open(workplace.file, ON_DISK)
    workplace.team.hold("Implementer")
    person.client.allowed |= {"wainwright/output", "textDocument/publishDiagnostics"}
    run = (await person.command("start", goal=GOAL))["run"]
    assert await asyncio.to_thread(workplace.team.asked.wait, 60)
    page = await person.command("page")
    assert page["run"]["run"] == run
    assert [one["mark"] for one in page["stages"]] == ["done", "done", "now", *["later"] * 4]
    (task,) = page["tasks"]
    assert (task["id"], task["status"], task["mark"]) == ("subtract", "running", "now")
    assert task["writes"] == ["calc/__init__.py"]
    shown = [(one["short"], one["argument"].get("way")) for one in task["ways"]]
    assert shown == [("Pause", "pause"), ("Stop", "stop"), ("Re-run", "again"), ("Show diff", None)]
    ways = [one["short"] for one in page["ways"]]
    assert ways == ["Cancel", "Send a note", "Show the run", "Replay", "Fork"], "the run itself is in sight"
    with pytest.raises(Refused, match="shows no change"):
        await person.command("change")
    workplace.team.release("Implementer")
    await person.is_asked("Take the change over?")
    await person.command("approve")
    await person.is_asked("Start the service")
    await person.command("approve")
    await person.reads("DONE")

    printed = person.client.notifications["wainwright/output"]
    assert any("2 passed" in one["text"] and one["task"] == "subtract" for one in printed), printed
    assert {one["run"] for one in printed} == {run}
    page = await person.command("page")
    assert (page["run"]["ended"], page["run"]["title"]) == (True, GOAL)
    assert page["run"]["status"].startswith("DONE, in your files, branch ")
    began = [one["began"] for one in page["stages"]]
    assert began == sorted(began)
    assert {"name": "tests/test_sub.py::test_sub", "outcome": "passed", "before": "", "message": ""} in page[
        "cases"
    ]
    assert [one["outcome"] for one in page["cases"]] == ["passed"] * 2
    assert {"planner", "implementer", "tester", "reviewer"} <= {one["role"] for one in page["spent"]}
    assert {one["name"]: one["uri"] for one in page["documents"]}["plan.md"] == workplace.uri(
        f".wainwright/runs/{run}/plan.md"
    )
    (remark,) = page["remarks"]
    assert (remark["uri"], remark["line"]) == (workplace.uri("calc/__init__.py"), 6)
    assert page["service"]["url"].startswith("http://127.0.0.1:")
    assert {"wainwright.revert", "wainwright.stop"} <= {one["command"] for one in page["ways"]}

    change = await person.command("change")
    assert (change["asked"], change["handed"]) == (False, True)
    assert {one["path"] for one in change["hunks"]} == {"calc/__init__.py", "tests/test_sub.py"}
    (hunk,) = [one for one in change["hunks"] if one["path"] == "calc/__init__.py"]
    assert "+def sub(a: int, b: int) -> int:" in hunk["lines"]
    assert hunk["serves"] == ["R1"]
    (file,) = [one for one in change["files"] if one["uri"] == workplace.uri("calc/__init__.py")]
    text = await person.client.request("workspace/textDocumentContent", {"uri": file["after"]})
    assert "def sub" in text["text"]
    told = await person.command("runs")
    assert (told["first"], [one["run"] for one in told["runs"]]) == ("", [run])
    assert await person.client.leave() == 0
