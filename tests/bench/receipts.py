"""From the start of a run to its receipt of the base, in a workspace where all is built, beside the command alone."""

import asyncio
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TypeVar

from tests.bench.harness import Bar, Figure, Missing, Run, Setting, compare

from wainwright.app import open_engine, state_folder
from wainwright.domain.events import BaseTested
from wainwright.domain.goal import Goal
from wainwright.engine.engine import Engine
from wainwright.engine.views.run_view import Notice, Start
from wainwright.workspace.world import caches

T = TypeVar("T")
PACKAGES = 16
NOBODY = [{"model": "openai/nobody", "api_base": "http://127.0.0.1:9", "max_output_tokens": 10}]
GO = """package {name}

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestAnswer(t *testing.T) {{
	recorder := httptest.NewRecorder()
	http.NotFoundHandler().ServeHTTP(recorder, httptest.NewRequest("GET", "/{name}", nil))
	if text, err := json.Marshal(recorder.Code); err != nil || string(text) != "404" {{
		t.Fatal(string(text), err)
	}}
}}
"""
NODE = """const test = require('node:test');
const assert = require('node:assert');
for (let number = 0; number < 20; number += 1) {{
  test(`{name} ${{number}}`, () => assert.equal(number + 0, number));
}}
"""


def go(folder: Path) -> str:
    (folder / "go.mod").write_text("module example.org/warm\n\ngo 1.21\n")
    for number in range(PACKAGES):
        package = folder / f"p{number}"
        package.mkdir()
        (package / "answer_test.go").write_text(GO.format(name=package.name))
    return "go test -count=1 ./..."


def node(folder: Path) -> str:
    (folder / "package.json").write_text('{"name": "warm", "scripts": {"test": "node --test"}}')
    (folder / "node_modules" / ".bin").mkdir(parents=True)
    (folder / ".gitignore").write_text("node_modules\n")
    (folder / "test").mkdir()
    for number in range(PACKAGES):
        (folder / "test" / f"p{number}.test.js").write_text(NODE.format(name=f"p{number}"))
    return "npm test --silent"


def made(setting: Setting, program: str, make: Callable[[Path], str]) -> tuple[Path, str]:
    """A workspace in which the command has run once, and the command."""
    if shutil.which(program) is None:
        raise Missing(f"{program} is not installed")
    folder = setting.scratch / f"warm-{program}"
    folder.mkdir()
    command = make(folder)
    person = ("-c", "user.name=bench", "-c", "user.email=bench@bench.example")
    for words in (("init", "-q"), ("add", "-A"), (*person, "commit", "-qm", "warm")):
        subprocess.run(["git", *words], cwd=folder, check=True)
    outside(folder, command)()
    return folder, command


def outside(folder: Path, command: str) -> Run:
    def run() -> float:
        began = time.perf_counter()
        subprocess.run(
            ["/bin/sh", "-c", command], cwd=folder, check=True, stdin=subprocess.DEVNULL, capture_output=True
        )
        return time.perf_counter() - began

    return run


class Inside:
    """An engine whose runs end when the base is tested."""

    def __init__(self, folder: Path, command: str, state: Path) -> None:
        os.environ["XDG_STATE_HOME"] = str(state)
        self._loop = asyncio.new_event_loop()
        overrides = {"models": {"default": NOBODY}, "test": {"command": command}}
        self._engine = self._wait(open_engine(folder, overrides=overrides, word=True))

    def __call__(self) -> float:
        return self._wait(self._once(self._engine))

    def _wait(self, work: Coroutine[object, object, T]) -> T:
        return self._loop.run_until_complete(work)

    async def _once(self, engine: Engine) -> float:
        # Only what the person built is warm: as in the first run of all.
        for name in (caches.KEPT, "receipts"):
            shutil.rmtree(state_folder(engine.workspace) / name, ignore_errors=True)
        told = asyncio.Event()
        silence = engine.subscribe(lambda notice: told.set() if _over(notice) else None)
        began = time.perf_counter()
        run = (await engine.start(Start(goal=Goal(text="Look at the base"), attended=True))).run
        await told.wait()
        took = time.perf_counter() - began
        silence()
        await engine.cancel(run)
        await engine.wait(run)
        events = await asyncio.to_thread(engine._parts.journal.events, run)
        receipts = [one.receipt for one in events if isinstance(one, BaseTested)]
        if not receipts or receipts[0] is None or receipts[0].exit != 0 or receipts[0].reused:
            raise Missing(f"the base was not tested: {receipts}")
        return took


def _over(notice: Notice) -> bool:
    return notice.kind in ("base-tested", "run-failed")


def base(setting: Setting) -> Iterator[Figure]:
    """A run's receipt of the base, in a warm Go and a warm Node workspace."""
    for name, program, make in (("Go", "go", go), ("Node", "node", node)):
        workspace: list[tuple[Path, str]] = []

        def place(
            program: str = program, make: Callable[[Path], str] = make, kept=workspace
        ) -> tuple[Path, str]:
            if not kept:
                kept.append(made(setting, program, make))
            return kept[0]

        yield compare(
            f"base receipt, warm {name}",
            lambda place=place: Inside(*place(), setting.scratch / "state"),
            ("the command", lambda place=place: outside(*place())),
            Bar(1.5),
            setting.runs(7),
        )
