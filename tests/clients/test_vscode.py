"""VS Code itself, with the extension as it is installed, driven in a browser without a screen."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.fixtures.program import end_services
from workplace import FINDING, GOAL, MEANT, WRONG, Workplace

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "vscode"
PICTURES = os.environ.get("PICTURES", "")
"""Where pictures of what a person sees are kept; empty: nowhere."""
STORY_S = 600
STARTS_S = 60
SETTINGS = {
    "chat.disableAIFeatures": True,
    "extensions.ignoreRecommendations": True,
    "files.autoSave": "off",
    "telemetry.telemetryLevel": "off",
    "terminal.integrated.gpuAcceleration": "off",
    "workbench.secondarySideBar.defaultVisibility": "hidden",
    "workbench.startupEditor": "none",
    "workbench.tips.enabled": False,
    "security.workspace.trust.enabled": False,
}

pytestmark = [pytest.mark.editor, pytest.mark.timeout(900)]


@pytest.fixture(scope="session")
def node(editor: Callable[[str], str]) -> Path:
    """The folder of Node.js and npm."""
    return Path(editor("node")).parent


@pytest.fixture(scope="session")
def extension(editor: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The extensions folder of an editor into which ours was installed from its package."""
    made = tmp_path_factory.mktemp("vscode")
    package = made / "wainwright.vsix"
    subprocess.run([ROOT / ".ci" / "vsix", package], check=True)
    into = ["--extensions-dir", made / "extensions", "--user-data-dir", made / "data"]
    subprocess.run([editor("vscode"), *into, "--install-extension", package], check=True)
    return made / "extensions"


class VsCode:
    """One installation, with settings of its own."""

    def __init__(self, code: str, extensions: Path, base: Path, node: Path, chromium: str) -> None:
        self._code = code
        self._extensions = extensions
        self._base = base
        self._node = node
        self._chromium = chromium

    def settle(self, command: list[str], **more: object) -> Path:
        """Write the settings: how the server is started, and more of the editor's own; where the first stands."""
        for folder, settings in (
            ("User", {**SETTINGS, **more}),
            ("Machine", {"wainwright.server.command": command, "wainwright.autonomy": "suggest"}),
        ):
            place = self._base / "data" / folder / "settings.json"
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(settings))
        return place

    def add(self, extension: Path) -> None:
        """Have another extension in it, from its folder."""
        installed = self._extensions / "extensions.json"
        told = json.loads((extension / "package.json").read_text())
        identifier = {"id": f"{told['publisher']}.{told['name']}"}
        place = shutil.copytree(extension, self._extensions / extension.name)
        entry = {
            "identifier": identifier,
            "version": told["version"],
            "location": {"$mid": 1, "path": str(place), "scheme": "file"},
            "relativeLocation": place.name,
        }
        installed.write_text(json.dumps([*json.loads(installed.read_text()), entry]))

    @contextmanager
    def running(self, env: dict[str, str]) -> Iterator[str]:
        """The editor at an address on loopback. Whatever it started goes with it."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        config = self._base / "code-server.yaml"
        config.write_text(f"bind-addr: 127.0.0.1:{port}\nauth: none\ncert: false\n")
        words = [
            "--config",
            config,
            "--user-data-dir",
            self._base / "data",
            "--extensions-dir",
            self._extensions,
        ]
        quiet = ["--disable-telemetry", "--disable-update-check"]
        gallery = {"EXTENSIONS_GALLERY": '{"serviceUrl":""}'}
        with (self._base / "code-server.log").open("wb") as log:
            process = subprocess.Popen(
                [self._code, *words, *quiet],
                env={**env, **gallery},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            _wait_for(f"http://127.0.0.1:{port}/healthz")
            yield f"http://127.0.0.1:{port}"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def play(self, story: str, address: str, **told: object) -> str:
        """Play one of the stories beside this file; what it says."""
        told = {"address": address, "chromium": self._chromium, "pictures": PICTURES, **told}
        done = subprocess.run(
            [self._node / "node", HERE / f"{story}.mjs", json.dumps(told)],
            capture_output=True,
            text=True,
            check=False,
            timeout=STORY_S,
        )
        log = (self._base / "code-server.log").read_text()
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{log[-3000:]}"
        return done.stdout


def _wait_for(url: str) -> None:
    for _ in range(STARTS_S * 10):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"nobody answers at {url}")


@pytest.fixture
def vscode(editor, node, extension, tmp_path) -> VsCode:
    extensions = tmp_path / "extensions"
    shutil.copytree(extension, extensions)
    return VsCode(editor("vscode"), extensions, tmp_path, node, editor("chromium"))


@pytest.fixture
def place(tmp_path) -> Iterator[Workplace]:
    made = Workplace(tmp_path, None)
    yield made
    end_services(tmp_path / "state")


def serve(*options: str) -> list[str]:
    return [sys.executable, "-m", "wainwright", "serve", *options]


def around(place: Workplace) -> dict[str, str]:
    return {**os.environ, **place._env, "PYTHONPATH": str(ROOT / "server")}


def test_a_goal_goes_to_its_end_and_back(vscode, place):
    place.team.findings = [FINDING]
    place.team.unsure = True
    with place.model, vscode.running(around(place)) as address:
        vscode.settle(serve("--model", "openai/any", "--api-base", place.model.base))
        vscode.play("story", address, folder=str(place.root), goal=GOAL, meant=MEANT, wrong=WRONG)


def test_in_the_extension_host(vscode, place, tmp_path):
    place.team.findings = [FINDING]
    failure = tmp_path / "failure.txt"
    told = {"WAINWRIGHT_GOAL": GOAL, "WAINWRIGHT_FAILURE": str(failure)}
    with place.model, vscode.running({**around(place), **told}) as address:
        vscode.settle(serve("--model", "openai/any", "--api-base", place.model.base))
        ours = {"extension": str(ROOT / "clients" / "vscode"), "tests": str(HERE / "inhost" / "index.js")}
        try:
            vscode.play("inhost", address, folder=str(place.root), **ours)
        finally:
            assert not failure.exists(), failure.read_text()


@pytest.mark.parametrize(
    "case", ["path", "folder", "trust", "model", pytest.param("server", marks=pytest.mark.nightly)]
)
def test_what_is_missing_is_said_and_one_press_leads_there(vscode, place, case):
    env = around(place)
    env.pop("OPENAI_API_KEY" if case == "model" else "PYTHONPATH" if case == "server" else "", None)
    with place.model, vscode.running(env) as address:
        asked = ("--model", "openai/any", "--api-base", place.model.base) if case == "path" else ()
        command = [] if case == "server" else serve(*asked)
        more = {"security.workspace.trust.enabled": True} if case == "trust" else {}
        settings = vscode.settle(["/nowhere/wainwright", "serve"] if case == "path" else command, **more)
        told = {"case": case, "folder": str(place.root), "goal": GOAL, "model": place.model.base}
        vscode.play("missing", address, **told, settings=str(settings), command=command)


@pytest.mark.nightly
def test_what_is_pressed_is_heard_as_soon_as_an_extension_can(vscode, place):
    """Twice what it should take: what else the machine does is felt in single milliseconds."""
    vscode.add(HERE / "bare")
    with place.model, vscode.running(around(place)) as address:
        vscode.settle(serve("--model", "openai/any", "--api-base", place.model.base))
        told = vscode.play("first", address, folder=str(place.root), goal=GOAL)
    figures = json.loads(told)
    assert figures["oursMs"] < 2 * 1.2 * figures["bareMs"], figures
