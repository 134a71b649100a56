"""The shipped sample: its own suite passes, and the recording is one of a whole run on it."""

import json
import re
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

from wainwright.agents.roles import ASSIGNMENTS
from wainwright.domain.goal import ROLES, Goal
from wainwright.models.cassette import CassetteBackend
from wainwright.secrets import Redactor

SHIPPED = Path(str(resources.files("wainwright.demo")))
CASSETTE = SHIPPED / "cassette.jsonl"
recorded = pytest.mark.skipif(not CASSETTE.exists(), reason="there is no recording yet")


def test_the_samples_own_suite_passes(tmp_path: Path) -> None:
    workspace = tmp_path / "sample"
    shutil.copytree(
        SHIPPED / "workspace", workspace, ignore=shutil.ignore_patterns("__pycache__", ".*_cache")
    )
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        command, cwd=workspace, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_goal_is_one() -> None:
    goal = Goal(text=(SHIPPED / "goal.md").read_text())
    assert goal.slug() != "goal"


def entries() -> list[dict[str, object]]:
    return [json.loads(line) for line in CASSETTE.read_text().splitlines() if line.strip()]


@recorded
def test_every_key_of_the_recording_is_a_step_of_a_role() -> None:
    names = "|".join(re.escape(one.name) for one in ASSIGNMENTS)
    pattern = re.compile(
        rf"/(PLANNING|DESIGN|BUILD|TEST|REVIEW|DEPLOY|MONITOR)/[^\s]+/({names})(/[^\s]+)?/model#\d+"
    )
    keys = [str(entry["key"]) for entry in entries()]
    assert [key for key in keys if not pattern.fullmatch(key)] == []
    assert len(keys) == len(set(keys))
    CassetteBackend(CASSETTE)


@recorded
def test_the_recording_holds_every_role_that_a_whole_run_needs_and_no_secret() -> None:
    told = {str(dict(entry["request"])["role"]) for entry in entries()}  # type: ignore[call-overload]
    assert {"planner", "designer", "tester", "implementer", "critic", "reviewer"} <= told <= set(ROLES)
    text = CASSETTE.read_text()
    assert Redactor().redact(text) == text
    assert not re.search(r"/(home|root|work|Users)/\w", text)
