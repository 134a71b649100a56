"""Sees one command through: starts the programs around it, feeds and reads it, and leaves no process behind."""

import asyncio
import os
import re
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import launcher, orphans
from wainwright.sandbox.output import BoundedOutput, listening
from wainwright.sandbox.protocol import Command, CommandOutcome
from wainwright.sandbox.watching import Watch
from wainwright.waiting import to_its_end

READ_BYTES = 65_536
_SOON_S, _GRACE_S = 0.5, 5.0
_CHILD = re.compile(rb'"child-pid":\s*(\d+)')
"""How bubblewrap tells of the first process behind the walls, before that one goes on."""


KILLED = 128 + signal.SIGKILL


@dataclass(frozen=True)
class Start:
    """How the programs around a command are started."""

    words: Callable[[int], list[str]]
    """All words before the command's own, for a descriptor on which they tell how far they got."""
    env: Mapping[str, str] = field(default_factory=dict)
    cwd: Path | None = None
    passed: tuple[int, ...] = ()
    """Descriptors that are handed on."""
    ends_all: bool = False
    """Whether the first of them, told to end, ends all that it began; else the kernel sees to that."""


@dataclass
class _Report:
    """What the programs around a command say of it."""

    descriptor: int
    text: bytes = b""

    def so_far(self) -> bytes:
        """All that was said by now."""
        os.set_blocking(self.descriptor, False)
        with suppress(BlockingIOError):
            self.text += os.read(self.descriptor, READ_BYTES)
        return self.text


async def run(start: Start, command: Command, watch: Watch) -> CommandOutcome:
    """Start the programs around a command with a pipe on which they tell how far they got, and see it through.

    What took too much is killed, and the output says so in its last line.
    """
    reading, writing = os.pipe()
    report = _Report(reading)
    began = time.monotonic()
    try:
        try:
            process = await _started(
                asyncio.create_subprocess_exec(
                    *(*start.words(writing), *command.argv),
                    stdin=asyncio.subprocess.DEVNULL if command.stdin is None else asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.STDOUT,
                    env=start.env,
                    cwd=start.cwd,
                    start_new_session=True,
                    pass_fds=(writing, *start.passed),
                ),
                report,
            )
        except OSError as error:
            raise SandboxError(
                f"The sandbox could not start: {error}.", "Use fewer or shorter arguments."
            ) from error
        finally:
            os.close(writing)
        output = BoundedOutput(command.output_bytes_max)
        timed_out, stopped = await _see_through(
            process, output, command, watch, report, ends_all=start.ends_all
        )
        ended = watch.ended_by_the_kernel()
        # An exit code is reported only when the walls stood and the command was started.
        told = b"exit-code" in report.so_far()
        if not timed_out and not stopped and not ended and not told:
            why = launcher.complaint(report.text) or output.text().strip()
            raise SandboxError(
                f"The sandbox could not be built: {why}",
                "Check that the tree and cwd exist.",
            )
    finally:
        os.close(reading)
    if why := stopped or ended:
        output.add(f"\n[stopped: {why}]\n".encode())
    return CommandOutcome(
        exit=None if timed_out else process.returncode if told else KILLED,
        output=output.text(),
        truncated=output.bytes_cut > 0,
        timed_out=timed_out,
        seconds=time.monotonic() - began,
    )


async def _see_through(
    process: asyncio.subprocess.Process,
    output: BoundedOutput,
    command: Command,
    watch: Watch,
    report: _Report,
    *,
    ends_all: bool,
) -> tuple[bool, str]:
    """Feed and read the process until it ends; returns whether its time ran out, or of what it took too much.

    Leaves no process in any case.
    """

    async def to_its_own_end() -> str:
        await asyncio.gather(_feed(process, command.stdin), _read(process, output))
        await process.wait()
        return ""

    endings = [asyncio.ensure_future(to_its_own_end()), asyncio.ensure_future(watch.too_much(process.pid))]
    try:
        async with asyncio.timeout(command.timeout_s):
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            return False, endings[0].result() if endings[0].done() else endings[1].result()
    except TimeoutError:
        return True, ""
    finally:
        for ending in endings:
            ending.cancel()
        await asyncio.wait(endings)
        if ends_all:
            await _told_to_end(process)
        await _end(process, output, report)


async def _started(
    starting: Coroutine[Any, Any, asyncio.subprocess.Process], report: _Report
) -> asyncio.subprocess.Process:
    """Start a process. Whoever cancels that is obeyed when it is there, and has been ended with all that it began.

    asyncio itself would kill the one process, and wait for ever for those that hold its output.
    """
    work = asyncio.ensure_future(starting)
    try:
        return await to_its_end(work)
    except asyncio.CancelledError:
        if not work.cancelled() and work.exception() is None:
            await _end(work.result(), BoundedOutput(1), report)
        raise


async def _told_to_end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        with suppress(ProcessLookupError):
            process.terminate()
        with suppress(TimeoutError):
            async with asyncio.timeout(_GRACE_S):
                await process.wait()


async def _end(process: asyncio.subprocess.Process, output: BoundedOutput, report: _Report) -> None:
    """Kill what still runs, with all that is in its group."""
    if process.returncode is None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        for patience in (_SOON_S, _GRACE_S):
            # The end of the output means that nobody holds it any more: the whole namespace is gone.
            with suppress(TimeoutError):
                async with asyncio.timeout(patience):
                    await _read(process, output)
                    break
            # What has left the group asks the kernel to die with its parent, and may just not have asked yet.
            if found := _CHILD.search(report.so_far()):
                orphans.end(int(found[1]))
        await process.wait()


async def _feed(process: asyncio.subprocess.Process, data: bytes | None) -> None:
    if process.stdin is None or data is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(data)
        await process.stdin.drain()
    process.stdin.close()


async def _read(process: asyncio.subprocess.Process, output: BoundedOutput) -> None:
    assert process.stdout is not None
    listener = listening.get()
    while chunk := await process.stdout.read(READ_BYTES):
        output.add(chunk)
        if listener is not None:
            listener(chunk)
