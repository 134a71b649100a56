"""How long an editor waits for the answer to `initialize`, next to a pygls server that does nothing."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.harness import Bar, Figure, Run, Setting, compare

ROOT = Path(__file__).resolve().parents[2]
PROFILE = ROOT / "tests" / "clients" / "profiles" / "vscode-10.1.json"
BARE = "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()"
OURS = "import sys; sys.argv[1:] = ['serve']; from wainwright.__main__ import main; main()"


def frame(message: dict) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def answers(code: str) -> Run:
    """From the start of the process to the first byte of its answer."""
    params = {"processId": os.getpid(), "rootUri": None, **json.loads(PROFILE.read_text())}
    hello = frame({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "server")}
    pipe = subprocess.PIPE

    def run() -> float:
        began = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, env=environment
        ) as server:
            server.stdin.write(hello)
            server.stdin.flush()
            assert server.stdout.read(1), server.stderr.read()
            took = time.perf_counter() - began
            server.kill()
        return took

    return run


def initialize(setting: Setting) -> Iterator[Figure]:
    """`initialize` answered, from the start of the process."""
    anchor = ("empty pygls server", lambda: answers(BARE))
    yield compare("initialize answered", lambda: answers(OURS), anchor, Bar(0.15), setting.runs(7))
