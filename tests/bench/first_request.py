"""How long after `wainwright run` the first model is asked, and what two such runs leave on disk."""

import itertools
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench.corpora import Corpus
from tests.bench.harness import OURS, Bar, Figure, Samples, Setting, figure, interleave
from tests.fixtures.openai_server import Answer, OpenAIServer, fail

from wainwright.workspace.standing import FOLDER

ROOT = Path(__file__).resolve().parents[2]
FIRST_S, AFTERWARDS_S = 3, 1
LEFT_BYTES = 100_000_000
STANDING = 1.1
"""The checkout that stands beside a person's own files: how much more room it may take than those."""
PERSONS = "the person's files"
OPTIONS = ("--model", "openai/nobody", "--test-command", "true", "--budget-tokens", "1000000")


class Arrivals:
    """A model server that notes when it is asked and refuses, so that the run ends by itself."""

    def __init__(self) -> None:
        self.at: list[float] = []

    def __call__(self, _: dict[str, Any]) -> Answer:
        self.at.append(time.perf_counter())
        return fail(401, "nobody is at home")


class Asking:
    """Starts runs in a workspace, each to its first question."""

    def __init__(self, folder: Path, state: Path) -> None:
        self._folder = folder
        self._state = state
        self._numbers = itertools.count()

    def first_time(self) -> float:
        """A run in a workspace that was never worked in."""
        shutil.rmtree(self._state, ignore_errors=True)
        return self.afterwards()

    def afterwards(self) -> float:
        """A run beside what earlier ones left."""
        arrivals = Arrivals()
        with OpenAIServer(arrivals) as server:
            code = "from wainwright.__main__ import main; main()"
            goal = f"Let the number of retries be {next(self._numbers)}"
            words = (goal, *OPTIONS, "--api-base", server.base, "-w", str(self._folder))
            environment = {
                **os.environ,
                "PYTHONPATH": str(ROOT / "server"),
                "XDG_STATE_HOME": str(self._state),
                "OPENAI_API_KEY": "none",
            }
            began = time.perf_counter()
            ended = subprocess.run(
                [sys.executable, "-c", code, "run", *words], env=environment, capture_output=True, check=False
            )
        assert arrivals.at, ended
        return arrivals.at[0] - began

    def left(self) -> tuple[int, int]:
        """The room on disk that two runs take once they are over: all but the checkout that stands, and that one."""
        self.first_time()
        self.afterwards()
        standing = sum(used(tree) for tree in self._state.glob(f"wainwright/*/{FOLDER}/tree"))
        return used(self._state) - standing, standing

    def persons(self) -> int:
        """The room that the person's own files take, without their repository."""
        return sum(used(path) for path in self._folder.iterdir() if path.name != ".git")


def used(folder: Path) -> int:
    """Bytes on disk; a file with several names counts once."""
    seen = {}
    for path in (folder, *folder.rglob("*")):
        status = path.lstat()
        seen[status.st_ino] = status.st_blocks * 512
    return sum(seen.values())


def first_request(setting: Setting) -> Iterator[Figure]:
    """From `wainwright run` to the first request that reaches a model's server."""
    for corpus in setting.corpora.values():
        yield from _first_request(setting, corpus)


def _first_request(setting: Setting, corpus: Corpus) -> Iterator[Figure]:
    asking = Asking(corpus.copy(setting.scratch), setting.scratch / "state-first")
    large = corpus.large
    runs = setting.runs(5)
    for name, run, bar, warm in (
        ("first time", asking.first_time, FIRST_S, 0),
        ("afterwards", asking.afterwards, AFTERWARDS_S, 1),
    ):
        taken = interleave({OURS: lambda run=run: run}, runs, warm)
        yield figure(f"first request, {name}, {corpus.name}", taken, "", Bar(bar, "s") if large else None)
    left, standing = asking.left()
    beside = Samples({OURS: [left]}, [])
    limit = Bar(LEFT_BYTES, "B") if large else None
    yield figure(f"left by two runs beside the checkout, {corpus.name}", beside, "", limit, unit="B")
    checkouts = Samples({OURS: [standing], PERSONS: [asking.persons()]}, [])
    most = Bar(STANDING) if large else None
    yield figure(f"the checkout that stands, {corpus.name}", checkouts, PERSONS, most, unit="B")
