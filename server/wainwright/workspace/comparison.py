"""What lies between two commits: as a list, as text, and as a changeset against bytes on disk."""

import posixpath
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from wainwright.domain.changes import Changeset, FileChange, content_hash, protected
from wainwright.domain.errors import OutsideBoundary
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory, printable, quote

TEXT_MAX = 200_000
"""Bytes of a file that git takes for binary up to which it is looked at as text."""
_CONTROL = tuple(bytes([byte]) for byte in range(32) if byte not in b"\t\n\r\f\x1b")
_LINK, _SUBMODULE, _EXECUTABLE = "120000", "160000", "100755"


class Change(NamedTuple):
    """One path that differs: ``status`` is A (added), M (modified) or D (deleted); a rename is D and A."""

    status: str
    path: str


class _Row(NamedTuple):
    mode_before: str
    mode_after: str
    blobs_differ: bool
    change: Change


def changes(git: GitDirectory, place: Place, base: str, tip: str) -> list[Change]:
    """Return the paths that differ between two commits, sorted by path; ``../`` leads out of the workspace."""
    return [Change(row.change.status, place.inner(row.change.path)) for row in _rows(git, base, tip)]


def diff(git: GitDirectory, place: Place, base: str, tip: str, paths: Sequence[str]) -> str:
    """Return a unified diff, of all paths of the workspace or of the given files and folders."""
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--submodule=short")
    inside = [f"--relative={place.prefix}"] if place.prefix else []
    which = [place.outer(path) for path in paths]
    return git.run("diff", *plain, *inside, base, tip, "--", *which).out.decode("utf-8", "replace")


def shown(git: GitDirectory, place: Place, commit: str, paths: Sequence[str]) -> str:
    """Return what a commit says and changes; a sentence where there is none of that name."""
    found = git.resolve(f"{commit}^{{commit}}") if re.fullmatch(r"[0-9a-f]{4,64}", commit) else None
    if found is None:
        return f"There is no commit {commit}; the log names them."
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-show-signature", "--first-parent", "-m")
    inside = [f"--relative={place.prefix}"] if place.prefix else []
    which = [place.outer(path) for path in paths]
    return git.run("show", *plain, "--format=%H%n%an%n%n%B", *inside, found, "--", *which).out.decode(
        "utf-8", "replace"
    )


class Unshown(NamedTuple):
    """What a diff does not show of one path."""

    path: str
    said: str
    """A sentence that begins behind the path."""
    text: str = ""
    """The difference of a file that git takes for binary, as text, where it is text but for some bytes."""


def unshown(git: GitDirectory, place: Place, base: str, tip: str) -> list[Unshown]:
    """Return what a diff of two commits does not show, sorted by path."""
    numbers = git.run(
        "diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", base, tip
    ).items
    binary = {one.split("\t", 2)[2] for one in numbers if one.startswith("-\t-\t")}
    plainly = _seen_to_differ(git, base, tip)
    found = []
    for row in _rows(git, base, tip):
        path, inner = row.change.path, place.inner(row.change.path)
        if row.change.status == "D" or inner.startswith("../"):
            continue
        if _SUBMODULE in {row.mode_before, row.mode_after}:
            found.append(Unshown(inner, "is a repository of its own"))
        elif row.mode_after == _LINK:
            target = printable(_blob(git, tip, path).decode("utf-8", "surrogateescape"))
            found.append(Unshown(inner, f"is a symbolic link to {target}{_leads_out(inner, target)}"))
        else:
            if row.mode_after == _EXECUTABLE != row.mode_before:
                found.append(Unshown(inner, "can be run as a program now"))
            elif row.mode_before == _EXECUTABLE != row.mode_after:
                found.append(Unshown(inner, "can be run as a program no more"))
            if path in binary:
                found.append(_binary(git, base, tip, path, inner))
            elif row.change.status == "M" and row.blobs_differ and path not in plainly:
                found.append(Unshown(inner, "differs in spaces at the ends of lines, or in line ends, alone"))
    return found


def _seen_to_differ(git: GitDirectory, base: str, tip: str) -> set[str]:
    """The paths whose lines differ in more than what nobody sees at their ends."""
    plain = ("--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-space-at-eol")
    return {one.split("\t", 2)[2] for one in git.run("diff", *plain, base, tip).items if one}


def _leads_out(path: str, target: str) -> str:
    where = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    return ", which leads out of the workspace" if where.startswith(("../", "/")) or where == ".." else ""


def _blob(git: GitDirectory, commit: str, path: str) -> bytes:
    return git.run("cat-file", "blob", f"{commit}:{path}").out


