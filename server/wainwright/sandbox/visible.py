"""What of this machine a command may see besides its tree: an allow-list, found once for each sandbox.

System directories, toolchains, interpreters. Never the rest of the home directory. What must not be seen of all that
is hidden for each command (``guarding``).
"""

import os
import pwd
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from wainwright.sandbox import places
from wainwright.sandbox.toolchains import Store, Toolchains, user
from wainwright.sandbox.variables import OFFLINE, VARIABLES

_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt", "nix")

# A directory of programs whose parent holds one of these needs that parent: the programs load it.
_PREFIX_MARKS = ("pyvenv.cfg", "conda-meta", "lib/node_modules", "pkg/tool", "lib/rustlib", "Cellar")

_TOP = ("/", "/tmp", "/home", "/root", "/proc", "/sys", "/dev", "/run", "/var", "/mnt", "/media", "/srv")  # noqa: S108


class Visible(BaseModel):
    """The allow-list. Every directory and program is shown read-only at its own path.

    ``stores`` lie within or beside the toolchains: their tools write to them, and nothing of that reaches the person.
    ``files`` are texts of ours, with where they are shown. ``unseen`` are programs of the person's PATH that are
    not shown, with where they lie.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    hidden: tuple[Path, ...]
    links: tuple[tuple[str, Path], ...]
    system: tuple[Path, ...]
    toolchains: tuple[Path, ...]
    programs: tuple[Path, ...]
    stores: tuple[Store, ...]
    files: tuple[tuple[Path, Path], ...]
    unseen: tuple[tuple[str, Path], ...]
    cache_home: Path
    search_path: tuple[Path, ...]
    variables: dict[str, str]


def survey(
    environment: Mapping[str, str], hidden: Iterable[Path], toolchains: Toolchains, kept: Path
) -> Visible:
    """Look at this machine. No directory that contains one of ``hidden`` (or the home directory) is ever shown.

    ``kept`` is a directory of ours for texts that commands find in their home directory and in ``/etc``.
    """
    base = places.base(environment)
    kept_out = (base.home, Path(os.path.realpath(base.home)), *hidden)
    roots = [Path("/") / name for name in _SYSTEM]
    system = tuple(root for root in roots if root.is_dir() and not root.is_symlink())
    search_path = tuple(
        Path(part) for part in environment.get("PATH", os.defpath).split(":") if part.startswith("/")
    )
    wanted = [*toolchains.shown, *(_prefix_of(directory) for directory in search_path), Path(sys.base_prefix)]
    shown = _showable(wanted, kept_out, system)
    led, single, unseen = _led_to(search_path, (*system, *shown), kept_out)
    shown = _showable([*wanted, *led], kept_out, system)
    stores = tuple(store for store in toolchains.stores if _showable([store.of], kept_out, ()))
    return Visible(
        home=base.home,
        hidden=kept_out,
        links=tuple((str(root.readlink()), root) for root in roots if root.is_symlink()),
        system=system,
        toolchains=shown,
        programs=single,
        stores=stores,
        files=(
            *_written(kept / "home", toolchains.files, base.home),
            *_written(kept / "etc", {"passwd": _accounts(base.home)}, Path("/etc")),
        ),
        unseen=unseen,
        cache_home=base.cache,
        search_path=search_path,
        variables=toolchains.variables,
    )


def _accounts(home: Path) -> str:
    """``/etc/passwd`` in which whoever commands run as has the person's home: Java looks there, not at ``HOME``."""
    uid = user()
    try:
        ours = pwd.getpwuid(uid)
        name, group, words, shell = ours.pw_name, ours.pw_gid, ours.pw_gecos, ours.pw_shell
    except KeyError:
        name, group, words, shell = "person", os.getgid(), "", "/bin/sh"
    try:
        lines = Path("/etc/passwd").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    others = [line for line in lines if line.split(":")[2:3] != [str(uid)]]
    return "\n".join((*others, f"{name}:x:{uid}:{group}:{words}:{home}:{shell}", ""))


def _written(kept: Path, files: Mapping[str, str], below: Path) -> Iterator[tuple[Path, Path]]:
    for name, text in files.items():
        place = kept / name
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not place.is_file() or place.read_text(encoding="utf-8") != text:
            fresh = place.with_name(f"{place.name}.{os.getpid()}")
            fresh.write_text(text, encoding="utf-8")
            fresh.replace(place)
        yield place, below / name


