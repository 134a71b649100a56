"""What an editor notices of a run that changes five hundred files: how long it waits meanwhile, and what it is sent.

As a program it is the team: `large_change.py` prints the address of a model that plays all roles.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.harness import OURS, Bar, Figure, Samples, Setting, figure, p99
from tests.bench.latency import UNFINISHED, begin_repository
from tests.e2e.client import Client
from tests.fixtures import team
from tests.fixtures.openai_server import Answer, OpenAIServer, call, say

ROOT = Path(__file__).resolve().parents[2]
FILES = 500
OPEN = 20
"""So many of them are open in the editor."""
EVERY_S = 0.005
"""Between two requests of the editor."""
IDLE, SHARE = "idle", 200
"""How often it is asked at rest."""
BLOCKED = Bar(0.050, "s")
PLAN = {
    "requirements": [{"id": "R1", "text": "`VALUE` is 1 in each module of `gen`."}],
    "tasks": [
        {
            "id": "raise",
            "title": "Raise all values",
            "instruction": "Set VALUE to 1 in each module of gen.",
            "needs": [],
            "write_set": ["gen/*.py"],
            "acceptance": ["R1"],
        }
    ],
    "test_command": None,
    "notes": "",
}
TEST = (
    "<<<<<<< FILE tests/test_values.py\nimport importlib\n\n\ndef test_values():\n"
    f'    values = {{importlib.import_module(f"gen.m{{n}}").VALUE for n in range({FILES})}}\n'
    "    assert values == {1}\n>>>>>>> FILE\n"
)


def module(value: int) -> str:
    """A module of forty lines."""
    return f"VALUE = {value}\n" + "".join(f"\n\ndef f{n}():\n    return {n}\n" for n in range(10))


def play(body: dict[str, Any]) -> Answer:
    """What the team's model answers."""
    role, turn, own = team.part(body), team.turns(body), team.text_of(body["messages"][0])
    if role == "Planner":
        return say(team.answer(PLAN))
    if role == "Tester" and '"cause"' not in own:
        mapped = [{"requirement": "R1", "test": "tests/test_values.py::test_values"}]
        done = {"status": "done", "tests": mapped, "summary": "One test."}
        return (say(TEST), call("run_tests"), say(team.answer(done)))[min(turn, 2)]
    if role == "Implementer":
        raised = call("shell", command="sed -i 's/^VALUE = 0/VALUE = 1/' gen/*.py")
        done = {"status": "done", "summary": "Raised."}
        return (raised, call("run_tests"), say(team.answer(done)))[min(turn, 2)]
    return team.play(body)


