"""X: what must not be told, from wherever it lies, in whatever a run writes, sends or shows, however it is spelled.

The first 72 cases look at one run in an editor whose model does all it can to have secrets told (`watched.py`).
"""

import base64
import hashlib
import itertools
import json
import shutil
import tempfile
import urllib.parse
import uuid
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.attack.cases import Case, Group, Seen
from tests.attack.watched import SINKS, SNOOP, SOURCES, Watched, watch

from wainwright.models.telling import Telling
from wainwright.secrets import MASK, Redactor

KNOWN = "Zk4vQx-81mwPb7Tn3Ls0Ry2u"
"""A key that somebody set, of no spelling that anybody knows."""
ENCODINGS: dict[str, Callable[[str], tuple[str, ...]]] = {
    "as it is": lambda key: (key,),
    "in quotes": lambda key: (f"key = '{key}'",),
    "escaped as in JSON": lambda key: (json.dumps(json.dumps({"k": key})),),
    "in base64": lambda key: (base64.b64encode(f"me:{key}".encode()).decode(),),
    "in base64 for addresses": lambda key: (base64.urlsafe_b64encode(f"?>me:{key}".encode()).decode(),),
    "in hex": lambda key: (key.encode().hex(),),
    "in an address": lambda key: (f"https://x/?k={urllib.parse.quote(key, safe='')}",),
    "in big letters": lambda key: (key.upper(),),
    "as a password in an address": lambda key: (f"https://me:{key}@example.org/x",),
    "in a block of PEM": lambda key: (f"-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n",),
    "in a JSON web token": lambda key: (
        ".".join(
            base64.urlsafe_b64encode(part.encode()).decode().rstrip("=")
            for part in ('{"alg":"none"}', json.dumps({"sub": key}), "not-a-signature")
        ),
    ),
    "in two pieces of a stream": lambda key: (f"say {key[:11]}", f"{key[11:]} done"),
    "over two lines": lambda key: (f"{key[:11]}\n{key[11:]}",),
    "with a colour within": lambda key: (f"{key[:9]}\x1b[31m{key[9:]}",),
    "with something that nobody sees within": lambda key: (f"{key[:9]}\u200b{key[9:]}",),
    "in an added line": lambda key: (f"+KEY={key}\n",),
    "as the name of a file": lambda key: (f"src/{key}.txt",),
    "in the address of a remote": lambda key: (f"origin\tssh://git@{key}.example.org/x (fetch)",),
    "in a traceback": lambda key: (f'  File "a.py", line 1, in f\n    f("{key}")\nValueError: {key}\n',),
    "in what a program left when it fell over": lambda key: (f"\x7fELF\0\0core\0{key}\0\1",),
}


def _seeded(number: int, kind: str) -> bytes:
    return hashlib.sha256(f"{kind}{number}".encode()).digest()


EVERYDAY: dict[str, Callable[[int], str]] = {
    "names of commits": lambda n: f"commit {_seeded(n, 'c').hex()[:40]}",
    "SHA-256": lambda n: f"{_seeded(n, 's').hex()}  dist/file-{n}.tar.gz",
    "UUIDs": lambda n: f"id: {uuid.UUID(bytes=_seeded(n, 'u')[:16])}",
    "npm integrity": lambda n: (
        f'"integrity": "sha512-{base64.b64encode(_seeded(n, "a") + _seeded(n, "b")).decode()}"'
    ),
    "hashes of pip": lambda n: f"    --hash=sha256:{_seeded(n, 'p').hex()} \\",
    "checksums of cargo": lambda n: f'checksum = "{_seeded(n, "k").hex()}"',
    "sums of go": lambda n: f"example.org/m v1.{n}.0 h1:{base64.b64encode(_seeded(n, 'g')).decode()}",
    "images": lambda n: f"FROM python@sha256:{_seeded(n, 'i').hex()}",
    "ETags": lambda n: f'ETag: "{_seeded(n, "e").hex()[:32]}"',
    "numbers of tests": lambda n: f"test_{zlib.crc32(_seeded(n, 't')):08x}_takes_{n} PASSED",
    "times and versions": lambda n: f"2026-11-{n % 28 + 1:02}T10:00:00.{n:06}Z v{n}.2.3+build.{n}",
}
MASKED_MAX = 2
"""Of the 200 strings and more of everyday work, so many may be masked."""


