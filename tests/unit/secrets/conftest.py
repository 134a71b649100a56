"""A home without keys, and the keyring of tests."""

from pathlib import Path

import keyring
import pytest
from tests.fixtures.file_keyring import PLACE, FileKeyring

from wainwright.secrets import SIGNING_KEY
from wainwright.settings_files import config_dir


@pytest.fixture(autouse=True)
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the credentials file would be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    keys = ("OPENAI_API_KEY", SIGNING_KEY, "VAULT_TOKEN")
    for name in (*keys, "DBUS_SESSION_BUS_ADDRESS", "PYTHON_KEYRING_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    config_dir().mkdir(parents=True)
    return config_dir() / "credentials.toml"


@pytest.fixture
def file_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FileKeyring:
    """The keyring of this machine, as far as anybody knows."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setenv(PLACE, str(tmp_path / "keyring.json"))
    made = FileKeyring()
    monkeypatch.setattr(keyring, "get_keyring", lambda: made)
    return made
