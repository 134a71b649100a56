"""What of this machine a command may see besides its tree: an allow-list, found once for each sandbox.

System directories, toolchains, interpreters. Never the rest of the home directory, never what a stranger on this
machine could not read, never a credentials file that lies inside a toolchain.
"""

import os
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path

from pydantic import BaseModel, ConfigDict

_SYSTEM = ("usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32", "etc", "opt", "nix")

_HOME_TOOLCHAINS = (
    ".pyenv", ".cargo", ".rustup", ".nvm", ".volta", ".asdf", ".rbenv", ".sdkman", ".deno", ".bun", ".dotnet",
    ".juliaup", ".ghcup", ".elan", ".opam", ".local/bin", ".local/lib", ".local/share/uv", ".local/share/mise",
    ".local/share/fnm", ".local/share/pnpm", ".m2/repository", ".gradle/caches", ".gradle/wrapper", "go/bin",
    "go/pkg", "miniconda3", "anaconda3", "miniforge3", "mambaforge",
)  # fmt: skip

# Variable -> what below its directory is shown. A GOPATH holds the person's sources too.
_TOOLCHAIN_VARIABLES = {
    **dict.fromkeys(
        ("CARGO_HOME", "RUSTUP_HOME", "PYENV_ROOT", "NVM_DIR", "VOLTA_HOME", "ASDF_DATA_DIR"), (".",)
    ),
    **dict.fromkeys(
        ("RBENV_ROOT", "GOROOT", "JAVA_HOME", "DOTNET_ROOT", "DENO_INSTALL", "BUN_INSTALL"), (".",)
    ),
    **dict.fromkeys(("UV_PYTHON_INSTALL_DIR", "CONDA_PREFIX"), (".",)),
    "GOPATH": ("bin", "pkg"),
}

_CREDENTIALS = (
    "credentials*", ".credentials*", ".git-credentials", "auth.json", ".npmrc", ".pypirc", ".netrc", "*.pem", "*.key",
)  # fmt: skip

# A directory of programs whose parent holds one of these needs that parent: the programs load it.
_PREFIX_MARKS = ("pyvenv.cfg", "conda-meta", "lib/node_modules", "pkg/tool", "lib/rustlib")

_TOP = ("/", "/tmp", "/home", "/root", "/proc", "/sys", "/dev", "/run", "/var", "/mnt", "/media", "/srv")  # noqa: S108


class Visible(BaseModel):
    """The allow-list. Every directory is shown read-only at its own path."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path
    hidden: tuple[Path, ...]
    links: tuple[tuple[str, Path], ...]
    system: tuple[Path, ...]
    toolchains: tuple[Path, ...]
    masked: tuple[Path, ...]
    search_path: tuple[Path, ...]
    variables: dict[str, str]


def survey(environment: Mapping[str, str], hidden: Iterable[Path]) -> Visible:
    """Look at this machine. No directory that contains one of ``hidden`` (or the home directory) is ever shown."""
    home = Path(environment.get("HOME") or "/nonexistent")
    kept_out = (home, Path(os.path.realpath(home)), *hidden)
    roots = [Path("/") / name for name in _SYSTEM]
    system = tuple(root for root in roots if root.is_dir() and not root.is_symlink())
    search_path = tuple(
        Path(part) for part in environment.get("PATH", os.defpath).split(":") if part.startswith("/")
    )
    variables = {
        name: value for name in _TOOLCHAIN_VARIABLES if (value := environment.get(name, "")).startswith("/")
    }
    wanted = [
        *(home / name for name in _HOME_TOOLCHAINS),
        *(Path(value) / below for name, value in variables.items() for below in _TOOLCHAIN_VARIABLES[name]),
        *(_prefix_of(directory) for directory in search_path),
        Path(sys.base_prefix),
    ]
    toolchains = _showable(wanted, kept_out, system)
    return Visible(
        home=home,
        hidden=kept_out,
        links=tuple((str(root.readlink()), root) for root in roots if root.is_symlink()),
        system=system,
        toolchains=toolchains,
        masked=(*_closed_to_strangers(Path("/etc")), *_credentials(toolchains)),
        search_path=search_path,
        variables=variables,
    )


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
    for path in sorted({*wanted, *real}, key=lambda path: len(path.parts)):
        forbidden = str(path) in _TOP or any(secret.is_relative_to(path) for secret in hidden)
        covered = any(path.is_relative_to(above) for above in (*shown, *chosen))
        if not forbidden and not covered and path.is_dir():
            chosen.append(path)
    return tuple(chosen)


def _prefix_of(programs: Path) -> Path:
    parent = programs.parent
    return parent if any((parent / mark).exists() for mark in _PREFIX_MARKS) else programs


def _closed_to_strangers(root: Path) -> Iterator[Path]:
    """What below ``root`` is not readable for everybody: root inside a user namespace still owns it."""
    try:
        entries = sorted(os.scandir(root), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        mode = entry.stat(follow_symlinks=False).st_mode
        if stat.S_ISLNK(mode):
            continue
        if not mode & stat.S_IROTH:
            yield Path(entry.path)
        elif stat.S_ISDIR(mode):
            yield from _closed_to_strangers(Path(entry.path))


def _credentials(toolchains: Iterable[Path]) -> Iterator[Path]:
    for directory in toolchains:
        for entry in os.scandir(directory):
            if not entry.is_symlink() and any(fnmatch(entry.name, pattern) for pattern in _CREDENTIALS):
                yield Path(entry.path)
