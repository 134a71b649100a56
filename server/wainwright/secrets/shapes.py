"""What a secret looks like when nobody has said what it is: how keys are spelled, what stands beside telling names.

Whoever writes a text may want to stop the process that looks through it. So nothing here looks at a character again
and again: what a pattern takes without a bound it never gives back (``++``), what it may give back is bounded, and
whether a whole word is a secret is said afterwards, by a function. A pattern that has taken something is not tried
again inside of it.
"""

import base64
import binascii
import itertools
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

_BEHIND = r"(?<![A-Za-z0-9]{0})|(?<=\\[nrtbf]{0})|(?<=[\[;0-9]m{0})"
"""What stands before a key: no letter, unless it ends an escape of JSON or a colour of the terminal."""


_LONG = 12


class Shape(NamedTuple):
    """How the keys of somebody are spelled."""

    begin: str
    """The letters that each begins with. A text that has none of them costs next to nothing."""
    rest: str
    holds: Callable[[str], bool] = lambda _: True
    """Whether a word of this spelling is one."""


def _mixed(word: str) -> bool:
    """Whether a part of it has both digits and letters, and is too long for the name of anything."""
    return any(
        len(part) >= _LONG and any(map(str.isdigit, part)) and any(map(str.isalpha, part))
        for part in word.split("-")
    )


def _is_token(word: str) -> bool:
    """Whether it is a JSON web token: two or four parts behind the first, of which the next is JSON or encrypted."""
    parts = word.split(".")
    return (len(parts) >= 2 and parts[1].startswith("eyJ")) or len(parts) == 5


def _is_private(word: str) -> bool:
    """Whether base64 holds a private key in PEM; a certificate is none."""
    try:
        return b"PRIVATE KEY" in base64.b64decode(word[:80])
    except (binascii.Error, ValueError):
        return False


_WORD = "[A-Za-z0-9_-]"
SHAPES = (
    *(Shape(begin, r"[A-Z0-9]{16}") for begin in ("AKIA", "ASIA", "ABIA", "ACCA")),
    Shape("AIza", rf"{_WORD}{{35}}"),
    Shape("GOCSPX-", rf"{_WORD}{{20,}}+"),
    Shape("ya29.", rf"{_WORD}{{20,}}+"),
    Shape("sk-", rf"{_WORD}{{20,}}+", _mixed),
    *(Shape(begin, rf"{_WORD}{{20,}}+", _mixed) for begin in ("gsk_", "xai-", "pplx-", "nvapi-", "csk-")),
    *(Shape(f"{mode}_{which}_", r"[A-Za-z0-9]{16,}+") for mode in ("sk", "rk") for which in ("live", "test")),
    Shape("whsec_", r"[A-Za-z0-9+/=]{24,}+"),
    Shape("gh", r"[pousr]_[A-Za-z0-9]{20,}+"),
    Shape("github_pat_", r"[A-Za-z0-9_]{20,}+"),
    Shape("gl", rf"(?:pat|ptt|dt|rt|cbt|oas|agent|ft|soat|imt)-{_WORD}{{20,}}+"),
    Shape("glsa_", r"[A-Za-z0-9_]{32,}+"),
    Shape("xox", r"[abceoprs]-[A-Za-z0-9.-]{10,}+"),
    Shape("xapp-", r"[A-Za-z0-9-]{20,}+", _mixed),
    Shape("hooks.slack.com/", r"[a-z]{1,12}/T[A-Za-z0-9_]{6,40}+/[A-Za-z0-9_/]{20,}+"),
    Shape("hf_", r"[A-Za-z0-9]{20,}+"),
    Shape("npm_", r"[A-Za-z0-9]{30,}+"),
    Shape("pypi-", rf"{_WORD}{{50,}}+", _mixed),
    Shape("rubygems_", r"[0-9a-f]{40,}+"),
    Shape("dckr_", rf"(?:pat|oat)_{_WORD}{{20,}}+"),
    Shape("SG.", rf"{_WORD}{{16,32}}\.{_WORD}{{32,}}+"),
    *(Shape(f"do{kind}_v1_", r"[0-9a-f]{40,}+") for kind in "opr"),
    Shape("dapi", r"[0-9a-f]{32}(?![0-9a-f])"),
    Shape("shp", r"(?:at|ca|pa|ss)_[0-9a-fA-F]{32,}+"),
    *(Shape(f"hv{kind}.", rf"{_WORD}{{24,}}+") for kind in "sbr"),
    Shape("lin_api_", r"[A-Za-z0-9]{30,}+"),
    Shape("ATATT3", r"[A-Za-z0-9_=-]{40,}+"),
    Shape("tskey-", rf"[a-z]{{2,8}}-{_WORD}{{16,}}+"),
    Shape("AGE-SECRET-KEY-1", r"[A-Z0-9]{40,}+"),
    Shape("LS0tLS1CRUdJTi", r"[A-Za-z0-9+/]{20,}+={0,2}+", _is_private),
    Shape("eyJ", rf"{_WORD}{{10,}}+(?:\.{_WORD}{{6,}}+){{0,4}}+", _is_token),
)
_SPELLED = {
    one: re.compile(rf"{re.escape(one.begin)}(?:{_BEHIND.format(re.escape(one.begin))}){one.rest}")
    for one in SHAPES
}