def _binary(git: GitDirectory, base: str, tip: str, path: str, inner: str) -> Unshown:
    """How large a file is that git takes for binary, and as text where only some bytes of it are none."""
    size = int(git.text("cat-file", "-s", f"{tip}:{path}"))
    content = _blob(git, tip, path) if size <= TEXT_MAX else b""
    if not content or not _reads_as_text(content):
        return Unshown(inner, f"is binary, {size} bytes")
    plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--text")
    text = git.run("diff", *plain, base, tip, "--", path).out.decode("utf-8", "backslashreplace")
    return Unshown(
        inner,
        f"is text with bytes that are none, {size} bytes; they are escaped here",
        text.replace("\0", "\\0"),
    )


def _reads_as_text(content: bytes) -> bool:
    """Whether nearly all of it is what somebody can read: a NUL byte somewhere makes no data of a script."""
    odd = sum(content.count(byte) for byte in _CONTROL)
    without = content.translate(None, b"".join(_CONTROL))
    return odd * 20 <= len(content) and "\ufffd" not in without.decode("utf-8", "replace")


def changeset(git: GitDirectory, place: Place, base: str, tip: str) -> Changeset:
    """Return the difference as edits against the bytes that a checkout of ``base`` has on disk.

    Raises OutsideBoundary when a change touches a protected path or a submodule.
    """
    rows = list(_rows(git, base, tip))
    refuse_protected(place.inner(row.change.path) for row in rows)
    for row in rows:
        if _SUBMODULE in {row.mode_before, row.mode_after}:
            raise OutsideBoundary(
                f"{place.inner(row.change.path)!r} is a submodule.", "Change it in its own repository."
            )
    old = on_disk(git, base, [row.change.path for row in rows if row.change.status != "A"])
    new = on_disk(git, tip, [row.change.path for row in rows if row.change.status != "D"])
    files = tuple(_file_change(row, place.inner(row.change.path), old, new) for row in rows)
    return Changeset(base=base, tip=tip, files=files)


def refuse_protected(paths: Iterable[str]) -> None:
    """Raise OutsideBoundary when one of the paths may not be touched."""
    for path in paths:
        if path.startswith("../"):
            raise OutsideBoundary(
                f"A change touches {path!r}, which lies outside the workspace.", "Run it in the folder above."
            )
        if protected(path):
            raise OutsideBoundary(f"A change touches the protected path {path!r}.", "Leave this path alone.")
        if printable(path) != path:
            raise OutsideBoundary(
                f"The name {printable(path)!r} is not UTF-8.", "Give the file another name."
            )


def _file_change(row: _Row, path: str, old: dict[str, bytes], new: dict[str, bytes]) -> FileChange:
    (status, there), mode = row.change, row.mode_after
    before = None if status == "A" else content_hash(old[there])
    if status == "D":
        return FileChange(path=path, kind="deleted", before=before, after=None)
    text = None if mode == _LINK else _text(new[there])
    return FileChange(
        path=path,
        kind="created" if status == "A" else "modified",
        before=before,
        after=text,
        binary=text is None,
        executable=mode == _EXECUTABLE,
    )


def _text(content: bytes) -> str | None:
    try:
        return None if b"\0" in content else content.decode()
    except UnicodeDecodeError:
        return None


def _rows(git: GitDirectory, base: str, tip: str) -> Iterable[_Row]:
    items = git.run("diff-tree", "-r", "-z", "--raw", "--no-renames", base, tip, "--").items
    for entry, path in zip(items[::2], items[1::2], strict=True):
        before, after, was, now, status = entry.removeprefix(":").split(" ")
        yield _Row(before, after, was != now, Change("M" if status == "T" else status, path))


def on_disk(git: GitDirectory, commit: str, paths: Sequence[str]) -> dict[str, bytes]:
    """Return the bytes that a checkout gives these files; line ends follow the person's attributes.

    The target of a symbolic link is its content.
    """
    if not paths:
        return {}
    with tempfile.TemporaryDirectory(dir=git.path) as scratch:
        folder = Path(scratch, "tree")
        folder.mkdir()
        inside = git.within(folder, GIT_INDEX_FILE=Path(scratch, "index"))
        inside.run("read-tree", commit)
        inside.run("checkout-index", "--quiet", "--force", "-z", "--stdin", stdin=quote(paths))
        return {path: _content(folder / path) for path in paths}


def _content(place: Path) -> bytes:
    return bytes(place.readlink()) if place.is_symlink() else place.read_bytes()
