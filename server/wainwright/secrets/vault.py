"""Keys from HashiCorp Vault: one secret of a KV engine of version 2, whose fields are named as the variables are."""

import contextlib
import os
from pathlib import Path
from typing import Any, ClassVar

from wainwright.domain.errors import InputError
from wainwright.secrets.sources import read_own
from wainwright.settings import VaultSettings

TOKEN = "VAULT_TOKEN"  # noqa: S105 - the name of the variable
TOKEN_FILE = ".vault-token"  # noqa: S105 - where Vault's own command line keeps it
PATIENCE_S = 10


class Vault:
    """The secret at ``path`` of the server at ``url``; has nothing where no address is set."""

    name: ClassVar[str] = "vault"
    elsewhere: ClassVar[bool] = True

    def __init__(self, settings: VaultSettings) -> None:
        self._settings = settings

    def find(self, names: frozenset[str]) -> dict[str, str]:
        """Those that are fields of the secret."""
        return {name: value for name, value in self._stored().items() if name in names}

    def names(self) -> frozenset[str]:
        """All fields of the secret."""
        return frozenset(self._stored())

    def _stored(self) -> dict[str, str]:
        if self._settings.url is None:
            return {}
        fields = self._ask(self._settings.url, token())
        texts = {name: value.strip() for name, value in fields.items() if isinstance(value, str)}
        return {name: value for name, value in texts.items() if value}

    def _ask(self, url: str, opener: str) -> dict[str, Any]:
        if not opener:
            raise InputError(
                f"Vault at {url} wants a token, and there is none.",
                f"Run `vault login`, which writes ~/{TOKEN_FILE}, or set {TOKEN}.",
            )
        try:
            import hvac  # noqa: PLC0415 - an extra, and slow to import
        except ImportError:
            raise InputError(
                "Keys are to come from Vault, and the library for it is not installed.",
                "Install it with: pip install 'wainwright[vault]', or take [vault] out of your config.toml.",
            ) from None
        mount, _, path = self._settings.path.partition("/")
        # A redirect would take the token along to wherever it leads.
        client = hvac.Client(url=url, token=opener, timeout=PATIENCE_S, allow_redirects=False)
        try:
            with contextlib.closing(client.adapter):
                answer = client.secrets.kv.v2.read_secret_version(
                    path=path, mount_point=mount, raise_on_deleted_version=True
                )
            fields: dict[str, Any] = dict(answer["data"]["data"])
        except Exception as error:  # noqa: BLE001 - of three libraries; their words may quote what was sent
            raise self._explained(url, type(error).__name__) from None
        return fields

    def _explained(self, url: str, kind: str) -> InputError:
        place = self._settings.path
        match kind:
            case "Forbidden" | "Unauthorized":
                said, cure = (
                    f"does not let the token read {place}",
                    "Run `vault login` again, or mend its policy.",
                )
            case "InvalidPath":
                said = f"has no secret at {place}"
                cure = f"Write one: vault kv put {place} OPENAI_API_KEY=..., or correct `vault.path`."
            case "VaultDown":
                said, cure = "is sealed or not ready", "Unseal it, or wait."
            case "TypeError" | "KeyError" | "JSONDecodeError":
                said = f"answered for {place}, but not as a KV engine of version 2 does"
                cure = "Check `vault.url` and `vault.path`; a redirect is not followed."
            case _:
                said, cure = f"does not answer ({kind})", "Check `vault.url` and the network."
        return InputError(f"Vault at {url} {said}.", cure)


def token() -> str:
    """What opens Vault; empty when there is none. Raises ``InputError`` for a file that others can read."""
    if set_now := os.environ.get(TOKEN, "").strip():
        return set_now
    return (read_own(Path.home() / TOKEN_FILE) or b"").decode("utf-8", "replace").strip()
