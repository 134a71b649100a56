"""The only place that runs git.

No transport is ever used: objects go from one repository to another as a pack between two explicit
git directories. So nothing that a repository's configuration can name (hooks, file monitors, filters,
transfer programs, credential helpers) is run: settings given here outrank those of the repository.
"""

import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Container, Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import BinaryIO, NamedTuple, Self

from wainwright import regular
from wainwright.domain.errors import WorkspaceError
from wainwright.sandbox import programs

# GitPython asks for git while it is imported: not for the one on PATH, and a machine without git should learn that by
# our error instead.
os.environ["GIT_PYTHON_GIT_EXECUTABLE"] = programs.place("git") or f"{programs.PLACES[0]}/git"
os.environ["GIT_PYTHON_REFRESH"] = "quiet"
from git.cmd import Git
from git.exc import GitCommandNotFound

_GIT = os.environ["GIT_PYTHON_GIT_EXECUTABLE"]

_SETTINGS = {
    "commit.gpgSign": "false",
    "core.attributesFile": "/dev/null",
    "core.filesRefLockTimeout": "10000",
    "core.fsmonitor": "false",
    "core.fsync": "all",
    "core.fsyncMethod": "batch",
    "core.hooksPath": "/dev/null",
    "core.packedRefsTimeout": "10000",
    "core.pager": "cat",
    "core.quotePath": "false",
    "core.untrackedCache": "false",
    "diff.ignoreSubmodules": "all",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "protocol.allow": "never",
    "protocol.ext.allow": "never",
    "safe.bareRepository": "explicit",
    "submodule.recurse": "false",
}
_LIMIT_S = 120.0
_LONG_S = 1800.0
_LONG = frozenset(
    {"add", "blame", "checkout-index", "clean", "diff", "diff-files", "index-pack", "log", "pack-objects",
     "read-tree", "reset", "rev-list", "update-index"}
)  # fmt: skip
"""Commands that read or write what is in a whole tree or history; any other has an answer soon, or never."""
_RULES_MAX = 50_000_000
"""Bytes of a file of git's that is read here: rules, or the list of where history ends."""
_PACKING = ("--window=0", "--compression=1", "--revs", "--delta-base-offset", "-q")
"""What is packed already goes over as it is; of loose objects speed counts more than the last byte."""
_NAME, _MAIL = "Wainwright", "wainwright@localhost"
_ENVIRONMENT = {
    "GIT_ALLOW_PROTOCOL": "none",
    "GIT_ASKPASS": "",
    "GIT_AUTHOR_EMAIL": _MAIL,
    "GIT_AUTHOR_NAME": _NAME,
    "GIT_COMMITTER_EMAIL": _MAIL,
    "GIT_COMMITTER_NAME": _NAME,
    "GIT_CONFIG_COUNT": str(len(_SETTINGS)),
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "PATH": ":".join(programs.PLACES),
    **{f"GIT_CONFIG_KEY_{n}": key for n, key in enumerate(_SETTINGS)},
    **{f"GIT_CONFIG_VALUE_{n}": value for n, value in enumerate(_SETTINGS.values())},
}


class Reply(NamedTuple):
    """How one git command ended: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str

    @property
    def text(self) -> str:
        """Standard output without white space at its ends."""
        return unquote(self.out).strip()

    @property
    def items(self) -> list[str]:
        """The NUL-terminated items of standard output."""
        return [unquote(item) for item in self.out.split(b"\0") if item]


def unquote(name: bytes) -> str:
    """Turn a name from git into text; bytes that are not UTF-8 survive the round trip."""
    return name.decode("utf-8", "surrogateescape")


def printable(name: str) -> str:
    """Spell a name from git so that it can be shown and stored; bytes that are not UTF-8 become escapes."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def quote(items: Iterable[str]) -> bytes:
    """Turn names into the NUL-terminated list that git reads from standard input."""
    return b"".join(item.encode("utf-8", "surrogateescape") + b"\0" for item in items)


