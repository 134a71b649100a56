"""Goals in foreign repositories, for trials with a living model: makes the workspace, counts calls, judges the end.

    python -m tests.evals make GOAL FOLDER [--from DIR]    a fresh workspace; DIR has clones, OWNER+NAME/repo
    python -m tests.evals score DIR                        what was asked: calls, characters, new characters
    python -m tests.evals judge GOAL FOLDER                runs the hidden tests in a copy of a finished workspace

A goal is a text file in ``goals/``, told in sections that begin with ``=== ``: `goal-file` (TOML: `repository`,
`commit`, `hidden`, `needs`), `setup` (shell lines run in the workspace), `goal` (the words), `hidden PATH` (a file
of the tests that nobody sees before the end). Requests are read from ``NNNN.request.json`` files as an endpoint for
the OpenAI protocol leaves them that a person answers.
"""

import argparse
import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOALS = Path(__file__).with_name("goals")


@dataclass(frozen=True)
class TrialGoal:
    """What a goal's file tells."""

    name: str
    told: dict[str, Any]
    setup: str
    words: str
    hidden: dict[str, str]


def read(name: str) -> TrialGoal:
    """Read a goal's file."""
    _, *parts = re.split(r"^=== ", (GOALS / f"{name}.txt").read_text("utf-8"), flags=re.MULTILINE)
    told: dict[str, Any] = {}
    setup = words = ""
    hidden = {}
    for part in parts:
        head, _, text = part.partition("\n")
        kind, _, rest = head.partition(" ")
        if kind == "goal-file":
            told = tomllib.loads(text)
        elif kind == "setup":
            setup = text
        elif kind == "goal":
            words = text.strip()
        else:
            hidden[rest] = text
    return TrialGoal(name, told, setup, words, hidden)


def make(goal: TrialGoal, folder: Path, clones: Path) -> None:
    """Make the workspace of a goal, from a clone that lies beneath ``clones``."""
    repository = goal.told.get("repository")
    if repository is None:
        folder.mkdir(parents=True)
        return
    source = clones / repository.replace("/", "+") / "repo"
    subprocess.run(["git", "clone", "--quiet", str(source), str(folder)], check=True)
    _git(folder, "checkout", "--quiet", "-B", "main", goal.told["commit"])
    _git(folder, "remote", "remove", "origin")
    subprocess.run(["bash", "-euc", goal.setup], cwd=folder, check=True)


def judge(goal: TrialGoal, folder: Path) -> int:
    """Run the hidden tests in a copy of the folder as it stands; their exit code."""
    with tempfile.TemporaryDirectory() as beside:
        place = Path(beside, "judged")
        shutil.copytree(folder, place, symlinks=True)
        for path, text in goal.hidden.items():
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (place / path).write_text(text, encoding="utf-8")
        return subprocess.run(["bash", "-c", goal.told["hidden"]], cwd=place, check=False).returncode


def score(folder: Path) -> dict[str, int]:
    """Calls, characters, and characters that are not the beginning of an earlier request.

    Counted are the words of messages and the tools that they call, in the order in which they are sent.
    """
    earlier: list[str] = []
    total = new = 0
    for file in sorted(folder.glob("*.request.json")):
        asked = json.loads(file.read_text("utf-8"))
        text = "".join(_words(message) for message in asked["messages"])
        total += len(text)
        new += len(text) - max((_same(text, one) for one in earlier), default=0)
        earlier.append(text)
    return {"calls": len(earlier), "characters": total, "new": new}


def _same(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (mine, theirs) in pairs if mine != theirs), min(len(one), len(other)))


def _words(message: dict[str, Any]) -> str:
    content = message.get("content") or ""
    if isinstance(content, list):
        content = "".join(part.get("text", "") for part in content)
    calls = [json.dumps(one["function"], sort_keys=True) for one in message.get("tool_calls") or ()]
    return "".join((content, *calls))


def _git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True)


def main() -> int:
    """The three commands."""
    parser = argparse.ArgumentParser(prog="python -m tests.evals", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("make", "judge"):
        command = commands.add_parser(name)
        command.add_argument("goal")
        command.add_argument("folder", type=Path)
        command.add_argument("--from", dest="clones", type=Path, default=Path())
    commands.add_parser("score").add_argument("folder", type=Path)
    asked = parser.parse_args()
    if asked.command == "score":
        print(json.dumps(score(asked.folder)))
        return 0
    goal = read(asked.goal)
    if asked.command == "judge":
        return judge(goal, asked.folder)
    make(goal, asked.folder, asked.clones)
    print(goal.words)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
