"""The environment layer: what a command needs and git does not keep, as a folder of our own beside the snapshot.

Generated modules, builds in place, local settings, the files of submodules. The folder is named by its content and
never changes once it has its name. Its files are copies (the blocks shared where the file system can), never hard
links to files of the person; what did not change since the last time is linked from the folder before, which is ours.
In place of a large file there is a symbolic link to the person's.
"""

import fcntl
import hashlib
import json
import os
import shutil
import stat
import time
import uuid
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import NamedTuple

from wainwright.domain.errors import OutsideBoundary
from wainwright.sandbox import clearing
from wainwright.workspace import native
from wainwright.workspace.world.walk import UNREADABLE, Found

LARGE_BYTES = 10 * 1024 * 1024
TOTAL_BYTES_MAX = 200 * 1024 * 1024
TOO_MUCH = "what lies beside the snapshot is more than 200 MB together"
VANISHED = "it vanished while it was read"
_FICLONE = 0x40049409
_NOTES = "notes.json"
_DRAFT = ".draft-"
_FOLDER = "folder"
_BEGINNING_S = 3600
SETTLED_NS = 1_000_000_000
"""What changed less than this before it was read may change again without another time stamp."""
_FRESH = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC


class _Note(NamedTuple):
    """What a file was when it was copied, and its content's hash."""

    signature: list[int]
    content: str


class Layers:
    """The environment folders of one workspace. The caller keeps other threads and processes out."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def at(self, name: str) -> Path | None:
        """Return the folder with this name, if it is there."""
        folder = self._place / name
        return folder if name and folder.is_dir() else None

    def take(self, root: Path, found: Iterable[Found]) -> tuple[str, dict[str, str]]:
        """Copy what was found; return the folder's name, empty when there is nothing, and what was left out."""
        chosen, left_out = _within_bounds(found)
        if not chosen:
            return "", left_out
        before, notes = self._notes()
        if self.at(before) and _nothing_changed(root, chosen, notes):
            os.utime(self._place / before)
            return before, left_out
        self._place.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._place / f"{_DRAFT}{uuid.uuid4().hex}"
        try:
            draft.mkdir(mode=0o700)
            old = self._place / before
            taken = {}
            for one in chosen:
                try:
                    taken[one.path] = _copy(root, draft / one.path, one, notes, old / one.path)
                except FileNotFoundError:
                    left_out[one.path] = VANISHED
                except (OSError, OutsideBoundary):
                    left_out[one.path] = UNREADABLE
            name = _name(taken, chosen)
            if self.at(name) is None:
                draft.rename(self._place / name)
            os.utime(self._place / name)
        finally:
            clearing.remove(draft)
        self._note(name, taken)
        return name, left_out

    def unneeded(self, names: Iterable[str]) -> list[Path]:
        """Return the folders that none of these names needs.

        The newest one saves the next run from copying, and a run that begins may not have said yet what it needs.
        """
        needed = {*names, self._notes()[0], _NOTES}
        late = time.time() - _BEGINNING_S
        with suppress(FileNotFoundError):
            found = sorted(one for one in self._place.iterdir() if one.name not in needed)
            return [one for one in found if one.is_dir() and one.stat().st_mtime < late]
        return []

    def _notes(self) -> tuple[str, dict[str, _Note]]:
        try:
            noted = json.loads((self._place / _NOTES).read_text())
            return noted["name"], {path: _Note(*note) for path, note in noted["files"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return "none", {}

    def _note(self, name: str, taken: dict[str, _Note]) -> None:
        draft = self._place / f"{_DRAFT}{uuid.uuid4().hex}"
        draft.write_text(json.dumps({"name": name, "files": taken}))
        draft.replace(self._place / _NOTES)


def _within_bounds(found: Iterable[Found]) -> tuple[list[Found], dict[str, str]]:
    """Take the small ones first: one big file must not keep a hundred small ones out."""
    chosen, left_out, total = [], {}, 0
    for one in sorted(found, key=lambda one: (one.status.st_size, one.path)):
        if stat.S_ISREG(one.status.st_mode) and one.status.st_size <= LARGE_BYTES:
            total += one.status.st_size
        if total > TOTAL_BYTES_MAX:
            left_out[one.path] = TOO_MUCH
        else:
            chosen.append(one)
    return chosen, left_out


def _nothing_changed(root: Path, chosen: Collection[Found], notes: Mapping[str, _Note]) -> bool:
    return len(chosen) == len(notes) and all(
        one.path in notes and _is_as_noted(root, one, notes[one.path]) for one in chosen
    )


def _is_as_noted(root: Path, one: Found, note: _Note) -> bool:
    mode = one.status.st_mode
    if stat.S_ISREG(mode):
        return note.signature == _signature(one.status)
    return note.content == (_FOLDER if stat.S_ISDIR(mode) else _link(root / one.path))


def _signature(status: os.stat_result) -> list[int]:
    """Return what changes when a file does, as git looks at it, and its mode."""
    times = status.st_mtime_ns, status.st_ctime_ns
    return [status.st_size, *times, status.st_ino, stat.S_IMODE(status.st_mode)]


def _link(place: Path) -> str:
    return f"link {place.readlink()}"


def _copy(root: Path, target: Path, one: Found, notes: dict[str, _Note], old: Path) -> _Note:
    source, status = root / one.path, one.status
    if stat.S_ISDIR(status.st_mode):
        target.mkdir(parents=True, exist_ok=True)
        return _Note([], _FOLDER)
    target.parent.mkdir(parents=True, exist_ok=True)
    if stat.S_ISLNK(status.st_mode):
        target.symlink_to(source.readlink())
        return _Note([], _link(target))
    signature = _signature(status)
    if status.st_size > LARGE_BYTES:
        target.symlink_to(source)
        return _Note(signature, f"as it lies there {signature}")
    note = notes.get(one.path)
    if note is not None and note.signature == signature and not old.is_symlink():
        with suppress(OSError):
            target.hardlink_to(old)
            return note
    with native.open_beneath(root, one.path) as reading:
        if not os.path.samestat(os.fstat(reading.fileno()), status):
            raise FileNotFoundError(source)
        with os.fdopen(os.open(target, _FRESH, 0o600), "w+b") as writing:
            content = _content(reading, writing)
            os.fchmod(writing.fileno(), 0o400 | stat.S_IMODE(status.st_mode) & 0o777)
        os.utime(target, ns=(status.st_mtime_ns, status.st_mtime_ns))
    settled = max(status.st_mtime_ns, status.st_ctime_ns) < time.time_ns() - SETTLED_NS
    return _Note(signature if settled else [], content)


def _content(reading: BufferedReader, writing: BufferedRandom) -> str:
    """Copy a file, its blocks shared where that can be, and return the hash of what was copied."""
    try:
        fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
    except OSError:
        shutil.copyfileobj(reading, writing)
    writing.seek(0)
    return hashlib.file_digest(writing, "sha256").hexdigest()


def _name(taken: dict[str, _Note], chosen: Iterable[Found]) -> str:
    """Name a folder by all that a command could tell of it."""
    name = hashlib.sha256()
    for path, status in sorted(chosen):
        if path in taken:
            mode = stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else 0
            name.update(f"{mode:o} {taken[path].content}\0{path}\0".encode("utf-8", "surrogateescape"))
    return name.hexdigest()[:40]
