"""The redactor: no secret survives it, and ordinary text does."""

import asyncio
import base64
import json
import random
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.secrets import DUMMY_KEY, MASK, Redactor


@given(
    # Of all words, one is known to be no secret.
    secret=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=40).filter(
        lambda word: word != DUMMY_KEY
    ),
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
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
        "hvs.CAESIJ0123456789abcdefghijKLMNOP",
        "sk_live_0123456789abcdefABCDEF",
        "glpat-0123456789abcdefABCD",
        "npm_0123456789abcdefghijABCDEFGHIJ012345",
        "SG.0123456789abcdefABCDEF.0123456789abcdefABCDEF0123456789abcdefABCDE",
        "dckr_pat_0123456789abcdefABCDEF01234",
        "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVktLS0tLQpNSUlFcEFJQkFBS0NBUUVBMXg=",
        "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n\nlQOYBF+abc\n-----END PGP PRIVATE KEY BLOCK-----",
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQ\nb3BlbnNzaC1r",
    ],
)
def test_the_shapes_of_keys_are_masked(text: str) -> None:
    assert Redactor().redact(f"x = '{text}'").startswith(f"x = '{MASK}")
    assert Redactor().redact(text) == MASK


@pytest.mark.parametrize(
    "text",
    [
        "xoxb-abcdefghij",
        "eyJabcdefghij.eyJabc",
        "secret = aB3$aB3$aB3$",
        "secret: abcdefab-abcd-abcd-abcd-abcdefabcdef",
    ],
)
def test_the_shortest_are_found_among_short_words(text: str) -> None:
    assert Redactor().redact(f"it is {text} and so on").endswith(f"{MASK} and so on")


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgres://app:s3cr3t-pw@db.internal:5432/app", f"postgres://app:{MASK}@db.internal:5432/app"),
        ("amqp://me:pa@ss:word@mq/", f"amqp://me:{MASK}@mq/"),
        ("https://9fK2pLq8Zx4Wv7Tn1Rb5@host/", f"https://{MASK}@host/"),
        ("redis://:9fK2pLq8@cache:6379", f"redis://:{MASK}@cache:6379"),
        (
            "aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            f"aws_secret_access_key = {MASK}",
        ),
        (
            '  "secretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",',
            f'  "secretAccessKey": "{MASK}",',
        ),
        ('DB_PASSWORD="9fK2pLq8Zx4Wv7Tn"', f'DB_PASSWORD="{MASK}"'),
        ("PASSWORD=xK9$mQ2!vL7p", f"PASSWORD={MASK}"),
        ('{\\"api_key\\": \\"9fK2pLq8Zx4Wv7Tn\\"}', f'{{\\"api_key\\": \\"{MASK}\\"}}'),
        ("api_key: str = '9fK2pLq8Zx4Wv7Tn'", f"api_key: str = '{MASK}'"),
        ("<password>9fK2pLq8Zx4Wv7Tn</password>", f"<password>{MASK}</password>"),
        (
            "- name: DB_PASSWORD\n  value: 9fK2pLq8Zx4Wv7Tn\n",
            f"- name: DB_PASSWORD\n  value: {MASK}\n",
        ),
        ('"name":"API_TOKEN","value":"9fK2pLq8Zx4Wv7Tn"', f'"name":"API_TOKEN","value":"{MASK}"'),
        ("Authorization: Bearer 9fK2pLq8Zx4Wv7Tn", f"Authorization: Bearer {MASK}"),
        ("curl -H 'authorization: basic ZGVwbG95OnMzY3IzdA=='", f"curl -H 'authorization: basic {MASK}'"),
        ("AccountKey=9fK2pLq8Zx4Wv7Tn/9fK2pLq8Zx4W==;Endpoint", f"AccountKey={MASK};Endpoint"),
        (
            "https://h/cb?user=1&access_token=9fK2pLq8Zx4Wv7Tn&x=1",
            f"https://h/cb?user=1&access_token={MASK}&x=1",
        ),
        ("HEROKU_API_KEY=f3b1c7de-58a2-4e9d-9b63-0c2d7a41e85f", f"HEROKU_API_KEY={MASK}"),
        ("    token: 8a7f3c2b9d1e4f60a5c8", f"    token: {MASK}"),
        ("+  client_secret: 'aB3dE6gH9jK2mN5pQ8sT'", f"+  client_secret: '{MASK}'"),
        ("\\nAKIAIOSFODNN7EXAMPLE\\n", f"\\n{MASK}\\n"),
        ("\x1b[31mAKIAIOSFODNN7EXAMPLE", f"\x1b[31m{MASK}"),
        (
            "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nand then words",
            f"{MASK}\nand then words",
        ),
        (
            '"-----BEGIN RSA PRIVATE KEY-----\\n" +\n "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\\n" +\n "MIIEvQIBADANBgkq"',
            f'"{MASK}"',
        ),
    ],
)
def test_what_tells_of_itself_is_masked_and_nothing_beside_it(text: str, masked: str) -> None:
    assert Redactor().redact(text) == masked
    assert Redactor().redact(masked) == masked


