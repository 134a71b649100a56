"""Credentials, sockets and what only its owner may read are hidden in all that is shown, when a command starts."""

import os
import shutil
import socket
import stat
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wainwright.sandbox.bubblewrap import Bubblewrap, prove
from wainwright.sandbox.guarding import Guard, Tree
from wainwright.sandbox.protocol import Command, Layer, SandboxView

PYTHON = os.path.realpath(sys.executable)
SECRET = "s3cret-of-a-person"
TOKEN = f'[registries.ours]\ntoken = "{SECRET}"\n'

CREDENTIALS = (
    ".cargo/credentials.toml", ".cargo/bin/.netrc", ".dotnet/corefx/cryptography/x509stores/my/a.pfx",
    ".dotnet/tools/NuGet.Config", "miniconda3/.condarc", "miniconda3/etc/conda/.condarc", "miniconda3/auth.json",
    ".local/share/pnpm/global/.npmrc", ".local/lib/python/pip.conf", ".nvm/etc/npmrc", ".local/bin/.git-credentials",
    ".npm/_cacache/tmp/clone/config", ".cache/uv/git-v0/db/abc/config", ".cargo/git/db/one/config",
    ".local/bin/id_ed25519", ".opam/plugins/token-of-mine",
)  # fmt: skip
"""Where tools keep them, and people put them, within what is shown."""
HARMLESS = (
    ".cargo/bin/tool", ".dotnet/sdk/v/credentials.dll", "miniconda3/lib/python3/site-packages/x/credentials.py",
    "miniconda3/ssl/cacert.pem", ".nvm/etc/config", ".cargo/registry/src/a/closed.rs", ".local/bin/mine",
)  # fmt: skip
"""What looks a little like them, and is needed."""


def put(home: Path, name: str, text: str) -> Path:
    place = home / name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    return place


@pytest.fixture
def home(tmp_path: Path) -> Path:
    place = tmp_path / "person"
    for name in HARMLESS:
        put(place, name, "all may read this")
    (place / ".cargo/registry/src/a/closed.rs").chmod(0o600)  # as its packer had it
    (place / ".local/bin/mine").chmod(0o700)
    for folder in (
        ".cargo",
        ".dotnet",
        "miniconda3",
        ".local/share/pnpm",
        ".local/lib",
        ".nvm",
        ".opam",
        ".cache/uv",
    ):
        (place / folder).mkdir(parents=True, exist_ok=True)
    (place / ".npm" / "_cacache" / "tmp").mkdir(parents=True)
    (place / ".cargo" / "git").mkdir(parents=True)
    return place


def fill(home: Path) -> None:
    for name in CREDENTIALS:
        put(home, name, TOKEN)
    (home / ".opam/plugins/token-of-mine").chmod(0o600)


async def found(sandbox: Bubblewrap, view: SandboxView, home: Path) -> tuple[set[str], set[str]]:
    """Names of the files in the home directory with the secret in them, and of all that can be read."""
    script = f"""
import os
for folder, _, names in os.walk({str(home)!r}):
    for name in names:
        place = os.path.join(folder, name)
        try:
            text = open(place, errors="replace").read()
        except OSError:
            continue
        if text:
            print({SECRET!r} in text, os.path.relpath(place, {str(home)!r}))
"""
    outcome = await sandbox.run(Command(argv=(PYTHON, "-S", "-c", script), timeout_s=60), view)
    lines = [line.partition(" ") for line in outcome.output.splitlines()]
    return {name for told, _, name in lines if told == "True"}, {name for _, _, name in lines}


@pytest.mark.parametrize("overlays", [True, False])
async def test_credentials_are_hidden_whenever_they_were_put_there(
    home: Path, tmp_path: Path, tree: Path, workspace: Path, overlays: bool
) -> None:
    view = SandboxView(tree=tree, at=workspace, cache=tmp_path / "cache")
    (tmp_path / "cache").mkdir()
    environment = {"HOME": str(home), "PATH": f"{home}/.local/bin:{os.environ['PATH']}"}
    sandbox = await prove(tmp_path / "state", environment, overlays=overlays)
    told, seen = await found(sandbox, view, home)
    assert (told, set(HARMLESS) - seen) == (set(), set())
    fill(home)
    told, seen = await found(sandbox, view, home)
    assert (told, set(HARMLESS) - seen) == (set(), set())
    again = await prove(tmp_path / "state", environment, overlays=overlays)
    told, seen = await found(again, view, home)
    assert (told, set(HARMLESS) - seen) == (set(), set())


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Path]:
    """A socket that somebody listens at, in a folder with a short name."""
    place = Path(f"/tmp/wainwright-{os.getpid()}-{time.time_ns()}")
    place.mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place / "socket"))
        server.listen()
        yield place
    (place / "socket").unlink()
    place.rmdir()


