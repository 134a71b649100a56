"""How many small changes of real commits their own tests notice, and what one assertion less lets through.

    python -m tests.evals.try_mutants CASES

CASES is a TOML file; each `[[case]]` has `git` (a bare repository), `commit`, `command` (a shell line that runs the
commit's own tests) and, where needed, `link` (a folder of packages that is linked into the checkout as its name).
Of each commit the lines that it changed in its sources are altered as a run would, one at a time, and the command
runs on each. Then lines that the commit added to its tests and that assert something are taken out one after the
other, until a mutant survives that had been noticed before: the tests then prove less, and it has to be named.
"""

import argparse
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from wainwright import _native
from wainwright.engine.stages.mutants import changed_lines
from wainwright.workspace.native import Mutant, mutants

_ASSERTS = re.compile(r"assert|expect|\bt\.\w+\(|^\s*[\[({].*[\])}],\s*$")
"""Assertions, and rows of a table of them."""
MOST = 60
LIMIT_S = 60.0


class Made(NamedTuple):
    """A mutant of a file."""

    path: str
    mutant: Mutant

    def __str__(self) -> str:
        return f"{self.path}:{self.mutant.line}: {self.mutant.what}"


class Checkout:
    """A commit's files in a folder."""

    def __init__(self, git: str, commit: str, folder: Path, link: str) -> None:
        self.git, self.commit, self.folder = git, commit, folder
        archive = subprocess.run(
            ["git", f"--git-dir={git}", "archive", commit], check=True, capture_output=True
        )
        subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
        if link:
            (folder / Path(link).name).symlink_to(link)

    def at(self, revision: str, path: str) -> bytes:
        told = subprocess.run(
            ["git", f"--git-dir={self.git}", "show", f"{revision}:{path}"], check=False, capture_output=True
        )
        return told.stdout

    def changed(self) -> Iterator[tuple[str, bytes, list[tuple[int, int]]]]:
        """Each changed file with its text and the lines that were changed."""
        told = subprocess.run(
            ["git", f"--git-dir={self.git}", "diff", "--name-only", f"{self.commit}^", self.commit],
            check=True,
            capture_output=True,
            text=True,
        )
        for path in told.stdout.split():
            text = self.at(self.commit, path)
            if text:
                yield path, text, changed_lines(self.at(f"{self.commit}^", path), text)

    def passes(self, command: str, limit_s: float = LIMIT_S) -> bool:
        """Whether the tests pass; those that do not end do not."""
        line = ["timeout", "-k", "1", str(limit_s), "sh", "-c", command]
        return subprocess.run(line, check=False, cwd=self.folder, capture_output=True).returncode == 0

    def with_mutant(self, one: Made, command: str, limit_s: float) -> bool:
        """Whether the tests pass with a mutant."""
        place = self.folder / one.path
        text = place.read_bytes()
        place.write_bytes(one.mutant.applied(text))
        try:
            return self.passes(command, limit_s)
        finally:
            place.write_bytes(text)


def weaker(tree: Checkout, killed: Sequence[Made], command: str, limit_s: float) -> str:
    """Which assertion's absence lets which mutant through; empty if none does."""
    for path, text, spans in tree.changed():
        if _native.role_of(path) != "test":
            continue
        lines = text.splitlines(keepends=True)
        numbers = [n for first, last in spans for n in range(first, last + 1)]
        for number in (n for n in numbers if _ASSERTS.search(lines[n - 1].decode())):
            place = tree.folder / path
            place.write_bytes(b"".join([*lines[: number - 1], *lines[number:]]))
            try:
                survivor = tree.passes(command) and next(
                    (one for one in killed if tree.with_mutant(one, command, limit_s)), None
                )
            finally:
                place.write_bytes(text)
            if survivor:
                gone = lines[number - 1].decode().strip()
                return f"without `{gone}` ({path}:{number}) survives {survivor}"
    return ""


def measure(case: dict[str, str], folder: Path) -> None:
    """Print the figures of one case."""
    tree, command = Checkout(case["git"], case["commit"], folder, case.get("link", "")), case["command"]
    made = [
        Made(path, one) for path, text, lines in tree.changed() for one in mutants(path, text, lines, MOST)
    ][:MOST]
    began = time.monotonic()
    assert tree.passes(command), f"{case['commit']}: its own tests do not pass: {command}"
    limit_s = 4 * (time.monotonic() - began) + 5
    began = time.monotonic()
    survived = [one for one in made if tree.with_mutant(one, command, limit_s)]
    seconds = time.monotonic() - began
    killed = [one for one in made if one not in survived]
    print(
        f"\n{Path(case['git']).parent.name} {case['commit']}: {len(made)} made, {len(killed)} killed, {seconds:.0f} s"
    )
    for one in survived:
        print(f"  survives {one}")
    print(f"  {weaker(tree, killed, command, limit_s) or 'no single assertion decides'}", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", type=Path)
    for case in tomllib.loads(parser.parse_args().cases.read_text())["case"]:
        with tempfile.TemporaryDirectory() as folder:
            measure(case, Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main())