def test_what_is_rolled_is_masked_beside_any_telling_name() -> None:
    roll = random.Random(13)
    kinds = (
        string.ascii_letters + string.digits,
        "0123456789abcdef",
        string.ascii_letters + string.digits + "+/",
    )
    names = ("db_password", "SECRET_KEY", "apiKey", "auth-token", "client_secret", "x-api-key", "privateKey")
    values = [
        "".join(roll.choices(kind, k=length)) for kind in kinds for length in (24, 32, 40) for _ in range(100)
    ]
    left = [value for value in values if value in Redactor().redact(f"{roll.choice(names)} = '{value}'")]
    assert len(left) <= 0.03 * len(values), left


def test_a_long_text_is_masked_as_a_short_one_is() -> None:
    lines = [f"line {number} says nothing" for number in range(20_000)]
    secrets = (
        "AKIAIOSFODNN7EXAMPLE",
        "password: 9fK2pLq8Zx4Wv7Tn",
        "- name: TOKEN\n  value: 9fK2pLq8Zx4Wv7Tn",
    )
    for at in range(0, len(lines), 100):
        lines[at] = secrets[at // 100 % 3]
    redacted = Redactor().redact("\n".join(lines))
    assert redacted.count(MASK) == 200
    assert "AKIA" not in redacted
    assert "9fK2" not in redacted


async def test_a_long_text_is_masked_while_other_things_go_on() -> None:
    text = "a line that says nothing\n" * 150_000 + "AKIAIOSFODNN7EXAMPLE"
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    beside = asyncio.create_task(others())
    assert (await Redactor().clean(text)).endswith(MASK)
    beside.cancel()
    assert turns > 10


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
        "sk-ecdsa-sha2-nistp256-cert-v01",
        'if text.startswith("-----BEGIN PRIVATE KEY-----"):\n    return key_of(text)\n',
        "//# sourceMappingURL=data:application/json;base64,eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbImEuanMiXX0=",
        "postgres://postgres:postgres@localhost/db",
        "postgres://app:${DB_PASSWORD}@db/app",
        "https://user:password@example.com",
        "git clone ssh://git@github.com/a/b",
        "token = secrets.token_urlsafe_of_length32(16)",
        "const authToken = generateAuthTokenForUser2",
        'password = os.environ["APP_PASSWORD_2024_PRODUCTION"]',
        "tokenUrl: https://login.example.com/9f86d081884c7d659a2feaa0c55ad015/token",
        "token: 550e8400-e29b-41d4-a716-446655440000",
        '"cancellation_token": "sha256-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="',
        "secret_key: 0123456789abcdef0123456789abcdef",
        "password: correct-horse-battery-staple-2024",
        '"integrity": "sha512-n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=="',
        "checksum = 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        DUMMY_KEY,
    ],
)
def test_ordinary_text_is_left_alone(text: str) -> None:
    assert Redactor([DUMMY_KEY, "", "abc"]).redact(text) == text


def test_what_is_learnt_is_masked_in_texts_that_were_looked_through_before() -> None:
    redactor, text = Redactor(), "the value is tulip-garden-7"
    assert redactor.redact(text) == text
    redactor.learn(["tulip-garden-7"])
    assert redactor.redact(text) == f"the value is {MASK}"
