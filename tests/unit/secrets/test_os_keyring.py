"""The keyring: what is put into it is found again, and no store in plain text is ever used."""

import threading
import time
from types import SimpleNamespace
from typing import Any

import keyring
import pytest
from keyring.backends import fail, null
from tests.fixtures.file_keyring import FileKeyring

from wainwright.domain.errors import InputError
from wainwright.secrets import OsKeyring, os_keyring

NAMES = frozenset({"A_KEY", "B_KEY"})


class PlaintextKeyring(FileKeyring):
    """As `keyrings.alt` calls the one that writes to a plain file."""


def test_what_is_put_into_it_is_found_listed_and_removed(file_keyring: FileKeyring) -> None:
    assert OsKeyring().missing() == ""
    OsKeyring().put("A_KEY", "one")
    OsKeyring().put("B_KEY", "two")
    OsKeyring().put("A_KEY", "three")
    assert OsKeyring().find(NAMES) == {"A_KEY": "three", "B_KEY": "two"}
    assert OsKeyring().names() == NAMES
    assert OsKeyring().remove("A_KEY")
    assert not OsKeyring().remove("A_KEY")
    assert OsKeyring().find(NAMES) == {"B_KEY": "two"}
    assert OsKeyring().names() == {"B_KEY"}


@pytest.mark.parametrize(
    ("backend", "why"),
    [
        (fail.Keyring(), "none was found"),
        (null.Keyring(), "it keeps nothing"),
        (PlaintextKeyring(), "it would write to a plain file"),
        (SimpleNamespace(backends=[PlaintextKeyring(), null.Keyring()]), "it would write to a plain file"),
    ],
)
def test_a_store_that_keeps_nothing_safe_is_refused_by_name(
    file_keyring: FileKeyring, monkeypatch: pytest.MonkeyPatch, backend: Any, why: str
) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    assert why in OsKeyring().missing()
    assert OsKeyring().find(NAMES) == {}
    assert OsKeyring().names() == frozenset()
    with pytest.raises(InputError) as caught:
        OsKeyring().put("A_KEY", "one")
    assert "credentials.toml" in caught.value.hint
    assert "chmod 600" in caught.value.hint
    assert file_keyring._all() == {}


def test_of_several_stores_the_first_safe_one_is_used(
    file_keyring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = SimpleNamespace(backends=[PlaintextKeyring(), file_keyring])
    monkeypatch.setattr(keyring, "get_keyring", lambda: several)
    assert OsKeyring().missing() == ""


def test_without_a_session_nothing_is_imported_and_it_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring, "get_keyring", lambda: pytest.fail("asked"))
    assert "no desktop session" in OsKeyring().missing()
    assert OsKeyring().find(NAMES) == {}


def test_one_that_stays_locked_is_waited_for_a_while_only(
    file_keyring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    unlocked = threading.Event()
    monkeypatch.setattr(os_keyring, "PATIENCE_S", 0.05)
    monkeypatch.setattr(file_keyring, "get_password", lambda *_: unlocked.wait(10))
    began = time.monotonic()
    assert "did not answer within 0.05 s" in OsKeyring().missing()
    assert OsKeyring().find(NAMES) == {}
    assert time.monotonic() - began < 5
    unlocked.set()


def test_one_that_fails_is_told_without_its_words(
    file_keyring: FileKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: str) -> None:
        raise OSError("the secret is one")

    monkeypatch.setattr(file_keyring, "set_password", fails)
    with pytest.raises(InputError, match=r"it failed \(OSError\)") as caught:
        OsKeyring().put("A_KEY", "one")
    assert "the secret is" not in str(caught.value)
