"""Whether all that git reads and writes of a repository is the repository's own.

A clone, or an archive that was unpacked, may hold anything where git expects its files: a pipe that never ends, a
link to another folder, the address of another repository. git goes along: what is delivered would land there.
"""

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import NoReturn

from wainwright import regular
from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.plumbing import GitDirectory, printable, unquote

_FILES = (
    "HEAD", "ORIG_HEAD", "FETCH_HEAD", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "config", "config.worktree",
    "index", "packed-refs", "shallow", "commondir", "gitdir", "info/exclude", "info/attributes", "info/grafts",
    "info/sparse-checkout", "objects/info/alternates", "objects/info/commit-graph",
)  # fmt: skip
_FOLDERS = ("objects", "objects/info", "objects/pack", "info", "worktrees")
_TREES = ("refs", "logs", "reftable")
"""Folders of which every file is read or written; of ``worktrees`` the folders of work trees, too."""
_INCLUDED = r"^include(if\..*)?\.path$"
_RULES = r"^core\.(excludesfile|attributesfile)$"
_HINT = "Put the repository in order, or clone it anew, then start again."


def require(top: Path) -> None:
    """Raise WorkspaceError where ``.git`` of the top folder of a work tree leads to what is not this repository's.

    A linked work tree and a submodule have a file there, or a link: the git directory that it leads to has to name
    the work tree in its turn. Where it leads to nothing, there is no repository, and nothing to say.
    """
    itself, home = _directory(top), Path(os.path.realpath(top))
    if itself is None:
        return
    common = _common(itself)
    for folder in dict.fromkeys((itself, common)):
        for place in _places(folder):
            _look(place, (itself, common))
    included = (pair for folder in dict.fromkeys((common, itself)) for pair in _included(folder))
    for setting, place in chain(included, _paths(GitDirectory(itself), _RULES, home)):
        if place.exists() and not place.is_file():
            _refuse(f"{setting} of the repository names {place}, which is no file.")
    if not itself.is_relative_to(home) and _named_by(itself) != home:
        _refuse(
            f"{top / '.git'} leads to {itself}, which is not the repository of this folder.",
            f"If it is meant to be: `git worktree repair` in the main work tree, or `git --git-dir={itself} config "
            f"core.worktree {home}`. Then start again.",
        )


def _directory(top: Path) -> Path | None:
    """Where the git directory is; None where there is none."""
    place = top / ".git"
    if place.is_file():
        told = _line(place)
        if not told.startswith("gitdir: "):
            return None
        place = top / told.removeprefix("gitdir: ")
    elif not place.is_dir():
        _refuse(f"{place} is neither a folder nor a file.")
    return Path(os.path.realpath(place)) if place.is_dir() else None


def _named_by(itself: Path) -> Path | None:
    """The work tree that a git directory says it is of: of a linked one its file, of a submodule a setting."""
    if os.path.lexists(itself / "commondir"):
        told = itself / _line(itself / "gitdir")
        return Path(os.path.realpath(told.parent)) if told.name == ".git" else None
    place = dict(_paths(GitDirectory(itself), r"^core\.worktree$", itself)).get("core.worktree")
    return Path(os.path.realpath(place)) if place else None


def _included(directory: Path) -> Iterator[tuple[str, Path]]:
    """The files that settings include. git reads those of its repository before it looks at anything: it has none."""
    for file in (directory / "config", directory / "config.worktree"):
        if file.exists():
            yield from _paths(GitDirectory(Path(os.devnull)), _INCLUDED, directory, "--file", str(file))


def _paths(git: GitDirectory, pattern: str, base: Path, *where: str) -> Iterator[tuple[str, Path]]:
    """The settings of a repository, or in one file, that name a file or a folder, and what they name."""
    asking = ("config", *where, "--null", "--get-regexp", pattern)
    for item in git.within(GIT_CONFIG_COUNT="0").run(*asking, ok=(0, 1, 128)).items:
        name, _, value = item.partition("\n")
        with suppress(RuntimeError):  # somebody's home folder that is not known
            yield name, base / Path(value).expanduser()


def _common(itself: Path) -> Path:
    """Where refs and objects are: of a linked work tree two folders above, where git makes its directory."""
    if not os.path.lexists(itself / "commondir"):
        return itself
    common = Path(os.path.realpath(itself / _line(itself / "commondir")))
    if itself.parent != common / "worktrees":
        _refuse(f"{itself} says that its commits are in {common}, which is another repository.")
    return common


def _places(directory: Path) -> Iterator[Path]:
    for name in (*_FOLDERS, *_FILES):
        yield directory / name
    with suppress(OSError):
        yield from sorted(directory.glob("objects/[0-9a-f][0-9a-f]"))
    for name in ("objects/info", "objects/pack", "worktrees", *_TREES):
        yield from _beneath(directory / name, deep=name not in {"objects/info", "objects/pack"})


def _beneath(folder: Path, *, deep: bool) -> Iterator[Path]:
    yield folder
    if folder.is_symlink():
        return
    with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
        for entry in entries:
            if deep and entry.is_dir(follow_symlinks=False):
                yield from _beneath(Path(entry.path), deep=True)
            elif not entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _look(place: Path, within: tuple[Path, ...]) -> None:
    """Raise WorkspaceError for a link that leads out, and for what is neither a file nor a folder."""
    try:
        mode = place.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISLNK(mode):
        target = Path(os.path.realpath(place))
        if not any(target.is_relative_to(one) for one in within):
            _refuse(f"{place} is a link out of the repository, to {target}, and is not followed.")
        if not target.exists():
            return
        mode = target.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        _refuse(f"{place} is neither a file nor a folder, and reading it might never end.")


def _line(path: Path) -> str:
    try:
        return unquote(regular.read(path, regular.SMALL)).rstrip("\n")
    except OSError as error:
        _refuse(f"{path} cannot be read: {error.strerror}.")


def _refuse(what: str, hint: str = _HINT) -> NoReturn:
    raise WorkspaceError(printable(what), printable(hint))
