"""`plan.md` as a live document: what a person edits and saves is what the run builds, and is never written over."""

import asyncio
from pathlib import Path

import pytest
from client import Refused
from workplace import GOAL, ON_DISK, completed


def at(text: str, words: str, within: int = 0) -> dict[str, int]:
    """The position of some words."""
    offset = text.index(words) + within
    line = text.count("\n", 0, offset)
    return {"line": line, "character": offset - (text.rfind("\n", 0, offset) + 1)}


class Plan:
    """The page of a plan, open in an editor."""

    def __init__(self, person, path: Path) -> None:
        self.person = person
        self.path = path
        self.uri = person.editor.open(self.path, self.path.read_text())

    @classmethod
    async def opened(cls, person, run: str) -> "Plan":
        path = person.at.root / ".wainwright" / "runs" / run / "plan.md"
        async with asyncio.timeout(20):
            while not path.exists():
                await asyncio.sleep(0.02)
        return cls(person, path)

    @property
    def text(self) -> str:
        return self.person.editor.text(self.path)

    def save(self, old: str, new: str) -> None:
        self.person.editor.type(self.path, old, new)
        self.path.write_text(self.text)
        self.person.client.notify("textDocument/didSave", {"textDocument": {"uri": self.uri}})

    async def ask(self, method: str, words: str = "", within: int = 0, **more):
        where = {"position": at(self.text, words, within)} if words else {}
        params = {"textDocument": {"uri": self.uri}, **where, **more}
        return await self.person.client.request(f"textDocument/{method}", params)

    async def problems(self, *codes: str) -> list[dict]:
        """The diagnostics of the page, once they are of these kinds."""
        told = self.person.client.notifications["textDocument/publishDiagnostics"]

        def newest() -> list[dict]:
            own = [one["diagnostics"] for one in told if one["uri"] == self.uri]
            return own[-1] if own else []

        await self.person.client.until(
            lambda: sorted(one["code"] for one in newest()) == sorted(codes), f"problems {codes}", 20
        )
        return newest()


async def test_what_is_edited_and_saved_is_what_is_built(workplace):
    person = await workplace.sit_down()
    workplace.team.hold("Implementer")
    person.answers["Start the service"] = "Do not start the service"
    person.editor.open(workplace.file, ON_DISK)
    run = (await person.command("start", goal=GOAL))["run"]
    await person.is_asked("Is the plan")
    (asked,) = [
        one["params"] for one in person.client.requests if one["method"] == "client/registerCapability"
    ]
    methods = {one["method"].removeprefix("textDocument/") for one in asked["registrations"]}
    assert methods == {"completion", "definition", "references", "formatting"}
    patterns = {one["registerOptions"]["documentSelector"][0]["pattern"] for one in asked["registrations"]}
    assert patterns == {"**/.wainwright/runs/*/plan.md"}, "nothing of ours in the person's own files"
    plan = await Plan.opened(person, run)
    person.client.allowed |= {"textDocument/publishDiagnostics", "window/showMessage"}

    plan.save("- serves: R1", "- serves: R7")
    assert "There are 2 problems in what you edited" in await person.reads("problems")
    found = await plan.problems("unknown-requirement", "not-served")
    assert [one["range"]["start"] for one in found if one["code"] == "unknown-requirement"] == [
        at(plan.text, "R7")
    ]
    with pytest.raises(Refused, match=r"no plan yet\. plan\.md, line \d+: There is no requirement R7"):
        await person.command("approve")

    plan.save("- serves: R7", "- serves: R1")
    plan.save("to calc/__init__.py.\n", "to calc/__init__.py, with a docstring that names Euclid.\n")
    assert "task subtract is changed" in await person.reads("The plan is edited")
    person.editor.type(plan.path, "names Euclid", "names nobody")
    with pytest.raises(
        Refused, match=r"plan\.md in your editor is not the one on disk, which counts\. Save it"
    ):
        await person.command("approve")
    person.editor.type(plan.path, "names nobody", "names Euclid")
    mine = "### subtract: Take away\n\n> Keep it short.\n"
    plan.save("### subtract: Add sub\n", mine)
    await person.reads("The plan is edited")
    await plan.problems("said")
    assert (await plan.ask("completion", "- serves: ", 10))[0]["label"] == "R1"
    (where,) = await plan.ask("definition", "serves: R1", 9)
    assert where["range"]["start"] == at(plan.text, "**R1**", 2)
    (file,) = await plan.ask("definition", "calc/__init__", 2)
    assert file["uri"] == workplace.uri("calc/__init__.py")
    used = await plan.ask("references", "**R1**", 3, context={"includeDeclaration": False})
    assert [one["range"]["start"] for one in used] == [at(plan.text, "serves: R1", 8)]

    await person.command("approve")
    await asyncio.to_thread(workplace.team.asked.wait, 60)
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 99, "character": 0}}
    (hint,) = await plan.ask("inlayHint", range=whole)
    assert hint["label"].startswith("running")
    assert "**subtract**: running" in (await plan.ask("hover", "subtract"))["contents"]["value"]
    titles = [lens["command"]["title"] for lens in await person.lenses(f".wainwright/runs/{run}/plan.md")]
    assert titles[1:] == ["Pause", "Stop", "Re-run", "Why", "Show diff"]
    line = at(plan.text, "subtract")["line"]
    twins = await person.actions(f".wainwright/runs/{run}/plan.md", line=line)
    assert "Wainwright: Show the diff of subtract" in [one["title"] for one in twins]
    plan.save("names Euclid", "names Gauss")
    assert "Task subtract has begun, so it stays as it was." in [
        one["message"] for one in await plan.problems("said", "not-taken")
    ]
    workplace.team.release("Implementer")
    await person.reads("DONE")
    asked = "\n".join(one for one in completed(workplace.model) if "Your task: subtract" in one)
    assert "a docstring that names Euclid" in asked
    assert "Take away" in asked
    assert "Gauss" not in asked
    assert plan.path.read_text() == plan.text, "the page is the person's"
    code = person.editor.text(workplace.file)
    where = {"textDocument": {"uri": workplace.uri("calc/__init__.py")}, "position": at(code, "return a - b")}
    async with asyncio.timeout(30):
        while not (told := await person.client.request("textDocument/hover", where)):
            await asyncio.sleep(0.05)
    assert "Task **subtract**, Take away, of “Add calc.sub" in told["contents"]["value"]
    assert "**R1** `calc.sub(a, b)` returns a - b." in told["contents"]["value"]
    where["position"] = at(code, "return a + b")
    assert await person.client.request("textDocument/hover", where) is None
    shown = await person.command("difference", run=run, task="subtract")
    page = (workplace.root / shown["uri"].partition(str(workplace.root) + "/")[2]).read_text()
    assert "+def sub(a: int, b: int) -> int:" in page
    why = await person.command("why", uri=plan.uri, line=line)
    assert (
        "Status: landed" in (workplace.root / why["uri"].partition(str(workplace.root) + "/")[2]).read_text()
    )
    assert await person.client.leave() == 0
