"""Where the person has a signing key, nobody who lacks it can make a history anew, commit and statement together."""

import base64
import json
import random
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from tests.fixtures.delivered import Delivered, deliver
from tests.fixtures.scenario import Stagehand
from tests.fixtures.tampering import CHANGES, TAMPERINGS, WAYS, chain, in_bytes

from wainwright.domain.errors import InputError
from wainwright.domain.goal import Goal
from wainwright.engine.engine import Engine
from wainwright.engine.tracing import verifier
from wainwright.engine.tracing.statements import VERIFIER, Statements
from wainwright.engine.views.run_view import Start
from wainwright.secrets import SIGNING_KEY, Signer, new_key
from wainwright.workspace import anchors

pytestmark = pytest.mark.asyncio(loop_scope="session")
SECRET = new_key()
KEY = Signer(SECRET).public
MALLORY = Signer(new_key())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def signed(stage: Stagehand) -> AsyncIterator[Delivered]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(SIGNING_KEY, SECRET)
        yield await deliver(stage, "a_small_goal", "a_small_goal_that_is_signed")


async def test_the_delivered_commit_and_the_statement_are_signed(signed: Delivered) -> None:
    commit, text, by = await Statements(signed.parts).of(signed.run)
    assert by == KEY
    trailers = signed.git("log", "-1", "--format=%(trailers:only)", signed.branch).splitlines()
    assert [line.partition(":")[0] for line in trailers[:2]] == ["Wainwright-Run", "Wainwright-Signature"]
    assert trailers[1].startswith(f"Wainwright-Signature: ed25519 {KEY} ")
    told = json.loads(text)
    assert told["payloadType"] == "application/vnd.in-toto+json"
    assert json.loads(base64.b64decode(told["payload"]))["_type"] == verifier.STATEMENT
    assert verifier.check(text, commit, KEY) == []
    assert verifier.check(text, commit) == []
    assert verifier.check(text, commit, MALLORY.public) == [
        f"It is not signed with the key {MALLORY.public}."
    ]


