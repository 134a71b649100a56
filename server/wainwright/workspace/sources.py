"""What stands at a path of a tree: that there is nothing, and that it cannot be read, are two things."""

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from wainwright.domain.errors import OutsideBoundary
from wainwright.workspace.native.edits import Barred, Link, Source, Twin
from wainwright.workspace.native.fsops import read_beneath

EDIT_MAX = 20_000_000
"""Bytes of a file that is edited or shown; reading and taking apart as many takes less than a second."""

_LEAVE = "Leave it as it is, or change it by a command."


def source(root: Path, path: str) -> Source:
    """Tell what stands at ``path``, relative to the existing folder ``root``; what cannot be read is Barred.

    A file is its bytes, whole; a link that stays beneath the root is a Link to the path it leads to; a path that is
    there with another case or other Unicode forms of its letters only is a Twin of that.
    """
    base = Path(os.path.realpath(root))
    try:
        return _found(base, path)
    except (OSError, ValueError) as error:
        what = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        return Barred(f"{path} cannot be read, and so it is not edited: {what}. {_LEAVE}")


def _found(base: Path, path: str) -> Source:
    place = Path(os.path.realpath(base / path))
    if place != base / path:
        return _followed(base, path, place)
    try:
        return read_beneath(base, path, EDIT_MAX)
    except FileNotFoundError:
        return _twin(base, path)
    except OutsideBoundary:
        return Barred(f"{path} is or passes a link that leads in a circle. Leave it as it is.")
    except OSError as error:
        why = _why(base, path, error.errno)
        if not why:
            raise
        return Barred(why)


def text(root: Path, path: str) -> str | None:
    """The text of a file that can be edited; None where there is none."""
    content = source(root, path)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else None


def _followed(base: Path, path: str, place: Path) -> Link | Barred:
    if place.is_relative_to(base) and place != base:
        return Link(place.relative_to(base).as_posix())
    link = next((step for step in _steps(path) if (base / step).is_symlink()), path)
    return Barred(
        f"{path} is out of the workspace: {link} is a link to {(base / link).readlink()}. "
        "Edit files of the workspace only."
    )


def _steps(path: str) -> Iterator[str]:
    """The folders on the way to a path, and itself."""
    names = path.split("/")
    return ("/".join(names[: at + 1]) for at in range(len(names)))


def _twin(base: Path, path: str) -> Twin | Barred | None:
    """What the path would be on a system that minds neither case nor forms of letters."""
    found = ""
    for name in path.split("/"):
        folder, like = base / found, [name]
        if not os.path.lexists(folder / name) and folder.is_dir():
            names = (other.name for other in folder.iterdir())
            like = sorted(other for other in names if _small(other) == _small(name)) or [name]
        if len(like) > 1:
            several = " and ".join(like)
            return Barred(f"{path} is not there, but {several} are. Write the path of one of them.")
        found = f"{found}/{like[0]}".lstrip("/")
    return None if found == path else Twin(found)


def _small(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).lower())


def _why(base: Path, path: str, code: int | None) -> str:
    """What stands where no file can be read, and what to do; empty where the system's own words say it."""
    if code == errno.EFBIG:
        size = (base / path).stat().st_size
        return f"{path} is too large to be edited: {size:,} bytes, and {EDIT_MAX:,} are the most. {_LEAVE}"
    if code == errno.ENOTDIR:
        file = next((step for step in _steps(path) if not (base / step).is_dir()), path)
        return f"{path} cannot be there: {file} is no folder. Choose another path."
    if code == errno.EISDIR:
        return f"{path} is {_kind((base / path).stat().st_mode)} and no file. Name a file."
    return ""


def _kind(mode: int) -> str:
    if stat.S_ISDIR(mode):
        return "a folder"
    if stat.S_ISFIFO(mode):
        return "a named pipe"
    return "a socket" if stat.S_ISSOCK(mode) else "a device"
