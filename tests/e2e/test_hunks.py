"""A change is read hunk by hunk: what is accepted is handed over at once, and what is not comes back changed."""

import pytest
from client import Refused, load_profile
from editors import Neovim, VsCode
from tests.fixtures import team
from tests.fixtures.openai_server import say
from workplace import ADDED, CHANGED, EDIT_CHANGED, GOAL, ON_DISK, line_of


def reworking(workplace, asked: list[str]) -> None:
    """Have the implementer answer what was rejected."""
    play = workplace.team._answer

    def answer(role: str, own: str, turn: int):
        if role == "Implementer" and asked and turn == 0:
            return say(EDIT_CHANGED + team.answer({"status": "done", "summary": "Says what it returns."}))
        return play(role, own, turn)

    workplace.team._answer = answer


async def test_a_rejected_hunk_comes_back_changed_and_the_others_are_there_at_once(workplace):
    """All of it by code actions, commands and files: what any editor has."""
    rejected: list[str] = []
    reworking(workplace, rejected)
    person = await workplace.sit_down(Neovim, "--autonomy", "suggest")
    person.editor.open(workplace.file, ON_DISK)
    run = (await person.command("start", goal=GOAL))["run"]
    await person.is_asked("Is the plan")
    await person.take(await person.action("Approve the plan: Is the plan"))
    await person.is_asked("Take the change over?")
    page = f".wainwright/runs/{run}/change.diff"
    text = (workplace.root / page).read_text()
    assert "# calc/__init__.py: modified, serves R1; task subtract (Add sub)" in text
    branch = workplace.git("for-each-ref", "--format=%(refname:short)", "refs/heads/wainwright/*").strip()
    assert workplace.git("show", f"{branch}:calc/__init__.py") == ON_DISK + ADDED, "before anybody said yes"
    assert person.editor.text(workplace.file) == ON_DISK
    review = await person.action("Review what is asked")
    assert review["command"]["arguments"][0]["document"] == "change.diff"

    spot = line_of(text, "hunk 1")
    assert "calc/__init__.py" in (await person.action("Explain hunk 1", page, line=spot))["title"]
    explained = await person.take(await person.action("Explain hunk 1", page, line=spot))
    assert "It serves R1: `calc.sub(a, b)` returns a - b." in explained["text"]
    assert await person.reads("Hunk 1 is in") == explained["text"]
    with pytest.raises(Refused, match="line that begins with `>`"):
        await person.command("hunk", decision="change", hunks=[1])
    with pytest.raises(Refused, match=r"no hunk 1 of tests/test_sub\.py in this change"):
        await person.command("hunk", decision="reject", hunks=[1], file="tests/test_sub.py")
    with pytest.raises(Refused, match="has no gate apply-7"):
        await person.command("approve", run=run, gate="apply-7")
    words = text.replace("+    return a - b\n", "+    return a - b\n> Say what it returns.\n")
    (workplace.root / page).write_text(words)
    opened = person.editor.open(workplace.root / page, words)
    with pytest.raises(Refused, match=r"below hunk 1 of change\.diff, and nobody is told that by a yes"):
        await person.command("approve", run=run)
    rejected.append("1")
    said = await person.take(
        await person.action("Reject hunk 1 of calc/__init__.py: Say what it returns.", page, line=spot)
    )
    assert [(one["number"], one["decision"], one["reason"]) for one in said["hunks"]] == [
        (1, "reject", "Say what it returns."),
        (2, "", ""),
    ]
    assert await person.reads("Hunk 1 is left out, and built again")
    titles = [lens["command"]["title"] for lens in await person.lenses(page)]
    assert "rejected: Say what it returns." in titles
    await person.command("approve", run=run)

    await person.is_asked("Take the change over?", times=2)
    assert person.editor.text(workplace.file) == ON_DISK, "the rejected hunk is not handed over"
    assert (workplace.root / "tests" / "test_sub.py").exists(), "the accepted one is"
    assert any("Say what it returns." in str(entry["request"]) for entry in workplace.model.entries)
    old = [one["title"] for one in await person.actions(page, line=spot) if "hunk" in one["title"]]
    assert old == [], "the editor still has the page of the former change"
    person.editor.change(opened, (workplace.root / page).read_text())
    await person.editor.told()
    assert await person.action("Accept hunk 1", page, line=spot)
    await person.command("approve", run=run)
    await person.is_asked("Start the service")
    await person.command("reject", reason="not today")
    await person.reads("DONE")
    assert person.editor.text(workplace.file) == ON_DISK + CHANGED

    typed = ("Sums.", "Sums and differences.")
    person.editor.type(workplace.file, *typed)
    person.editor.type(workplace.file, "return a - b", "return a  -  b")
    await person.editor.told()
    spot = line_of((workplace.root / page).read_text(), "hunk 1")
    with pytest.raises(Refused, match=r"no hunk 1 of tests/test_sub\.py in this change"):
        await person.command("revert", hunks=[1], file="tests/test_sub.py")
    await person.take(await person.action("Revert hunk 1 of calc/__init__.py", page, line=spot))
    assert await person.reads("(hunk 1) was taken back")
    assert person.editor.text(workplace.file) == ON_DISK.replace(*typed), (
        "over what was typed and set otherwise"
    )
    assert (workplace.root / "tests" / "test_sub.py").exists()
    await person.take(await person.action("Apply hunk 1 of calc/__init__.py again", page, line=spot))
    assert await person.reads("(hunk 1) was put into your files")
    assert person.editor.text(workplace.file) == (ON_DISK + CHANGED).replace(*typed)
    await person.take(await person.action("Revert the change of calc/__init__.py", page, line=spot))
    assert await person.reads("(calc/__init__.py) was taken back")
    titles = [one["title"] for one in await person.actions(page, line=spot)]
    assert "Wainwright: Apply the change of calc/__init__.py again" in titles
    assert "Wainwright: Revert the change of calc/__init__.py" not in titles, "it would be refused"
    assert await person.client.leave() == 0


