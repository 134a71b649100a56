"""Where version managers, package managers and compilers keep what they have: one line a tool, as its manual says.

``{home}``, ``{cache}``, ``{data}`` and ``{config}`` stand for the person's own directories (``XDG_CACHE_HOME`` and
so on). What lies beside the directories named here, such as a file with a token, is not shown.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple


class Place(NamedTuple):
    """A tool's directory.

    The variable that moves it (or none), where it is otherwise (or nowhere), what of it is shown to read (``.`` is
    all of it), and what of it the tool writes to as well while it uses it.
    """

    variable: str
    usual: str
    shown: tuple[str, ...] = (".",)
    written: tuple[str, ...] = ()


_ALL = (".",)
_NONE: tuple[str, ...] = ()

PLACES = (
    # Version managers
    Place("PYENV_ROOT", "{home}/.pyenv"),
    Place("NVM_DIR", "{home}/.nvm"),
    Place("VOLTA_HOME", "{home}/.volta"),
    Place("FNM_DIR", "{data}/fnm"),
    Place("ASDF_DATA_DIR", "{home}/.asdf"),
    Place("MISE_DATA_DIR", "{data}/mise"),
    Place("RBENV_ROOT", "{home}/.rbenv"),
    Place("SDKMAN_DIR", "{home}/.sdkman", ("bin", "candidates", "etc", "src", "var")),
    Place("JENV_ROOT", "{home}/.jenv"),
    Place("", "{home}/.ghcup"),
    Place("", "{home}/.elan"),
    Place("", "{home}/.opam"),
    Place("", "{home}/.juliaup"),
    # Programs of the person's own
    Place("", "{home}/.local/bin"),
    Place("", "{home}/.local/lib"),
    # Python
    Place("UV_PYTHON_INSTALL_DIR", "{data}/uv/python"),
    Place("UV_TOOL_DIR", "{data}/uv/tools"),
    Place("UV_CACHE_DIR", "{cache}/uv", _NONE, _ALL),
    Place("PIPX_HOME", "{data}/pipx"),
    Place("", "{home}/.local/pipx"),
    Place("POETRY_HOME", "{data}/pypoetry"),
    Place("POETRY_VIRTUALENVS_PATH", "{cache}/pypoetry/virtualenvs"),
    Place("", "{data}/pdm/venvs"),
    Place("HATCH_DATA_DIR", "{data}/hatch", ("env", "pythons")),
    Place("WORKON_HOME", "{data}/virtualenvs"),
    Place("", "{home}/.virtualenvs"),
    Place("PRE_COMMIT_HOME", "{cache}/pre-commit"),
    Place("CONDA_PREFIX", ""),
    Place("", "{home}/miniconda3"),
    Place("", "{home}/anaconda3"),
    Place("", "{home}/miniforge3"),
    Place("", "{home}/mambaforge"),
    # JavaScript
    Place("COREPACK_HOME", "{cache}/node/corepack", _NONE, _ALL),
    Place("NPM_CONFIG_CACHE", "{home}/.npm", _NONE, ("_cacache", "_npx")),
    Place("PNPM_HOME", "{data}/pnpm"),
    Place("YARN_GLOBAL_FOLDER", "{home}/.yarn/berry", _NONE, ("cache",)),
    Place("YARN_CACHE_FOLDER", "{cache}/yarn", _NONE, _ALL),
    Place("BUN_INSTALL", "{home}/.bun", _ALL, ("install/cache",)),
    Place("DENO_INSTALL", "{home}/.deno"),
    Place("DENO_DIR", "{cache}/deno", _NONE, _ALL),
    Place("PLAYWRIGHT_BROWSERS_PATH", "{cache}/ms-playwright"),
    Place("PUPPETEER_CACHE_DIR", "{cache}/puppeteer"),
    Place("CYPRESS_CACHE_FOLDER", "{cache}/Cypress"),
    # Rust, C, C++
    Place("RUSTUP_HOME", "{home}/.rustup"),
    Place("CARGO_HOME", "{home}/.cargo", _ALL, ("registry", "git")),
    Place("SCCACHE_DIR", "{cache}/sccache", _NONE, _ALL),
    Place("CCACHE_DIR", "{cache}/ccache", _NONE, _ALL),
    # JVM
    Place("JAVA_HOME", ""),
    Place("", "{home}/.m2", ("wrapper",), ("repository",)),
    Place("GRADLE_USER_HOME", "{home}/.gradle", ("jdks",), ("caches", "wrapper")),
    Place("", "{home}/.sbt", ("boot",)),
    Place("", "{home}/.ivy2", _NONE, ("cache", "local")),
    Place("COURSIER_CACHE", "{cache}/coursier", _NONE, _ALL),
    # Haskell
    Place("CABAL_DIR", "{home}/.cabal", ("bin",), ("packages", "store")),
    Place("", "{cache}/cabal", _NONE, ("packages",)),
    Place("", "{home}/.local/state/cabal", _NONE, ("store",)),
    Place("STACK_ROOT", "{home}/.stack", _NONE, _ALL),
    # Others; Go tells itself, see ``toolchains``
    Place("", "{home}/perl5"),
    Place("R_LIBS_USER", "{home}/R"),
    Place("", "{home}/.luarocks", ("bin", "lib", "share")),
    Place("NIMBLE_DIR", "{home}/.nimble", ("bin", "pkgs", "pkgs2")),
    Place("", "{home}/.julia", ("artifacts", "packages", "registries"), ("compiled",)),
    Place("", "{home}/.lein", ("self-installs",)),
    Place("", "{home}/.dub", _NONE, ("cache", "packages")),
    Place("GOROOT", ""),
    Place("DOTNET_ROOT", "{home}/.dotnet"),
    Place("NUGET_PACKAGES", "{home}/.nuget/packages", _NONE, _ALL),
    Place("GEM_HOME", "{data}/gem"),
    Place("", "{home}/.gem", ("ruby",)),
    Place("COMPOSER_HOME", "{config}/composer", ("vendor",)),
    Place("COMPOSER_CACHE_DIR", "{cache}/composer", _NONE, _ALL),
    Place("HEX_HOME", "{home}/.hex", _NONE, ("packages",)),
    Place("MIX_HOME", "{home}/.mix"),
    Place("REBAR_CACHE_DIR", "{cache}/rebar3", _NONE, _ALL),
    Place("PUB_CACHE", "{home}/.pub-cache", ("bin", "global_packages", "hosted", "git")),
    # Debian's: to the first three lead links below `/usr`, and its GHC has no packages without the first
    Place("", "/var/lib/ghc"),
    Place("", "/var/lib/texmf"),
    Place("", "/var/lib/aspell"),
    Place("", "/var/lib/gems"),
)


class Base(NamedTuple):
    """The person's own directories, from which the others are named."""

    home: Path
    cache: Path
    data: Path
    config: Path


def base(environment: Mapping[str, str]) -> Base:
    """Where this person keeps what they have."""
    home = Path(environment.get("HOME") or "/nonexistent")

    def moved(variable: str, usual: str) -> Path:
        value = environment.get(variable, "")
        return Path(value) if value.startswith("/") else home / usual

    return Base(
        home=home,
        cache=moved("XDG_CACHE_HOME", ".cache"),
        data=moved("XDG_DATA_HOME", ".local/share"),
        config=moved("XDG_CONFIG_HOME", ".config"),
    )


def is_folder(path: Path) -> bool:
    """Whether there is a directory that may be looked into; no other answer is an error."""
    return os.access(path, os.R_OK | os.X_OK) and path.is_dir()


def of(place: Place, environment: Mapping[str, str]) -> Iterator[Path]:
    """The directories of a place: where a variable moves it, and where it is otherwise."""
    told = environment.get(place.variable, "") if place.variable else ""
    if told.startswith("/"):
        yield Path(told)
    elif place.usual:
        yield Path(place.usual.format(**base(environment)._asdict()))
