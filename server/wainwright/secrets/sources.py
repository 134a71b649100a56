"""Where keys may be: the environment, and a file of the person's own."""

import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import ClassVar, Protocol

from wainwright import regular
from wainwright.domain.errors import InputError
from wainwright.settings_files import config_dir

CREDENTIALS_FILE = "credentials.toml"


class Source(Protocol):
    """Something that has keys by the name of their variable."""

    name: ClassVar[str]
    """As a person is told it."""
    elsewhere: ClassVar[bool]
    """Whether another program is asked, which may take its time, or ask the person."""

    def find(self, names: frozenset[str]) -> dict[str, str]:
        """Those of ``names`` that it has. Raises ``InputError`` when it is set up and cannot be used."""
        ...

    def names(self) -> frozenset[str]:
        """The names of all keys that it has, as far as it can tell. Raises ``InputError`` like ``find``."""
        ...


class Environment:
    """Variables of the process."""

    name: ClassVar[str] = "environment"
    elsewhere: ClassVar[bool] = False

    def find(self, names: frozenset[str]) -> dict[str, str]:
        """Those that are set."""
        return {name: value for name in names if (value := os.environ.get(name, "").strip())}

    def names(self) -> frozenset[str]:
        """None: which variables are keys cannot be told."""
        return frozenset()


class CredentialsFile:
    """``credentials.toml`` in the user's configuration directory: a flat table of strings, its owner's alone."""

    name: ClassVar[str] = CREDENTIALS_FILE
    elsewhere: ClassVar[bool] = False

    def find(self, names: frozenset[str]) -> dict[str, str]:
        """Those that are in the file."""
        return {name: value for name, value in self._stored().items() if name in names}

    def names(self) -> frozenset[str]:
        """All names in the file."""
        return frozenset(self._stored())

    def put(self, name: str, value: str) -> None:
        """Keep a key, in place of one of that name. Raises ``InputError`` for a file that cannot be used."""
        self._stored()
        path = config_dir() / CREDENTIALS_FILE
        line = f"{name} = {json.dumps(value)}"
        lines = (read_own(path) or b"").decode().splitlines()
        there = [number for number, one in enumerate(lines) if re.match(rf"{re.escape(name)}\s*=", one)]
        if there:
            lines[there[0]] = line  # TOML takes no name twice
        else:
            lines.append(line)
        try:
            regular.write_private(path, "\n".join([*lines, ""]).encode())
        except OSError as error:
            raise InputError(
                f"{path}: cannot be written ({error.strerror}).", "Make its folder yours."
            ) from error

    def _stored(self) -> dict[str, str]:
        path = config_dir() / CREDENTIALS_FILE
        example = 'Write lines such as OPENAI_API_KEY = "..."'
        text = read_own(path)
        try:
            values = tomllib.loads((text or b"").decode())
        except (tomllib.TOMLDecodeError, UnicodeDecodeError):
            # The parser's message may quote the line, and the line may hold a key.
            raise InputError(f"{path}: is not TOML.", example) from None
        if not all(isinstance(value, str) for value in values.values()):
            raise InputError(f"{path}: every value must be a string.", example)
        return {name: value.strip() for name, value in values.items() if value.strip()}


def read_own(path: Path) -> bytes | None:
    """The bytes of a file with secrets, or None when there is none.

    Raises ``InputError`` for one that others can read, or that cannot be read.
    """
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise InputError(f"{path} can be read by others.", f"Run: chmod 600 {path}")
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}).", "Make it readable or remove it."
        ) from error
