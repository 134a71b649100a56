"""The client library of LSP4IJ, with its capabilities and habits, from a goal to its end and back."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.fixtures.program import end_services
from workplace import CONFIG, FINDING, GOAL, MEANT, ON_DISK, WRONG, Workplace

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
RUNS_S = 600

pytestmark = pytest.mark.editor


@pytest.mark.parametrize(
    ("played", "heard"),
    [
        ("ProfileTest,StoryTest", ["🧮 only in the buffer", "as Euclid would", MEANT, WRONG]),
        ("PluginTest", ["Only for numbers that divide."]),
    ],
)
def test_all_messages_are_understood(tmp_path, editor, played, heard):
    place = Workplace(tmp_path, None)
    place.team.findings = [FINDING]
    place.team.unsure = True
    log = tmp_path / "server.log"
    log.touch()
    told = {
        "test": played,
        "output": tmp_path / "target",
        "folder": place.root,
        "goal": GOAL,
        "profile": HERE / "profiles" / "lsp4ij-0.20.json",
        "template": ROOT / "clients" / "jetbrains" / "wainwright",
        "log": log,
    }
    words = [
        "-q",
        "-o",
        "-B",
        "-f",
        HERE / "lsp4j" / "pom.xml",
        "test",
        *(f"-D{k}={v}" for k, v in told.items()),
    ]
    with place.model:
        model = f'[models]\ndefault = [{{ model = "openai/any", api_base = "{place.model.base}" }}]\n'
        config = tmp_path / "config" / "wainwright" / "config.toml"
        config.write_text(CONFIG.replace('"auto-edit"', '"suggest"') + model)
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        done = subprocess.run(
            [editor("lsp4j"), *words],
            env={**os.environ, **place._env, "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=RUNS_S,
        )
    end_services(tmp_path / "state")
    assert done.returncode == 0, done.stdout + done.stderr + log.read_text()
    assert place.file.read_text() == ON_DISK, "the buffer is the person's to save"
    requests = [str(entry["request"]) for entry in place.model.entries]
    assert [words for words in heard if not any(words in request for request in requests)] == []
