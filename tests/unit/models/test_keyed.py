"""Keys are looked up when a model is first asked, and a source that is out of order stops nothing else."""

from pathlib import Path

import pytest
from tests.fixtures.openai_server import OpenAIServer, Rule, say
from tests.fixtures.vault_server import VaultServer
from tests.unit.models.support import Books
from tests.unit.models.test_router import asking

from wainwright.domain.errors import ModelRejected
from wainwright.models.router import Models
from wainwright.secrets import MASK
from wainwright.settings import Settings

pytest.importorskip("hvac", reason="hvac, the library for Vault, is not installed")

KEY = "a-key-of-the-vault"


def settings(vault: VaultServer, server: OpenAIServer) -> Settings:
    candidate = {"model": "openai/any", "api_base": server.base, "api_key_env": "IN_VAULT"}
    return Settings.model_validate({"models": {"default": [candidate]}, "vault": {"url": vault.url}})


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    for name in ("DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND", "VAULT_TOKEN"):
        monkeypatch.delenv(name, raising=False)


async def test_keys_are_looked_up_once_when_a_model_is_first_asked(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAULT_TOKEN", "the-token-of-vault")
    with (
        VaultServer("the-token-of-vault", {"IN_VAULT": KEY}, sealed=True) as vault,
        OpenAIServer([Rule(say("yes"))], api_key=KEY) as server,
    ):
        models = Models.connect(settings(vault, server))
        assert vault.asked == [], "who only looks at runs asks nobody"
        await models.warm()
        with pytest.raises(ModelRejected, match="is sealed or not ready"):
            await models.ask(books.steps(), asking())
        assert models.redactor.redact(KEY) == KEY

        vault.sealed = False
        before = len(vault.asked)
        assert (await models.ask(books.steps(), asking())).text == "yes"
        assert (await models.ask(books.steps("/other"), asking())).text == "yes"
        assert len(vault.asked) == before + 1
        assert models.redactor.redact(f"{KEY} the-token-of-vault") == f"{MASK} {MASK}"
        await models.close()


async def test_one_that_was_never_asked_is_closed(books: Books) -> None:
    with VaultServer("t", {}) as vault, OpenAIServer() as server:
        models = Models.connect(settings(vault, server))
        await models.close()
        with pytest.raises(ModelRejected, match="wants a token"):
            await models.ask(books.steps(), asking())