Span = tuple[int, int]


def spelled(text: str, one: Shape) -> Iterator[Span]:
    """Where keys of one spelling are."""
    return (found.span() for found in _SPELLED[one].finditer(text) if one.holds(found[0]))


# ---- private keys

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_END = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----")
_LONGEST_KEY = 32_000
_SHORT = 200
_BASE64 = re.compile(r"[A-Za-z0-9+/=]{16,}+")
_KEY_LINE = re.compile(
    r"(?:[\s\"'+|>#*,-]|\\[nr]|\d{1,6}[:\t| ])*+"
    r"(?:[A-Za-z0-9+/=]{16,}+|(?:Proc-Type|DEK-Info|Version|Comment): [^\n]{0,80}+|"
    r"[A-Za-z0-9+/]{1,15}+={0,2}+(?=\s*+$))"
)


def private_keys(text: str) -> Iterator[Span]:
    """Where private keys in PEM are, cut off or whole. What only speaks of their first line has none."""
    if "PRIVATE KEY" not in text:
        return
    begins = list(_BEGIN.finditer(text))
    for begin, next_one in itertools.zip_longest(begins, begins[1:]):
        at = begin.end()
        end = _END.search(text, at, next_one.start() if next_one else len(text))
        if end and _is_body(text[at : min(end.start(), at + _LONGEST_KEY)]):
            yield begin.start(), end.end()
        elif (last := _cut_off(text, at)) > at:
            yield begin.start(), last


def _is_body(text: str) -> bool:
    """Whether the lines between the first of a key and the last are the key: most of it is base64."""
    return len(text) <= _SHORT or sum(map(len, _BASE64.findall(text))) > len(text) // 2


def _cut_off(text: str, at: int) -> int:
    """Where the lines of a key end that has no last line."""
    while at < len(text) and (line := _KEY_LINE.match(text, at)):
        at = line.end()
    return at


# ---- what stands in addresses

_ADDRESS = re.compile(r"://([^\s/@:\"'<>\\]{0,200}+)(?::([^\s/\"'<>\\]{1,200}))?@")
_NO_PASSWORD = re.compile(
    r"(?i)(?:x+|\.+|%s|%\(.*|my|your|db|the)?[-_]?"
    r"(?:pass(?:word|wd)?|pwd|pw|secret|user|token|changeme|example|test|root|admin|postgres|guest)?"
)


def in_addresses(text: str) -> Iterator[Span]:
    """Where passwords in addresses are, such as those of databases; not what only says that there is one."""
    if "://" not in text:
        return
    for found in _ADDRESS.finditer(text):
        name, word = found.groups()
        if word is None:
            if is_random(name):
                yield found.span(1)
        elif word != name and not _NO_PASSWORD.fullmatch(word) and not _FILLED_IN.intersection(word):
            yield found.span(2)


_FILLED_IN = frozenset("${}*[")
"""What stands where something is put in, a mask among it."""


# ---- what stands beside telling names

