"""What lies in a tree that is shown and must not be: sockets and pipes, files for their owner only, credentials.

Everything near the top of each tree is looked at when a sandbox is made, and before each command again what has been
put in or taken out since: whoever logs in to a registry while a run goes on does not show it their token. A folder's
time tells of that, so a command costs a look at each of the upper folders, not at each file. Deeper down lies what
installers put there.
"""

import os
import re
import stat
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

from wainwright.sandbox.visible import Visible

_DEPTH = 4
"""How far down trees are looked at in the beginning."""
_LOOKED_AGAIN = 2
"""How far down folders are looked at before each command."""
_SETTLED_NS = 2_000_000_000
"""A folder that changed so shortly before it was looked at may have changed again within the same tick."""
_BYTES_READ = 100_000

_AT_THE_TOP = ("credentials*", ".credentials*", "auth.json", "*.pem", "*.key", "*.pfx", "*.p12", "corefx")
_ANYWHERE = frozenset(
    {
        "credentials", "credentials.toml", "credentials.json", "credentials.properties", "credentials.yaml",
        "credentials.db", ".credentials", ".git-credentials", ".netrc", "_netrc", ".pypirc", ".dockercfg",
        ".vault-token", "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519",
    }
)  # fmt: skip
_WITH_A_SECRET = frozenset(
    {
        "config", "config.toml", ".npmrc", "npmrc", ".yarnrc", ".yarnrc.yml", "pip.conf", ".condarc", "condarc",
        "nuget.config", "NuGet.Config", "NuGet.config", "gradle.properties", "settings.xml", "settings-security.xml",
        ".curlrc", ".wgetrc", ".env",
    }
)  # fmt: skip
"""Settings, which are hidden only if there is a secret in them."""
_SECRET = re.compile(
    r"://[^/\s:@]{1,200}:[^/\s@]{1,200}@|(?i:extraheader|authorization|bearer )|"
    r"(?i:passw|passphrase|secret|token|api.?key|_auth|credential)\w{0,20}[\"']?\s{0,4}[:=>]\s{0,4}[\"']?[^\s\"'<$]{4}"
)
"""A name with a value: many settings files only explain where a password would stand."""
_COMMENT = re.compile(r"^[ \t]{0,20}[#;].*$", re.MULTILINE)
_OF_PACKAGES = frozenset({"site-packages", "node_modules", "registry", "dist-packages"})
"""What lies in these was published, with whatever modes and names."""


class Tree(NamedTuple):
    """A folder of the host that commands see."""

    of: Path
    at: Path
    """Where they see it."""
    by_mode: int
    """So far down a file that only its owner may read is hidden: -1 not at all."""
    folders: bool = False
    """Whether that goes for folders, too, and for programs."""


def trees(visible: Visible) -> list[Tree]:
    """Those of an allow-list in which something may lie that commands are not to see."""
    of_the_system = [Path("/etc"), Path("/opt"), Path("/usr/local")]
    return [
        *(Tree(place, place, _DEPTH, folders=True) for place in of_the_system if place.is_dir()),
        *(Tree(place, place, 1) for place in visible.toolchains),
        *(Tree(store.of, store.at, -1) for store in visible.stores),
    ]


class _Look(NamedTuple):
    seen_ns: int
    hidden: tuple[tuple[str, bool], ...]
    folders: tuple[str, ...]


class Guard:
    """Knows what is to be hidden in some trees. Every method may be called from several threads."""

    def __init__(self, trees: Iterable[Tree]) -> None:
        self._trees = tuple(trees)
        self._looks: dict[str, _Look] = {}
        self._again: list[tuple[str, int]] = []
        """The upper folders with when they were looked at."""
        self._found: list[tuple[str, tuple[Path, bool]]] | None = None
        """What is hidden: where it lies, and what is said of it."""
        self._looking = threading.Lock()

    def hidden(self) -> list[tuple[Path, bool]]:
        """All that is to be hidden now, with whether it is a folder, by the path that commands see. Blocks."""
        with self._looking:
            if self._found is None or not all(_unchanged(folder, seen) for folder, seen in self._again):
                self._again = []
                self._found = [
                    (path, (tree.at / os.path.relpath(path, tree.of), is_folder))
                    for tree in self._trees
                    for path, is_folder in self._below(tree, str(tree.of), 0)
                ]
            return [said for path, said in self._found if os.path.lexists(path)]

    def _below(self, tree: Tree, folder: str, depth: int) -> Iterator[tuple[str, bool]]:
        look = self._looks.get(folder)
        if look is None or (depth <= _LOOKED_AGAIN and not _unchanged(folder, look.seen_ns)):
            look = self._looks[folder] = _looked(tree, folder, depth)
        if depth <= _LOOKED_AGAIN:
            self._again.append((folder, look.seen_ns))
        yield from look.hidden
        if depth < _DEPTH:
            for name in look.folders:
                yield from self._below(tree, f"{folder}/{name}", depth + 1)


def _unchanged(folder: str, seen_ns: int) -> bool:
    try:
        return os.lstat(folder).st_mtime_ns + _SETTLED_NS < seen_ns
    except OSError:
        return False


def _looked(tree: Tree, folder: str, depth: int) -> _Look:
    hidden, folders = [], []
    seen = time.time_ns()
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        found = []
    for entry in found:
        with suppress(OSError):
            is_folder = entry.is_dir(follow_symlinks=False)
            if not entry.is_symlink() and _is_secret(tree, entry, depth, is_folder=is_folder):
                hidden.append((entry.path, is_folder))
            elif is_folder and entry.name not in _OF_PACKAGES:
                folders.append(entry.name)
    return _Look(seen, tuple(hidden), tuple(folders))


def _is_secret(tree: Tree, entry: os.DirEntry[str], depth: int, *, is_folder: bool) -> bool:
    if not is_folder and not entry.is_file(follow_symlinks=False):
        return True
    name = entry.name
    if depth == 0 and any(fnmatch(name, pattern) for pattern in _AT_THE_TOP):
        return True
    if not is_folder and name in _ANYWHERE:
        return True
    # What anybody on this machine may read of the system's own settings is no secret of the person's.
    if not is_folder and not tree.folders and name in _WITH_A_SECRET and _tells_a_secret(entry.path):
        return True
    return depth <= tree.by_mode and _is_closed(entry, folders=tree.folders, is_folder=is_folder)


def _is_closed(entry: os.DirEntry[str], *, folders: bool, is_folder: bool) -> bool:
    """Whether a stranger may not read it, in a folder where they may read others."""
    mode = entry.stat(follow_symlinks=False).st_mode
    if mode & stat.S_IROTH or (not folders and (is_folder or mode & 0o111)):
        return False
    return bool(Path(entry.path).parent.stat().st_mode & stat.S_IROTH)


def _tells_a_secret(path: str) -> bool:
    with Path(path).open("rb") as file:
        text = file.read(_BYTES_READ).decode(errors="replace")
    first, *others = text.split("<!--")
    told = first + "".join(part.partition("-->")[2] for part in others)
    return _SECRET.search(_COMMENT.sub("", told)) is not None