async def test_an_editor_with_a_view_of_differences_shows_the_change_in_it(workplace):
    """The sides are documents of ours: hunks are decided on in them as they are in `change.diff`."""
    compares = {
        **load_profile("vscode-10.1")["capabilities"],
        "experimental": {"wainwright": {"changes": True, "events": False}},
    }
    person = await workplace.sit_down(VsCode, "--autonomy", "suggest", capabilities=compares)
    person.client.allowed.add("wainwright/changes")
    person.answers["Start the service"] = "Do not start the service"
    person.editor.open(workplace.file, ON_DISK)
    run = (await person.command("start", goal=GOAL))["run"]
    await person.is_asked("Is the plan")
    await person.command("approve", run=run)
    await person.is_asked("Take the change over?")
    shown = person.client.notifications["wainwright/changes"]
    await person.take(await person.action("Review what is asked"))
    await person.client.until(lambda: shown, "the change")
    assert shown[-1]["title"] == f"Wainwright: the change of run {run}"
    changed, created = shown[-1]["files"]
    assert (changed["uri"], created["before"]) == (workplace.uri("calc/__init__.py"), None)

    async def text(uri: str) -> str:
        return (await person.client.request("workspace/textDocumentContent", {"uri": uri}))["text"]

    async def lenses(uri: str) -> list[tuple[int, str]]:
        found = await person.client.request("textDocument/codeLens", {"textDocument": {"uri": uri}})
        return [(one["range"]["start"]["line"], one["command"]["title"]) for one in found]

    assert await text(changed["before"]) == ON_DISK
    after = (
        changed["after"].replace(":/", ":///").replace("%3A", "%3a").replace("=", "%3D").replace("&", "%26")
    )
    assert await text(after) == ON_DISK + ADDED, "as another editor may write the same name"
    assert "assert sub(5, 3) == 2" in await text(created["after"])
    with pytest.raises(Refused, match="shows no such change of"):
        await text(changed["after"].replace("calc/__init__.py", "calc/other.py"))
    with pytest.raises(Refused, match="is no document of ours"):
        await text("wainwright:/nothing")

    place = line_of(ON_DISK + ADDED, "def sub") - 2
    assert await lenses(changed["after"]) == [
        (place, "Accept hunk 1"),
        (place, "Reject hunk 1"),
        (place, "Explain"),
    ]
    assert await lenses(changed["before"]) == []
    assert (0, "Accept hunk 2") in await lenses(created["after"])
    person.client.notify(
        "textDocument/didOpen",
        {
            "textDocument": {
                "uri": changed["after"],
                "languageId": "python",
                "version": 1,
                "text": ON_DISK + ADDED,
            }
        },
    )

    async def offered(line: int) -> list[dict]:
        spot = {"line": line, "character": 0}
        about = {"textDocument": {"uri": changed["after"]}, "range": {"start": spot, "end": spot}}
        return await person.client.request(
            "textDocument/codeAction", {**about, "context": {"diagnostics": []}}
        )

    titles = [one["title"] for one in await offered(place + 3)]
    assert titles[:2] == [
        "Wainwright: Accept hunk 1 of calc/__init__.py",
        "Wainwright: Reject hunk 1 of calc/__init__.py",
    ]
    assert not [one for one in await offered(0) if "hunk 1" in one["title"]]
    (accept,) = [one for one in await offered(place) if "Accept hunk 1" in one["title"]]
    await person.take(accept)
    await person.reads("Hunk 1 is taken over when you approve")
    assert (await lenses(changed["after"]))[0] == (place, "accepted")
    await person.command("approve", run=run)
    await person.reads("DONE")
    assert (place, "Revert hunk 1") in await lenses(changed["after"])
    assert person.editor.text(workplace.file) == ON_DISK + ADDED
    assert await person.client.leave() == 0