def _led_to(
    search_path: Iterable[Path], shown: tuple[Path, ...], hidden: tuple[Path, ...]
) -> tuple[list[Path], tuple[Path, ...], tuple[tuple[str, Path], ...]]:
    """What links in shown directories of programs lead to: prefixes of installations, single programs, and the rest.

    A program is shown by itself when it lies in no installation: nothing of what lies beside it is.
    """
    prefixes: list[Path] = []
    single: list[Path] = []
    unseen: list[tuple[str, Path]] = []
    for directory in dict.fromkeys(search_path):
        if not any(directory.is_relative_to(root) for root in shown):
            continue
        for name, real in _links(directory):
            prefix = _installation(real)
            if any(real.is_relative_to(root) for root in shown):
                continue
            if any(real.is_relative_to(secret) for secret in hidden[2:]):
                unseen.append((name, real))
            elif prefix is not None and _showable([prefix], hidden, ()):
                prefixes.append(prefix)
            else:
                single.append(real)
    return prefixes, tuple(dict.fromkeys(single)), tuple(unseen)


def _installation(program: Path) -> Path | None:
    """The directory with all that a program loads, if it lies in one."""
    parents = [*program.parents]
    modules = [parent for parent in parents if parent.name == "node_modules"]
    if modules:
        return modules[-1]
    prefix = _prefix_of(program.parent)
    if prefix != program.parent:
        return prefix
    above = program.parent.parent
    # A program somebody is writing lies in a repository: of that only the program is shown.
    whole = program.parent.name == "bin" and any(
        places.is_folder(above / name) for name in ("lib", "libexec")
    )
    return above if whole and not any(os.access(parent / ".git", os.F_OK) for parent in parents) else None


def _links(directory: Path) -> Iterator[tuple[str, Path]]:
    """Names of a directory of programs that are links to a program, and the program."""
    try:
        entries = [entry for entry in os.scandir(directory) if entry.is_symlink()]
    except OSError:
        return
    for entry in sorted(entries, key=lambda one: one.name):
        real = Path(os.path.realpath(entry.path))
        if os.access(real, os.X_OK) and real.is_file():
            yield entry.name, real


def settings(visible: Visible) -> list[str]:
    """What of all this decides how a command ends, as lines: settings, and which packages are installed. Blocks.

    Installing a Python package makes an entry in its environment, wherever that lies.
    """
    told = [
        f"{name}={value}" for name, value in sorted({**VARIABLES, **OFFLINE, **visible.variables}.items())
    ]
    told += [str(place) for place in (*visible.search_path, *visible.toolchains, *visible.programs)]
    for text, at in visible.files:
        with suppress(OSError):
            told.append(f"{at} {text.read_text(encoding='utf-8')}")
    for root in visible.toolchains:
        for depth in ("", "*/", "*/*/"):
            for packages in sorted(root.glob(f"{depth}lib/python*/site-packages")):
                with suppress(OSError):
                    told.append(f"{packages} {packages.stat().st_mtime_ns}")
    return told


def interpreters(visible: Visible, dependency_directories: Iterable[Path]) -> tuple[Path, ...]:
    """Prefixes of the Python installations that virtual environments name, beyond what is visible already.

    ``pyvenv.cfg`` may come from the repository, so a prefix must look like a Python installation to be shown.
    """
    wanted = []
    for directory in dependency_directories:
        configuration = directory / "pyvenv.cfg"
        if not configuration.is_file():
            continue
        for line in configuration.read_text(errors="replace").splitlines():
            key, _, value = line.partition("=")
            if key.strip() == "home" and value.strip().startswith("/"):
                wanted += [Path(value.strip()).parent, Path(os.path.realpath(value.strip())).parent]
        wanted.append(Path(os.path.realpath(directory / "bin" / "python")).parent.parent)
    pythons = [prefix for prefix in wanted if any(prefix.glob("lib*/python3*/os.py"))]
    return _showable(pythons, visible.hidden, (*visible.system, *visible.toolchains))


def _showable(wanted: list[Path], hidden: tuple[Path, ...], shown: tuple[Path, ...]) -> tuple[Path, ...]:
    chosen: list[Path] = []
    real = [Path(os.path.realpath(path)) for path in wanted]
    for path in sorted({*wanted, *real}, key=lambda path: (len(path.parts), path)):
        forbidden = str(path) in _TOP or any(secret.is_relative_to(path) for secret in hidden)
        covered = any(path.is_relative_to(above) for above in (*shown, *chosen))
        if not forbidden and not covered and places.is_folder(path):
            chosen.append(path)
    return tuple(chosen)


def _prefix_of(programs: Path) -> Path:
    parent = programs.parent
    return parent if any(os.access(parent / mark, os.F_OK) for mark in _PREFIX_MARKS) else programs
