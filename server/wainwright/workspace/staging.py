"""What an index of git holds, and how it is brought in line with a work tree."""

import stat
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from wainwright.workspace.plumbing import GitDirectory, quote


class Stored(NamedTuple):
    """What the index has for a path."""

    mode: str
    blob: str


def tracked(git: GitDirectory) -> dict[str, Stored]:
    """Return every path of the index with what is stored for it."""
    rows = (item.partition("\t") for item in git.run("ls-files", "-z", "--stage").items)
    return {path: Stored(*entry.split(" ")[:2]) for entry, _, path in rows}


def blobs(git: GitDirectory, names: Iterable[str]) -> dict[str, bytes]:
    """Return the content of objects by their names."""
    asked = "".join(f"{name}\n" for name in names).encode()
    out, found, at = git.run("cat-file", "--batch", stdin=asked).out, {}, 0
    while at < len(out):
        head, _, _ = out[at : at + 200].partition(b"\n")
        name, _, size = head.decode().split(" ")
        first = at + len(head) + 1
        at = first + int(size) + 1
        found[name] = out[first : at - 1]
    return found


def small_blobs(git: GitDirectory, names: Iterable[str], below: int) -> dict[str, bytes]:
    """Return the content of those objects that have fewer bytes than ``below``, by their names."""
    asked = "".join(f"{name}\n" for name in names).encode()
    rows = (line.split() for line in git.run("cat-file", "--batch-check", stdin=asked).text.splitlines())
    return blobs(git, [row[0] for row in rows if len(row) == 3 and int(row[2]) < below])


def untracked(git: GitDirectory) -> list[str]:
    """Return files that git does not track and no rule ignores; a nested repository ends with a slash."""
    return git.run("ls-files", "-z", "--others", "--exclude-standard").items


def ignored(git: GitDirectory, paths: Sequence[str]) -> set[str]:
    """Return those of the untracked paths that a rule ignores."""
    if not paths:
        return set()
    # This command refuses the literal mode that all others run in; "./" keeps a name from being read as magic.
    plain = git.within(GIT_LITERAL_PATHSPECS="0")
    reply = plain.run("check-ignore", "-z", "--stdin", stdin=quote(f"./{path}" for path in paths), ok=(0, 1))
    return {path.removeprefix("./") for path in reply.items}


def differing(git: GitDirectory) -> dict[str, str]:
    """Return tracked path -> git's letter for how it differs from the index; submodules are not looked into."""
    items = git.run("diff-files", "-z", "--name-status", "--ignore-submodules=all").items
    return dict(zip(items[1::2], items[::2], strict=True))


def stage(git: GitDirectory, differs: Mapping[str, str], new: Iterable[str]) -> None:
    """Bring the index in line with tracked files that differ, and the ``new`` ones."""
    there = [path for path, status in differs.items() if status != "D" and _can_hold(git, path)]
    # Named as gone, because git refuses a path where a folder is a link now, or the file a pipe.
    gone = sorted(set(differs).difference(there))
    if gone:
        git.run("update-index", "--force-remove", "-z", "--stdin", stdin=quote(gone))
    if adding := [*there, *new]:
        git.run("update-index", "--add", "--remove", "--replace", "-z", "--stdin", stdin=quote(adding))


def _can_hold(git: GitDirectory, path: str) -> bool:
    assert git.worktree is not None
    try:
        mode = (git.worktree / path).lstat().st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISLNK(mode)


def overlaid(
    git: GitDirectory, onto: str, source: str, paths: Sequence[str], texts: Mapping[str, bytes]
) -> str:
    """Return the tree of ``onto`` with some paths as ``source`` has them, or without them where it has none.

    ``texts`` are new contents of files that ``onto`` has; their modes stay.
    """
    with tempfile.TemporaryDirectory(dir=git.path) as scratch:
        inside = git.within(GIT_INDEX_FILE=Path(scratch, "index"))
        inside.run("read-tree", onto)
        there = _rows(inside, source, paths)
        absent = "0" * len(onto)
        entries = [there.get(path, f"0 {absent}\t{path}") for path in paths]
        for path, row in _rows(inside, onto, list(texts)).items():
            blob = inside.text("hash-object", "-w", "--stdin", stdin=texts[path])
            entries.append(f"{row.split(' ', 1)[0]} {blob}\t{path}")
        if entries:
            inside.run("update-index", "--replace", "-z", "--index-info", stdin=quote(entries))
        return inside.text("write-tree")


def _rows(git: GitDirectory, tree: str, paths: Sequence[str]) -> dict[str, str]:
    """What a tree has at some paths, as git lists it."""
    rows = git.run("ls-tree", "-r", "-z", tree, "--", *paths).items if paths else []
    return {row.partition("\t")[2]: row for row in rows}
