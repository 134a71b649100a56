"""The product: a goal goes to done inside the editor, in every editor, whatever happens in between."""

import asyncio

import pytest
from client import Refused, load_profile
from editors import Eglot, Emacs, IntelliJ, Neovim, VsCode
from workplace import ADDED, FINDING, GOAL, ON_DISK, UNSAVED, completed

RICH = {"wainwright": True}
TYPED = ("Sums.", "Sums, typed meanwhile.")


@pytest.mark.parametrize(
    "kind", [VsCode, *(pytest.param(one, marks=pytest.mark.nightly) for one in (Neovim, Eglot))]
)
async def test_a_goal_goes_to_done_while_the_person_types(workplace, kind):
    person = await workplace.sit_down(kind, "--autonomy", "suggest")
    person.editor.open(workplace.file, ON_DISK)
    person.editor.change(workplace.uri("calc/__init__.py"), UNSAVED)
    person.answers["Is the plan"] = "Approve the plan"
    # The second gate is decided within a second of its coming, which is asked again.
    person.answers["just as you chose"] = "Take the change over"
    workplace.team.hold("Implementer")
    await person.client.request("textDocument/codeLens", {"textDocument": {"uri": workplace.uri("x")}})

    run = (await person.command("start", goal=GOAL))["run"]
    if kind is not VsCode:
        await person.is_asked("Is the plan")
        await person.take(await person.action("Approve the plan: Is the plan"))
    token = await person.sees_progress("BUILD")
    person.editor.type(workplace.file, *TYPED)
    workplace.team.release("Implementer")

    await person.is_asked("Take the change over?")
    await person.take(await person.action(f"Take the change over: {GOAL}"))
    await person.is_asked("Start the service")
    assert (await person.command("approve"))["run"] == run
    person.answers["DONE, in your files"] = "Stop the service"
    told = await person.reads("DONE")
    assert "2 files changed; 2 tests green; it serves at http://127.0.0.1:" in told
    if kind is not VsCode:
        await person.command("stop")
    assert (await person.reads("The service at http://127.0.0.1:")).endswith(" is stopped.")
    assert (await person.command("stop"))["run"] == run
    assert (await person.reads("The service at http://127.0.0.1:")).endswith(" had ended already.")

    assert person.editor.text(workplace.file) == UNSAVED.replace(*TYPED) + ADDED
    assert workplace.file.read_text() == ON_DISK, "the buffer is the person's to save"
    assert (workplace.root / "tests" / "test_sub.py").exists()
    (edit,) = person.editor.edits
    assert len(edit["edit"]["documentChanges"]) == 1
    (seen,) = await person.runs()
    assert (seen["stage"], seen["editor"], seen["percent"]) == ("DONE", "applied", 100)
    assert workplace.git("show", f"{seen['branch']}:calc/__init__.py") == UNSAVED + ADDED
    assert any("only in the buffer" in request for request in completed(workplace.model))
    notes = [note["value"]["kind"] for note in person.client.notifications["$/progress"]]
    bars = [note["value"].get("message") or "" for note in person.client.notifications["$/progress"]]
    assert any(bar.endswith("minutes, price unknown)") for bar in bars), "what it takes is on the bar"
    assert (notes[0], notes[-1], notes.count("begin"), notes.count("end")) == ("begin", "end", 1, 1)
    assert {note["token"] for note in person.client.notifications["$/progress"]} == {token}
    assert await person.client.leave() == 0