def list_item(path: Path) -> str:
    """Spell a path for one of git's lists, so that a colon in it does not end it."""
    text = str(path)
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' if set(text) & set(':"') else text


class GitDirectory:
    """One explicit git directory, with the work tree that its commands see, if any.

    git never looks for a repository by itself here, so a ``.git`` lying in the work tree means nothing.
    """

    def __init__(
        self, path: Path, worktree: Path | None = None, environment: Mapping[str, str | None] | None = None
    ) -> None:
        self.path = path
        self.worktree = worktree
        self.environment = dict(environment or {})

    def within(self, worktree: Path | None = None, /, **environment: str | Path | None) -> Self:
        """Return the same git directory with another work tree and more environment; None takes a variable away."""
        added = {name: None if value is None else str(value) for name, value in environment.items()}
        return type(self)(self.path, worktree or self.worktree, {**self.environment, **added})

    def configured(self, settings: Mapping[str, str]) -> Self:
        """Return the same git directory with settings that outrank those in files, and ours."""
        first = int(self.environment.get("GIT_CONFIG_COUNT") or len(_SETTINGS))
        added = {"GIT_CONFIG_COUNT": str(first + len(settings))}
        for number, (key, value) in enumerate(settings.items(), start=first):
            added |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        return self.within(**added)

    def settings(self, pattern: str, *, owners: bool = False) -> dict[str, str]:
        """Return the settings of this repository whose lower-case names match a regular expression.

        ``owners``: with those of the system and of the person, as their own git goes by them.
        """
        wider = {"GIT_CONFIG_NOSYSTEM": "0", "GIT_CONFIG_GLOBAL": None} if owners else {}
        git = self.within(GIT_CONFIG_COUNT="0", **wider)
        reply = git.run("config", "--null", "--get-regexp", pattern, ok=(0, 1, 128))
        pairs = (item.partition("\n") for item in reply.items)
        return {name: value if given else "true" for name, given, value in pairs}

    def run(self, *arguments: str, stdin: bytes | None = None, ok: Container[int] = (0,)) -> Reply:
        """Run one git command; raises WorkspaceError when its exit code is not in ``ok``."""
        with tempfile.TemporaryFile() as source:
            source.write(stdin or b"")
            source.seek(0)
            reply = self._execute(arguments, source)
        return _check(reply, arguments, ok)

    def text(self, *arguments: str, stdin: bytes | None = None) -> str:
        """Run one git command that must succeed and return what it printed, stripped."""
        return self.run(*arguments, stdin=stdin).text

    def resolve(self, revision: str) -> str | None:
        """Return the object that ``revision`` names here, or None."""
        return (
            self.run("rev-parse", "--verify", "--quiet", "--end-of-options", revision, ok=(0, 1, 128)).text
            or None
        )

    def has(self, commit: str) -> bool:
        """Tell whether the commit is in this object store (or one it borrows from)."""
        return self.run("cat-file", "-e", f"{commit}^{{commit}}", ok=(0, 1, 128)).code == 0

    def lacks(self, names: Sequence[str]) -> list[str]:
        """Return those of the objects that are not in this store."""
        asked = "".join(f"{name}\n" for name in names).encode()
        rows = self.text("cat-file", "--batch-check", stdin=asked).splitlines()
        return [row.split(" ")[0] for row in rows if row.endswith(" missing")]

    def send(self, target: "GitDirectory", want: Iterable[str], have: Iterable[str]) -> None:
        """Copy what is ``want``ed and all it needs into ``target``, which already holds all that ``have`` needs."""
        revisions = "".join(f"{line}\n" for line in (*want, *(f"^{commit}" for commit in have)))
        with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as pack:
            source.write(revisions.encode())
            source.seek(0)
            packing = ("pack-objects", *_PACKING, "--thin", "--stdout")
            _check(self._execute(packing, source, pack), packing, (0,))
            pack.seek(0)
            target.receive(pack)

    def pack_into(self, target: "GitDirectory", want: Iterable[str], have: Iterable[str]) -> None:
        """Do as ``send``, where this reads the objects of ``target`` and borrows others: the pack is written there.

        It is not read again as one that is received from elsewhere is, and has its name when it is whole.
        """
        revisions = "".join(f"{line}\n" for line in (*want, *(f"^{commit}" for commit in have)))
        packs = target.path / "objects" / "pack"
        packing = (*_PACKING, "--non-empty", str(packs / "pack"))
        self.run("pack-objects", *packing, stdin=revisions.encode())

    def receive(self, pack: BinaryIO) -> None:
        """Take in the objects of a pack that is read from an open file."""
        indexing = ("index-pack", "--stdin", "--fix-thin")
        _check(self._execute(indexing, pack), indexing, (0,))

    def _execute(self, arguments: Sequence[str], istream: BinaryIO, output: BinaryIO | None = None) -> Reply:
        where = [f"--git-dir={self.path}", *([f"--work-tree={self.worktree}"] if self.worktree else [])]
        environment = {
            name: value for name, value in {**_ENVIRONMENT, **self.environment}.items() if value is not None
        }
        # A server started from a hook or a terminal inherits variables that would redirect git.
        strangers = [name for name in os.environ if name.startswith("GIT_") and name not in environment]
        strangers = [name for name in strangers if not name.startswith("GIT_PYTHON_")]
        cleaner = programs.place("env") or "/usr/bin/env"
        clean = [cleaner, *(word for name in strangers for word in ("-u", name))] if strangers else []
        limit = _LONG_S if arguments[0] in _LONG else _LIMIT_S
        git = Git(str(self.worktree or self.path.parent))
        try:
            process = git.execute(
                [*clean, _GIT, *where, *arguments],
                istream=istream,
                env=environment,
                as_process=True,
                shell=False,
                start_new_session=True,
            )
        except GitCommandNotFound as error:
            raise WorkspaceError("git was not found.", "Install git 2.38 or newer.") from error
        reply = _ended(process, output, limit)
        if reply is None:
            raise WorkspaceError(
                f"git {arguments[0]} did not end within {limit:,.0f} seconds and was stopped: {self.path}",
                "Look for a named pipe where git reads a file, such as .gitignore or a file that its settings name.",
            )
        return reply


