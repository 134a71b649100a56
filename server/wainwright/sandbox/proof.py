"""Shows that a sandbox's walls hold on this machine, by attempting what they must prevent."""

import asyncio
import inspect
import json
import os
import secrets
import shutil
import sys
import tempfile
from pathlib import Path

from wainwright.domain.errors import SandboxError
from wainwright.sandbox import forbidden
from wainwright.sandbox.protocol import Command, Sandbox, SandboxView
from wainwright.sandbox.visible import Visible

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

    For its time ``state`` holds a directory with a canary file, a listener waits on the loopback, and a process of
    ours carries a secret in its environment.
    """
    place = Path(tempfile.mkdtemp(prefix="proof-", dir=state))
    secret = secrets.token_hex(16)
    carrier = await asyncio.create_subprocess_exec("sleep", "60", env={"PATH": os.defpath, "SECRET": secret})
    listener = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    try:
        (place / "tree").mkdir()
        (place / "canary").write_text(secret)
        told = {
            "canary": str(place / "canary"),
            "secret": secret,
            "home": str(visible.home),
            "home_shown": _shown_in_home(visible),
            "port": listener.sockets[0].getsockname()[1],
        }
        succeeded = await _attempt(sandbox, place / "tree", json.dumps(told).encode())
    finally:
        carrier.kill()
        await carrier.wait()
        listener.close()
        shutil.rmtree(place, ignore_errors=True)
    if succeeded:
        acts = ", ".join(name.replace("_", " ") for name in succeeded)
        raise SandboxError(f"The sandbox does not hold: inside it a command could {acts}.", _HINT)


async def overlays_work(sandbox: Sandbox, state: Path) -> bool:
    """Whether a command can write above a dependency directory without the directory being changed."""
    place = Path(tempfile.mkdtemp(prefix="proof-", dir=state))
    try:
        (place / "tree").mkdir()
        (place / "person" / "dependencies").mkdir(parents=True)
        view = SandboxView(
            tree=place / "tree",
            at=place / "person",
            beneath=(Path("dependencies"),),
            dependencies_from=place / "person",
        )
        outcome = await sandbox.run(Command(argv=("touch", "dependencies/cache"), timeout_s=_TIMEOUT_S), view)
        return outcome.exit == 0 and not (place / "person" / "dependencies" / "cache").exists()
    except SandboxError:
        return False
    finally:
        shutil.rmtree(place, ignore_errors=True)


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
    below = (
        path.relative_to(visible.home) for path in visible.toolchains if path.is_relative_to(visible.home)
    )
    return sorted({relative.parts[0] for relative in below})
