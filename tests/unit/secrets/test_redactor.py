"""The redactor: no secret survives it, and ordinary text does."""

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.secrets import DUMMY_KEY, MASK, Redactor


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
        "xoxb-0123456789-abcdefghij",
        "github_pat_0123456789abcdefghij_0123456789",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\\nMIIabc\\n-----END PRIVATE KEY-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl cut off in the mid",
    ],
)
def test_the_shapes_of_keys_are_masked(text: str) -> None:
    assert Redactor().redact(f"x = '{text}'").startswith(f"x = '{MASK}")
    assert Redactor().redact(text) == MASK


def test_keys_that_touch_are_all_masked() -> None:
    text = "AKIAIOSFODNN7EXAMPLEghp_0123456789abcdefghij0123456789abcdef"
    redacted = Redactor().redact(text)
    assert redacted == MASK * 2
    assert Redactor().redact(redacted) == redacted
    key = "-----BEGIN PRIVATE KEY-----\nMIIabc\n-----END PRIVATE KEY-----"
    assert Redactor().redact(f"a{key}sk-abcDEF0123456789abcDEF0123456789") == f"a{MASK}{MASK}"


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
