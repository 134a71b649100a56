"""Where work begins, what is offered where, and what is answered when something is missing."""

import os
from pathlib import Path

import pytest
from client import Refused
from editors import Eglot, Helix, Neovim, VsCode
from workplace import GOAL, ON_DISK, completed, is_there

KINDS = ["quickfix.wainwright", "refactor.wainwright", "source.wainwright"]
CODE = ON_DISK + "\n\n# TODO(ann): accept fractions as well -->\n\n\ndef later() -> None: ...\n"
TODO_LINE = CODE.splitlines().index("# TODO(ann): accept fractions as well -->")


def titles(actions):
    return [action["title"] for action in actions]


def between(first, last):
    return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}


async def begin(person, action, workplace, number):
    """Take a start action up to the question about its plan; what the planner was asked."""
    await person.take(action)
    await person.is_asked("Is the plan", times=number)
    await person.command("cancel")
    await person.reads("CANCELLED")
    return completed(workplace.model)[-1]


@pytest.mark.parametrize("kind", [VsCode, Neovim, Eglot])
async def test_a_todo_a_selection_and_a_diagnostic_can_be_worked_on(workplace, kind):
    person = await workplace.sit_down(kind)
    await person.command("runs")
    person.editor.open(workplace.file, CODE)
    ordinary = await person.actions(line=0)
    assert {action["kind"] for action in ordinary} == {"source.wainwright"}, (
        "an ordinary line has no short menu"
    )
    assert "Wainwright: Explain this file" in titles(ordinary)
    (todo,) = await person.actions(line=TODO_LINE, only=["quickfix"])
    assert todo["title"] == "Wainwright: Do this TODO: accept fractions as well"
    assert todo["command"]["arguments"][0]["goal"] == "accept fractions as well"
    selected = await person.actions(between=between(5, 7), only=["refactor"])
    assert titles(selected) == [
        "Wainwright: Work on lines 6 to 8 …",
        "Wainwright: Explain lines 6 to 8",
        "Wainwright: Write tests for lines 6 to 8",
        "Wainwright: Document lines 6 to 8",
        "Wainwright: Review lines 6 to 8",
    ]
    assert "return a + b" in selected[0]["command"]["arguments"][0]["goal"]
    wrong = {"range": between(5, 6), "message": "int is too narrow\nsee PEP 3141", "severity": 1}
    theirs = {**wrong, "source": "wainwright"}
    (fix,) = await person.actions(line=5, diagnostics=[wrong, theirs], only=["quickfix"])
    assert fix["title"] == "Fix with Wainwright: int is too narrow"
    assert fix["diagnostics"] == [wrong]
    assert titles(await person.actions(between=between(5, 7), only=["source"])) == [
        "Wainwright: Review these changes"
    ]
    asked = await begin(person, todo, workplace, 1)
    assert "accept fractions as well" in asked
    assert "calc/__init__.py" in asked
    asked = await begin(person, fix, workplace, 2)
    assert "Fix: int is too narrow" in asked
    assert await person.client.leave() == 0


async def test_there_is_a_folder_for_a_goal_that_is_written_in_an_editor_that_makes_none(workplace):
    person = await workplace.sit_down(Helix)
    goal = workplace.root / ".wainwright" / "goal.md"
    assert not goal.parent.exists()
    person.editor.open(goal, "")
    await is_there(goal.parent)
    assert not goal.exists(), "saving is the person's business"
    unclear = person.client.notifications["textDocument/publishDiagnostics"]
    await person.client.until(lambda: unclear, "what is unclear")
    assert "There is no goal yet" in unclear.pop()["diagnostics"][0]["message"]
    assert workplace.git("status", "--porcelain") == "", "our folder ignores itself"
    assert await person.client.leave() == 0


async def test_who_asks_for_actions_before_the_folder_is_open_waits_for_them(workplace):
    person = await workplace.sit_down(Eglot)
    person.editor.open(workplace.file, ON_DISK)
    assert "Wainwright: Review these changes" in titles(await person.actions())
    assert await person.client.leave() == 0


