"""Plays marker files: one text file is one thing that an editor shows or does, asked by six clients.

The text before the first section says what it is about. Sections begin with `=== ` and are played in order:

    at STATE              the workspace: `calm` (no run was made), `plan` or `change` (a run waits for a yes to that),
                          `done` (its change was taken over)
    open PATH             a document is opened with this text, or as it is on disk; `‸` is where the person stands,
                          `«` and `»` are the ends of what is selected. `plan.md` and the like are those of the run
    type                  the same document holds this text now
    edit                  `OLD => NEW`, a line each, in the same document, `⏎` for an end of line; nothing is saved
    stand                 the person stands before these words of it
    theirs SEVERITY       what other servers say of the place where the person stands, a line each: `SOURCE: message`
    ours                  what we said of the document is shown there
    do NAME {arguments}   a command; `RUN` is the name of the run
    take TITLE            the action with this title is taken

    actions [KIND]        what is expected, a line each: titles of the actions offered where the person stands
    lenses                `LINE: title`; asked only by clients that have lenses, the next two likewise
    hints                 `LINE: label`, without cost and time, which are told when they are known
    symbols QUERY         names
    completion            labels
    definition            `PATH:LINE`, as do `references`
    hover                 all that is shown holds these lines; `none`: nothing is shown
    problems              `LINE SEVERITY code [words]: how the message begins`, as they are told in the end
    formatted             the text once the document was formatted
    text PATH             the document, or the file where none is open; `none`: neither is there
    says                  messages hold these lines
    refused NAME {...}    a command is refused, in these words
    shows                 the document that the editor is asked to show, `PATH`, where it can be

Lines are counted from 1. `STATE`s are made once and stay: what a case does to one it takes back itself.
"""

import asyncio
import json
import re
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

from client import Client, Refused, load_profile
from editors import Eglot, FakeEditor, Helix, IntelliJ, Neovim, Neovim10, VsCode, to_offset, to_position
from tests.fixtures.leftovers import gone
from tests.fixtures.program import end_services
from workplace import FINDING, GOAL, Person, Workplace

EDITORS = {kind.profile: kind for kind in (VsCode, Neovim10, Neovim, Eglot, Helix, IntelliJ)}
SEVERITIES = ("", "error", "warning", "information", "hint")
PATIENCE_S = 20
MARKS = re.compile("[‸«»]")
Section = tuple[str, str, str]


def parse(text: str) -> list[Section]:
    """(kind, about, text) of each section."""
    found = []
    for part in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        head, _, body = part.partition("\n")
        kind, _, about = head.strip().partition(" ")
        found.append((kind, about, body.strip("\n")))
    return found


class House:
    """The workspaces of all states, each with a host of its own and a window for each client."""

    def __init__(self, base: Path) -> None:
        self._base = base
        self._open = AsyncExitStack()
        self._states: dict[str, tuple[Workplace, str]] = {}
        self._windows: dict[tuple[str, str], Person] = {}

    async def close(self) -> None:
        """All windows leave in order, and nothing stays behind."""
        try:
            for person in self._windows.values():
                client = person.client
                client.allowed |= set(client.notifications)
                assert await client.leave() == 0
        finally:
            await self._open.aclose()
        assert await asyncio.to_thread(gone, self._base) == []

    async def window(self, state: str, profile: str) -> tuple[Person, str]:
        """Somebody at an editor of that kind, and the run of the workspace."""
        if state not in self._states:
            self._states[state] = await self._made(state)
        place, run = self._states[state]
        if (state, profile) not in self._windows:
            self._windows[state, profile] = await self._sit_down(place, profile)
        return self._windows[state, profile], run

    async def _sit_down(self, place: Workplace, profile: str) -> Person:
        person = await place.sit_down(EDITORS[profile], "--autonomy", "suggest", host=True)
        await person.runs()
        return person

    async def _made(self, state: str) -> tuple[Workplace, str]:
        async def start(*argv: str, **options: Any) -> Client:
            client = await Client.start(*argv, **options)
            self._open.push_async_callback(client.kill)
            return client

        (base := self._base / state).mkdir()
        place = Workplace(base, start)
        place.team.findings = [FINDING]
        self._open.enter_context(place.model)
        self._open.callback(end_services, base / "state")
        if state == "calm":
            return place, ""
        profile = VsCode.profile
        person = self._windows[state, profile] = await self._sit_down(place, profile)
        run = (await person.command("start", goal=GOAL))["run"]
        await person.is_asked("Is the plan")
        if state != "plan":
            await person.command("approve", run=run)
            await person.is_asked("Take the change over?")
        if state == "done":
            await person.command("approve", run=run)
            await person.is_asked("Start the service")
            await person.command("reject", run=run, reason="not today")
            await person.reads("DONE")
        return place, run


