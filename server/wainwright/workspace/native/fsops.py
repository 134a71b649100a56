"""Files beneath a root that no path can leave."""

from collections.abc import Iterable, Mapping, Sequence
from io import BufferedReader
from os import PathLike, fspath
from typing import NamedTuple

from wainwright import _native
from wainwright.domain.errors import OutsideBoundary, StaleEdit

AnyPath = str | PathLike[str]
"""A path as callers have it."""


class Recovery(NamedTuple):
    """What ``recover`` found to do, as paths relative to the root."""

    written: tuple[str, ...]
    """Written or deleted as their batch wanted."""
    left: tuple[str, ...]
    """Changed by somebody else since, and left as they are."""


def write_batch(
    root: AnyPath,
    changes: Iterable[tuple[AnyPath, bytes | None, int | None]],
    *,
    write_log: AnyPath | None = None,
    expected: Mapping[str, bytes | None] | None = None,
) -> None:
    """Write or delete files beneath ``root``, all or none.

    Each change is a path, the whole new content (None deletes), and permission bits (None keeps those of an
    existing file). Missing folders are made. Raises OutsideBoundary if a path leaves the root or passes a link,
    FileNotFoundError if a file to delete is not there, ValueError for a path given twice, and other OSErrors;
    nothing is changed then, except where the message of an OSError names a file that could not be set back.

    ``expected`` says for each path what was read there; None stands for no file. Files are replaced only while that
    is so, checked at the moment of the exchange: nothing that another program saves is overwritten, whichever way it
    saves. Raises StaleEdit with the paths otherwise, and nothing is changed: one file that moved takes the others
    back, so that a batch is all or none here as well. If somebody has saved over what was just written when it is to
    be taken back, their text stays, and the OSError names the file that keeps the old one. What no system can
    promise, and what some cannot, stands with ``write_batch`` in ``native/fsops``. Without ``expected``, whatever is
    there is replaced.

    With ``write_log``, an existing folder outside the root that serves this root only, all or none also holds when
    the process is killed or the power goes: ``recover`` completes what was begun. Call it before the first batch
    of a process, and after a batch in the background, which frees the log.
    """
    batch = [
        (path, content, mode, None if expected is None else (expected[fspath(path)],))
        for path, content, mode in changes
    ]
    try:
        _native.write_batch(root, batch, write_log)
    except _native.ChangedError as error:
        message, paths, busy = error.args
        raise StaleEdit(
            f"{message}.", "Read it again.", paths=tuple(map(fspath, paths)), busy=busy
        ) from error
    except _native.BoundaryError as error:
        raise _outside(error) from error


def recover(write_log: AnyPath, root: AnyPath) -> Recovery:
    """Complete the batches of a write log that are half done, and make sure that the disk has all of them.

    May be called at any time and again. Raises ValueError if the write log is that of another root, and OSError if
    a file cannot be written; the log keeps the batch then.
    """
    written, left = _native.recover(write_log, root)
    return Recovery(tuple(map(fspath, written)), tuple(map(fspath, left)))


def read_beneath(root: AnyPath, path: AnyPath, max_bytes: int) -> bytes:
    """Read a regular file of at most ``max_bytes`` beneath ``root``; links that stay beneath are followed.

    Raises OutsideBoundary if the path leaves the root, FileNotFoundError, and other OSErrors: with errno EFBIG
    if the file is larger, with EISDIR if the path is no regular file.
    """
    try:
        return _native.read_beneath(root, path, max_bytes)
    except _native.BoundaryError as error:
        raise _outside(error) from error


def open_beneath(root: AnyPath, path: AnyPath) -> BufferedReader:
    """Open a regular file beneath ``root`` for reading; which links are followed, and what is raised, as above."""
    try:
        return open(_native.open_beneath(root, path), "rb")  # noqa: PTH123 - a descriptor
    except _native.BoundaryError as error:
        raise _outside(error) from error


def lay(source: AnyPath, target: AnyPath, *, linked: bool) -> None:
    """Lay the files beneath ``source`` over those beneath ``target``, as hard links or as copies.

    Folders are made; what ``target`` has at a path stays. Whoever writes to a link later must replace it, never write
    in place. Raises OutsideBoundary, ValueError for a relative root, and OSError.
    """
    try:
        _native.lay(source, target, linked)
    except _native.BoundaryError as error:
        raise _outside(error) from error


def align(source: AnyPath, target: AnyPath) -> None:
    """Make ``target`` hold the files beneath ``source`` and nothing else, as hard links.

    What it holds of them stays: a folder that once was laid from there is soon ready. The rule of ``lay`` for whoever
    writes holds here, too. Raises OutsideBoundary, ValueError for a relative root, and OSError.
    """
    try:
        _native.align(source, target)
    except _native.BoundaryError as error:
        raise _outside(error) from error


# Rewind keeps the files of a change; snapshots of whole trees, and Tree, are called by nobody yet.