async def test_who_looks_before_the_folder_is_open_is_told_to_look_again(workplace):
    person = await workplace.sit_down(VsCode)
    goal = workplace.root / ".wainwright" / "goal.md"
    person.editor.open(goal, GOAL)
    early = await person.lenses(".wainwright/goal.md")
    again = {f"workspace/{what}/refresh" for what in ("codeLens", "inlayHint")}
    await person.client.until(
        lambda: early or again <= {one["method"] for one in person.client.requests}, "a word to look again"
    )
    assert "Start" in [lens["command"]["title"] for lens in await person.lenses(".wainwright/goal.md")]
    assert await person.client.leave() == 0


async def test_who_opens_no_document_is_told_where_it_is(workplace):
    person = await workplace.sit_down(capabilities={})
    with pytest.raises(Refused, match="The goal is empty"):
        await person.command("start")
    assert await person.reads("Look at") == f"Look at {workplace.root / '.wainwright' / 'goal.md'}"
    assert await person.client.leave() == 0


async def test_the_goal_document_starts_a_run_by_lens_and_by_action(workplace):
    person = await workplace.sit_down()
    with pytest.raises(Refused, match=r"The goal is empty.*\.wainwright/goal\.md"):
        await person.command("start")
    goal = workplace.root / ".wainwright" / "goal.md"
    assert goal.read_text() == "# Goal\n\n"
    await person.client.until(lambda: person.shown, "the document to write the goal in")
    assert person.shown.pop()["uri"] == workplace.uri(".wainwright/goal.md")
    goal.write_bytes("# Ziel\n\nGröße ausgeben.\n".encode("latin-1"))
    with pytest.raises(Refused, match=r"goal\.md cannot be read as text. Save it in UTF-8"):
        await person.command("start")
    assert goal.read_bytes() == "# Ziel\n\nGröße ausgeben.\n".encode("latin-1")
    for odd in (os.mkfifo, lambda place: place.symlink_to("/etc/passwd"), Path.mkdir):
        goal.unlink()
        odd(goal)
        with pytest.raises(Refused, match=r"goal\.md cannot be read as text"):
            await person.command("start")
    goal.rmdir()
    goal.touch()
    with pytest.raises(Refused, match="The goal is empty"):
        await person.command("start", goal=" \n")
    person.editor.open(goal, "# Goal\n\n<!-- in your words -->\n")
    unclear = person.client.notifications["textDocument/publishDiagnostics"]
    await person.client.until(lambda: unclear, "what is unclear")
    assert "There is no goal yet" in unclear.pop()["diagnostics"][0]["message"]
    person.editor.type(goal, "words -->\n", f"words -->\n{GOAL}\n")
    await person.client.until(lambda: unclear, "that it is clear now")
    assert unclear.pop()["diagnostics"] == []
    lenses = await person.lenses(".wainwright/goal.md")
    assert [lens["command"]["title"] for lens in lenses] == ["Start", "Plan only"]
    actions = await person.actions(".wainwright/goal.md")
    assert {"Wainwright: Start", "Wainwright: Plan only"} <= set(titles(actions))
    assert all(action["kind"] in KINDS for action in actions)
    await person.take(lenses[1])
    await person.is_asked("Is the plan")
    lenses = await person.lenses(".wainwright/goal.md")
    assert [lens["command"]["title"] for lens in lenses] == ["Start", "Plan only", "Show the run"]
    (seen,) = await person.runs()
    assert seen["goal"] == GOAL, "the text that is not saved yet"
    assert workplace.git("status", "--porcelain") == "", "our folder ignores itself"
    shown = await person.command("show")
    await person.client.until(lambda: person.shown, "a document to show")
    assert person.shown[-1]["uri"] == shown["uri"] == workplace.uri(f".wainwright/runs/{seen['run']}/run.md")
    assert await person.lenses("calc/__init__.py") == []
    assert await person.client.leave() == 0