CONNECT = """
import socket, sys
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
    print("connected")
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("writes", ["refused", "dropped", "kept"])
async def test_no_socket_below_dependencies(
    sandbox: Bubblewrap, tree: Path, workspace: Path, listener: Path, writes: str
) -> None:
    layer = Layer.model_validate({"at": "d", "sources": (listener,), "writes": writes})
    view = SandboxView(tree=tree, at=workspace, layers=(layer,))
    command = Command(argv=(PYTHON, "-S", "-c", CONNECT, "d/socket"), timeout_s=60)
    assert "connected" not in (await sandbox.run(command, view)).output


async def test_no_socket_pipe_or_closed_file_in_a_toolchain(
    tmp_path: Path, tree: Path, workspace: Path, listener: Path
) -> None:
    home = listener / "h"
    try:
        (home / ".opam" / "run").mkdir(parents=True)
        environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
        sandbox = await prove(tmp_path / "state", environment)
        os.mkfifo(home / ".opam" / "run" / "pipe")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(home / ".opam" / "run" / "s"))
            server.listen()
            words = (PYTHON, "-S", "-c", CONNECT, str(home / ".opam" / "run" / "s"))
            outcome = await sandbox.run(
                Command(argv=words, timeout_s=60), SandboxView(tree=tree, at=workspace)
            )
        assert outcome.output.strip() in {
            "Permission denied",
            "Connection refused",
            "Socket operation on non-socket",
        }
        words = ("test", "-p", str(home / ".opam" / "run" / "pipe"))
        outcome = await sandbox.run(Command(argv=words, timeout_s=60), SandboxView(tree=tree, at=workspace))
        assert outcome.exit == 1
    finally:
        shutil.rmtree(home)


def test_what_only_its_owner_may_read_in_a_folder_of_the_system(tmp_path: Path) -> None:
    place = tmp_path / "opt"
    put(place, "app/open", "x")
    put(place, "app/key", "x").chmod(0o640)
    put(place, "app/program", "x").chmod(0o700)
    put(place, "private/inner/file", "x")
    (place / "private").chmod(0o750)
    guard = Guard([Tree(place, Path("/opt"), 4, folders=True)])
    hidden = [(Path("/opt/app/key"), False), (Path("/opt/app/program"), False), (Path("/opt/private"), True)]
    assert sorted(guard.hidden()) == hidden
    put(place, "app/new", "x").chmod(0o600)
    (place / "app" / "key").unlink()
    assert sorted(path.name for path, _ in guard.hidden()) == ["new", "private", "program"]


@pytest.mark.parametrize(
    ("name", "text", "hidden"),
    [
        (
            "settings.xml",
            "<settings><!-- <server>\n<password>repopwd</password>\n</server> --></settings>",
            False,
        ),
        ("settings.xml", "<server><password>repopwd</password></server>", True),
        (".npmrc", "# //registry/:_authToken=abcdef\nprefix=/x\n", False),
        (".npmrc", "//registry.example.org/:_authToken=abcdef\n", True),
        (".npmrc", "//registry.example.org/:_authToken=${NPM_TOKEN}\n", False),
        ("pip.conf", "[global]\nindex-url = https://me:pass@example.org/simple\n", True),
        ("pip.conf", "[global]\nindex-url = https://example.org/simple\n", False),
        ("config", '[remote "origin"]\n\turl = https://git@example.org/x.git\n', False),
        ("config", '[remote "origin"]\n\turl = https://x-token:ghp_a@example.org/x.git\n', True),
        ("config", "[http]\n\textraheader = AUTHORIZATION: basic abc\n", True),
        ("gradle.properties", "signing.password=hunter2\n", True),
        ("gradle.properties", "org.gradle.jvmargs=-Xmx2g\n", False),
        ("config.toml", '[registries.ours]\ntoken = "abcdef"\n', True),
        ("config.toml", "[net]\ngit-fetch-with-cli = true\n", False),
    ],
)
def test_settings_are_hidden_when_a_secret_stands_in_them(
    tmp_path: Path, name: str, text: str, hidden: bool
) -> None:
    put(tmp_path, f"tool/etc/{name}", text)
    found = Guard([Tree(tmp_path / "tool", tmp_path / "tool", 1)]).hidden()
    assert found == ([(tmp_path / "tool" / "etc" / name, False)] if hidden else [])
    assert Guard([Tree(tmp_path / "tool", tmp_path / "tool", 4, folders=True)]).hidden() == []


def test_where_everything_is_closed_nothing_stands_out(tmp_path: Path) -> None:
    """A person with a umask of 077 has programs, too."""
    for folder in ("", "lib", "lib/inner"):
        (tmp_path / "tool" / folder).mkdir(mode=0o700, exist_ok=True)
    put(tmp_path, "tool/lib/inner/file", "x").chmod(0o600)
    assert stat.S_IMODE((tmp_path / "tool").stat().st_mode) == 0o700
    assert Guard([Tree(tmp_path / "tool", tmp_path, 4, folders=True)]).hidden() == []
