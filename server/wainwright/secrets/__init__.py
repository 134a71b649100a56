"""Secrets: where keys come from, and how they are kept out of everything that is stored or shown.

Keys come from the environment, ``credentials.toml`` in the user's configuration directory, the keyring of the
operating system or HashiCorp Vault (in this order, ``keys.sources``), never from a workspace. They go to the model
gateway and nowhere else, the one to sign with not even there; a ``Redactor`` masks them in any text on its way to
disk or to a screen.
"""

from wainwright.secrets.keys import (
    SIGNING_KEY,
    keep_key,
    key_for,
    key_name,
    known_keys,
    names_wanted,
    resolve_keys,
    secrets_at_hand,
    sources,
    whereabouts,
)
from wainwright.secrets.os_keyring import OsKeyring
from wainwright.secrets.redactor import DUMMY_KEY, MASK, Redactor
from wainwright.secrets.signing import Signer, new_key, signer
from wainwright.secrets.sources import CREDENTIALS_FILE

__all__ = [
    "CREDENTIALS_FILE",
    "DUMMY_KEY",
    "MASK",
    "SIGNING_KEY",
    "OsKeyring",
    "Redactor",
    "Signer",
    "keep_key",
    "key_for",
    "key_name",
    "known_keys",
    "names_wanted",
    "new_key",
    "resolve_keys",
    "secrets_at_hand",
    "signer",
    "sources",
    "whereabouts",
]