@pytest.mark.parametrize("kind", [pytest.param(Neovim, marks=pytest.mark.nightly), Eglot])
async def test_a_question_that_takes_the_keyboard_waits_until_hands_are_off_it(workplace, kind):
    person = await workplace.sit_down(kind)
    person.answers["Is the plan"] = "Approve the plan"
    run = (await person.command("plan", goal=GOAL))["run"]
    await person.is_asked("Is the plan")
    assert not person.questions("Is the plan"), "told first"
    (told,) = person.told
    assert told["message"].endswith("Answer by code action.")
    if kind is Neovim:
        assert len("LSP[wainwright] " + told["message"]) <= 68, "it asks for Enter after a line"
    assert "holds before DESIGN" in await person.reads(run)
    (asked,) = person.questions("Is the plan")
    offered = [action["title"] for action in asked["actions"]]
    assert offered[-3:] == ["Leave it open", "Approve the plan", "Reject the plan"], (
        "a stray key decides nothing"
    )
    assert await person.client.leave() == 0


@pytest.mark.nightly
async def test_a_killed_server_is_followed_by_one_that_goes_on(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    workplace.team.hold("Implementer")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.sees_progress("BUILD")
    assert await asyncio.to_thread(workplace.team.asked.wait, 60)
    await person.vanish()
    workplace.team.lose("Implementer")

    person = await workplace.sit_down(Neovim, "--autonomy", "full-auto")
    workplace.team.closed = False
    await person.is_asked("A run was interrupted in BUILD")
    await person.take(await person.action(f"Resume {run}"))
    await person.reads("DONE")
    calls = completed(workplace.model)
    assert len(calls) == len(set(calls)), "no answered call is made again"
    assert await person.client.leave() == 0


async def test_a_killed_server_is_followed_by_the_command_line(workplace):
    person = await workplace.sit_down(VsCode)
    person.answers["Is the plan"] = "Approve the plan"
    workplace.team.hold("Implementer")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.sees_progress("BUILD")
    assert await asyncio.to_thread(workplace.team.asked.wait, 60)
    await person.vanish()
    workplace.team.lose("Implementer")
    async with asyncio.timeout(30):
        while not any(entry["status"] == 500 for entry in workplace.model.entries):
            await asyncio.sleep(0.01)
    workplace.team.closed = False

    told = await asyncio.to_thread(workplace.command_line, "resume", run, "--json")
    assert (told["stage"], told["run"]) == ("DONE", run)
    calls = completed(workplace.model)
    assert len(calls) == len(set(calls)), "no answered call is made again"
    assert told["lost_calls"] == 1


async def test_a_gate_survives_a_restart_and_the_stages_go_on_one_by_one(workplace):
    person = await workplace.sit_down()
    run = (await person.command("plan", goal=GOAL))["run"]
    await person.is_asked("Is the plan")
    assert await person.client.leave() == 0

    person = await workplace.sit_down()
    await person.is_asked("Is the plan")
    plan = f".wainwright/runs/{run}/plan.md"
    lenses = [lens["command"] for lens in await person.lenses(plan)]
    twins = [action["command"] for action in await person.actions(plan)]
    assert [lens["title"] for lens in lenses] == ["Approve the plan", "Reject the plan", "Review", "Cancel"]
    does = [(twin["command"], twin["arguments"]) for twin in twins]
    assert [lens for lens in lenses if (lens["command"], lens["arguments"]) not in does] == []
    with pytest.raises(Refused, match=r"waits for a decision.*wainwright\.approve"):
        await person.command("design")
    approve = await person.action("Approve the plan: Is the plan")
    await person.take(approve)
    assert "holds before DESIGN" in await person.reads(run)
    assert (await person.take(approve))["gates"] == [], "a late decision is dropped"
    with pytest.raises(Refused, match=r"holds before DESIGN\. Run wainwright\.design first"):
        await person.command("build")
    assert [lens["command"]["command"] for lens in await person.lenses(plan)] == [
        "wainwright.design",
        "wainwright.resume",
    ]
    assert (await person.command("design"))["run"] == run
    assert "holds before BUILD" in await person.reads(run)
    with pytest.raises(Refused, match="has been through DESIGN"):
        await person.command("design", run=run)
    assert (await person.command("cancel"))["stage"] == "CANCELLED"
    assert await person.client.leave() == 0


async def test_the_first_answer_counts_and_a_late_one_is_dropped(workplace):
    person = await workplace.sit_down()

    async def late():
        await person.client.expect("$/cancelRequest")
        return "Reject the plan"

    person.answers["Is the plan"] = late
    run = (await person.command("plan", goal=GOAL))["run"]
    await person.is_asked("Is the plan")
    await person.command("approve")
    assert "holds before DESIGN" in await person.reads(run)
    (seen,) = await person.runs()
    assert (seen["stage"], seen["waiting"]) == ("DESIGN", "hold")
    assert await person.client.leave() == 0


async def test_a_rejected_plan_is_made_anew_with_the_reason(workplace):
    person = await workplace.sit_down()
    run = (await person.command("plan", goal=GOAL))["run"]
    await person.is_asked("Is the plan")
    await person.command("reject", reason="Say it in French.")
    await person.is_asked("Is the plan", times=2)
    assert "Say it in French." in completed(workplace.model)[-1]
    await person.command("approve", run=run)
    assert "holds before DESIGN" in await person.reads(run)
    assert await person.client.leave() == 0


async def test_the_cancel_button_of_the_progress_bar_stops_the_run(workplace):
    person = await workplace.sit_down()
    workplace.team.hold("Planner")
    run = (await person.command("start", goal=GOAL))["run"]
    token = await person.sees_progress("PLANNING")
    person.client.notify("window/workDoneProgress/cancel", {"token": token})
    assert "CANCELLED" in await person.reads(run)
    assert person.client.notifications["$/progress"][-1]["value"]["kind"] == "end"
    workplace.team.release("Planner")
    resume = await person.action(f"Resume {run}", f".wainwright/runs/{run}/run.md")
    await person.take(resume)
    await person.is_asked("Is the plan")
    assert await person.client.leave() == 0


async def test_a_run_that_is_cancelled_and_resumed_at_once_goes_on(workplace):
    person = await workplace.sit_down()
    run = (await person.command("plan", goal=GOAL))["run"]
    await person.sees_progress("tests the base")
    assert (await person.command("cancel"))["stage"] == "CANCELLED"
    assert (await person.command("resume"))["stage"] == "PLANNING"
    await person.is_asked("Is the plan")
    await person.command("approve", run=run)
    assert "holds before DESIGN" in await person.reads("holds before")
    person.client.allowed.add("window/showMessage")
    assert await person.client.leave() == 0


async def test_a_conflict_with_what_was_typed_stops_that_file_alone_and_is_tried_again(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    person.editor.open(workplace.file, ON_DISK)
    workplace.team.hold("Reviewer")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.sees_progress("BUILD")
    mine = ON_DISK.replace("return a + b", "return b + a")
    person.editor.change(workplace.uri("calc/__init__.py"), mine)
    workplace.team.release("Reviewer")
    said = await person.reads("was not put into your files")
    assert "calc/__init__.py: The same lines have been changed meanwhile." in said
    assert said.startswith("A part of the change")
    assert "partly in your files" in await person.reads("DONE")
    (seen,) = await person.runs()
    assert seen["editor"] == "partial"
    assert person.editor.text(workplace.file) == mine
    assert (workplace.root / "tests" / "test_sub.py").exists()
    apply = await person.action("Apply the change", f".wainwright/runs/{run}/run.md")
    assert (await person.take(apply))["status"] == "begun"
    assert "The same lines have been changed meanwhile" in await person.reads("was not put into your files")
    person.editor.change(workplace.uri("calc/__init__.py"), ON_DISK)
    await person.take(apply)
    await person.reads("was put into your files")
    assert person.editor.text(workplace.file) == ON_DISK + ADDED
    await person.take(await person.action("Revert the change", f".wainwright/runs/{run}/run.md"))
    await person.reads("was taken back")
    assert await person.action("Apply the change", f".wainwright/runs/{run}/run.md")
    assert await person.client.leave() == 0


async def test_what_was_applied_can_be_taken_back_even_by_another_server(workplace):
    workplace.team.findings = [FINDING]
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.reads("DONE")
    assert workplace.file.read_text() == ON_DISK + ADDED
    told = await person.client.expect("textDocument/publishDiagnostics")
    assert told["uri"] == workplace.uri("calc/__init__.py")
    (diagnostic,) = told["diagnostics"]
    assert (diagnostic["source"], diagnostic["severity"]) == ("wainwright", 3)
    assert diagnostic["range"]["start"]["line"] == 6
    assert diagnostic["code"] == "review"
    assert diagnostic["relatedInformation"][0]["location"]["uri"].endswith(f"/{run}/review.md")
    mend = await person.action("Fix with Wainwright: Someone adds floats", diagnostics=[diagnostic])
    assert "The sum is inexact." in mend["command"]["arguments"][0]["goal"]
    workplace.team.hold("Planner")
    await person.command("start", goal="Another goal.", until="PLANNING")
    assert (await person.client.expect("textDocument/publishDiagnostics"))["diagnostics"] == []
    await person.command("cancel")
    assert "CANCELLED" in await person.reads("another-goal")
    assert await person.client.leave() == 0

    person = await workplace.sit_down()
    workplace.file.write_text("# mine now\n")
    assert await person.command("revert", run=run) == {"run": run, "status": "begun"}
    left = await person.reads("was not taken back")
    assert "A part of" in left
    assert "calc/__init__.py: The same lines have been changed meanwhile." in left
    assert not (workplace.root / "tests" / "test_sub.py").exists(), "a conflict in one file stops no other"
    workplace.file.write_text("# typed since\n" + ON_DISK + ADDED.replace("a - b", "a  -  b"))
    await person.command("revert", run=run, file="calc/__init__.py")
    await person.reads("was taken back")
    assert workplace.file.read_text() == "# typed since\n" + ON_DISK
    workplace.file.write_text(ON_DISK)
    assert workplace.file.read_text() == ON_DISK
    assert not (workplace.root / "tests" / "test_sub.py").exists()
    with pytest.raises(Refused, match="Nothing of run"):
        await person.command("revert", run=run)
    person.client.notifications.pop("textDocument/publishDiagnostics", None)
    assert await person.client.leave() == 0


DYING = """
import os
from wainwright.__main__ import main
from wainwright.engine.editing import Editing

def die(*_):
    os.kill(os.getpid(), 9)

def die_at_the_end(self, run, changes, keep=Editing._keep_undo):
    keep(self, run, changes) if any(change.pending for change in changes) else die()

Editing.{method} = {dies}
main()
"""


@pytest.mark.parametrize(
    ("method", "dies"),
    [("_write", "die"), pytest.param("_keep_undo", "die_at_the_end", marks=pytest.mark.nightly)],
)
async def test_a_kill_beside_the_write_leaves_a_way_back_of_what_was_written(workplace, method, dies):
    code = DYING.format(method=method, dies=dies)
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto", run=("-c", code))
    run = (await person.command("start", goal=GOAL))["run"]
    assert await person.client.exit_code(patience=90) == -9
    person = await workplace.sit_down()
    if method == "_write":
        assert workplace.file.read_text() == ON_DISK
        with pytest.raises(Refused, match="Nothing of run"):
            await person.command("revert", run=run)
    else:
        assert workplace.file.read_text() == ON_DISK + ADDED
        await person.command("revert", run=run)
        await person.reads("was taken back")
        assert workplace.file.read_text() == ON_DISK
        assert not (workplace.root / "tests" / "test_sub.py").exists()
    assert await person.client.leave() == 0


async def test_an_editor_that_reports_only_after_the_answer_is_told_the_truth(workplace):
    person = await workplace.sit_down(Emacs, "--autonomy", "full-auto")
    person.editor.open(workplace.file, ON_DISK)
    run = (await person.command("start", goal=GOAL))["run"]
    await person.reads("DONE")
    assert person.editor.text(workplace.file) == ON_DISK + ADDED
    assert await person.command("revert", run=run) == {"run": run, "status": "begun"}
    assert await person.reads("The change of") == f"The change of {run} was taken back."
    assert person.editor.text(workplace.file) == ON_DISK
    assert not (workplace.root / "tests" / "test_sub.py").exists()
    assert await person.command("apply", run=run) == {"run": run, "status": "begun"}
    assert await person.reads("The change of") == f"The change of {run} was put into your files."
    assert person.editor.text(workplace.file) == ON_DISK + ADDED
    assert (workplace.root / "tests" / "test_sub.py").exists()
    assert await person.client.leave() == 0


async def test_what_editors_claim_about_a_command_is_found_out(workplace):
    rich = {"capabilities": {**load_profile(IntelliJ.profile)["capabilities"], "experimental": RICH}}
    person = await workplace.sit_down(IntelliJ, "--autonomy", "full-auto", **rich)
    person.editor.open(workplace.file, ON_DISK)
    run = (await person.command("start", goal=GOAL))["run"]
    await person.reads("DONE")
    person.editor.idle = True
    await person.command("revert", run=run)
    assert "The editor did not apply the edit" in await person.reads("was not taken back")
    assert (workplace.root / "tests" / "test_sub.py").exists(), "no file without the others"
    notices = person.client.notifications["wainwright/event"]

    def reverts():
        # Not the last notice: that the run is to be shown anew is told right behind this one.
        return [notice for notice in notices if notice["kind"] == "revert"]

    await person.client.until(reverts, "the notice of it")
    assert [notice["edit"]["status"] for notice in reverts()] == ["refused"]
    person.editor.idle = False
    typed = "typed above\n" + ON_DISK + ADDED
    person.editor.before_apply = lambda: person.editor.change(workplace.uri("calc/__init__.py"), typed)
    await person.command("revert", run=run)
    assert "look at it before you save" in await person.reads("was not taken back")
    person.editor.before_apply = lambda: None
    person.editor.change(workplace.uri("calc/__init__.py"), ON_DISK + ADDED)
    await person.command("revert", run=run)
    assert await person.reads("The change of") == f"The change of {run} was taken back."
    assert person.editor.text(workplace.file) == ON_DISK
    person.client.allowed.add("wainwright/event")
    assert await person.client.leave() == 0


async def test_a_second_server_decides_but_does_not_drive(workplace):
    first = await workplace.sit_down()
    second = await workplace.sit_down(Neovim)
    run = (await first.command("plan", goal=GOAL))["run"]
    await first.is_asked("Is the plan")
    (seen,) = await second.runs()
    assert (seen["atWork"], seen["waiting"]) == ("elsewhere", "gate")
    with pytest.raises(Refused, match="is at work in process"):
        await second.command("resume", run=run)
    with pytest.raises(Refused, match="nother process is at work"):
        await second.command("design", run=run)
    await second.command("approve")
    assert "holds before DESIGN" in await first.reads(run)
    assert await second.client.leave() == 0
    assert await first.client.leave() == 0


async def test_what_no_encoder_takes_stops_nothing_and_stays_in_the_buffer(workplace):
    half = "\ud83d"
    person = await workplace.sit_down(VsCode, "--autonomy", "auto-edit")
    person.editor.open(workplace.file, ON_DISK)
    unsaved = UNSAVED.replace("only in", f"{half} only in")
    person.editor.change(workplace.uri("calc/__init__.py"), unsaved)
    person.editor.open(workplace.root / "odd\udcff.py", "x = 1\n")
    selected = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 40}}
    run = await person.command(
        "start",
        goal=f"{GOAL} {half}",
        uri=workplace.uri("calc/__init__.py"),
        range=selected,
        diagnostics=[f"odd {half}"],
    )
    assert run["goal"] == f"{GOAL} \N{REPLACEMENT CHARACTER}"
    await person.is_asked("Is the plan")
    await person.command("approve")
    await person.is_asked("Start the service")
    await person.command("reject", reason=f"not now {half}")
    await person.reads("DONE")
    assert person.editor.text(workplace.file) == unsaved + ADDED
    (seen,) = await person.runs()
    assert (seen["stage"], seen["editor"]) == ("DONE", "applied")
    cleaned = unsaved.replace(half, "\N{REPLACEMENT CHARACTER}")
    assert workplace.git("show", f"{seen['branch']}:calc/__init__.py") == cleaned + ADDED
    assert any(r"# \ufffd only in" in asked for asked in completed(workplace.model))
    names = workplace.git("ls-tree", "-r", "--name-only", seen["branch"]).split()
    assert not [name for name in names if "odd" in name]
    assert await person.client.leave() == 0