async def test_what_is_missing_is_said(workplace):
    person = await workplace.sit_down()
    for command in ("design", "build", "test", "deploy", "monitor"):
        with pytest.raises(Refused, match=r"No run is under way.*wainwright\.plan"):
            await person.command(command)
    for command in ("design", "approve", "reject", "resume", "cancel", "show", "apply", "revert"):
        with pytest.raises(Refused, match="There is no run nobody"):
            await person.command(command, run="nobody")
    with pytest.raises(Refused, match="No gate is open"):
        await person.command("approve")
    with pytest.raises(Refused, match="no run to resume"):
        await person.command("resume")
    with pytest.raises(Refused, match="Nothing was applied here"):
        await person.command("revert")
    with pytest.raises(Refused, match="further than your settings allow"):
        await person.command("start", goal=GOAL, autonomy="full-auto")
    with pytest.raises(Refused, match="longer than 20000 characters"):
        await person.command("start", goal="x" * 20_001)
    with pytest.raises(Refused, match="'until'"):
        await person.command("start", goal=GOAL, until="LUNCH")
    assert await person.runs() == []
    assert await person.client.leave() == 0


async def test_without_a_folder_commands_say_so(workplace):
    person = await workplace.sit_down(VsCode, workspaceFolders=None)
    for command in ("start", "runs", "approve"):
        with pytest.raises(Refused, match=r"No folder is open\. Open the folder of your project"):
            await person.command(command)
    assert await person.actions() == []
    assert await person.client.leave() == 0


async def test_a_review_without_a_run_looks_at_the_present_changes(workplace):
    person = await workplace.sit_down()
    workplace.file.write_text(ON_DISK.replace("a + b", "a  +  b"))
    await person.command("review")
    await person.reads("DONE")
    assert any("a  +  b" in request for request in completed(workplace.model))
    asked = len(completed(workplace.model))
    run = (await person.command("test", goal="Are the tests green?"))["run"]
    await person.reads("DONE")
    (seen,) = [one for one in await person.runs() if one["run"] == run]
    assert (seen["modelCalls"], len(completed(workplace.model))) == (0, asked), "a stage alone"
    assert await person.client.leave() == 0


async def test_a_client_of_ours_hears_of_every_event(workplace):
    capabilities = {"experimental": {"wainwright": True}}
    person = await workplace.sit_down(Eglot, capabilities=capabilities)
    run = (await person.command("plan", goal=GOAL))["run"]
    while (event := await person.client.expect("wainwright/event"))["kind"] != "gate-opened":
        assert event["run"] == run
    await person.is_asked("Is the plan")
    offers = await person.actions()
    assert "Wainwright: Approve the plan" in str(offers)
    assert all(isinstance(one["command"], str) for one in offers), "an older client takes commands only"
    await person.command("cancel")
    await person.reads("CANCELLED")
    person.client.allowed |= {"wainwright/event", "window/logMessage"}
    assert await person.client.leave() == 0


async def test_the_server_process_never_loads_litellm(workplace, tmp_path):
    listed = tmp_path / "modules"
    code = (
        "import atexit, pathlib, sys; from wainwright.__main__ import main; "
        f"atexit.register(lambda: pathlib.Path({str(listed)!r}).write_text(chr(10).join(sys.modules))); main()"
    )
    person = await workplace.sit_down(run=("-c", code))
    await person.command("plan", goal=GOAL)
    await person.is_asked("Is the plan")
    assert await person.client.leave() == 0
    loaded = listed.read_text().splitlines()
    assert "wainwright.engine.engine" in loaded
    assert not [name for name in loaded if name.split(".")[0] in ("litellm", "openai", "tiktoken")]
    assert "openapi_spec_validator" not in loaded, "it takes long to import, and few designs need it"
