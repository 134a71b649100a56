"""How long an editor waits for the answer to `initialize`, next to a pygls server that does nothing.

Run it as a script: it starts both servers in turn, prints a table, and ends with one line of JSON. The exit code is 1
when the median is above `BAR` times the bare one.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROFILE = json.loads((ROOT / "tests" / "clients" / "profiles" / "vscode-10.1.json").read_text())
BAR = 1.5
RUNS = 7

SERVERS = {
    "bare pygls": "from pygls.lsp.server import LanguageServer; LanguageServer('bare', '1').start_io()",
    "wainwright": "import sys; sys.argv[1:] = ['serve']; from wainwright.__main__ import main; main()",
}


def frame(message: dict) -> bytes:
    body = json.dumps(message).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


def once(code: str) -> float:
    """Milliseconds from the start of the process to the first byte of its answer."""
    params = {"processId": os.getpid(), "rootUri": None, **PROFILE}
    hello = frame({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params})
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "server")}
    began = time.perf_counter()
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, env=environment
    ) as server:
        server.stdin.write(hello)
        server.stdin.flush()
        assert server.stdout.read(1), server.stderr.read()
        took = time.perf_counter() - began
        server.kill()
    return 1000 * took


def main() -> int:
    for code in SERVERS.values():
        once(code)  # compiles the modules
    taken: dict[str, list[float]] = {name: [] for name in SERVERS}
    for _ in range(RUNS):
        for name, code in SERVERS.items():
            taken[name].append(once(code))
    medians = {name: statistics.median(times) for name, times in taken.items()}
    ratio = medians["wainwright"] / medians["bare pygls"]
    print(f"{'server':12} {'median ms':>10} {'least ms':>10}")
    for name, times in taken.items():
        print(f"{name:12} {medians[name]:10.0f} {min(times):10.0f}")
    rounded = {name: [round(value, 1) for value in times] for name, times in taken.items()}
    print(json.dumps({"ratio": round(ratio, 2), "bar": BAR, "runs": RUNS, "milliseconds": rounded}))
    return int(ratio > BAR)


if __name__ == "__main__":
    raise SystemExit(main())
