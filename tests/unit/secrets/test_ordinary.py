"""Ordinary text stays as it is: hashes, identifiers, lock files, and what lies about on any machine."""

import base64
import hashlib
import os
import random
import sysconfig
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from wainwright.secrets import MASK, Redactor

_HERE = Path(__file__).resolve()
_ROOT = _HERE.parents[3]
_FILES_MAX = 1_500
_FILE_MAX = 400_000
_ENOUGH = 4_000_000
_MASKS_A_MILLION = 1.0
"""Documentation of clouds has keys in it; what is masked is those."""
_PLACES = {
    "this repository": _ROOT,
    "what is installed": Path(sysconfig.get_paths()["purelib"]),
    "the system's files": Path("/usr/share"),
    "modules of Go": Path.home() / "go/pkg/mod",
    "sources of Rust": Path.home() / ".cargo/registry/src",
    "modules of Node": Path("/usr/lib/node_modules"),
}


def _benign() -> Iterator[str]:
    for number in range(50):
        raw = str(number).encode()
        digest = hashlib.sha512(raw)
        yield digest.hexdigest()[: (40, 64, 128)[number % 3]]
        yield str(uuid.UUID(bytes=digest.digest()[:16]))
        yield f'"integrity": "sha512-{base64.b64encode(digest.digest()).decode()}"'
        yield f"github.com/a/b v1.2.3/go.mod h1:{base64.b64encode(digest.digest()[:32]).decode()}"


def test_hashes_and_identifiers_stay() -> None:
    assert [text for text in _benign() if MASK in Redactor().redact(text)] == []


@pytest.mark.parametrize(
    "before", ["commit ", "id: ", "token_type: ", '"tokens": ', "request token ", "key = "]
)
def test_hashes_stay_beside_names_that_tell_of_no_secret(before: str) -> None:
    hashes = [hashlib.sha1(bytes([number]), usedforsecurity=False).hexdigest() for number in range(50)]
    texts = [f"{before}{uuid.UUID(hex=one[:32])}" for one in hashes]
    if before not in ("token_type: ", '"tokens": '):
        texts += [before + one for one in hashes]
    assert [text for text in texts if MASK in Redactor().redact(text)] == []


def _texts(top: Path) -> Iterator[str]:
    """What is in some of the files below a folder, spread over all of it."""
    paths = []
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(set(folders) - {".git", ".venv", "target", "__pycache__", "cache"})
        paths += [Path(folder, name) for name in sorted(names) if name != "test_redactor.py"]
        if len(paths) > 60_000:
            break
    random.Random(13).shuffle(paths)
    for path in paths[:_FILES_MAX]:
        try:
            if path.is_file() and not path.is_symlink() and path.stat().st_size <= _FILE_MAX:
                yield path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue


@pytest.mark.parametrize("place", _PLACES)
def test_hardly_anything_is_masked_in_files_of_a_machine(place: str) -> None:
    redactor, characters, masks = Redactor(), 0, 0
    for text in _texts(_PLACES[place]):
        if "PRIVATE KEY-----" in text:
            continue  # a library of cryptography is tested with real ones
        characters += len(text)
        masks += redactor.redact(text).count(MASK) - text.count(MASK)
        if characters > _ENOUGH:
            break
    if characters < 100_000:
        pytest.skip(f"{place}: there is hardly any here")
    assert masks <= 20 + _MASKS_A_MILLION * characters / 1e6
