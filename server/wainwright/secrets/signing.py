"""The person's signing key: delivered commits, and statements about runs, are signed with it where there is one."""

import base64
import binascii
import os

from wainwright.domain.errors import InputError
from wainwright.secrets.keys import SIGNING_KEY, signing_key
from wainwright.secrets.redactor import Redactor
from wainwright.settings import Settings

_BYTES = 32


class Signer:
    """Signs by ed25519, with 32 secret bytes as base64. Raises ``InputError`` for what is none; it is not quoted."""

    def __init__(self, secret: str) -> None:
        # Most machines have no such key, and need not load it.
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

        try:
            raw = base64.b64decode(secret, validate=True)
        except (binascii.Error, ValueError):
            raw = b""
        if len(raw) != _BYTES:
            raise InputError(
                f"What {SIGNING_KEY} holds is no signing key: {_BYTES} bytes in base64 are wanted.",
                "`openssl rand -base64 32` makes one; `wainwright keys list` says where this one comes from.",
            )
        self._key = Ed25519PrivateKey.from_private_bytes(raw)
        self.public = base64.b64encode(self._key.public_key().public_bytes_raw()).decode()
        """The half that everybody may know, as base64."""

    def sign(self, content: bytes) -> str:
        """The signature of a content, as base64; the same each time."""
        return base64.b64encode(self._key.sign(content)).decode()


def signer(settings: Settings, redactor: Redactor) -> Signer | None:
    """Who signs, if anybody; ``redactor`` learns the key. Other programs may be asked: blocks.

    Raises ``InputError`` for a key, or a source of keys, that cannot be used.
    """
    secret = signing_key(settings)
    redactor.learn((secret,))
    return Signer(secret) if secret else None


def new_key() -> str:
    """A new secret for a ``Signer``."""
    return base64.b64encode(os.urandom(_BYTES)).decode()
