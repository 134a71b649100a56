"""A person at work: a workspace, a scripted team behind a real address, the real server, and an editor on it.

The goal asks for ``calc.sub`` beside ``calc.add``, in the file that the person has open and keeps typing in.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from unittest.mock import patch

from client import Client
from editors import VsCode
from tests.fixtures import team
from tests.fixtures.hosts import common
from tests.fixtures.openai_server import Answer, OpenAIServer, call, fail, say
from tests.fixtures.program import NO_MUTANTS
from tests.fixtures.scenario import PATH

from wainwright.app import trust_in

GOAL = "Add calc.sub, the difference of two whole numbers."
ON_DISK = '"""Sums."""\n\nHEAD = 1\n\n\ndef add(a: int, b: int) -> int:\n    return a + b\n'
UNSAVED = ON_DISK.replace("HEAD = 1", "HEAD = 2  # only in the buffer")
ADDED = "\n\ndef sub(a: int, b: int) -> int:\n    return a - b\n"
PLAN = {
    "requirements": [{"id": "R1", "text": "`calc.sub(a, b)` returns a - b."}],
    "tasks": [
        {
            "id": "subtract",
            "title": "Add sub",
            "instruction": "Add sub(a, b) to calc/__init__.py.",
            "needs": [],
            "write_set": ["calc/__init__.py"],
            "acceptance": ["R1"],
        }
    ],
    "test_command": None,
    "notes": "",
}
TEST = (
    "<<<<<<< FILE tests/test_sub.py\nfrom calc import sub\n\n\n"
    "def test_sub():\n    assert sub(5, 3) == 2\n>>>>>>> FILE\n"
)
EDIT = (
    "<<<<<<< SEARCH calc/__init__.py\n    return a + b\n=======\n    return a + b\n"
    + ADDED
    + ">>>>>>> REPLACE\n"
)
CHANGED = '\n\ndef sub(a: int, b: int) -> int:\n    """What is left of a without b."""\n    return a - b\n'
EDIT_CHANGED = EDIT.replace(ADDED, CHANGED)
"""The same once somebody has said what is wrong with it."""
MEANT, WRONG = "Whole numbers only.", "Say what it returns."
"""What a person says: to a question, and of a hunk."""
FINDING = {
    "where": "calc/__init__.py:7",
    "trigger": "Someone adds floats.",
    "consequence": "The sum is inexact.",
    "severity": "minor",
    "route": "defer",
    "mend": {"old": "    return a + b", "new": "    exact = [a, b]\n    return math.fsum(exact)"},
}
CONFIG = (
    'autonomy = "auto-edit"\n'
    "[host]\nidle_s = 2\n[deploy]\nunattended = true\nmonitor_window_s = 0.6\nmonitor_interval_s = 0.2\n"
    + NO_MUTANTS
)


ENDS = ("DONE", "FAILED", "CANCELLED", "holds before")
"""How the message at the end of a run begins."""


def line_of(text: str, part: str) -> int:
    """The first line that holds a part, from 0."""
    return next(number for number, line in enumerate(text.splitlines()) if part in line)


class Team:
    """The scripted team; a role can be held, and what it is asked meanwhile can be left unanswered."""

    def __init__(self) -> None:
        self.held: dict[str, threading.Event] = {}
        self.findings: list[dict] = []
        self.unsure = False
        """The implementer waits to hear what is ``MEANT``, and does otherwise once it hears what is ``WRONG``."""
        self._heard: set[str] = set()
        self.closed = False
        self.asked = threading.Event()
        """Set as soon as somebody who is held waits."""

    def hold(self, role: str) -> None:
        """From now on nobody with this role gets an answer."""
        self.held[role] = threading.Event()

    def release(self, role: str) -> None:
        """Answer again."""
        self.held.pop(role).set()

    def lose(self, role: str) -> None:
        """Never answer what waits now; answer again from now on."""
        self.closed = True
        self.held.pop(role).set()

    def play(self, body: dict) -> Answer:
        role = team.part(body)
        gate = self.held.get(role)
        if gate is not None:
            self.asked.set()
            gate.wait(60)
            if self.closed:
                return fail(500, "gone")
        self._heard.update(words for words in (MEANT, WRONG) if words in str(body))
        if self.unsure and role == "Implementer" and (MEANT not in self._heard or not team.turns(body)):
            return self._built()
        answer = self._answer(role, team.text_of(body["messages"][0]), team.turns(body))
        return team.play(body) if answer is None else answer

    def _built(self) -> Answer:
        if MEANT not in self._heard:
            why = {"status": "impossible", "summary": "Not clear.", "because": "Are fractions meant as well?"}
            return say(team.answer(why))
        edit = EDIT_CHANGED if WRONG in self._heard else EDIT
        return say(edit + team.answer({"status": "done", "summary": "Added sub."}))

    def _answer(self, role: str, own: str, turn: int) -> Answer | None:
        if role == "Planner":
            return say(team.answer(PLAN))
        if role == "Tester" and '"cause"' not in own:
            mapped = [{"requirement": "R1", "test": "tests/test_sub.py::test_sub"}]
            done = {"status": "done", "tests": mapped, "summary": "One test."}
            return (say(TEST), call("run_tests"), say(team.answer(done)))[min(turn, 2)]
        if role == "Implementer":
            steps = (call("read", path="calc/__init__.py"), say(EDIT), call("run_tests"))
            done = {"status": "done", "summary": "Added sub."}
            return steps[turn] if turn < 3 else say(team.answer(done))
        if role == "Reviewer" and '"agree"' not in own:
            return say(team.answer({"summary": "Looks right.", "findings": self.findings}))
        if role == "Deployer":
            spec = {
                "target": "process",
                "reason": "It can be served.",
                "command": team.SERVE,
                "health_path": "/",
                "smoke": ["python3", "-c", "import calc"],
            }
            return say("<<<<<<< FILE runbook.md\n# Runbook\n>>>>>>> FILE\n" + team.answer(spec))
        return None


class Workplace:
    """Everything around one workspace; servers can come and go."""

    def __init__(self, base: Path, start, *, trusted: bool = True) -> None:
        self.base = base
        self.team = Team()
        self.model = OpenAIServer(self.team.play)
        self.root = base / "shop"
        self.file = self.root / "calc" / "__init__.py"
        self._start = start
        (self.root / "calc").mkdir(parents=True)
        (self.root / "tests").mkdir()
        self.file.write_text(ON_DISK)
        (self.root / "tests" / "test_add.py").write_text(
            "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
        )
        # The deployer of the team serves the folder.
        (self.root / "Procfile").write_text("web: python3 -m http.server $PORT\n")
        self.git("init", "-q", "-b", "main")
        self.git("add", ".")
        self.git("-c", "user.name=p", "-c", "user.email=p@example.org", "commit", "-qm", "begin")
        config = base / "config" / "wainwright" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(CONFIG)
        if trusted:
            self.trusts(self.root)

    def git(self, *words: str) -> str:
        return subprocess.run(
            ["git", "-C", self.root, *words], check=True, capture_output=True, text=True
        ).stdout

    def trusts(self, folder: Path) -> None:
        """Trust a folder as the command does, which is tried in test_trust.py."""
        with patch.dict(os.environ, self._env):
            trust_in(folder).keep()

    def trust(self, *options: str) -> None:
        """Trust the workspace in a terminal."""
        argv = [sys.executable, "-m", "wainwright", "trust", *options, str(self.root)]
        subprocess.run(argv, env={**os.environ, **self._env}, capture_output=True, check=True)

    async def sit_down(
        self,
        kind=VsCode,
        *options: str,
        run=("-m", "wainwright"),
        host: bool = False,
        model: bool = True,
        **params,
    ) -> "Person":
        """Start a server, and an editor with it; behind a ``host``, which others may share, or in one process.

        Without a ``model`` nothing says which one is asked, and there is no key.
        """
        options = options if host else (*options, "--no-host")
        told, env = (self._model, self._env) if model else ((), {**self._env, "OPENAI_API_KEY": ""})
        client = await self._start(*run, "serve", "--stdio", *told, *options, env=env)
        folder = {"uri": f"file://{self.root}", "name": "shop"}
        params = {"workspaceFolders": [folder], **params}
        result = await client.initialize(kind.profile, **params)
        return Person(self, client, kind(client, result["capabilities"]["positionEncoding"]))

    def command_line(self, *words: str) -> dict:
        """Run `wainwright` in the workspace to its end; the JSON object of its last line."""
        return json.loads(self.say(*words, *self._model).splitlines()[-1])

    def say(self, *words: str) -> str:
        """Run `wainwright` in the workspace to its end; what it prints."""
        argv = [sys.executable, "-m", "wainwright", *words, "-w", str(self.root)]
        return subprocess.run(
            argv, env={**os.environ, **self._env}, capture_output=True, text=True, timeout=120, check=True
        ).stdout

    @property
    def _env(self) -> dict[str, str]:
        return {
            "PATH": PATH,
            "XDG_STATE_HOME": str(self.base / "state"),
            "XDG_CONFIG_HOME": str(self.base / "config"),
            "XDG_RUNTIME_DIR": str(common() / "run"),
            "OPENAI_API_KEY": "a-key",
        }

    @property
    def _model(self) -> tuple[str, ...]:
        return ("--model", "openai/any", "--api-base", self.model.base)

    def uri(self, path: str) -> str:
        return f"file://{self.root / path}"


class Person:
    """Somebody at an editor who answers questions as told, and closes all others."""

    def __init__(self, workplace: Workplace, client: Client, editor) -> None:
        self.at = workplace
        self.client = client
        self.editor = editor
        self.answers: dict[str, object] = {}
        """Part of a question -> title of the button, or a coroutine function that gives one."""
        self.shown: list[dict] = []
        self.told: list[dict] = []
        """Questions that were only told."""
        self._read: list[dict] = []
        client.on("window/workDoneProgress/create", lambda _: None)
        client.on("window/showMessageRequest", self._choose)
        client.on("window/showDocument", lambda params: (self.shown.append(params), {"success": True})[1])
        client.on("workspace/codeLens/refresh", lambda _: None)
        client.on("workspace/inlayHint/refresh", lambda _: None)
        client.on("client/registerCapability", lambda _: None)
        client.allowed |= {"$/progress", "$/cancelRequest"}

    async def _choose(self, params):
        for part, answer in self.answers.items():
            if part in params["message"]:
                title = await answer() if callable(answer) else answer
                assert title in [action["title"] for action in params["actions"]]
                return {"title": title}
        return None

    async def command(self, name: str, **argument):
        return await self.client.command(f"wainwright.{name}", **argument)

    def questions(self, part: str) -> list[dict]:
        """Questions with these words that wait for a choice."""
        asked = [r["params"] for r in self.client.requests if r["method"] == "window/showMessageRequest"]
        return [params for params in asked if part in params["message"]]

    def asked(self, part: str) -> list[dict]:
        """Questions that hold these words; some editors are only told that there is one."""
        asked = self.questions(part)
        said = self.client.notifications["window/showMessage"]
        for params in [params for params in said if "Answer by code action" in params["message"]]:
            said.remove(params)
            self.told.append(params)
        told = [params for params in self.told if part in params["message"]]
        # Who is told in a line first is asked the same afterwards.
        return max(asked, told, key=len)

    async def is_asked(self, part: str, times: int = 1, patience: float = 40) -> None:
        await self._until(lambda: len(self.asked(part)) >= times, f"a question about {part}", patience)

    async def _until(self, true, what: str, patience: float) -> None:
        try:
            await self.client.until(true, what, patience)
        except AssertionError as late:
            notes = [note["value"].get("message") for note in self.client.notifications["$/progress"]]
            raise AssertionError(f"{late}\nprogress: {notes[-8:]}\nasked: {self.asked('')[-2:]}") from None

    async def reads(self, part: str, patience: float = 90) -> str:
        """Wait for a message that holds these words."""
        messages = self.client.notifications["window/showMessage"]

        def matching():
            # The end of a run may come with buttons.
            ends = [r["params"] for r in self.client.requests if r["method"] == "window/showMessageRequest"]
            ends = [one for one in ends if one["message"].startswith(ENDS) and one not in self._read]
            return [m for m in (*messages, *ends) if part in m["message"]]

        await self._until(matching, f"a message about {part}", patience)
        (found,) = matching()
        said = found["message"]
        if said.endswith("…"):  # a line of a terminal has no room for it, the log has all of it
            log = self.client.notifications["window/logMessage"]

            def whole():
                return [one for one in log if one["message"].startswith(found["message"][:-1])]

            await self._until(whole, f"all of {found['message']}", patience)
            said = whole()[0]["message"]
            log.remove(whole()[0])
        if found in messages:
            messages.remove(found)
        else:
            self._read.append(found)
        return said

    async def sees_progress(self, part: str, patience: float = 40) -> str:
        """Wait for progress that says these words; the token of the bar."""
        notes = self.client.notifications["$/progress"]

        def found():
            return [note for note in notes if part in (note["value"].get("message") or "")]

        await self._until(found, f"progress {part}", patience)
        return found()[0]["token"]

    async def actions(self, path: str = "calc/__init__.py", line: int = 0, **context) -> list[dict]:
        """Code actions at the beginning of a line, or with a range."""
        spot = {"line": line, "character": 0}
        between = context.pop("between", {"start": spot, "end": spot})
        params = {
            "textDocument": {"uri": self.at.uri(path)},
            "range": between,
            "context": {"diagnostics": [], **context},
        }
        return await self.client.request("textDocument/codeAction", params)

    async def action(self, title: str, path: str = "calc/__init__.py", **more) -> dict:
        found = [one for one in await self.actions(path, **more) if title in one["title"]]
        assert len(found) == 1, await self.actions(path, **more)
        return found[0]

    async def take(self, action: dict):
        """Do what an action or a lens is for, as every editor does."""
        if edit := action.get("edit"):
            return await self.editor.apply(edit["documentChanges"])
        command = action["command"]
        params = {"command": command["command"], "arguments": command["arguments"]}
        return await self.client.request("workspace/executeCommand", params)

    async def lenses(self, path: str) -> list[dict]:
        return await self.client.request(
            "textDocument/codeLens", {"textDocument": {"uri": self.at.uri(path)}}
        )

    async def runs(self) -> list[dict]:
        return (await self.command("runs"))["runs"]

    async def vanish(self) -> None:
        """kill -9."""
        self.client.process.kill()
        await self.client.exit_code()


async def is_there(path: Path, patience: float = 20) -> None:
    """Wait until something is on the disk, of which no message tells."""
    async with asyncio.timeout(patience):
        while not path.exists():
            await asyncio.sleep(0.02)


def completed(model: OpenAIServer) -> list[str]:
    """Requests that the model answered, as text."""
    return [json.dumps(e["request"], sort_keys=True) for e in list(model.entries) if e["completed"]]
