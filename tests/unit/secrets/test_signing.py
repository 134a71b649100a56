"""The key to sign with comes from where keys come from, and goes nowhere."""

import base64
from pathlib import Path

import pytest
from tests.fixtures.file_keyring import FileKeyring
from tests.fixtures.vault_server import VaultServer

from wainwright.domain.errors import InputError
from wainwright.secrets import (
    MASK,
    SIGNING_KEY,
    OsKeyring,
    Redactor,
    Signer,
    new_key,
    resolve_keys,
    secrets_at_hand,
    signer,
    whereabouts,
)
from wainwright.settings import Candidate, Settings

OPENAI = Candidate(model="openai/gpt-5")
SECRET = new_key()


def asking(vault: VaultServer | None = None) -> Settings:
    told: dict[str, object] = {"models": {"default": [OPENAI]}}
    return Settings.model_validate({**told, "vault": {"url": vault.url}} if vault else told)


def found(settings: Settings) -> str:
    by = signer(settings, Redactor())
    return by.public if by else ""


def test_nobody_signs_without_a_key() -> None:
    assert signer(asking(), Redactor()) is None


def test_each_source_can_have_it(
    credentials: Path, monkeypatch: pytest.MonkeyPatch, file_keyring: FileKeyring
) -> None:
    pytest.importorskip("hvac", reason="hvac, the library for Vault, is not installed")
    keys = {name: new_key() for name in ("environment", "file", "keyring", "vault")}
    public = {name: Signer(key).public for name, key in keys.items()}
    monkeypatch.setenv("VAULT_TOKEN", "the-token")
    with VaultServer("the-token", {SIGNING_KEY: keys["vault"]}) as vault:
        assert found(asking(vault)) == public["vault"]
        OsKeyring().put(SIGNING_KEY, keys["keyring"])
        assert found(asking(vault)) == public["keyring"]
        credentials.write_text(f'{SIGNING_KEY} = "{keys["file"]}"\n')
        credentials.chmod(0o600)
        assert found(asking(vault)) == public["file"]
        monkeypatch.setenv(SIGNING_KEY, keys["environment"])
        assert found(asking(vault)) == public["environment"]
        where = whereabouts(asking(vault))[0][SIGNING_KEY]
    assert where == ("environment", "credentials.toml", "keyring", "vault")


def test_it_does_not_go_to_the_gateway_and_is_masked_from_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIGNING_KEY, SECRET)
    monkeypatch.setenv("OPENAI_API_KEY", "of-the-provider")
    assert resolve_keys(asking()) == {"OPENAI_API_KEY": "of-the-provider"}
    assert SECRET in secrets_at_hand(asking())


def test_who_asks_for_it_masks_it_from_then_on(file_keyring: FileKeyring) -> None:
    OsKeyring().put(SIGNING_KEY, SECRET)
    redactor = Redactor()
    assert signer(asking(), redactor) is not None
    assert redactor.redact(f"it is {SECRET}.") == f"it is {MASK}."


@pytest.mark.parametrize(
    "wrong",
    ["no base64!", base64.b64encode(b"too short").decode(), f"{SECRET}AAAA", "é"],
    ids=["no-base64", "too-short", "too-long", "no-ascii"],
)
def test_what_is_no_key_is_not_quoted(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SIGNING_KEY, wrong)
    with pytest.raises(InputError, match="is no signing key") as caught:
        signer(asking(), Redactor())
    assert wrong not in str(caught.value)
    assert "openssl rand -base64 32" in caught.value.hint


def test_a_key_says_nothing_of_itself() -> None:
    by = Signer(SECRET)
    raw = base64.b64decode(SECRET)
    assert all(secret not in f"{by!r} {by} {vars(by)}" for secret in (SECRET, raw.hex(), repr(raw)))