class Editor:
    """Texts in memory, which every edit is applied to, and told of at once; ASCII only."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.texts: dict[str, str] = {}
        self._versions: dict[str, int] = {}
        client.on("workspace/applyEdit", self._apply)
        for method in ("window/workDoneProgress/create", "window/showMessageRequest"):
            client.on(method, lambda _: None)

    def open(self, path: Path) -> None:
        uri, text = path.as_uri(), path.read_text()
        self.texts[uri], self._versions[uri] = text, 1
        document = {"uri": uri, "languageId": "python", "version": 1, "text": text}
        self._client.notify("textDocument/didOpen", {"textDocument": document})

    def _apply(self, params: dict[str, Any]) -> dict[str, Any]:
        for change in params["edit"]["documentChanges"]:
            uri = change["textDocument"]["uri"]
            lines = self.texts[uri].splitlines(keepends=True)
            for edit in reversed(change["edits"]):
                start, end = edit["range"]["start"], edit["range"]["end"]
                assert start["character"] == end["character"] == 0, "whole lines"
                lines[start["line"] : end["line"]] = [edit["newText"]]
            self.texts[uri] = "".join(lines)
            self._versions[uri] += 1
            document = {"uri": uri, "version": self._versions[uri]}
            changes = {"textDocument": document, "contentChanges": [{"text": self.texts[uri]}]}
            self._client.notify("textDocument/didChange", changes)
        return {"applied": True}


class Desk:
    """A workspace of five hundred modules and an editor on it."""

    def __init__(self, scratch: Path) -> None:
        self._scratch = scratch
        self.root = scratch / "shop"
        self.other = self.root / "other.py"
        (self.root / "gen").mkdir(parents=True)
        (self.root / "tests").mkdir()
        for number in range(FILES):
            (self.root / "gen" / f"m{number}.py").write_text(module(0))
        (self.root / "tests" / "test_other.py").write_text(
            "from other import add\n\n\ndef test_add():\n    assert add(1, 1) == 2\n"
        )
        self.other.write_text(UNFINISHED)
        begin_repository(self.root)

    async def measure(self, base: str) -> tuple[dict[str, list[float]], dict[str, int]]:
        """Seconds of each answer at rest and during the run, and how many messages of each kind came meanwhile."""
        environment = {
            "XDG_STATE_HOME": str(self._scratch / "state"),
            "XDG_CONFIG_HOME": str(self._scratch / "config"),
            "OPENAI_API_KEY": "a-key",
        }
        model = ("--model", "openai/any", "--api-base", base, "--autonomy", "full-auto")
        client = await Client.start(
            "-m", "wainwright", "serve", "--stdio", "--no-host", "--trust", *model, env=environment
        )
        try:
            return await self._watched(client)
        finally:
            client.process.kill()
            await client.process.wait()

    async def _watched(self, client: Client) -> tuple[dict[str, list[float]], dict[str, int]]:
        editor = Editor(client)
        folder = {"uri": self.root.as_uri(), "name": "shop"}
        await client.initialize("vscode-10.1", workspaceFolders=[folder])
        for path in (self.other, *(self.root / "gen" / f"m{number}.py" for number in range(OPEN))):
            editor.open(path)
        await client.command("wainwright.runs")
        taken: dict[str, list[float]] = {IDLE: [], OURS: []}
        for _ in range(SHARE):
            taken[IDLE].append(await self._answer(client))
        run = (await client.command("wainwright.start", goal="Raise all values."))["run"]
        state, told = "", {}
        while state not in ("DONE", "FAILED", "CANCELLED"):
            for _ in range(40):
                taken[OURS].append(await self._answer(client))
            runs = (await client.command("wainwright.runs"))["runs"]
            told = next(one for one in runs if one["run"] == run)
            state = told["stage"]
        assert state == "DONE", told
        assert list(editor.texts.values()) == [UNFINISHED, *[module(1)] * OPEN], "it is in the buffers"
        assert (self.root / "gen" / f"m{FILES - 1}.py").read_text() == module(1), "and on disk"
        sent = {method: len(all_) for method, all_ in client.notifications.items() if all_}
        for request in client.requests:
            sent[request["method"]] = sent.get(request["method"], 0) + 1
        return taken, sent

    async def _answer(self, client: Client) -> float:
        at = {"line": 4, "character": 20}
        about = {"textDocument": {"uri": self.other.as_uri()}, "context": {"diagnostics": []}}
        began = time.perf_counter()
        assert await client.request("textDocument/codeAction", {**about, "range": {"start": at, "end": at}})
        seconds = time.perf_counter() - began
        await asyncio.sleep(EVERY_S)
        return seconds


def large_change(setting: Setting) -> Iterator[Figure]:
    """The longest that an editor waits while a run changes 500 files, and how many messages it is sent."""
    words = [sys.executable, "-m", "tests.bench.large_change"]
    taken: dict[str, list[float]] = {IDLE: [], OURS: []}
    told: list[dict[str, int]] = []
    with subprocess.Popen(words, stdout=subprocess.PIPE, cwd=ROOT, text=True, env=os.environ) as server:
        try:
            assert server.stdout is not None
            base = server.stdout.readline().strip()
            for number in range(setting.runs(3)):
                desk = Desk(setting.scratch / f"large-{number}")
                seconds, sent = asyncio.run(desk.measure(base))
                told.append(sent)
                for side, values in seconds.items():
                    taken[side] += values
        finally:
            server.kill()
    samples = Samples(taken, [])
    notes = tuple(f"messages: {json.dumps(sent)}" for sent in told)
    yield figure(f"codeAction while {FILES} files change, p99", samples, IDLE, BLOCKED, of=p99)
    yield figure(
        f"codeAction while {FILES} files change, longest", samples, IDLE, BLOCKED, of=max, notes=notes
    )


if __name__ == "__main__":
    with OpenAIServer(play) as here:
        print(here.base, flush=True)
        threading.Event().wait()
