"""Where settings are written, and who may turn them.

Three sources, later ones win:

1. the user's file, ``$XDG_CONFIG_HOME/wainwright/config.toml`` (or ``~/.config/...``): everything;
2. the workspace's ``wainwright.toml``: only what cannot harm. Anyone who can commit to the repository can
   write it, so it chooses no model, no key and no address, and may lower caps and autonomy but
   never raise them;
3. the command line (``overrides``): everything, because the person typed it.

``load`` is the only door; every refusal is an ``InputError`` that names the file, the key and what is
allowed.
"""

import json
import os
import re
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from wainwright import regular
from wainwright.domain.errors import InputError
from wainwright.domain.goal import AUTONOMIES
from wainwright.settings import Settings

CONFIG_FILE = "config.toml"
WORKSPACE_FILE = "wainwright.toml"

_FREE = frozenset(
    {
        "deploy.breach_after",
        "deploy.monitor_interval_s",
        "deploy.monitor_window_s",
        "editor.symbols",
        "parallel",
        "test.command",
        "test.commands",
        "test.timeout_s",
    }
)
"""What a workspace may set as it likes, one by one: a setting that is added is closed until it is named here."""
_LOWER_ONLY = frozenset(
    {
        "budget.call_tokens",
        "budget.call_usd",
        "budget.day_tokens",
        "budget.day_usd",
        "budget.requests",
        "budget.tokens",
        "budget.usd",
        "limits.repairs",
        "limits.run_wall_s",
        "limits.turns_per_task",
        "mutants.seconds",
    }
)
"""What a workspace may set lower than the person has it, named one by one."""
_ADDED = frozenset({"commands.ask", "commands.deny"})
"""To which a workspace may add: what the person has there stays."""
_WORKSPACE_KEYS = sorted(_FREE | _LOWER_ONLY | _ADDED | {"autonomy", "budget.unknown_price"})


def config_dir() -> Path:
    """The user's own directory for Wainwright's settings and credentials; it may not exist."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "wainwright"


def load(workspace: Path, *, overrides: Mapping[str, Any] | None = None, trusted: bool = True) -> Settings:
    """Read the settings that hold in ``workspace``.

    ``overrides`` is a nested mapping shaped like ``Settings``, from the command line. Of a workspace that is not
    ``trusted`` only what tightens holds. Raises
    ``InputError`` when a file cannot be read, a key is unknown, a value does not fit, or the workspace's file
    sets what it may not.
    """
    user_file, workspace_file = config_dir() / CONFIG_FILE, workspace / WORKSPACE_FILE
    _require_own(user_file)
    user, local = _read(user_file), _read(workspace_file, beneath=workspace)
    mine = _check(user, str(user_file))
    _guard(local, _check(local, str(workspace_file)), mine, str(workspace_file))
    merged = _merge(_merge(user, local if trusted else _without(local, _FREE)), overrides or {})
    return _check(merged, "the command line")


def keep_default_model(model: str, api_base: str) -> Path:
    """Write into the user's own file which model is asked; where that is.

    Raises ``InputError`` for a model or an address that is none, and for a file that names another one already.
    """
    path = config_dir() / CONFIG_FILE
    _require_own(path)
    there = _read(path)
    if _check(there, str(path)).models.default:
        raise InputError(f"{path} names a model already.", "Change `default` under [models] there.")
    line = f"default = [{{ model = {json.dumps(model)}, api_base = {json.dumps(api_base)} }}]"
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    if "models" in there:
        text, placed = re.subn(
            r"(?m)^\[models\][^\n]*$", lambda header: f"{header[0]}\n{line}", text, count=1
        )
        if not placed:
            raise InputError(f"{path} has [models] in a form of its own.", f"Add to it: {line}")
    else:
        text = f"{text.rstrip()}\n\n[models]\n{line}\n".lstrip()
    try:
        _check(tomllib.loads(text), str(path))
        regular.write_private(path, text.encode())
    except tomllib.TOMLDecodeError:
        raise InputError(f"{path} has [models] in a form of its own.", f"Add to it: {line}") from None
    except OSError as error:
        raise InputError(
            f"{path}: cannot be written ({error.strerror}).", "Make its folder yours."
        ) from error
    return path


def json_schema() -> dict[str, Any]:
    """JSON schema of the settings file, with every key described."""
    return Settings.model_json_schema()


def _require_own(path: Path) -> None:
    """Raises InputError where others can say what a person's own settings are."""
    try:
        regular.only_mine(path.parent)
        regular.only_mine(path)
    except PermissionError as error:
        raise InputError(
            f"{error.filename or path}: {error.strerror}, so what it says may not be yours.",
            f"Look at it, then run: chmod go-w {path.parent} {path}; it has to be yours.",
        ) from None
    except OSError:
        return  # it is not there, or reading it says why


