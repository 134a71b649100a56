"""Where keys come from, and who is asked in which order."""

from pathlib import Path

import pytest
from tests.fixtures.file_keyring import FileKeyring
from tests.fixtures.vault_server import VaultServer

from wainwright.domain.errors import InputError
from wainwright.secrets import (
    DUMMY_KEY,
    MASK,
    OsKeyring,
    Redactor,
    keep_key,
    key_for,
    known_keys,
    resolve_keys,
    secrets_at_hand,
    sources,
    whereabouts,
)
from wainwright.settings import Candidate, Settings

OPENAI = Candidate(model="openai/gpt-5")
GROQ = Candidate(model="groq/llama", api_key_env="MY_GROQ")
LOCAL = Candidate(model="hosted_vllm/qwen", api_base="http://127.0.0.1:1/v1")
NAMES = ("IN_ENVIRONMENT", "IN_FILE", "IN_KEYRING", "IN_VAULT", "NOWHERE")


def asking(*candidates: Candidate, vault: VaultServer | None = None, **models: object) -> Settings:
    told: dict[str, object] = {"models": {"default": candidates, **models}}
    return Settings.model_validate({**told, "vault": {"url": vault.url}} if vault else told)


def test_the_environment_goes_before_the_file(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.write_text('OPENAI_API_KEY = "from-file"\nMY_GROQ = "groq-file"\nOTHER = "unused"\n')
    credentials.chmod(0o600)
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    assert resolve_keys(asking(OPENAI, GROQ, LOCAL)) == {
        "OPENAI_API_KEY": "from-environment",
        "MY_GROQ": "groq-file",
    }


def test_a_key_that_is_set_nowhere_is_left_out() -> None:
    keys = resolve_keys(asking(OPENAI, LOCAL))
    assert keys == {}
    assert key_for(OPENAI, keys) is None
    assert key_for(LOCAL, keys) == DUMMY_KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(credentials: Path, mode: int) -> None:
    credentials.write_text('OPENAI_API_KEY = "k"\n')
    credentials.chmod(mode)
    with pytest.raises(InputError) as caught:
        resolve_keys(asking(OPENAI))
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("text", ["OPENAI_API_KEY = sk-oops-0123456789", "OPENAI_API_KEY = 3"])
def test_a_broken_file_is_explained_without_its_text(credentials: Path, text: str) -> None:
    credentials.write_text(text)
    credentials.chmod(0o600)
    with pytest.raises(InputError) as caught:
        resolve_keys(asking(OPENAI))
    assert "sk-oops" not in str(caught.value)


def test_each_source_is_asked_for_what_no_earlier_one_has(
    credentials: Path, monkeypatch: pytest.MonkeyPatch, file_keyring: FileKeyring
) -> None:
    monkeypatch.setenv("IN_ENVIRONMENT", "environment")
    credentials.write_text("".join(f'{name} = "file"\n' for name in NAMES[:2]))
    credentials.chmod(0o600)
    for name in NAMES[:3]:
        OsKeyring().put(name, "keyring")
    monkeypatch.setenv("VAULT_TOKEN", "the-token")
    with VaultServer("the-token", dict.fromkeys(NAMES[:4], "vault")) as vault:
        wanted = [Candidate(model="a/b", api_key_env=name) for name in NAMES]
        settings = asking(*wanted, vault=vault)
        assert resolve_keys(settings) == {
            "IN_ENVIRONMENT": "environment",
            "IN_FILE": "file",
            "IN_KEYRING": "keyring",
            "IN_VAULT": "vault",
        }
        assert {name: where for name, where in whereabouts(settings)[0].items() if name in NAMES} == {
            "IN_ENVIRONMENT": ("environment", "credentials.toml", "keyring", "vault"),
            "IN_FILE": ("credentials.toml", "keyring", "vault"),
            "IN_KEYRING": ("keyring", "vault"),
            "IN_VAULT": ("vault",),
            "NOWHERE": (),
        }
        vault.asked.clear()
        assert resolve_keys(asking(wanted[0], wanted[2], vault=vault)).keys() == {
            "IN_ENVIRONMENT",
            "IN_KEYRING",
        }
        assert vault.asked == [], "nobody is asked for what is there already"
        assert set(secrets_at_hand(settings)) == {"environment", "file", "the-token"}
        assert vault.asked == [], "what is at hand is known without asking anybody"


def test_a_source_that_is_out_of_order_is_told_beside_what_the_others_have(
    credentials: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials.write_text("")
    credentials.chmod(0o644)
    monkeypatch.setenv("VAULT_TOKEN", "the-token")
    monkeypatch.setenv("OPENAI_API_KEY", "environment")
    with VaultServer("another", {}) as vault:
        found, wrong = whereabouts(asking(OPENAI, vault=vault))
    assert found["OPENAI_API_KEY"] == ("environment",)
    file, refused = wrong
    assert "can be read by others" in file
    assert "does not let the token read secret/wainwright" in refused


def test_the_order_of_the_sources_is_one_table() -> None:
    assert [source.name for source in sources(Settings())] == [
        "environment",
        "credentials.toml",
        "keyring",
        "vault",
    ]


def test_what_opens_vault_and_every_key_is_masked(
    monkeypatch: pytest.MonkeyPatch, file_keyring: FileKeyring
) -> None:
    (Path.home() / ".vault-token").write_text("an-opener-of-vaults")
    (Path.home() / ".vault-token").chmod(0o600)
    monkeypatch.setenv("MY_GROQ", "a-key-of-the-environment")
    OsKeyring().put("OPENAI_API_KEY", "a-key-of-the-keyring")
    vault_only = Candidate(model="a/b", api_key_env="IN_VAULT")
    with VaultServer("an-opener-of-vaults", {"IN_VAULT": "a-key-of-the-vault"}) as vault:
        settings = asking(OPENAI, GROQ, vault_only, vault=vault)
        redactor = Redactor(secrets_at_hand(settings))
        assert (
            redactor.redact("a-key-of-the-environment a-key-of-the-keyring") == f"{MASK} a-key-of-the-keyring"
        )
        resolve_keys(settings, redactor)
    said = "a-key-of-the-environment a-key-of-the-keyring a-key-of-the-vault an-opener-of-vaults"
    assert redactor.redact(said) == " ".join([MASK] * 4)


def test_who_is_known_to_have_a_key_is_asked_of_others_only_where_none_is_at_hand(
    monkeypatch: pytest.MonkeyPatch, file_keyring: FileKeyring
) -> None:
    names = frozenset({"OPENAI_API_KEY", "IN_VAULT"})
    monkeypatch.setenv("VAULT_TOKEN", "the-token")
    with VaultServer("the-token", {"IN_VAULT": "x"}) as vault:
        settings = asking(vault=vault)
        assert known_keys(settings, names) == {"IN_VAULT"}
        OsKeyring().put("OPENAI_API_KEY", "y")
        asked = len(vault.asked)
        assert known_keys(settings, names) == {"OPENAI_API_KEY"}
        file_keyring.delete_password("wainwright", "names of keys")
        vault.sealed = True
        assert known_keys(settings, names) == frozenset(), "one out of order has none"
        asked = len(vault.asked)
        monkeypatch.setenv("IN_VAULT", "z")
        monkeypatch.setattr(file_keyring, "get_password", lambda *_: pytest.fail("asked"))
        assert known_keys(settings, names) == {"IN_VAULT"}
        assert len(vault.asked) == asked


def test_a_key_is_kept_in_the_file_where_there_is_no_keyring(credentials: Path) -> None:
    credentials.write_text('# mine\nOTHER = "o"\nOPENAI_API_KEY  = "old"\n')
    credentials.chmod(0o600)
    assert keep_key("OPENAI_API_KEY", 'new "quoted"') == "credentials.toml"
    assert keep_key("MY_GROQ", "groq") == "credentials.toml"
    assert (
        credentials.read_text()
        == '# mine\nOTHER = "o"\nOPENAI_API_KEY = "new \\"quoted\\""\nMY_GROQ = "groq"\n'
    )
    assert resolve_keys(asking(OPENAI, GROQ)) == {"OPENAI_API_KEY": 'new "quoted"', "MY_GROQ": "groq"}