def _ended(process: Popen[bytes], output: BinaryIO | None, limit: float) -> Reply | None:
    """What came of a process, whose output may go to a file; None when it was stopped after so many seconds."""
    stopped = threading.Event()

    def stop() -> None:
        stopped.set()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)

    assert process.stdout is not None
    assert process.stderr is not None
    watch = threading.Timer(limit, stop)
    watch.daemon = True
    watch.start()
    try:
        if output is not None:
            shutil.copyfileobj(process.stdout, output)
        out, err = process.communicate()
    finally:
        watch.cancel()
    return None if stopped.is_set() else Reply(process.returncode, out, err.decode("utf-8", "replace"))


def _check(reply: Reply, arguments: Sequence[str], ok: Container[int]) -> Reply:
    if reply.code not in ok:
        what = f"git {arguments[0]} ended with {reply.code}: {reply.err.strip()[:2000]}"
        raise WorkspaceError(what, "Look at the repository named in the message, then try again.")
    return reply


def read_text(path: Path) -> str:
    """Return the text of a file of git's; of one that is not there, or is no file that could be read, none."""
    try:
        return unquote(regular.read(path, _RULES_MAX))
    except OSError:
        return ""


def replace_text(path: Path, text: str) -> None:
    """Replace a file at once, so that a git which reads it meanwhile sees all of the old or the new one."""
    content = text.encode("utf-8", "surrogateescape")
    if path.is_file() and path.read_bytes() == content:
        return
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.write_bytes(content)
    fresh.replace(path)