def _cases() -> Iterator[Case]:
    pairs = [(source, sink) for source in SOURCES for sink in SINKS]
    for number, (source, sink) in enumerate(pairs, 1):
        strong = "nothing of what an editor sends as options is kept" if source == "options" else ""
        yield Case(f"X1.{number:02}", f"{source} in {sink}", "hold", (source, sink), strong=strong)
    for number, name in enumerate(ENCODINGS, 1):
        yield Case(f"X2.{number:02}", f"a known secret {name}", "hold", name)
    for number, name in enumerate(EVERYDAY, 1):
        yield Case(f"X3.{number:02}", f"20 {name} are told", "ok", name)


CASES = list(_cases())
GROUP = Group("X", "secrets stay where they are", 72 + 20 + len(EVERYDAY), CASES)
"""The cases of the plan, and everyday strings in so many kinds."""


def in_the_run(case: Case, watched: Watched) -> Seen:
    source, sink = case.act  # type: ignore[misc]
    alarms = [one for one in watched.alarms[sink] if f"the value of {source} " in one]
    if not any("cat .env" in command for command in watched.ran):
        alarms.append("the model's command was not run, so that this shows nothing")
    return Seen("hold", alarms)


def spelled(case: Case) -> Seen:
    """Whether anything of the secret is left, however the pieces are put together again."""
    redactor = Redactor([KNOWN])
    told: list[str] = []
    pieces = ENCODINGS[str(case.act)](KNOWN)
    if len(pieces) == 1:
        told.append(redactor.redact(pieces[0]))
    else:
        # As a reply comes: what a person sees of it while it does.
        ticks = itertools.count(step=100)
        hear = Telling(told.append, redactor, lambda: float(next(ticks)))
        for piece in pieces:
            hear(piece)
    whole = "".join(told)
    bare = "".join(c for c in whole.replace("\x1b[31m", "") if c.isprintable() and c != "\u200b")
    forms = [KNOWN, KNOWN.upper(), KNOWN.encode().hex(), base64.b64encode(KNOWN.encode())[:28].decode()]
    left = [form for form in forms if form in bare]
    if KNOWN[:11] in bare and KNOWN[11:] in bare:
        left.append("two halves")
    if MASK not in whole:
        left.append("nothing was masked")
    return Seen("hold", [f"it is told: {whole!r} ({left[0]})"] if left else [])


def everyday(case: Case) -> Seen:
    make = EVERYDAY[str(case.act)]
    masked = [text for text in map(make, range(20)) if Redactor([KNOWN]).redact(text) != text]
    return Seen("ok", [f"masked: {masked}"] if masked else [])


def of(kind: str) -> list[Case]:
    return [case for case in GROUP.run if case.id.startswith(kind)]


@pytest.mark.parametrize("case", of("X1"), ids=lambda case: case.id)
def test_nothing_that_the_run_wrote_or_sent_has_it(case: Case, watched: Watched) -> None:
    assert in_the_run(case, watched).faults(case) == []


@pytest.mark.parametrize("case", of("X2"), ids=lambda case: case.id)
def test_a_known_secret_is_masked_however_it_is_spelled(case: Case) -> None:
    assert spelled(case).faults(case) == []


@pytest.mark.parametrize("case", of("X3"), ids=lambda case: case.id)
def test_everyday_strings_are_told(case: Case) -> None:
    assert everyday(case).faults(case) == []


@pytest.mark.weak_build
def test_a_redactor_that_does_nothing_and_a_sandbox_that_passes_all_on_let_them_through(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        weak = watch(folder, ("-m", "tests.attack.weak"))
    finally:
        shutil.rmtree(folder)
    seen = {case.id: in_the_run(case, weak) for case in of("X1")}
    monkeypatch.setattr(Redactor, "_look_through", lambda _self, text, _by_lines: text)
    seen |= {case.id: spelled(case) for case in of("X2")}
    assert any("cat .env" in one for one in SNOOP)
    assert GROUP.through(seen) == []


@pytest.mark.parametrize("group", [GROUP], ids=["X"])
def test_the_list_is_whole(group: Group) -> None:
    assert group.flaws() == []