class Case:
    """One file, played by one client."""

    def __init__(self, person: Person, run: str) -> None:
        self.person = person
        self.editor: FakeEditor = person.editor
        self.run = run
        self._capabilities = load_profile(self.editor.profile)["capabilities"]
        self.path = ""
        self.span = (0, 0)
        """Offsets of what is selected in the document at hand."""
        self.theirs: list[dict[str, Any]] = []
        self._opened: list[Path] = []
        self._heard = len(person.client.notifications["window/showMessage"])

    async def play(self, sections: list[Section]) -> None:
        """All sections, and then no document is open any more."""
        try:
            for number, (kind, *words) in enumerate(sections, 1):
                about, text = (one.replace("RUN", self.run or "RUN") for one in words)
                seen = await getattr(self, f"_{kind}")(about, text)
                if seen is not None:
                    assert seen.strip("\n") == text, f"section {number}, {kind} {about}"
        finally:
            for place in self._opened:
                self.editor.close(place)
            self.person.shown.clear()

    # what is done

    async def _open(self, path: str, text: str) -> None:
        self.path = path
        place = self._place(path)
        if not text:
            await self._in_the_end(place.exists)
            text = place.read_text()
        marked, self.span = self._marked(text if text.endswith("\n") else f"{text}\n")
        self.editor.open(place, marked)
        self._opened.append(place)

    async def _type(self, _about: str, text: str) -> None:
        marked, self.span = self._marked(f"{text}\n")
        self.editor.change(self._uri, marked)
        await self.editor.told()

    async def _edit(self, _about: str, text: str) -> None:
        for line in text.splitlines():
            old, _, new = line.replace("⏎", "\n").partition(" => ")
            assert self._now.count(old) == 1, f"{old} is not there once: {self._now}"
            marked, self.span = self._marked(self._now.replace(old, new))
            self.editor.change(self._uri, marked)
        await self.editor.told()

    async def _stand(self, _about: str, text: str) -> None:
        assert text in self._now, f"{text} is not in {self._now}"
        self.span = (self._now.index(text),) * 2

    async def _theirs(self, severity: str, text: str) -> None:
        for line in text.splitlines():
            source, _, message = line.partition(": ")
            told = {"range": self._range, "severity": SEVERITIES.index(severity)}
            self.theirs.append({**told, "source": source, "message": message})

    async def _ours(self, _about: str, _text: str) -> None:
        await self._in_the_end(lambda: bool(self._published()))
        self.theirs += self._published()

    async def _do(self, about: str, _text: str) -> None:
        name, _, arguments = about.partition(" ")
        await self.person.command(name, **json.loads(arguments or "{}"))

    async def _take(self, title: str, _text: str) -> None:
        (found,) = [one for one in await self._offered() if one["title"] == title]
        await self.person.take(found)

    # what is seen

    async def _actions(self, kind: str, _text: str) -> str:
        return "\n".join(one["title"] for one in await self._offered(*([kind] if kind else [])))

    async def _lenses(self, _about: str, text: str) -> str:
        found = await self._asked("codeLens", "codeLens")
        if found is None:
            return text
        return "\n".join(f"{one['range']['start']['line'] + 1}: {one['command']['title']}" for one in found)

    async def _hints(self, _about: str, text: str) -> str:
        whole = {
            "start": {"line": 0, "character": 0},
            "end": to_position(self._now, len(self._now), self.editor.encoding),
        }
        found = await self._asked("inlayHint", "inlayHint", range=whole)
        if found is None:
            return text
        return "\n".join(
            f"{one['position']['line'] + 1}: {one['label'].partition(' · ')[0]}" for one in found
        )

    async def _symbols(self, query: str, _text: str) -> str:
        found = await self.person.client.request("workspace/symbol", {"query": query})
        return "\n".join(one["name"] for one in found)

    async def _completion(self, _about: str, text: str) -> str:
        async def labels() -> str:
            found = await self._asked("completion", "", position=self._range["start"])
            return "\n".join(one["label"] for one in found or ())

        # Which files there are is looked at when the page is.
        async with asyncio.timeout(PATIENCE_S):
            while (seen := await labels()) != text:
                await asyncio.sleep(0.02)
        return seen

    async def _definition(self, _about: str, _text: str) -> str:
        return self._places(await self._asked("definition", "", position=self._range["start"]))

    async def _references(self, _about: str, _text: str) -> str:
        more = {"position": self._range["start"], "context": {"includeDeclaration": False}}
        return self._places(await self._asked("references", "", **more))

    async def _hover(self, _about: str, text: str) -> str:
        found = await self._asked("hover", "", position=self._range["start"])
        if found is None or text == "none":
            return "none" if found is None else found["contents"]["value"]
        told = found["contents"]["value"].splitlines()
        return "\n".join(line if line in told else f"{line} | not in: {told}" for line in text.splitlines())

    async def _problems(self, _about: str, text: str) -> str:
        await self._in_the_end(lambda: self._told_problems() == text)
        return self._told_problems()

    async def _formatted(self, _about: str, _text: str) -> str:
        options = {"tabSize": 4, "insertSpaces": True}
        edits = await self._asked("formatting", "", options=options)
        return self.editor.edited(self._now, edits or [])

    async def _text(self, path: str, text: str) -> str:
        await self._in_the_end(lambda: self._held(path).strip("\n") == text)
        return self._held(path)

    async def _says(self, _about: str, text: str) -> str:
        def new() -> list[str]:
            told = self.person.client.notifications["window/showMessage"][self._heard :]
            return [one["message"] for one in told]

        def heard() -> list[str]:
            return [line if any(line in one for one in new()) else "" for line in text.splitlines()]

        await self._in_the_end(lambda: all(heard()))
        return "\n".join(line or f"not among {new()}" for line in heard())

    async def _refused(self, about: str, text: str) -> str:
        name, _, arguments = about.partition(" ")
        try:
            await self.person.command(name, **json.loads(arguments or "{}"))
        except Refused as refused:
            return text if text in refused.message else refused.message
        return "it was not refused"

    async def _shows(self, _about: str, text: str) -> str:
        if not self._capabilities["window"].get("showDocument", {}).get("support"):
            return text

        def shown() -> str:
            return "\n".join(self._relative(one["uri"]) for one in self.person.shown)

        await self._in_the_end(lambda: shown() == text)
        return shown()

    # inside

    @property
    def _now(self) -> str:
        return self.editor.documents[self._uri].text

    @property
    def _uri(self) -> str:
        return f"file://{self._place(self.path)}"

    @property
    def _range(self) -> dict[str, Any]:
        start, end = (to_position(self._now, at, self.editor.encoding) for at in self.span)
        return {"start": start, "end": end}

    def _place(self, path: str) -> Path:
        own = path in ("plan.md", "run.md", "change.diff", "summary.md")
        return self.person.at.root / (f".wainwright/runs/{self.run}/{path}" if own else path)

    def _relative(self, uri: str) -> str:
        return uri.removeprefix(self.person.at.uri("") + "/").removeprefix(f".wainwright/runs/{self.run}/")

    def _marked(self, text: str) -> tuple[str, tuple[int, int]]:
        spots = [text.find(mark) for mark in ("‸", "«", "»")]
        start, end = (spots[1], spots[2] - 1) if spots[1] >= 0 else (max(spots[0], 0),) * 2
        return MARKS.sub("", text), (start, end)

    async def _offered(self, *only: str) -> list[dict[str, Any]]:
        context: dict[str, Any] = {"diagnostics": self.theirs, **({"only": [*only]} if only else {})}
        return await self._asked("codeAction", "", range=self._range, context=context)

    async def _asked(self, method: str, needs: str, **more: Any) -> Any:
        """The answer; None where this client has no such thing."""
        if needs and needs not in self._capabilities["textDocument"]:
            return None
        params = {"textDocument": {"uri": self._uri}, **more}
        return await self.person.client.request(f"textDocument/{method}", params)

    def _places(self, found: list[dict[str, Any]] | None) -> str:
        return "\n".join(
            f"{self._relative(one['uri'])}:{one['range']['start']['line'] + 1}" for one in found or ()
        )

    def _told_problems(self) -> str:
        rows = []
        for one in self._published():
            where = (
                f"{one['range']['start']['line'] + 1} {SEVERITIES[one['severity']]} {one.get('code') or '-'}"
            )
            rows.append(f"{where} [{self._words(one['range'])}]: {one['message'].partition(chr(10))[0]}")
        return "\n".join(rows)

    def _published(self) -> list[dict[str, Any]]:
        told = self.person.client.notifications["textDocument/publishDiagnostics"]
        return next((one["diagnostics"] for one in reversed(told) if one["uri"] == self._uri), [])

    def _words(self, between: dict[str, Any]) -> str:
        try:
            start, end = (
                to_offset(self._now, between[side], self.editor.encoding) for side in ("start", "end")
            )
        except AssertionError:
            return "of a former text"
        return self._now[start:end].partition("\n")[0]

    def _held(self, path: str) -> str:
        place = self._place(path)
        document = self.editor.documents.get(f"file://{place}")
        if document is not None:
            return document.text
        return place.read_text() if place.exists() else "none"

    async def _in_the_end(self, true: Callable[[], bool]) -> None:
        """Wait for what is told in time; what is compared afterwards says what is wrong."""
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not true():
                    await asyncio.sleep(0.02)  # files tell of nothing
