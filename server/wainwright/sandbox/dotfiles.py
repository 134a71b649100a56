"""What commands find of the settings files in the person's home directory: what chooses, never what opens a door.

Each file is read by us and written anew, key by key from a list; what is not named here does not exist inside. A line
that looks like a secret is left out, whatever its key.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from xml.etree import ElementTree

from wainwright.sandbox import places

SECRET = re.compile(r"(?i)passw|secret|token|api.?key|credential|_auth|://[^/\s]*@")
_LARGEST = 1_000_000

_NPM = re.compile(
    r"(?:engine-strict|legacy-peer-deps|ignore-scripts|script-shell|node-linker|node-options|shamefully-hoist|"
    r"public-hoist-pattern(?:\[\])?|package-import-method|store-dir|prefix|cache|save-exact|auto-install-peers)\s*=.*"
)
_GRADLE = re.compile(r"org\.gradle\.[\w.]+\s*[=:].*")
_BUNDLER = re.compile(
    r"BUNDLE_(?:PATH|WITHOUT|WITH|JOBS|DEPLOYMENT|FROZEN|BIN|DISABLE_SHARED_GEMS)\w*:.*|---"
)
_VERSION = re.compile(r"\s*[\w./@:-]+(\s+[\w./@:+-]+)+\s*")
_CABAL = re.compile(
    r"(?!\s*(?:--|user-?name))\s*[\w-]+(?:\s+[\w.-]+)?:.*|\s*(?:repository|source-repository-package)\b.*"
)
_GO = re.compile(r"(C?GO(?!PROXY|AUTH)[A-Z0-9_]*|AR|CC|CXX|FC|PKG_CONFIG)=.*")


def found(environment: Mapping[str, str]) -> dict[str, str]:
    """Path below the home directory -> what stands there inside. What is empty then is left out."""
    base = places.base(environment)
    files = {name: kept(text(Path(where.format(**base._asdict())))) for name, (where, kept) in _FILES.items()}
    return {name: shown for name, shown in files.items() if shown}


def text(path: Path) -> str:
    """A settings file of the person's; empty when it is missing, is no plain file, or is no text."""
    try:
        if path.is_file() and path.stat().st_size <= _LARGEST:
            return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        pass
    return ""


def go(settings: str) -> str:
    """What the person set with ``go env -w``; not where modules are fetched from."""
    return _lines(_GO)(settings)


def maven_repository(settings: str, home: Path) -> Path | None:
    """Where Maven keeps artifacts, if its settings move them."""
    root = _xml(settings)
    local = None if root is None else root.find("{*}localRepository")
    return (
        Path(local.text.strip().replace("${user.home}", str(home)))
        if local is not None and local.text
        else None
    )


def _lines(wanted: re.Pattern[str]) -> Callable[[str], str]:
    def kept(settings: str) -> str:
        chosen = (
            line for line in settings.splitlines() if wanted.fullmatch(line) and not SECRET.search(line)
        )
        return "".join(f"{line}\n" for line in chosen)

    return kept


def _tables(*wanted: str) -> Callable[[str], str]:
    """Tables of a TOML file, with those of their values that are plain."""

    def kept(settings: str) -> str:
        values = _toml(settings)
        rows = []
        for name in wanted:
            table = values.get(name)
            plain = [*_plain(table)] if isinstance(table, dict) else []
            rows += [f"[{name}]", *plain] if plain else []
        return "".join(f"{row}\n" for row in rows)

    return kept


def _plain(table: Mapping[str, object]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, str | bool | int):
            row = f"{json.dumps(key)} = {json.dumps(value)}"
            if not SECRET.search(row):
                yield row


def _cargo(settings: str) -> str:
    """Cargo's own directory is shown; only a file with a secret in it has to be another one."""
    if not SECRET.search(settings):
        return ""
    return "".join(f"{line}\n" for line in settings.splitlines() if not SECRET.search(line))


def _maven(settings: str) -> str:
    """Mirrors and profiles tell Maven which of the artifacts it has are the right ones."""
    root = _xml(settings)
    if root is None:
        return ""
    for parent in [*root.iter()]:
        # Maven knows its own elements, and no prefix of a name space.
        parent.tag, parent.attrib = parent.tag.rpartition("}")[2], {}
        for child in [*parent]:
            tag = child.tag.rpartition("}")[2]
            if tag in ("servers", "proxies") or SECRET.search(f"{tag} {child.text or ''}"):
                parent.remove(child)
    return ElementTree.tostring(root, encoding="unicode")


def _toml(settings: str) -> dict[str, object]:
    try:
        return tomllib.loads(settings)
    except tomllib.TOMLDecodeError:
        return {}


def _xml(settings: str) -> ElementTree.Element | None:
    # A document type may name entities, and those other files.
    if not settings or "<!DOCTYPE" in settings:
        return None
    try:
        return ElementTree.fromstring(settings)  # noqa: S314 - the person's own file, without a document type
    except ElementTree.ParseError:
        return None


_FILES: Mapping[str, tuple[str, Callable[[str], str]]] = {
    ".tool-versions": ("{home}/.tool-versions", _lines(_VERSION)),
    ".config/mise/config.toml": ("{config}/mise/config.toml", _tables("tools")),
    ".config/pypoetry/config.toml": ("{config}/pypoetry/config.toml", _tables("virtualenvs")),
    ".config/git/ignore": ("{config}/git/ignore", str),
    ".npmrc": ("{home}/.npmrc", _lines(_NPM)),
    ".config/pnpm/rc": ("{config}/pnpm/rc", _lines(_NPM)),
    ".cargo/config.toml": ("{home}/.cargo/config.toml", _cargo),
    ".cargo/config": ("{home}/.cargo/config", _cargo),
    ".m2/settings.xml": ("{home}/.m2/settings.xml", _maven),
    ".gradle/gradle.properties": ("{home}/.gradle/gradle.properties", _lines(_GRADLE)),
    ".bundle/config": ("{home}/.bundle/config", _lines(_BUNDLER)),
    ".rspec": ("{home}/.rspec", str),
    ".cabal/config": ("{home}/.cabal/config", _lines(_CABAL)),
    ".config/cabal/config": ("{config}/cabal/config", _lines(_CABAL)),
}