@pytest.mark.nightly
async def test_a_run_that_reached_its_cap_goes_on_with_a_higher_one(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto", "--budget-tokens", "9000")
    run = (await person.command("start", goal=GOAL))["run"]
    await person.is_asked("The run has met its cap")
    (asked,) = person.asked("The run has met its cap")
    assert "may take" in asked["message"]
    assert (await person.runs())[0]["gates"][0]["yes"] == "Allow as much again"
    for wrong in ({"budgetUsd": -1}, {"budgetUsd": 0}, {"budgetTokens": 0}, {"budgetTokens": 10**30}):
        with pytest.raises(Refused):
            await person.command("resume", run=run, **wrong)
    assert (await person.command("resume", run=run, budgetTokens=900_000, budgetUsd=3.5))["run"] == run
    await person.reads("DONE")
    said = [note["message"] for note in person.client.notifications["window/showMessage"]]
    assert any("up to $3.5 and 900000 tokens" in message for message in said)
    person.client.allowed.add("window/showMessage")
    assert await person.client.leave() == 0


async def test_a_person_lets_a_run_cost_as_much_again_as_often_as_it_asks(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto", "--budget-tokens", "9000")
    person.answers["The run has met its cap"] = "Allow as much again"
    await person.command("start", goal=GOAL)
    await person.reads("DONE")
    assert len(person.asked("The run has met its cap")) > 1
    assert await person.client.leave() == 0


async def test_a_person_stops_a_run_at_its_cap(workplace):
    person = await workplace.sit_down(VsCode, "--autonomy", "full-auto", "--budget-tokens", "9000")
    person.answers |= {"The run has met its cap": "Stop the run", "End run": "End the run"}
    run = (await person.command("start", goal=GOAL))["run"]
    told = await person.reads("The answer was no")
    assert "Raise the cap: `wainwright.resume` with `budgetTokens`" in told
    assert run in told
    person.client.allowed.add("window/showMessage")
    assert await person.client.leave() == 0


async def test_a_second_server_goes_on_when_the_first_is_killed(workplace):
    first = await workplace.sit_down(VsCode, "--autonomy", "full-auto")
    second = await workplace.sit_down(Neovim, "--autonomy", "full-auto")
    workplace.team.hold("Implementer")
    await first.command("start", goal=GOAL)
    await first.sees_progress("BUILD")
    assert await asyncio.to_thread(workplace.team.asked.wait, 60)
    async with asyncio.timeout(60):
        while (await second.runs())[0]["stage"] != "BUILD":
            await asyncio.sleep(0.1)
    await asyncio.sleep(6)  # it looks for runs of others every five seconds
    await first.vanish()
    workplace.team.lose("Implementer")
    async with asyncio.timeout(30):
        while not any(entry["status"] == 500 for entry in workplace.model.entries):
            await asyncio.sleep(0.01)
    workplace.team.closed = False
    await second.reads("It goes on here", patience=20)
    await second.reads("DONE")
    calls = completed(workplace.model)
    assert len(calls) == len(set(calls)), "no answered call is made again"
    second.client.allowed.add("window/showMessage")
    assert await second.client.leave() == 0