class Tree:
    """The files beneath a root, with one hash of all of them that is cheap to keep.

    Left out are ``.git``, ``.wainwright``, what ``.gitignore`` files and ``.git/info/exclude`` leave out, and what
    the lines of ``exclude`` do, written as in a ``.gitignore`` at the root. Modes, links and empty folders count,
    times do not. ``cache`` is a file that ``save`` wrote. May be used from several threads. Raises ValueError for
    a relative root or a rule that does not parse, and OSError.
    """

    def __init__(self, root: AnyPath, *, exclude: Sequence[str] = (), cache: AnyPath | None = None) -> None:
        self._tree = _native.Tree(root, exclude, cache)

    @property
    def hash(self) -> str:
        """Of all that is known, in hexadecimal; zeros before the first look."""
        return self._tree.hash()

    def refresh(self) -> str:
        """Check every file, read those that changed, and return the hash."""
        return self._tree.refresh()

    def update(self, dirty: Iterable[AnyPath]) -> str:
        """Look again at these paths and at what is beneath them, and return the hash.

        Changes elsewhere are not seen. Raises OutsideBoundary for a path that leaves the root.
        """
        try:
            return self._tree.update(list(dirty))
        except _native.BoundaryError as error:
            raise _outside(error) from error

    def save(self, cache: AnyPath) -> None:
        """Write what is known to a file, so that a later process need not read everything."""
        self._tree.save(cache)


class Restored(NamedTuple):
    """What a restore did, as paths relative to the root."""

    before: str
    """The snapshot of the tree as it was, which can be restored in turn."""
    written: tuple[str, ...]
    """Made, replaced, or given another mode."""
    deleted: tuple[str, ...]
    left: tuple[str, ...]
    """Left as it is, because no snapshot holds it: it changed meanwhile, or is none of the tree's."""


class Item(NamedTuple):
    """A file, link or folder of a snapshot."""

    path: str
    kind: str
    """``file``, ``link`` or ``folder``."""
    mode: int
    """Permission bits; 0 for a link."""
    size: int
    """Bytes; 0 for a folder."""
    hash: str


class Snapshots:
    """Snapshots of trees in an existing folder of their own. Several trees and processes may share one.

    A snapshot is named by the hash of its tree. What is equal in two snapshots is kept once. They outlive a kill, but
    nothing is synced: after a power cut one may be damaged, which is found out before anything is restored.
    """

    def __init__(self, folder: AnyPath) -> None:
        self._store = _native.Snapshots(folder)

    def take(self, tree: Tree, dirty: Iterable[AnyPath] | None = None) -> str:
        """Keep a tree as it is and return the name of the snapshot.

        ``dirty`` names the only paths that can have changed since the tree was last looked at; None looks at all.
        Raises OSError, also when files change faster than they can be read.
        """
        try:
            return self._store.take(_inner(tree), None if dirty is None else list(dirty))
        except _native.BoundaryError as error:
            raise _outside(error) from error

    def restore(self, tree: Tree, snapshot: str, dirty: Iterable[AnyPath] | None = None) -> Restored:
        """Bring a tree back to a snapshot, after keeping it as it is now; ``dirty`` as for ``take``.

        Each file is replaced whole. A restore that was killed is completed by doing it again. Raises OSError,
        before anything is changed if the store does not hold the snapshot.
        """
        try:
            before, *paths = self._store.restore(
                _inner(tree), snapshot, None if dirty is None else list(dirty)
            )
        except _native.BoundaryError as error:
            raise _outside(error) from error
        written, deleted, left = (tuple(map(fspath, group)) for group in paths)
        return Restored(before or "", written, deleted, left)

    @staticmethod
    def name(content: bytes) -> str:
        """The name that content has in any store: its hash."""
        return _native.Snapshots.name(content)

    def keep(self, files: Iterable[tuple[AnyPath, bytes, int, bool]]) -> str:
        """Keep files as a snapshot of them alone: path, bytes or target, permission bits, and whether it is a link.

        What that costs they decide, not the tree that they are of. Raises OutsideBoundary for a path that no tree
        holds, and OSError.
        """
        try:
            return self._store.keep(list(files))
        except _native.BoundaryError as error:
            raise _outside(error) from error

    def files(self, snapshot: str) -> tuple[Item, ...]:
        """List the files and links of a snapshot, by path, also of one that another process has kept."""
        return tuple(
            Item(fspath(path), kind, mode, size, name)
            for path, kind, mode, size, name in self._store.files(snapshot)
        )

    def content(self, name: str) -> bytes:
        """The bytes of a file, or the target of a link. Raises OSError if the store does not hold it whole."""
        return self._store.content(name)

    def sync(self) -> None:
        """Return when the disk has all that was kept."""
        self._store.sync()

    def manifest(self, snapshot: str) -> tuple[Item, ...]:
        """List what a snapshot holds, by path. Raises OSError if the store does not hold it."""
        return tuple(
            Item(fspath(path), kind, mode, size, name)
            for path, kind, mode, size, name in self._store.manifest(snapshot)
        )

    def retain(self, snapshots: Iterable[str]) -> None:
        """Forget all other snapshots. Nobody else may have the store open. Raises OSError."""
        self._store.retain(list(snapshots))


def _inner(tree: Tree) -> _native.Tree:
    return tree._tree  # noqa: SLF001 - the store works on the native half of the tree


def _outside(error: _native.BoundaryError) -> OutsideBoundary:
    return OutsideBoundary(f"{error}.", "Use a path beneath the workspace that no link leads out of.")
