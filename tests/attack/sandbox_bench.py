"""What attacks on the sandbox are tried on: places with victims, observers over them, and a build without walls."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from tests.attack.observers import Canaries, Outside, Sink
from tests.attack.sandbox import Act

from wainwright.sandbox.protocol import Command, CommandOutcome, Layer, Sandbox, SandboxView

PYTHON = os.path.realpath(sys.executable)
SECRETS = {
    "ssh": ".ssh/id_ed25519",
    "aws": ".aws/credentials",
    "gcloud": ".config/gcloud/application_default_credentials.json",
    "kube": ".kube/config",
    "docker": ".docker/config.json",
    "netrc": ".netrc",
    "git": ".git-credentials",
    "gh": ".config/gh/hosts.yml",
    "browser": ".mozilla/firefox/x.default/logins.json",
}
"""Files of the home directory that hold a secret."""
SOCKETS = ("keyring/control", "docker.sock", "bus", "agent.1", "wayland-0")


class Bench:
    """A home directory, another person's folder, a workspace and a task's tree, made anew for each attack."""

    def __init__(self, root: Path, sink: Sink) -> None:
        self.root, self.sink = root, sink
        self.home, self.out, self.ws = root / "home", root / "out", root / "home" / "ws"
        self.state, self.tree = root / "state", root / "state" / "tasks" / "one"
        self.run = sink.path.parent
        self.canaries = Canaries("env", "state", *SECRETS)
        self._pristine = root / "pristine"
        self._make(self._pristine)
        for name in SOCKETS:
            (self.run / name).parent.mkdir(exist_ok=True)
            (self.run / name).symlink_to(sink.path)

    def _make(self, to: Path) -> None:
        home, ws, tree = to / "home", to / "home" / "ws", to / "tree"
        for folder in (
            home / ".cargo" / "bin",
            ws / ".venv" / "lib" / "python3" / "site-packages",
            tree,
            to / "out" / "cron.d",
            to / "journal",
        ):
            folder.mkdir(parents=True)
        for source, name in SECRETS.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(f"secret {self.canaries[source]}\n")
        (home / ".cargo" / "bin" / "tool").write_text("#!/bin/sh\necho of the person\n")
        (home / ".cargo" / "bin" / "tool").chmod(0o755)
        (home / ".bashrc").write_text("# a person's\n")
        (to / "out" / "victim").write_text("as it was\n")
        (to / "journal" / "journal.db").write_text(self.canaries["state"])
        for place in (ws, tree):
            (place / "app.py").write_text("a = 1\n")
            subprocess.run(["git", "init", "-q", str(place)], check=True)

    def anew(self, *, git: bool = True) -> None:
        """Everything as it was before the first attack; the tree with or without a folder of git's."""
        clear(self.home, self.out, self.state / "tasks", self.state / "journal")
        places = {"home": self.home, "out": self.out, "tree": self.tree, "journal": self.state / "journal"}
        for name, place in places.items():
            shutil.copytree(self._pristine / name, place, symlinks=True)
        if not git:
            shutil.rmtree(self.tree / ".git")

    def view(self, act: Act) -> SandboxView:
        layer = Layer(at=Path(".venv"), sources=(self.ws / ".venv",), writes="kept")
        return SandboxView(tree=self.tree, at=self.ws, layers=(layer,) if act.layer else ())

    def told(self, victim: int, mark: str, *, weak: bool) -> dict[str, str]:
        cron = str(self.out / "cron.d")
        return {
            "H": str(self.home),
            "O": str(self.out),
            "WS": str(self.ws),
            "STATE": str(self.state),
            "SHOWN": str(self.home / ".cargo" / "bin"),
            "RUN": str(self.run),
            "PORT": str(self.sink.port),
            "ABSTRACT": self.sink.name,
            "VICTIM": str(victim),
            "MARK": mark,
            "PLANTED": mark,
            # The weak build would really have this machine do something.
            "CRON": cron if weak else f"{cron} /etc/cron.d /var/spool/cron",
        }

    @contextlib.contextmanager
    def watched(self, mark: str) -> Iterator[tuple[int, list[str]]]:
        """A process of the server's, and the alarms there are when the attack is over."""
        alarms: list[str] = []
        before = len(self.sink.alarms())
        kept = [self.tree / ".git"] if (self.tree / ".git").exists() else []
        outside = Outside(self.home, self.out, self.state / "journal", *kept)
        said = {"PATH": os.defpath, "SECRET": self.canaries["env"]}
        with subprocess.Popen(["cat"], stdin=subprocess.PIPE, env=said) as victim:
            yield victim.pid, alarms
            if victim.poll() is not None:
                alarms.append("the server was ended")
            victim.kill()
        alarms += outside.alarms()
        self._barrier()
        alarms += [one for one in self.sink.alarms()[before:] if "barrier" not in one]
        alarms += [f"process {pid} is left" for pid in ended(mark)]
        for planted in Path("/tmp").glob(f"{mark}*"):
            alarms.append(f"planted: {planted}")
            planted.unlink()

    def _barrier(self) -> None:
        """Wait until the sink has told of every packet that came before."""
        word = f"barrier {uuid.uuid4().hex}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.sendto(word.encode(), ("127.0.0.1", self.sink.port))
        while not any(word in alarm for alarm in self.sink.alarms()):
            time.sleep(0.001)


def clear(*folders: Path) -> None:
    for folder in folders:
        subprocess.run(["chmod", "-Rf", "u+rwx", str(folder)], check=False)
        shutil.rmtree(folder, ignore_errors=True)


def ended(mark: str) -> list[int]:
    """The processes that carry a mark, each of which is ended."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if f"MARK={mark}".encode() in (place / "environ").read_bytes():
                os.kill(int(place.name), signal.SIGKILL)
                found.append(int(place.name))
    return found


async def plain(_: Sandbox, command: Command, view: SandboxView) -> CommandOutcome:
    """The weak build: no walls, no limits, all descriptors handed on; only this machine's mounts are not."""
    words = ["unshare", "--mount", "--propagation", "private", "--"] if os.getuid() == 0 else []
    environment = {**os.environ, **command.env, "HOME": command.env.get("H", "/")}
    process = await asyncio.create_subprocess_exec(
        *words, *command.argv, cwd=view.tree, env=environment, close_fds=False,
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    began = time.monotonic()
    output = b""
    try:
        async with asyncio.timeout(2.5):
            output, _ignored = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
    return CommandOutcome(
        exit=process.returncode, output=output.decode(errors="replace"), truncated=False, timed_out=False,
        seconds=time.monotonic() - began,
    )  # fmt: skip
