"""A whole run in an editor that knows code actions, commands and files only, told in `clients/TRANSCRIPT.md`."""

import asyncio
import json
import re
from pathlib import Path

from editors import Helix
from workplace import CHANGED, GOAL, ON_DISK, is_there, line_of

from wainwright.lsp.runs.board import SETTLES_S

PAGE = Path(__file__).parents[2] / "clients" / "TRANSCRIPT.md"
HEAD = """\
# A run without a client of its own

What passes between an editor and the server from a goal to its end, where the editor knows
`textDocument/codeAction`, `workspace/executeCommand` and files, and opens a document when it is asked to: no lens, no
virtual document, and choices are left to code actions. So it is in Helix, whose capabilities the editor of this page
declares; `wainwright serve --stdio` is set as a language server. [OTHERS.md](OTHERS.md) shows how that is done, and
what the person sees. Opening and changing documents goes the usual way (`textDocument/didOpen`, `didChange`), and so
do edits (`workspace/applyEdit`); progress and diagnostics are left out.

A test plays this and compares it with what is written here; the models are played by a script. RUN stands for the
name of the run, and … for what differs each time. Lines that begin with `>` are what the server says
(`window/showMessage`; of what is cut to a line there, all of it, as `window/logMessage` has it).
"""


class Transcript:
    """Plays the person, and writes down what is said."""

    def __init__(self, person, root: Path) -> None:
        self.person = person
        self.root = root
        self.run = "nothing yet"
        self.lines: list[str] = []

    def part(self, title: str) -> None:
        self.lines += ["", f"## {title}", ""]

    def _fit(self, text: str) -> str:
        text = text.replace(f"file://{self.root}", "file:///shop").replace(str(self.root), "/shop")
        text = text.replace(self.run, "RUN")
        text = re.sub(r"\bon port \d+", "on port N", text)
        return re.sub(r"\b[0-9a-f]{16,64}\b", "…", text)

    async def begins(self, path: str, text: str) -> None:
        """A new document is opened, written and saved; where it is to lie there is no folder before it is opened."""
        place = self.root / path
        self.person.editor.open(place, "")
        await is_there(place.parent)
        place.touch()
        self.writes(path, "", text)

    def writes(self, path: str, old: str, new: str) -> None:
        """A document is opened, or changed, and saved."""
        place = self.root / path
        text = place.read_text()
        assert text.count(old) == 1 or text == old == ""
        changed = text.replace(old, new) if old else new
        if f"file://{place}" in self.person.editor.documents:
            self.person.editor.change(f"file://{place}", changed)
        else:
            self.person.editor.open(place, changed)
        place.write_text(changed)
        added = [line for line in new.splitlines() if line and line not in old.splitlines()]
        self.lines += [f"The person writes into `{self._fit(path)}`:", "", "```", *added, "```", ""]

    def reloads(self, path: str) -> None:
        """An open document is read from the disk again."""
        self.person.editor.change(f"file://{self.root / path}", (self.root / path).read_text())
        self.lines += [f"The person has `{self._fit(path)}` read from the disk again (`:reload`).", ""]

    async def does(self, title: str, path: str, line: int = 0) -> dict:
        """A code action is asked for, and its command is done."""
        action = await self.person.action(title, path, line=line, triggerKind=1)
        command = action["command"]
        asked = json.dumps(command["arguments"][0], indent=1)
        self.lines += [
            f"`textDocument/codeAction` at line {line + 1} of `{self._fit(path)}` offers "
            f"*{self._fit(action['title'])}*.",
            "",
            f"`workspace/executeCommand`: `{command['command']}`",
            "",
            "```json",
            *self._fit(asked).splitlines(),
            "```",
            "",
        ]
        return await self.person.take(action)

    def told(self, message: str) -> None:
        """What the server says, as `window/showMessage`."""
        self.lines += [f"> {line}".rstrip() for line in self._fit(message).splitlines()] + [""]

    async def asked(self, part: str, times: int = 1) -> None:
        await self.person.is_asked(part, times)
        self.told(self.person.asked(part)[-1]["message"])
        # Who reads it chooses later than a click that was meant for something else.
        await asyncio.sleep(SETTLES_S)

    async def reads(self, part: str) -> None:
        self.told(await self.person.reads(part))

    async def is_shown(self, path: str) -> None:
        """A document of the run is opened."""
        await self.person.client.until(lambda: self.person.shown, f"{path} is opened")
        assert self.person.shown.pop()["uri"] == f"file://{self.root / path}"
        self.lines += [f"`window/showDocument`: `{self._fit(path)}`", ""]

    def shows(self, path: str, *, after: str = "", most: int = 12) -> None:
        """A part of a file as it is on the disk."""
        text = (self.root / path).read_text()
        shown = text[text.index(after) if after else 0 :].splitlines()[:most]
        self.lines += [f"`{self._fit(path)}` has:", "", "```", *map(self._fit, shown), "```", ""]

    def text(self) -> str:
        return re.sub(r"\n{3,}", "\n\n", "\n".join([HEAD, *self.lines])).rstrip() + "\n"


async def test_a_run_by_code_actions_commands_and_files_alone(workplace, tmp_path):
    workplace.team.unsure = True
    person = await workplace.sit_down(Helix, "--autonomy", "suggest")
    person.client.allowed.add("textDocument/publishDiagnostics")
    it = Transcript(person, workplace.root)
    code, goal = "calc/__init__.py", ".wainwright/goal.md"
    person.editor.open(workplace.file, ON_DISK)

    it.part("A goal")
    await it.begins(goal, f"# Goal\n\n{GOAL}\n")
    it.run = (await it.does("Wainwright: Start", goal))["run"]
    page, diff = (f".wainwright/runs/{it.run}/{name}" for name in ("run.md", "change.diff"))
    await it.asked("Is the plan")
    await it.does("Approve the plan", code)

    it.part("A question is answered in words")
    await it.asked("Is the plan", times=2)
    await it.does("Approve the plan", code)
    await it.asked("cannot be finished")
    it.shows(page, after="## Decide", most=12)
    it.writes(page, "## Your notes", "> Whole numbers only.\n\n## Your notes")
    await it.does("Answer in words", page)
    await it.asked("Is the plan", times=3)
    await it.does("Approve the plan", code)

    it.part("A hunk is rejected, and the rest is taken over")
    await it.asked("Take the change over?")
    await it.does("Review what is asked", code)
    await it.is_shown(diff)
    it.shows(diff, most=60)
    spot = line_of((workplace.root / diff).read_text(), "hunk 1")
    it.writes(diff, "+    return a - b\n", "+    return a - b\n> Say what it returns.\n")
    await it.does("Reject hunk 1", diff, spot)
    await it.reads("Hunk 1 is left out")
    await it.does("Take the change over", code)
    await it.asked("Take the change over?", times=2)
    it.shows(diff, most=60)
    await it.does("Take the change over", code)

    it.part("The end, and a file is taken back")
    await it.asked("Start the service")
    await it.does("Do not start the service", code)
    await it.reads("DONE")
    assert person.editor.text(workplace.file) == ON_DISK + CHANGED
    it.reloads(diff)
    await it.does("Revert the change of calc/__init__.py", diff, spot)
    await it.reads("was taken back")
    assert person.editor.text(workplace.file) == ON_DISK
    assert await person.client.leave() == 0
    (tmp_path / PAGE.name).write_text(it.text())
    assert it.text() == PAGE.read_text(), f"if it is meant to be so: cp {tmp_path / PAGE.name} {PAGE}"
