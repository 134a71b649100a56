"""Keys in the keyring of the operating system: Secret Service, KWallet, macOS Keychain, Windows Credential Manager.

The library is slow to import, so it is when a key is wanted that is nowhere else. It would also write to plain files
where it finds nothing better: those of its stores are refused.
"""

import json
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import structlog

from wainwright.domain.errors import InputError
from wainwright.secrets.sources import CREDENTIALS_FILE
from wainwright.settings_files import config_dir

log = structlog.get_logger()

SERVICE = "wainwright"
PATIENCE_S = 60.0
"""How long the person may take to unlock it, in seconds."""
_LIST = "names of keys"
"""The entry that holds the names of the others: the systems' own lists are not all within reach."""
_REFUSED = {
    "fail": "none was found",
    "null": "it keeps nothing",
    "plaintext": "it would write to a plain file",
}

T = TypeVar("T")


class OsKeyring:
    """What was put into the keyring with ``wainwright keys set``."""

    name: ClassVar[str] = "keyring"
    elsewhere: ClassVar[bool] = True

    def find(self, names: frozenset[str]) -> dict[str, str]:
        """Those that were put into it; none where there is no keyring, or while it stays locked."""
        try:
            return _in_time(lambda: _some(_store(), names))
        except InputError as error:
            log.info("keyring.not_asked", reason=error.message)
            return {}

    def names(self) -> frozenset[str]:
        """The names of all that were put into it; none where there is no keyring."""
        try:
            return _in_time(lambda: frozenset(_listed(_store())))
        except InputError:
            return frozenset()

    def missing(self) -> str:
        """Why it cannot be used, in a sentence; empty when it can."""
        try:
            _in_time(lambda: _listed(_store()))
        except InputError as error:
            return error.message
        return ""

    def put(self, name: str, value: str) -> None:
        """Keep a key. Raises ``InputError`` where there is no keyring that can be used."""

        def work() -> None:
            store = _store()
            store.set_password(SERVICE, name, value)
            _list(store, {*_listed(store), name})

        _in_time(work)

    def remove(self, name: str) -> bool:
        """Forget a key; whether there was one. Raises ``InputError`` like ``put``."""

        def work() -> bool:
            store = _store()
            _list(store, set(_listed(store)) - {name})
            if store.get_password(SERVICE, name) is None:
                return False
            store.delete_password(SERVICE, name)
            return True

        return _in_time(work)


def _some(store: Any, names: frozenset[str]) -> dict[str, str]:
    found = {name: (store.get_password(SERVICE, name) or "").strip() for name in sorted(names)}
    return {name: value for name, value in found.items() if value}


def _listed(store: Any) -> list[str]:
    try:
        names = json.loads(store.get_password(SERVICE, _LIST) or "[]")
    except ValueError:
        return []
    return [name for name in names if isinstance(name, str)] if isinstance(names, list) else []


def _list(store: Any, names: set[str]) -> None:
    store.set_password(SERVICE, _LIST, json.dumps(sorted(names)))


def _store() -> Any:
    """The keyring that keeps secrets safe here. Raises ``InputError``."""
    if _nothing_to_find():
        raise _none("no desktop session is open (DBUS_SESSION_BUS_ADDRESS is not set)")
    import keyring  # noqa: PLC0415 - takes a quarter of a second

    chosen = keyring.get_keyring()
    several = getattr(chosen, "backends", None) or [chosen]
    reasons = []
    for one in several:
        told = f"{type(one).__module__}.{type(one).__name__}".lower()
        reason = next((why for word, why in _REFUSED.items() if word in told), "")
        if not reason:
            return one
        reasons.append(f"{type(one).__module__}.{type(one).__name__}: {reason}")
    raise _none("; ".join(reasons))


def _nothing_to_find() -> bool:
    """Whether the import can be spared: on Linux the keyrings of desktops are reached over the session's bus."""
    base = os.environ.get("XDG_CONFIG_HOME", "")
    settings = (Path(base) if Path(base).is_absolute() else Path.home() / ".config") / "python_keyring"
    chosen = "PYTHON_KEYRING_BACKEND" in os.environ or (settings / "keyringrc.cfg").exists()
    return sys.platform.startswith("linux") and "DBUS_SESSION_BUS_ADDRESS" not in os.environ and not chosen


def _none(why: str) -> InputError:
    return InputError(
        f"There is no keyring that can be used: {why}.",
        f"Set the key as a variable, or put it into {config_dir() / CREDENTIALS_FILE} (chmod 600).",
    )


def _in_time(work: Callable[[], T]) -> T:
    """Do what may wait for the person, for a while only. Raises ``InputError``."""
    done: Future[T] = Future()

    def act() -> None:
        try:
            done.set_result(work())
        except BaseException as error:  # noqa: BLE001 - handed on
            done.set_exception(error)

    # Not a pool: its threads would hold the program up at its end.
    threading.Thread(target=act, daemon=True, name="keyring").start()
    try:
        return done.result(PATIENCE_S)
    except InputError:
        raise
    except TimeoutError:
        raise _none(f"it did not answer within {PATIENCE_S:g} s") from None
    except Exception as error:  # noqa: BLE001 - each store has errors of its own
        raise _none(f"it failed ({type(error).__name__})") from None
