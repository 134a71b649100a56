"""Whose tests notice more: small faults in two changes of one goal, tried with the tests of both.

    python -m tests.evals.kill_shares GOAL COMMAND FOLDER FOLDER

GOAL is a goal of ``goals/``, each FOLDER its workspace as a trial left it, COMMAND a shell line that runs all tests
there. The mutants are those that a run makes, of the lines that a change touched in sources; each is tried with the
tests of the same change, and with those of the other one where these pass on the change as it is.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.evals.__main__ import TrialGoal, read

from wainwright import _native
from wainwright.engine.stages.mutants import changed_lines
from wainwright.workspace.native import mutants

MOST = 60
LIMIT_S = 60
NOT_OF_IT = {".git", ".wainwright", ".venv", "node_modules", "__pycache__", ".pytest_cache"}


def before(goal: TrialGoal, folder: Path, path: str) -> bytes:
    """A file as it was before the change; empty when there was none."""
    if "commit" not in goal.told:
        return b""
    line = ["git", "-C", str(folder), "show", f"{goal.told['commit']}:{path}"]
    return subprocess.run(line, check=False, capture_output=True).stdout


def changed(goal: TrialGoal, folder: Path) -> dict[str, bytes]:
    """The files that a change touched, as they are now."""
    found = {}
    for place in sorted(folder.rglob("*")):
        path = place.relative_to(folder)
        if place.is_file() and not NOT_OF_IT & set(path.parts):
            text = place.read_bytes()
            if text != before(goal, folder, str(path)):
                found[str(path)] = text
    return found


def passes(folder: Path, command: str) -> bool:
    """Whether all tests pass."""
    line = ["timeout", "-k", "1", str(LIMIT_S), "sh", "-c", command]
    return subprocess.run(line, check=False, cwd=folder, capture_output=True).returncode == 0


def main() -> int:
    name, command, *folders = sys.argv[1:]
    goal, hands = read(name), [Path(folder) for folder in folders]
    changes = [changed(goal, hand) for hand in hands]
    tests = [{path: text for path, text in one.items() if _native.role_of(path) == "test"} for one in changes]
    for at, hand in enumerate(hands):
        sources = {path: text for path, text in changes[at].items() if path not in tests[at]}
        made = [
            (path, one)
            for path, text in sources.items()
            for one in mutants(path, text, changed_lines(before(goal, hand, path), text), MOST)
        ][:MOST]
        for of in range(len(hands)):
            with tempfile.TemporaryDirectory() as scratch:
                tree = Path(scratch) / "tree"
                shutil.copytree(hand, tree, symlinks=True)
                for path in {*tests[at], *tests[of]}:
                    text = tests[of].get(path, before(goal, hand, path))
                    (tree / path).parent.mkdir(parents=True, exist_ok=True)
                    (tree / path).write_bytes(text)
                    if not text:
                        (tree / path).unlink()
                if not passes(tree, command):
                    print(f"{name}: change {at + 1}, tests {of + 1}: they do not pass on it", flush=True)
                    continue
                survived = []
                for path, one in made:
                    (tree / path).write_bytes(one.applied(sources[path]))
                    if passes(tree, command):
                        survived.append(f"{path}:{one.line}: {one.what}")
                    (tree / path).write_bytes(sources[path])
                print(
                    f"{name}: change {at + 1}, tests {of + 1}: {len(made) - len(survived)} of {len(made)} killed"
                )
                print("".join(f"  survives {one}\n" for one in survived), end="", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
