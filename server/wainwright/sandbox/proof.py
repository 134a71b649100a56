"""Shows that a sandbox's walls hold on this machine, by attempting what they must prevent."""

import asyncio
import inspect
import json
import os
import secrets
import sys
import tempfile
from contextlib import suppress
from functools import partial
from pathlib import Path

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import clearing, forbidden
from wainwright.sandbox.identity import start_time
from wainwright.sandbox.protocol import Command, Layer, Sandbox, SandboxView
from wainwright.sandbox.visible import Visible

_PREFIX = "proof-"
_WITNESS = "witness"
_TIMEOUT_S = 20.0
_ACTS = inspect.getsource(forbidden)
_INTERPRETER = os.path.realpath(sys.executable)
# Not the tree's own path: its parents exist inside, empty and in memory, and could be mistaken for the real ones.
_AT = Path("/tmp/wainwright-proof")  # noqa: S108
_HINT = (
    "Update bubblewrap (apt-get install bubblewrap), allow unprivileged user namespaces (sysctl "
    "kernel.apparmor_restrict_unprivileged_userns=0 on Ubuntu, user.max_user_namespaces above 0), and keep the state "
    "directory outside /usr, /etc and /opt."
)


async def attempt_the_forbidden(sandbox: Sandbox, state: Path, visible: Visible) -> None:
    """Run every forbidden act in ``sandbox``; raises SandboxError naming those that succeeded.

    The answer comes from inside, so it is not believed alone: the acts have to have left their word in the tree, and
    nothing of theirs outside.

    For its time ``state`` holds a directory with a canary file, a listener waits on the loopback, and a process of
    ours carries a secret in its environment.
    """
    place = _place(state)
    secret = secrets.token_hex(16)
    # It reads from us, so that it ends with us however we end.
    carrier = await asyncio.create_subprocess_exec(
        "cat", stdin=asyncio.subprocess.PIPE, env={"PATH": os.defpath, "SECRET": secret}
    )
    came: list[str] = []
    listener = await asyncio.start_server(partial(_comes, came), "127.0.0.1", 0)
    word = secrets.token_hex(16)
    try:
        (place / "tree").mkdir()
        (place / "canary").write_text(secret)
        told = {
            "witness": _WITNESS,
            "word": word,
            "canary": str(place / "canary"),
            "secret": secret,
            "process": carrier.pid,
            "home": str(visible.home),
            "home_shown": _shown_in_home(visible),
            "port": listener.sockets[0].getsockname()[1],
        }
        succeeded = await _attempt(sandbox, place / "tree", json.dumps(told).encode())
        changed = (place / "canary").read_text() != secret
        if not succeeded and (changed or came or _left(place / "tree") != word):
            succeeded = ["answer for its walls what is not true"]
    finally:
        with suppress(ProcessLookupError):
            carrier.kill()
        await carrier.wait()
        listener.close()
        _remove(place)
    if succeeded:
        acts = ", ".join(name.replace("_", " ") for name in succeeded)
        raise SandboxError(f"The sandbox does not hold: inside it a command could {acts}.", _HINT)


async def attempt_overlays(sandbox: Sandbox, state: Path) -> None:
    """Let a command change a tree and a layer over it; raises SandboxError if that is not what becomes of them."""
    place = _place(state)
    try:
        (place / "tree" / "d").mkdir(parents=True)
        (place / "person").mkdir()
        for file in (place / "tree" / "changed", place / "tree" / "gone", place / "person" / "file"):
            file.write_text("before")
        # Another name of the file that the command changes: where writes are in place it changes, too.
        (place / "linked").hardlink_to(place / "tree" / "changed")
        view = SandboxView(
            tree=place / "tree",
            at=_AT,
            layers=(Layer(at=Path("d"), sources=(place / "person",), writes="dropped"),),
        )
        script = "echo after > changed; rm gone; echo after > d/file; cat d/file"
        outcome = await sandbox.run(Command(argv=("/bin/sh", "-c", script), timeout_s=_TIMEOUT_S), view)
        untouched = (place / "linked").read_text() == (place / "person" / "file").read_text() == "before"
        merged = (place / "tree" / "changed").read_text() == "after\n" == outcome.output
        if not (untouched and merged) or (place / "tree" / "gone").exists():
            raise SandboxError(f"Overlays are mounted and do not work: {outcome.output.strip()[-300:]}")
    except OSError as error:
        raise SandboxError(f"What overlays leave cannot be read: {error}.") from error
    finally:
        _remove(place)


def _comes(came: list[str], _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    came.append("somebody")
    writer.close()


def _left(tree: Path) -> str:
    with suppress(OSError):
        return (tree / _WITNESS).read_text()
    return ""


def _place(state: Path) -> Path:
    """A folder that says whose it is; those whose process was killed are removed."""
    for old in state.glob(f"{_PREFIX}*"):
        pid, _, began = old.name.removeprefix(_PREFIX).partition("-")
        if not pid.isdigit() or f"{start_time(int(pid))}" != began.rpartition("-")[0]:
            _remove(old)
    ours = f"{_PREFIX}{os.getpid()}-{start_time(os.getpid())}-"
    return Path(tempfile.mkdtemp(prefix=ours, dir=state))


def _remove(place: Path) -> None:
    with suppress(OSError):
        clearing.remove(place)


async def _attempt(sandbox: Sandbox, tree: Path, told: bytes) -> list[str]:
    command = Command(argv=(_INTERPRETER, "-I", "-S", "-c", _ACTS), stdin=told, timeout_s=_TIMEOUT_S)
    try:
        outcome = await sandbox.run(command, SandboxView(tree=tree, at=_AT))
    except SandboxError as error:
        raise SandboxError(error.message, _HINT) from error
    try:
        succeeded = json.loads(outcome.output)
    except ValueError:
        succeeded = None
    if outcome.exit != 0 or not isinstance(succeeded, list):
        raise SandboxError(f"The sandbox could not be proven: {outcome.output.strip()[-500:]}", _HINT)
    return [str(name) for name in succeeded]


def _shown_in_home(visible: Visible) -> list[str]:
    stores, files = (store.at for store in visible.stores), (at for _, at in visible.files)
    shown = (*visible.toolchains, *visible.programs, *stores, *files, visible.cache_home)
    below = (path.relative_to(visible.home) for path in shown if path.is_relative_to(visible.home))
    return sorted({relative.parts[0] for relative in below})
