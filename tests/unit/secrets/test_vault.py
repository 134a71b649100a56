"""Vault, spoken with over HTTP: the fields of one secret, and every refusal in a sentence without the token."""

import socket
import sys
import time
from pathlib import Path

import pytest
from tests.fixtures.vault_server import VaultServer

from wainwright.domain.errors import InputError
from wainwright.secrets.vault import Vault
from wainwright.settings import Settings, VaultSettings

pytest.importorskip("hvac", reason="hvac, the library for Vault, is not installed")

TOKEN = "hvs.an-opener-of-vaults"
NAMES = frozenset({"A_KEY", "B_KEY"})


@pytest.fixture(autouse=True)
def token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAULT_TOKEN", TOKEN)


def test_the_fields_of_the_secret_are_keys() -> None:
    fields = {"A_KEY": " one ", "B_KEY": "", "C_KEY": 3, "D_KEY": "four"}
    with VaultServer(TOKEN, fields, mount="kv", path="teams/a/keys") as server:
        vault = Vault(VaultSettings(url=server.url, path="kv/teams/a/keys"))
        assert vault.find(NAMES) == {"A_KEY": "one"}
        assert vault.names() == {"A_KEY", "D_KEY"}
        assert set(server.asked) == {("/v1/kv/data/teams/a/keys", TOKEN)}


def test_without_an_address_nothing_is_asked() -> None:
    assert Vault(VaultSettings()).find(NAMES) == {}


def test_the_token_of_the_command_line_of_vault_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VAULT_TOKEN")
    place = Path.home() / ".vault-token"
    with VaultServer(TOKEN, {"A_KEY": "one"}) as server:
        vault = Vault(VaultSettings(url=server.url))
        with pytest.raises(InputError, match="wants a token") as caught:
            vault.find(NAMES)
        assert "vault login" in caught.value.hint
        place.write_text(f"{TOKEN}\n")
        place.chmod(0o644)
        with pytest.raises(InputError, match="can be read by others"):
            vault.find(NAMES)
        place.chmod(0o600)
        assert vault.find(NAMES) == {"A_KEY": "one"}


@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        ({"token": "another"}, "does not let the token read secret/wainwright"),
        ({"path": "elsewhere"}, "has no secret at secret/wainwright"),
        ({"deleted": True}, "has no secret at secret/wainwright"),
        ({"sealed": True}, "is sealed or not ready"),
        ({"body": b"<html>hello"}, "not as a KV engine of version 2 does"),
        ({"body": b'{"data": {"A_KEY": "one"}}'}, "not as a KV engine of version 2 does"),
        ({"body": b'{"data": {"data": null}}'}, "not as a KV engine of version 2 does"),
    ],
)
def test_what_goes_wrong_is_a_sentence_without_the_token(trouble: dict[str, object], told: str) -> None:
    with VaultServer(**{"token": TOKEN, "fields": {"A_KEY": "one"}, **trouble}) as server:  # type: ignore[arg-type]
        began = time.monotonic()
        with pytest.raises(InputError, match=told) as caught:
            Vault(VaultSettings(url=server.url)).find(NAMES)
        assert time.monotonic() - began < 5
    assert TOKEN not in str(caught.value)
    assert caught.value.hint


def test_a_redirect_does_not_take_the_token_along() -> None:
    with (
        VaultServer(TOKEN, {"A_KEY": "stolen"}) as other,
        VaultServer(TOKEN, {}, redirect=other.url) as server,
    ):
        with pytest.raises(InputError, match="not as a KV engine"):
            Vault(VaultSettings(url=server.url)).find(NAMES)
        assert other.asked == []


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InputError, match=r"does not answer \(ConnectionError\)"):
            Vault(VaultSettings(url=url)).find(NAMES)


def test_the_library_is_an_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hvac", None)
    with pytest.raises(InputError, match="is not installed") as caught:
        Vault(VaultSettings(url="https://vault.example.org")).find(NAMES)
    assert "wainwright[vault]" in caught.value.hint


@pytest.mark.parametrize(
    "url", ["http://vault.example.org", "http://localhost.example.org", "vault", "https://"]
)
def test_the_token_is_sent_in_clear_to_nobody_else(url: str) -> None:
    with pytest.raises(ValueError, match="url"):
        Settings.model_validate({"vault": {"url": url}})
