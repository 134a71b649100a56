"""Real editors on the workplace of the end-to-end tests; those that are missing are installed."""

import fcntl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))

PREPARE = Path(__file__).parents[2] / ".ci" / "editors"
PREPARED_S = 900


@pytest.fixture(scope="session")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """Has an editor installed by ``.ci/editors/NAME``, and gives its program. One worker does so at a time."""

    def prepared(name: str) -> str:
        with (tmp_path_factory.getbasetemp().parent / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = subprocess.run(
                [PREPARE / name], stdout=subprocess.PIPE, text=True, check=False, timeout=PREPARED_S
            )
        assert done.returncode == 0, f"{name} could not be installed"
        return done.stdout.splitlines()[-1]

    return prepared
