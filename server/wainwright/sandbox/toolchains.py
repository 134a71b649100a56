"""What the person's toolchains say of themselves, so that a command finds inside what it finds at their prompt.

Two tools are asked, ``go env`` and ``git config``: what they answer stands in files that only they can read right.
They run outside the sandbox, so nothing of a workspace has a say: git is the engine's own, go is found on PATH
outside the workspace; they start in an empty directory and fetch nothing. An answer is kept, and asked for again only
when the program or a file it reads has changed. Of all other tools the directories are known (``places``), and
settings are read, never run.
"""

import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from wainwright.sandbox import dotfiles, places, programs

_PATIENCE_S = 5.0
_NOBODY = 65534
_GO_NAME = re.compile(r"C?GO(?!ENV|PROXY|AUTH)[A-Z0-9_]+")
_GO_TOLD = ("GOPATH", "GOMODCACHE", "GOCACHE", "GOFLAGS")
_GIT = (
    "user.name", "user.email", "init.defaultbranch", "core.autocrlf", "core.eol", "core.quotepath",
    "core.precomposeunicode", "pull.rebase", "merge.conflictstyle", "diff.algorithm",
)  # fmt: skip
"""What git does to a test's own repositories. Not what signs, fetches, or starts a program."""

_SETTINGS = (
    "TZ", "LANG", "LC_CTYPE", "LC_COLLATE", "LC_NUMERIC", "LC_TIME", "CC", "CXX", "CFLAGS", "CXXFLAGS", "CPPFLAGS",
    "LDFLAGS", "PKG_CONFIG_PATH", "RUSTFLAGS", "RUSTUP_TOOLCHAIN", "MAVEN_OPTS", "GRADLE_OPTS", "SBT_OPTS",
    "GEM_PATH", "XDG_CACHE_HOME", "XDG_DATA_HOME",
)  # fmt: skip
"""Variables of the person's that choose how a tool works."""


class Store(BaseModel):
    """A directory of packages or built things, which its tool writes to as it goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: Path
    """Where commands find it."""
    of: Path
    """Where the person has it."""
    built: bool
    """Whether it is a cache that works only when it can be written to; else a read-only one is as good to most."""


class Toolchains(BaseModel):
    """The answers: directories to show, stores, variables to set, and text files a home directory holds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    shown: tuple[Path, ...] = ()
    stores: tuple[Store, ...] = ()
    variables: dict[str, str] = {}
    files: dict[str, str] = {}
    """Path below the home directory -> what stands there inside."""


def find(environment: Mapping[str, str], kept: Path, workspace: Path | None = None) -> Toolchains:
    """Ask and look. ``kept`` is a file of ours with earlier answers; programs below ``workspace`` are not asked."""
    answers = _Answers(kept, environment, workspace)
    with ThreadPoolExecutor(2) as pool:
        go_told, git_told = (
            pool.submit(_go, answers, environment),
            pool.submit(_git, answers, environment),
        )
        go, git = go_told.result(), git_told.result()
    answers.keep()
    known = [directory for place in places.PLACES for directory in _shown(place, environment)]
    stores = [store for place in places.PLACES for store in _stores(place, environment)]
    stores += [*_moved(environment), *_go_stores(go), *_temporary(environment)]
    gopath = [
        Path(part) / below for part in go.get("GOPATH", "").split(":") if part for below in ("bin", "pkg")
    ]
    go_settings = dotfiles.go(dotfiles.text(_go_settings_file(environment)))
    files = {**dotfiles.found(environment), ".gitconfig": git, ".config/go/env": go_settings}
    return Toolchains(
        shown=(*known, *gopath),
        stores=tuple(store for store in stores if store.of.is_absolute() and places.is_folder(store.of)),
        # As a variable, so that who adds a flag to it adds to what was set with `go env -w`.
        variables={**_variables(environment), **{name: go[name] for name in ("GOFLAGS",) if name in go}},
        files={name: text for name, text in files.items() if text},
    )


def _variables(environment: Mapping[str, str]) -> dict[str, str]:
    moves = {place.variable for place in places.PLACES if environment.get(place.variable, "").startswith("/")}
    return {
        name: value
        for name, value in environment.items()
        if value
        and (name in moves or name in _SETTINGS or _GO_NAME.fullmatch(name))
        and not dotfiles.SECRET.search(value)
    }


def _shown(place: places.Place, environment: Mapping[str, str]) -> Iterator[Path]:
    for directory in places.of(place, environment):
        yield from (directory / below for below in place.shown)


def _stores(place: places.Place, environment: Mapping[str, str]) -> Iterator[Store]:
    built = place.variable in {
        "GRADLE_USER_HOME",
        "SCCACHE_DIR",
        "CCACHE_DIR",
        "UV_CACHE_DIR",
        "NPM_CONFIG_CACHE",
    }
    for directory in places.of(place, environment):
        yield from (_store(directory / below, built=built) for below in place.written)


def _store(at: Path, *, built: bool) -> Store:
    return Store(at=at, of=at, built=built)


def _moved(environment: Mapping[str, str]) -> Iterator[Store]:
    """Stores that a settings file moves elsewhere."""
    home = places.base(environment).home
    repository = dotfiles.maven_repository(dotfiles.text(home / ".m2" / "settings.xml"), home)
    if repository is not None:
        yield _store(repository, built=False)


