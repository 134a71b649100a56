"""Secrets: where keys come from, and that none of them survives redaction."""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.domain.errors import InputError
from wainwright.secrets import DUMMY_KEY, MASK, Redactor, key_for, resolve_keys
from wainwright.settings import Candidate, config_dir

OPENAI = Candidate(model="openai/gpt-5")
GROQ = Candidate(model="groq/llama", api_key_env="MY_GROQ")
LOCAL = Candidate(model="hosted_vllm/qwen", api_base="http://127.0.0.1:1/v1")


@pytest.fixture(autouse=True)
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config_dir().mkdir(parents=True)
    return config_dir() / "credentials.toml"


def test_the_environment_goes_before_the_file(credentials: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    credentials.write_text('OPENAI_API_KEY = "from-file"\nMY_GROQ = "groq-file"\nOTHER = "unused"\n')
    credentials.chmod(0o600)
    monkeypatch.setenv("OPENAI_API_KEY", "from-environment")
    assert resolve_keys([OPENAI, GROQ, LOCAL]) == {
        "OPENAI_API_KEY": "from-environment",
        "MY_GROQ": "groq-file",
    }


def test_a_key_that_is_set_nowhere_is_left_out() -> None:
    keys = resolve_keys([OPENAI, LOCAL])
    assert keys == {}
    assert key_for(OPENAI, keys) is None
    assert key_for(LOCAL, keys) == DUMMY_KEY


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(credentials: Path, mode: int) -> None:
    credentials.write_text('OPENAI_API_KEY = "k"\n')
    credentials.chmod(mode)
    with pytest.raises(InputError) as caught:
        resolve_keys([OPENAI])
    assert "chmod 600" in caught.value.hint


@pytest.mark.parametrize("text", ["OPENAI_API_KEY = sk-oops-0123456789", "OPENAI_API_KEY = 3"])
def test_a_broken_file_is_explained_without_its_text(credentials: Path, text: str) -> None:
    credentials.write_text(text)
    credentials.chmod(0o600)
    with pytest.raises(InputError) as caught:
        resolve_keys([OPENAI])
    assert "sk-oops" not in str(caught.value)


@given(
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40),
    before=st.binary(max_size=7),
    after=st.binary(max_size=7),
)
def test_no_encoding_of_a_secret_survives(secret: str, before: bytes, after: bytes) -> None:
    redactor = Redactor([secret])
    encoded = base64.b64encode(before + secret.encode() + after).decode()
    for text in (f"a {secret} b", f"key={quote(secret, safe='')}&x", json.dumps({"k": secret})):
        redacted = redactor.redact(text)
        assert MASK in redacted
        assert redactor.redact(redacted) == redacted
    assert MASK in redactor.redact(encoded)
    assert MASK in redactor.redact(base64.urlsafe_b64encode(before + secret.encode() + after).decode())


@pytest.mark.parametrize(
    "text",
    [
        "sk-proj-abcDEF0123456789abcDEF0123456789",
        "ghp_0123456789abcdefghij0123456789abcdef",
        "AKIAIOSFODNN7EXAMPLE",
        "AIzaSyA0123456789abcdefghijklmnopqrstuv",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\\nMIIabc\\n-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl cut off in the mid",
    ],
)
def test_the_shapes_of_keys_are_masked(text: str) -> None:
    assert Redactor().redact(f"x = '{text}'").startswith(f"x = '{MASK}")
    assert Redactor().redact(text) == MASK


@pytest.mark.parametrize(
    "text",
    [
        "task-sk-something-that-is-long-enough",
        "class sk-circle-fade-dot-animation-slow",
        "risk-0123456789abcdefghijkl",
        DUMMY_KEY,
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor([DUMMY_KEY, "", "abc"]).redact(text) == text
