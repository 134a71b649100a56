"""States of the person's files that can be gone back to: commits of runs, and what was kept before a rewind.

What is kept is a commit of the private repository with those files alone, as their bytes were on disk or in buffers.
"""

import json
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from wainwright.workspace.comparison import on_disk
from wainwright.workspace.names import PREFIX, object_name
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory, quote

_KEPT = f"{PREFIX}rewinds/"
_TRIES = 100


class State(NamedTuple):
    """A file at a checkpoint."""

    content: bytes | None
    """None: it is not there."""
    executable: bool = False
    link: bool = False


class Kept(NamedTuple):
    """What was kept before files were changed."""

    name: str
    commit: str
    at: float
    run: str
    """Whose checkpoints the files were changed by."""
    to: str
    """The checkpoint that was gone to."""
    paths: tuple[str, ...]


class Checkpoints:
    """The states of one workspace's files. Every method blocks."""

    def __init__(self, place: Place, state: Path) -> None:
        self._place = place
        self._git = GitDirectory(state / "repository.git")

    def at(self, commit: str, paths: Iterable[str]) -> dict[str, State]:
        """These files as a checkout of a commit has them on disk."""
        rows = self._rows(commit, paths)
        contents = on_disk(self._git, commit, [self._place.outer(path) for path in rows])
        return {
            path: State(contents[self._place.outer(path)], rows[path] == "100755", rows[path] == "120000")
            if path in rows
            else State(None)
            for path in paths
        }

    def of_kept(self, kept: Kept) -> dict[str, State]:
        """The files that were kept, byte for byte."""
        rows = self._rows(kept.commit, kept.paths)
        found = {}
        for path in kept.paths:
            blob = f"{kept.commit}:{self._place.outer(path)}"
            content = self._git.run("cat-file", "blob", blob).out if path in rows else None
            found[path] = State(content, rows.get(path) == "100755")
        return found

    def keep(self, files: Mapping[str, State], *, run: str, to: str) -> str:
        """Keep files as they are, and return the name of that checkpoint."""
        with tempfile.TemporaryDirectory(dir=self._git.path) as scratch:
            git = self._git.within(GIT_INDEX_FILE=Path(scratch, "index"))
            there = {path: state for path, state in files.items() if state.content is not None}
            places = [Path(scratch, str(number)) for number in range(len(there))]
            for place, state in zip(places, there.values(), strict=True):
                place.write_bytes(state.content or b"")
            # One process for all of them; seen from where git runs the names are ours, whatever folders are called.
            here = self._git.path.parent
            told = "".join(f"{place.relative_to(here)}\n" for place in places).encode()
            names = git.text("hash-object", "-w", "--stdin-paths", "--no-filters", stdin=told).split()
            rows = [
                f"{'100755' if state.executable else '100644'} {name}\t{self._place.outer(path)}"
                for name, (path, state) in zip(names, there.items(), strict=True)
            ]
            git.run("update-index", "--add", "-z", "--index-info", stdin=quote(rows))
            about = json.dumps({"run": run, "to": to, "paths": sorted(files)})
            commit = git.text("commit-tree", git.text("write-tree"), "-F", "-", stdin=about.encode())
        number = max((int(one.name.rpartition("-")[2]) for one in self.kept()), default=0) + 1
        for free in range(number, number + _TRIES):
            made = ("update-ref", f"{_KEPT}{free}", commit, "0" * len(commit))
            if self._git.run(*made, ok=(0, 1, 128)).code == 0:
                return f"rewind-{free}"
        raise AssertionError

    def forget(self, name: str) -> None:
        """Drop what was kept for a change that did not come about."""
        self._git.run("update-ref", "-d", f"{_KEPT}{name.rpartition('-')[2]}")

    def kept(self) -> list[Kept]:
        """All that was kept, the newest last."""
        shown = "--format=%(refname:lstrip=3)%00%(objectname)%00%(committerdate:unix)%00%(contents:subject)"
        rows = self._git.text("for-each-ref", "--sort=version:refname", shown, _KEPT).splitlines()
        found = []
        for row in rows:
            number, commit, at, text = row.split("\0", 3)
            told = json.loads(text)
            name = f"rewind-{number}"
            found.append(Kept(name, commit, float(at), told["run"], told["to"], tuple(told["paths"])))
        return found

    def _rows(self, commit: str, paths: Iterable[str]) -> dict[str, str]:
        """Path -> mode, of those that the commit has."""
        which = [self._place.outer(path) for path in paths]
        if not which:
            return {}
        rows = self._git.run("ls-tree", "-r", "-z", object_name(commit), "--", *which).items
        found = (row.partition("\t") for row in rows)
        modes = {self._place.inner(path): entry.split(" ")[0] for entry, _, path in found}
        return {path: mode for path, mode in modes.items() if re.fullmatch(r"100...|120000", mode)}
