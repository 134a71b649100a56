"""What the sandbox costs a command: beside bare bubblewrap with the same view, and beside the plain command."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from tests.bench.harness import OURS, Bar, Figure, Missing, Run, Setting, figure, interleave

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import landlocked
from wainwright.sandbox.bubblewrap import Bubblewrap, prove, survey_around
from wainwright.sandbox.protocol import Command, Sandbox, SandboxView, Writes

PROGRAM = ("/bin/sh", "-c", "exit 0")
RUNS = 40


class Fence:
    """One loop for all sides, as the engine has one, and a sandbox that was proven."""

    def __init__(self, scratch: Path) -> None:
        self._loop = asyncio.new_event_loop()
        self.state = scratch / "state"
        self._at = scratch / "workspace"
        try:
            self.walls: Bubblewrap = self._loop.run_until_complete(prove(self.state))
            visible = survey_around(self.state, os.environ, None)
            self.alone = self._loop.run_until_complete(landlocked.prove(self.state, visible))
        except SandboxError as error:
            raise Missing(str(error)) from error

    def view(self, name: str, writes: Writes) -> SandboxView:
        tree = self.state / "tasks" / name
        tree.mkdir(parents=True, exist_ok=True)
        return SandboxView(tree=tree, at=self._at, writes=writes)

    def ours(self, sandbox: Sandbox, view: SandboxView) -> Run:
        command = Command(argv=PROGRAM, timeout_s=60)

        def run() -> float:
            began = time.perf_counter()
            outcome = self._loop.run_until_complete(sandbox.run(command, view))
            assert outcome.exit == 0, outcome.output
            return time.perf_counter() - began

        return run

    def bare(self, view: SandboxView) -> Run:
        """The same mounts and namespaces, and nothing before, beside or behind them; the tree itself is bound."""
        plain = Bubblewrap(self.walls._tools, self.walls._visible, overlays=False)
        words = [plain._tools.bwrap, "--unshare-all", "--die-with-parent"]
        return self.command((*words, *plain._walls(plain._take(view), {}, "."), "--", *PROGRAM))

    def command(self, words: tuple[str, ...]) -> Run:
        async def once() -> int:
            quiet = asyncio.subprocess.DEVNULL
            return await (await asyncio.create_subprocess_exec(*words, stdin=quiet, stdout=quiet)).wait()

        def run() -> float:
            began = time.perf_counter()
            if self._loop.run_until_complete(once()) != 0:
                raise subprocess.SubprocessError(words[0])
            return time.perf_counter() - began

        return run


def fence(setting: Setting) -> Iterator[Figure]:
    """One command, with its tree to read and to write."""
    made = Fence(setting.scratch)
    kinds: tuple[tuple[str, Writes], ...] = (("read", "refused"), ("write", "kept"))
    for name, writes in kinds:
        ours, bare = made.view(f"ours-{name}", writes), made.view(f"bare-{name}", writes)
        sides = {
            OURS: lambda ours=ours: made.ours(made.walls, ours),
            "bare bwrap": lambda bare=bare: made.bare(bare),
            "plain": lambda: made.command(PROGRAM),
        }
        samples = interleave(sides, setting.runs(RUNS), 3)
        yield figure(f"a command with a tree to {name}", samples, "bare bwrap", Bar(1.2))
        yield figure("  the same beside no sandbox", samples, "plain")
    view = made.view("alone", "kept")
    sides = {OURS: lambda: made.ours(made.alone, view), "plain": lambda: made.command(PROGRAM)}
    yield figure("a command behind Landlock alone", interleave(sides, setting.runs(RUNS), 3), "plain")
