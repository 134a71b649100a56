"""How long an editor waits for its first answers, and what a window takes, next to an empty pygls server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.harness import OURS as US
from tests.bench.harness import Bar, Figure, Run, Samples, Setting, compare, figure

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ROOT / "tests" / "clients" / "profiles" / "vscode-10.1.json"
BARE = "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()"
OURS = "import sys; sys.argv[1:] = ['serve', '--no-host']; from wainwright.__main__ import main; main()"
SHARED = OURS.replace(", '--no-host'", "")
EMPTY = "empty pygls server"
FRONT_BYTES = 35_000_000
RUNS = {"command": "wainwright.runs", "arguments": []}


def frame(message: dict) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


class Window:
    """A server process, and an editor that asks it one thing."""

    def __init__(self, code: str, **environment: str) -> None:
        self.began = time.perf_counter()
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=pipe,
            stdout=pipe,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": str(ROOT / "server"), **environment},
        )

    def __enter__(self) -> "Window":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def ask(self, number: int, method: str, params: object) -> None:
        """Return when it is answered."""
        self._say({"id": number, "method": method, "params": params})
        while (heard := self._hear()).get("id") != number or "method" in heard:
            if "id" in heard:
                self._say({"id": heard["id"], "result": None})

    def greet(self, folder: Path | None = None) -> float:
        """Seconds from the start of the process to the answer to `initialize`."""
        uri = None if folder is None else folder.as_uri()
        told = {"processId": os.getpid(), "rootUri": uri, **json.loads(PROFILE.read_text())}
        self.ask(1, "initialize", told)
        took = time.perf_counter() - self.began
        self._say({"method": "initialized", "params": {}})
        return took

    def first_answer(self, folder: Path, method: str, params: object) -> float:
        """Seconds from the start of the process to the first answer after that."""
        self.greet(folder)
        self.ask(2, method, params)
        return time.perf_counter() - self.began

    def resident_bytes(self) -> float:
        """What the process has in memory."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return float(pages) * os.sysconf("SC_PAGESIZE")

    def _say(self, message: dict) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(frame(message))
        self.process.stdin.flush()

    def _hear(self) -> dict:
        stdout = self.process.stdout
        assert stdout is not None
        length = 0
        while (line := stdout.readline()) != b"\r\n":
            assert line, "the server has ended"
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return json.loads(stdout.read(length))


def greeted(code: str) -> Run:
    def run() -> float:
        with Window(code) as window:
            return window.greet()

    return run


def initialize(setting: Setting) -> Iterator[Figure]:
    """`initialize` answered, from the start of the process."""
    anchor = (EMPTY, lambda: greeted(BARE))
    yield compare("initialize answered", lambda: greeted(OURS), anchor, Bar(0.15), setting.runs(7))


@contextmanager
def shared(scratch: Path) -> Iterator[tuple[Path, dict[str, str]]]:
    """A workspace that a window shows, so that a host has its engine; and the variables to find that with."""
    folder = scratch / "shown"
    folder.mkdir()
    (folder / "one.py").write_text("def one():\n    return 1\n")
    homes = {f"XDG_{name}_HOME": str(scratch / name.lower()) for name in ("STATE", "CONFIG")}
    with Window(SHARED, **homes) as first:
        first.first_answer(folder, "workspace/executeCommand", RUNS)
        yield folder, homes


def window(setting: Setting) -> Iterator[Figure]:
    """A further window where a host is at work: its first useful answer, and its memory."""
    with shared(setting.scratch) as (folder, homes):

        def ours() -> float:
            with Window(SHARED, **homes) as one:
                return one.first_answer(folder, "workspace/executeCommand", RUNS)

        def bare() -> float:
            with Window(BARE) as one:
                return one.first_answer(folder, "shutdown", None)

        anchor = (EMPTY, lambda: bare)
        yield compare("first answer of a further window", lambda: ours, anchor, Bar(1.1), setting.runs(7))
        with Window(SHARED, **homes) as one, Window(BARE) as other:
            one.first_answer(folder, "workspace/executeCommand", RUNS)
            other.greet()
            taken = Samples({US: [one.resident_bytes()], EMPTY: [other.resident_bytes()]}, [])
        yield figure("memory of a further window", taken, EMPTY, Bar(FRONT_BYTES, "B"), unit="B")