_NAME = (
    r"(?:secret|passw(?:or)?d|passphrase|pwd|(?<!next)(?<!next_)(?<!page)(?<!page_)token|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|"
    r"signing[_-]?key|encryption[_-]?key|shared[_-]?key|client[_-]?key|credential|authorization|bearer|basic|_auth)"
)
_QUOTE = r"(?:\\?[\"'`])"
_BESIDE = (
    rf"{_NAME}[\w.-]{{0,40}}+{_QUOTE}?+\]?+"
    r"(?:[ \t]{0,20}+(?::[ \t]{0,4}[a-z][\w.\[\]]{0,30}[ \t]{0,4}(?==))?(?:=>|:=|[:=>])[ \t]{0,20}+"
    r"(?:bearer |basic |token )?|"
    rf"[,;]?\s{{0,40}}+{_QUOTE}?+value{_QUOTE}?+[ \t]{{0,4}}+[:=][ \t]{{0,4}}+|"
    r"(?<=bearer)[ \t]{1,4}+|(?<=basic)[ \t]{1,4}+)"
    rf"(?:[a-z]{{0,2}}{_QUOTE})?+([a-z0-9+/_.~!@#$%^*:-]{{12,}}+={{0,3}}+)"
)
_TELLING = re.compile(_BESIDE)
_HEADS = (
    *("secret", "passw", "passphrase", "pwd", "token", "api", "access", "account", "private", "signing"),
    *("encryption", "shared", "client", "credential", "authorization", "bearer", "basic", "_auth"),
)
"""What a telling name begins with: to look for these takes a tenth of what the pattern takes at each character."""
_AMAZON = re.compile(r"[A-Za-z0-9/+]{40}")
_UUID = re.compile(r"(?i)[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_DIGEST = re.compile(r"(?i)(sha\d{1,3}|md5|blake\w{1,4})[-:=]")
_PIECE = re.compile(r"[A-Za-z0-9+/=_-]{16,}+")
_SPOKEN = re.compile(r"[A-Z]?[a-z]{3,}+|[A-Z]{4,}+")
_LONG_WORD = 16
_SHORTEST = 12
_FEWEST_KINDS = 8
_SPECIAL = frozenset("!@#$%^*~")


def beside_names(text: str) -> Iterator[Span]:
    """Where values are that nobody would think of, beside names that tell of a secret."""
    for found in _telling(small(text)):
        begin, end = found.span(1)
        value = text[begin:end]
        if text[end : end + 1] in ("(", "[") or "://" in value or _DIGEST.match(value):
            continue
        if _UUID.fullmatch(value) and not re.match(r"secret|passw|api", found[0]):
            continue
        amazon = "access" in found[0] and _AMAZON.fullmatch(value) and _mixed(value)
        if (
            amazon
            or _UUID.fullmatch(value)
            or _is_password(value)
            or any(map(is_random, _PIECE.findall(value)))
        ):
            yield begin, end


def _telling(small: str) -> Iterator[re.Match[str]]:
    """What `_TELLING` finds from left to right, tried only where a name can begin."""
    end = 0
    for at in sorted(itertools.chain.from_iterable(_places(small, head) for head in _HEADS)):
        if at >= end and (found := _TELLING.match(small, at)):
            end = found.end()
            yield found


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


def small(text: str) -> str:
    """The text with small letters, each at its place."""
    small = text.lower()
    return small if len(small) == len(text) else "".join(c.lower() if c.isascii() else c for c in text)


def is_random(word: str) -> bool:
    """Whether a word looks as if it had been rolled: long, digits and letters in a mess, hardly a word in it."""
    bare = word.strip("=_-/+")
    digits, letters = (sum(map(kind, bare)) for kind in (str.isdigit, str.isalpha))
    if len(bare) < _LONG_WORD or digits < 1 or letters < 2 or len(set(bare)) < _FEWEST_KINDS:
        return False
    follows = sum(ord(b) - ord(a) in (0, 1) for a, b in itertools.pairwise(bare))
    words = sum(len(found[0]) for found in _SPOKEN.finditer(bare))
    most, fewest = {1: (0.6, 0.4), 2: (0.5, 0.2)}.get(digits, (0.6, 0.2))
    return follows < 0.4 * len(bare) and words <= most * len(bare) and _changes(bare) >= fewest * len(bare)


def _is_password(word: str) -> bool:
    """Whether it has all kinds of characters, and hardly a word in it."""
    kinds = (str.islower, str.isupper, str.isdigit, _SPECIAL.__contains__)
    words = sum(len(found[0]) for found in _SPOKEN.finditer(word))
    return len(word) >= _SHORTEST and all(any(map(kind, word)) for kind in kinds) and words <= 0.5 * len(word)


def _changes(word: str) -> int:
    """How often digits, small and big letters follow upon each other."""
    kinds = [(c.isdigit(), c.isupper()) for c in word if c.isalnum()]
    return sum(a != b for a, b in itertools.pairwise(kinds))


_SHORTEST_KEY = 12
"""Characters, none of them a blank, that each key has, and each value beside a name."""
_OF_A_VALUE = re.compile(r"[0-9-]")
"""What each value beside a name has one of: digits, or it is a UUID."""


def finders(text: str) -> Iterator[Callable[[str], Iterator[Span]]]:
    """Who finds secrets in the lines of a text, each in what the ones before have left."""
    yield in_addresses
    # Most of a text is short words, and the same again and again; and there are many spellings to be looked for.
    long = " ".join({word for word in text.split() if len(word) >= _SHORTEST_KEY})
    for one in SHAPES:
        if one.begin in long:
            yield partial(spelled, one=one)
    if _OF_A_VALUE.search(long):
        yield beside_names