async def test_a_stranger_checks_it_with_nothing_but_python(signed: Delivered, tmp_path: Path) -> None:
    commit, text, _ = await Statements(signed.parts).of(signed.run)
    (tmp_path / "check.py").write_bytes(VERIFIER.read_bytes())
    (tmp_path / "statement.json").write_bytes(text)

    def check(*words: str) -> tuple[int, str]:
        line = [sys.executable, "-I", "-S", "check.py", "statement.json", *words]
        done = subprocess.run(line, check=False, cwd=tmp_path, capture_output=True, text=True, env={})
        return done.returncode, done.stdout

    code, told = check(commit, KEY)
    assert (code, f"The commit is signed with {KEY}.\nThe statement is signed with {KEY}.\n" in told) == (
        0,
        True,
    )
    assert f"The commit is signed with {KEY}; whether that is theirs, you have to know." in check(commit)[1]
    assert check(commit, MALLORY.public) == (1, f"It is not signed with the key {MALLORY.public}.\n")
    assert check(commit, "no key")[0] == 2


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
async def test_other_programs_believe_the_signatures_too(signed: Delivered, tmp_path: Path) -> None:
    commit, text, _ = await Statements(signed.parts).of(signed.run)
    told, content = json.loads(text), anchors.content(signed.parts.state, commit)
    line = content.splitlines(keepends=True)[-1]
    for kind, body, signature in (
        (verifier.PAYLOAD, base64.b64decode(told["payload"]), told["signatures"][0]["sig"]),
        (verifier.COMMIT, content.removesuffix(line), line.split()[-1].decode()),
    ):
        der = bytes.fromhex("302a300506032b6570032100") + base64.b64decode(KEY)
        (tmp_path / "key").write_bytes(der)
        (tmp_path / "signature").write_bytes(base64.b64decode(signature))
        (tmp_path / "content").write_bytes(verifier.to_sign(kind, body))
        key = ["-pubin", "-inkey", "key", "-keyform", "DER"]
        words = ["openssl", "pkeyutl", "-verify", *key, "-rawin", "-in", "content", "-sigfile", "signature"]
        done = subprocess.run(words, check=False, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


def _inside(chance: random.Random, text: bytes, commit: str) -> tuple[bytes, str]:
    """The statement is changed, and in its envelope again: with the signature of before, with another, with none."""
    payload, _ = verifier.opened(text)
    changed = payload
    while changed == payload:
        changed = chance.choice(WAYS)(chance, payload, commit)
    old = json.loads(text)["signatures"][0]["sig"]
    by = MALLORY.sign(verifier.to_sign(verifier.PAYLOAD, changed))
    as_theirs = verifier.envelope(changed, KEY, chance.choice((old, by)))
    return chance.choice((as_theirs, verifier.envelope(changed, MALLORY.public, by), changed)), commit


def _envelope(chance: random.Random, text: bytes, commit: str) -> tuple[bytes, str]:
    """The statement is left as it is."""
    payload, _ = verifier.opened(text)
    by = MALLORY.sign(verifier.to_sign(verifier.PAYLOAD, payload))
    for_another = MALLORY.sign(payload)
    changed = text
    while changed == text:
        changed = chance.choice(
            (
                in_bytes(chance, text, commit),
                payload,
                verifier.envelope(payload, MALLORY.public, by),
                verifier.envelope(payload, KEY, by),
                verifier.envelope(payload, KEY, for_another),
            )
        )
    return changed, commit


def _history(chance: random.Random, text: bytes, commit: str) -> tuple[bytes, str]:
    """The rows, the commit and its name are made anew: the history that is known is Mallory's."""
    payload, _ = verifier.opened(text)
    said = json.loads(payload)["predicate"]
    content, rows, before = base64.b64decode(said["commit"]), said["rows"], said["head"]
    while True:
        chance.choice(CHANGES)(chance, rows)
        told = content.replace(before.encode(), chain(said["run"], rows).encode())
        bare = told[: told.rindex(b"Wainwright-Signature")]
        own = MALLORY.sign(verifier.to_sign(verifier.COMMIT, bare))
        as_theirs, as_own = (
            verifier.signature_line(key, own).encode() + b"\n" for key in (KEY, MALLORY.public)
        )
        told = chance.choice((told, bare, bare + as_theirs, bare + as_own))
        known = verifier.name_of(told, commit)
        try:
            made = verifier.as_written(verifier.statement(said["run"], rows, known, told))
        except (KeyError, ValueError):
            continue  # too broken for a statement: it is changed once more
        break
    by = MALLORY.sign(verifier.to_sign(verifier.PAYLOAD, made))
    old = json.loads(text)["signatures"][0]["sig"]
    ways = (
        made,
        verifier.envelope(made, MALLORY.public, by),
        verifier.envelope(made, KEY, by),
        verifier.envelope(made, KEY, old),
    )
    return chance.choice(ways), known


HOW: list[Callable[[random.Random, bytes, str], tuple[bytes, str]]] = [_inside, _envelope, _history]


async def test_every_tampering_is_found(signed: Delivered) -> None:
    commit, text, _ = await Statements(signed.parts).of(signed.run)
    chance = random.Random(20)
    believed = []
    for number in range(TAMPERINGS):
        how = HOW[number % len(HOW)]
        changed, known = how(chance, text, commit)
        if not verifier.check(changed, known, KEY):
            believed.append(how.__name__)
    assert believed == []


async def test_without_a_key_a_history_that_was_made_anew_is_believed(signed: Delivered) -> None:
    """What the signature is for: the tamperings above are found by it and by nothing else."""
    commit, text, _ = await Statements(signed.parts).of(signed.run)
    chance = random.Random(20)
    checked = [verifier.check(*_history(chance, text, commit)) for _ in range(30)]
    assert [] in checked


async def test_a_commit_that_was_signed_with_another_key_is_spoken_of_without_a_signature(
    signed: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGNING_KEY, new_key())
    commit, text, by = await Statements(signed.parts).of(signed.run)
    assert by == ""
    assert verifier.check(text, commit) == []


async def test_a_commit_from_before_there_was_a_key_is_vouched_for_by_the_statement(
    it: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGNING_KEY, SECRET)
    commit, text, by = await Statements(it.parts).of(it.run)
    assert by == KEY
    assert verifier.check(text, commit, KEY) == []


async def test_a_key_that_is_none_is_refused_and_not_quoted(
    signed: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGNING_KEY, "secret-but-no-key")
    with pytest.raises(InputError, match="no signing key") as caught:
        await Statements(signed.parts).of(signed.run)
    assert "secret-but" not in str(caught.value)


async def test_a_key_that_is_none_is_told_before_anything_is_paid(
    signed: Delivered, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SIGNING_KEY, "secret-but-no-key")
    engine, before = Engine(signed.parts), signed.parts.journal.names()
    with pytest.raises(InputError, match="no signing key"):
        await engine.start(Start(goal=Goal(text="Anything.")))
    assert signed.parts.journal.names() == before


# Of RFC 8032, 7.1: secret, public, message, signature.
VECTORS = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24"
        "655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aee"
        "b00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("secret", "public", "message", "signature"), VECTORS)
async def test_signatures_are_those_of_the_standard(
    secret: str, public: str, message: str, signature: str
) -> None:
    key, sign = (base64.b64encode(bytes.fromhex(one)).decode() for one in (public, signature))
    by = Signer(base64.b64encode(bytes.fromhex(secret)).decode())
    assert (by.public, by.sign(bytes.fromhex(message))) == (key, sign)
    assert verifier._signed(key, sign, bytes.fromhex(message))


async def test_a_signature_with_one_bit_changed_is_none() -> None:
    by, content = Signer(SECRET), b"some content"
    sign = base64.b64decode(by.sign(content))
    for bit in range(0, len(sign) * 8, 5):
        changed = bytearray(sign)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            held = verifier._signed(KEY, base64.b64encode(changed).decode(), content)
        except ValueError:
            continue
        assert not held, bit
    # The same point of the curve with another number: not the one way in which it is written.
    more = (int.from_bytes(sign[32:], "little") + verifier._ORDER).to_bytes(32, "little")
    assert not verifier._signed(KEY, base64.b64encode(sign[:32] + more).decode(), content)