def _read(path: Path, *, beneath: Path | None = None) -> dict[str, Any]:
    try:
        return tomllib.loads(regular.read(path, regular.SMALL, beneath=beneath).decode())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}).", "Make it readable or remove it."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: is not TOML ({error}).", "Correct that line.") from error


def _check(values: Mapping[str, Any], source: str) -> Settings:
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise _explained(error, source) from error


def _explained(error: ValidationError, source: str) -> InputError:
    """Turn pydantic's first complaint into one sentence about one key."""
    first = error.errors(include_url=False)[0]
    loc = first["loc"]
    key = ".".join(str(part) for part in loc)
    if first["type"] == "extra_forbidden":
        known = ", ".join(sorted(_describe(loc[:-1]).get("properties", {})))
        return InputError(f"{source}: unknown key `{key}`.", f"Known keys there: {known}.")
    allowed = _describe(loc).get("description", "")
    # A key pasted where its variable's name belongs must not be shown.
    was = "" if loc[-1:] == ("api_key_env",) else f" (was {first['input']!r})"
    return InputError(f"{source}: `{key}`: {first['msg']}{was}.", allowed)


def _describe(loc: tuple[int | str, ...]) -> dict[str, Any]:
    """The schema node at ``loc``; empty when the path leads nowhere."""
    schema = json_schema()

    def resolved(node: dict[str, Any]) -> dict[str, Any]:
        return {**schema["$defs"][node["$ref"].rpartition("/")[2]], **node} if "$ref" in node else node

    node = schema
    for part in loc:
        below = node.get("items") if isinstance(part, int) else node.get("properties", {}).get(part)
        node = resolved(below or node.get("additionalProperties") or {})
    return node


def _guard(values: Mapping[str, Any], local: Settings, trusted: Settings, source: str) -> None:
    """Refuse what a repository may not decide."""
    for key in _leaves(values):
        if key not in _WORKSPACE_KEYS:
            allowed = ", ".join(_WORKSPACE_KEYS)
            raise InputError(
                f"{source}: `{key}` may not be set by a workspace.",
                f"Set it in {config_dir() / CONFIG_FILE}. A workspace may set: {allowed}.",
            )
        mine, theirs = _value(trusted, key), _value(local, key)
        if _loosens(key, mine, theirs):
            raise InputError(
                f"{source}: `{key} = {theirs}` is looser than your own setting ({mine}).",
                f"A workspace may only tighten it: change it here, or in {config_dir() / CONFIG_FILE}.",
            )


def _loosens(key: str, mine: Any, theirs: Any) -> bool:
    if key == "autonomy":
        return AUTONOMIES.index(theirs) > AUTONOMIES.index(mine)
    if key == "budget.unknown_price":
        return bool(mine == "refuse" and theirs != "refuse")
    if key in _LOWER_ONLY:
        return mine is not None and (theirs is None or theirs > mine)
    return False


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{key}.")
        else:
            yield key


def _without(values: Mapping[str, Any], keys: Collection[str], prefix: str = "") -> dict[str, Any]:
    """``values`` but for some leaves."""
    left = {name: value for name, value in values.items() if f"{prefix}{name}" not in keys}
    return {
        name: _without(value, keys, f"{prefix}{name}.") if isinstance(value, Mapping) else value
        for name, value in left.items()
    }


def _value(settings: Settings, key: str) -> Any:
    node: Any = settings
    for part in key.split("."):
        node = getattr(node, part)
    return node


def _merge(below: Mapping[str, Any], above: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    merged = dict(below)
    for name, value in above.items():
        under = merged.get(name)
        nested = isinstance(value, Mapping) and isinstance(under, Mapping)
        merged[name] = _merge(under, value, f"{prefix}{name}.") if nested and under is not None else value
        if f"{prefix}{name}" in _ADDED and under:
            merged[name] = [*under, *value]
    return merged