def _temporary(environment: Mapping[str, str]) -> Iterator[Store]:
    """Jest keeps what it has compiled among the temporary files, by the number of the user in base 36."""
    place = Path(environment.get("TMPDIR") or "/tmp") / f"jest_{_base36(os.getuid())}"  # noqa: S108
    # Anybody may make a folder of that name there.
    if not place.is_symlink() and places.is_folder(place) and place.stat().st_uid == os.getuid():
        yield Store(at=Path(f"/tmp/jest_{_base36(user())}"), of=place, built=True)  # noqa: S108


def user() -> int:
    """The number of the user that commands run as: never root's."""
    return os.getuid() or _NOBODY


def _base36(number: int) -> str:
    digits = "0123456789abcdefghijklmnopqrstuvwxyz"
    return (_base36(number // 36) if number >= 36 else "") + digits[number % 36]


class _Answers:
    """What tools answered, by the program and all that its answer depends on."""

    def __init__(self, kept: Path, environment: Mapping[str, str], workspace: Path | None) -> None:
        self._kept = kept
        self._environment = environment
        self._workspace = None if workspace is None else Path(os.path.realpath(workspace))
        try:
            self._old: dict[str, str] = _Kept.model_validate_json(kept.read_bytes()).answers
        except (OSError, ValidationError):
            self._old = {}
        self._new: dict[str, str] = {}

    def of(self, program: str, *arguments: str, reads: Iterable[Path], variables: Iterable[str]) -> str:
        """What a program prints, or nothing when it is missing or fails."""
        found = Path(program) if program.startswith("/") else self._find(program)
        if found is None:
            return ""
        passed = {name: self._environment[name] for name in variables if name in self._environment}
        depends = [arguments, passed, *(_mark(path) for path in (found, *reads))]
        key = hashlib.sha256(json.dumps(depends, default=str).encode()).hexdigest()
        if key not in self._old:
            self._new[key] = _ask([str(found), *arguments], passed)
        else:
            self._new[key] = self._old[key]
        return self._new[key]

    def keep(self) -> None:
        """Write down what was answered this time; what is not asked any more is forgotten."""
        if self._new == self._old:
            return
        self._kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self._kept.parent, delete=False) as fresh:
            fresh.write(_Kept(answers=self._new).model_dump_json())
        Path(fresh.name).replace(self._kept)

    def _find(self, program: str) -> Path | None:
        for part in self._environment.get("PATH", os.defpath).split(":"):
            if not part.startswith("/"):
                continue
            found = shutil.which(program, path=part)
            real = Path(os.path.realpath(found or "/"))
            if found and (self._workspace is None or not real.is_relative_to(self._workspace)):
                return Path(found)
        return None


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")

    answers: dict[str, str]


def _mark(path: Path) -> tuple[str, int, int] | None:
    try:
        at = path.stat()
    except OSError:
        return None
    return str(path), at.st_mtime_ns, at.st_size


def _ask(words: list[str], environment: Mapping[str, str]) -> str:
    with tempfile.TemporaryDirectory(prefix="wainwright-ask-") as empty:
        try:
            told = subprocess.run(
                words,
                cwd=empty,
                env={**environment, "GIT_CEILING_DIRECTORIES": str(Path(empty).parent)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=_PATIENCE_S,
                check=True,
                start_new_session=True,
            )
        except (OSError, subprocess.SubprocessError):
            return ""
    return told.stdout.decode(errors="replace")


def _go_settings_file(environment: Mapping[str, str]) -> Path:
    return Path(environment.get("GOENV") or places.base(environment).config / "go" / "env")


def _go(answers: _Answers, environment: Mapping[str, str]) -> dict[str, str]:
    own = [name for name in environment if name.startswith(("GO", "CGO"))]
    told = answers.of(
        "go",
        *("env", "-json", *_GO_TOLD),
        reads=(_go_settings_file(environment),),
        variables=("PATH", "HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", *own),
    )
    try:
        values = json.loads(told or "{}")
    except ValueError:
        return {}
    return {name: str(value) for name, value in values.items() if value}


def _go_stores(go: Mapping[str, str]) -> Iterator[Store]:
    if "GOMODCACHE" in go:
        yield _store(Path(go["GOMODCACHE"]), built=False)
    if "GOCACHE" in go:
        yield _store(Path(go["GOCACHE"]), built=True)


def _git(answers: _Answers, environment: Mapping[str, str]) -> str:
    """A ``.gitconfig`` that holds of the person's only what changes results."""
    base = places.base(environment)
    told = answers.of(
        programs.place("git") or "git",
        *("config", "--global", "--includes", "--null", "--list"),
        reads=(base.home / ".gitconfig", base.config / "git" / "config"),
        variables=("PATH", "HOME", "XDG_CONFIG_HOME"),
    )
    lines = []
    for entry in filter(None, told.split("\0")):
        name, _, value = entry.partition("\n")
        if name in _GIT and value.isprintable():
            section, _, key = name.partition(".")
            quoted = value.replace("\\", "\\\\").replace('"', '\\"')
            lines.append(f'[{section}]\n\t{key} = "{quoted}"')
    return "\n".join((*lines, ""))
