"""Messages for the git log of the person's project, written as its own history writes them.

Pure. What is learned is only the form: a prefix, its names, letters, moods, stops. Numbers of tickets are never
made up, and an emoji is only one that the history has for such a change.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from wainwright.domain.text import wrapped

Form = Literal["plain", "typed", "area", "bracketed"]
"""``Add it``, ``feat(parser): add it``, ``parser: add it``, ``[parser] add it``."""
Mood = Literal["base", "third", "past"]

SUBJECT_MAX = 72
LEARNED_FROM = 50
"""Subjects that count, the newest first."""
HALVED_AFTER = 15
"""Subjects after which one counts half as much: conventions change."""
FEWEST = 3

_KINDS: dict[str, tuple[str, ...]] = {
    "feat": ("feat", "feature", "api", "enh", "new", "add"),
    "fix": ("fix", "bugfix", "bug"),
    "docs": ("docs", "doc"),
    "test": ("test", "tests"),
    "refactor": ("refactor", "refact", "cleanup"),
    "perf": ("perf",),
    "chore": ("chore", "build", "ci", "style", "deps", "lint", "revert", "types", "release"),
}
_TYPES = frozenset(name for names in _KINDS.values() for name in names)
_EMOJI: dict[str, tuple[str, ...]] = {
    "feat": ("✨", ":sparkles:"),
    "fix": ("🐛", ":bug:"),
    "docs": ("📝", ":memo:"),
    "test": ("✅", ":white_check_mark:"),
    "refactor": ("♻️", ":recycle:"),
    "perf": ("⚡️", ":zap:"),
}
_BEGINS: tuple[tuple[str, str], ...] = (
    ("fix", r"fix|correct|mend|repair|prevent|avoid|stop|do not|don't|handle|restore|resolve|reject"),
    ("refactor", r"refactor|rename|move|extract|simplify|split|inline|reorganise|reorganize|clean"),
    ("docs", r"document|describe|explain"),
    ("perf", r"speed|optimise|optimize"),
    ("test", r"test|cover"),
)
_VERBS = re.findall(
    r"\w+",
    "add allow avoid bump change check clarify clean convert correct cover create delete deprecate describe disable "
    "document drop enable ensure expose extend extract fix handle ignore implement improve include introduce keep "
    "make mark move parse pass prevent print raise read refactor reject remove rename replace report require restore "
    "return simplify skip sort split stop store support test update use validate",
)
_IRREGULAR = {"keep": "kept", "make": "made", "read": "read", "split": "split"}
_DOUBLED = frozenset({"drop", "skip", "stop"})

_NOISE = re.compile(
    r"(merge|revert|bump|fixup!|squash!|amend!)\b|(chore\((deps|release)[\w-]*\)|build\(deps[\w-]*\)):|"
    r"(release|prepare|version)?\s*v?\d+(\.\d+)+\S*$|initial commit",
    re.IGNORECASE,
)
_MARK = re.compile(r"(:[a-z0-9_+-]+:|[\u2190-\u2bff\U0001f000-\U0001faff]\ufe0f?)\s*")
_TICKET = re.compile(
    r"(?:\[?[A-Z][A-Z0-9]+-\d+\]?|\[?#\d+\]?|gh-\d+|(?:Fixed|Refs|Closes|Fixes) #\d+(?:, #\d+)* --)"
    r"(?::\s+|\s+(?:-\s+)?)"
)
_PREFIXED = re.compile(
    r"(?P<area>[A-Za-z0-9_.*][\w./*{}+@-]*(?:, ?[\w./*-]+)*)(?:\((?P<scope>[^()]+)\))?!?: +(?P<rest>\S.*)"
)
_BRACKETED = re.compile(r"\[(?P<area>[\w./ -]+)\]:? +(?P<rest>\S.*)")
_NUMBERED = re.compile(r"\s*\((?:#|GH-|gh-)\d+\)$")
_GENERAL = re.compile(
    r"src|libs?|pkg|internal|apps?|server|source|packages|crates|cmd|main|index|init|mod|tests?|specs?"
)
"""Names of folders and files that say nothing of what is in them."""
_OF_TESTS = re.compile(
    r"(^|/)(tests?|specs?|__tests__|testdata)/|(^|/)test_|[._-](test|spec)s?\.|_test\.|Tests?\."
)
_OF_WORDS = re.compile(r"(^|/)docs?/|\.(md|rst|txt|adoc)$", re.IGNORECASE)
_OWN_NUMBERS = re.compile(r"\s*\((?:[RT]\d+(?:, | and |; )?)+\)")
_WORKING_NOTE = re.compile(
    r"\b(tests?|suites?)\b(\W+\w+){0,4}?\W+(pass(es|ed)?|green|succeed(s|ed)?|ran|run( green| through)?\W*$)(?!\w)"
    r"|\bchecks?( \w+)?( are| is)? (pass(es|ed)?|green)\b|\b(ran|run) the (\w+ )?(tests?|suites?)\b"
    r"|\b\d+ (passed|green)\b"
    r"|\bacceptance tests?\b|\bthe (task|planner|tester|reviewer|critic|designer)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Convention:
    """How a project writes the subjects of its commits."""

    form: Form = "plain"
    areas: tuple[tuple[str, int], ...] = ()
    """Names that stand in prefixes, and how often; of ``typed`` subjects their scopes."""
    types: tuple[str, ...] = ()
    """The most used first."""
    scoped: bool = False
    capital: bool = True
    stop: bool = False
    mood: Mood = "base"
    marks: frozenset[str] = frozenset()
    """The emoji that begin subjects; none where that is not the custom."""


@dataclass(frozen=True)
class _Subject:
    weight: float
    mark: str
    prefix: str
    scope: str
    bracketed: bool
    rest: str

    @property
    def typed(self) -> bool:
        return not self.bracketed and self.prefix.lower() in _TYPES


def learn(subjects: Iterable[str]) -> Convention:
    """The convention of a history, told by its subjects, the newest first and without merges."""
    told = [text for text in map(_bare, subjects) if text and not _NOISE.match(_MARK.sub("", text, count=1))]
    seen = [_taken_apart(text, 0.5 ** (at / HALVED_AFTER)) for at, text in enumerate(told[:LEARNED_FROM])]
    if len(seen) < FEWEST:
        return Convention()
    form = _form(seen)
    alike = [one for one in seen if _of_form(one, form)] or seen
    names = Counter(one.scope if form == "typed" else one.prefix for one in alike)
    types = Counter(one.prefix.lower() for one in alike if one.typed)
    return Convention(
        form=form,
        areas=tuple((name, count) for name, count in names.most_common() if name),
        types=tuple(name for name, _ in types.most_common()),
        scoped=form == "typed" and _most(alike, [bool(one.scope) for one in alike]),
        capital=_capital(alike),
        stop=_most(alike, [one.rest.endswith(".") for one in alike]),
        mood=_mood(alike),
        marks=frozenset(one.mark for one in seen if one.mark)
        if _most(seen, [bool(one.mark) for one in seen])
        else frozenset(),
    )


def message(convention: Convention, title: str, body: str, paths: Sequence[str]) -> str:
    """A whole message: a subject of at most 72 columns, and what is to be said beside it, wrapped."""
    text = _OWN_NUMBERS.sub("", " ".join(title.split())).rstrip(" .")
    named = _PREFIXED.fullmatch(text)
    kind = _kind(text, paths)
    if named is not None and named["area"].lower() in _TYPES:
        kind = next(kind for kind, names in _KINDS.items() if named["area"].lower() in names)
        text = named["rest"]
    elif named is not None and re.fullmatch(r"(?i)t(ask-?)?\d+", named["area"]):
        text = named["rest"]
    prefix = _mark(convention, kind) + _prefix(convention, kind, paths)
    if text.lower().startswith(prefix.strip().lower()) and prefix:
        text = text[len(prefix.strip()) :].strip()
    text = _spelt(convention, text, prefixed=bool(prefix))
    short = _shortened(text, SUBJECT_MAX - len(prefix) - convention.stop)
    subject = f"{prefix}{short}{'.' if convention.stop else ''}"
    told = [f"{text[:1].upper()}{text[1:]}."] if short != text else []
    said = _joined([*told, *_sentences(body, text)])
    return f"{subject}\n\n{wrapped(said)}\n" if said else f"{subject}\n"


# ---- reading subjects


def _bare(subject: str) -> str:
    """A subject without what belongs to one commit alone: numbers of tickets and of pull requests."""
    text = _NUMBERED.sub("", subject.strip())
    return _TICKET.sub("", text, count=1) if _TICKET.match(text) else text


def _taken_apart(text: str, weight: float) -> _Subject:
    marked = _MARK.match(text)
    mark = marked[1] if marked else ""
    rest = _bare(text[marked.end() :]) if marked else text
    found = _BRACKETED.fullmatch(rest) or _PREFIXED.fullmatch(rest)
    if found is None:
        return _Subject(weight, mark, "", "", bracketed=False, rest=rest)
    scope = found.groupdict().get("scope") or ""
    return _Subject(weight, mark, found["area"], scope, bracketed=rest.startswith("["), rest=found["rest"])


def _form(seen: Sequence[_Subject]) -> Form:
    if _most(seen, [one.bracketed for one in seen]):
        return "bracketed"
    prefixed = [one for one in seen if one.prefix and not one.bracketed]
    if not _most(seen, [one in prefixed for one in seen]):
        return "plain"
    return "typed" if _most(prefixed, [one.typed for one in prefixed]) else "area"


def _of_form(one: _Subject, form: Form) -> bool:
    if form == "plain":
        return not one.prefix
    return one.bracketed == (form == "bracketed") and bool(one.prefix) and (form != "typed" or one.typed)


def _most(seen: Sequence[_Subject], holds: Sequence[bool]) -> bool:
    """Whether it holds of at least half of them, the newer ones counting more."""
    yes = sum(one.weight for one, so in zip(seen, holds, strict=True) if so)
    return bool(seen) and 2 * yes >= sum(one.weight for one in seen)


def _capital(seen: Sequence[_Subject]) -> bool:
    plain = [one for one in seen if re.match(r"[A-Za-z][a-z]*\b", one.rest)]
    return not plain or _most(plain, [one.rest[0].isupper() for one in plain])


def _mood(seen: Sequence[_Subject]) -> Mood:
    found: Counter[Mood] = Counter()
    for one in seen:
        word = one.rest.split(" ", 1)[0].lower()
        if word in _MOODS:
            found[_MOODS[word][1]] += 1
    return found.most_common(1)[0][0] if found else "base"


# ---- writing one


def _kind(title: str, paths: Sequence[str]) -> str:
    if paths and all(_OF_TESTS.search(path) for path in paths):
        return "test"
    if paths and all(_OF_WORDS.search(path) for path in paths):
        return "docs"
    return next((kind for kind, words in _BEGINS if re.match(rf"(?i)({words})(s|es|ed)?\b", title)), "feat")


def _prefix(convention: Convention, kind: str, paths: Sequence[str]) -> str:
    if convention.form == "plain":
        return ""
    area = _area(convention, paths)
    if convention.form == "bracketed":
        return f"[{area}] " if area else ""
    if convention.form == "area":
        return f"{area}: " if area else ""
    used = [name for name in convention.types if name in _KINDS[kind]]
    scope = area if convention.scoped and area in dict(convention.areas) else ""
    return f"{used[0] if used else kind}{f'({scope})' if scope else ''}: "


def _area(convention: Convention, paths: Sequence[str]) -> str:
    """The name the history has for what was changed, or else that of its folder or file."""
    code = [path for path in paths if not _OF_TESTS.search(path)] or list(paths)
    ranked = sorted(
        ((sum(_names(area, path) for path in code), count, area) for area, count in convention.areas),
        key=lambda one: (-one[0], -len(one[2].split("/")), -one[1]),
    )
    if ranked and ranked[0][0]:
        return ranked[0][2]
    together = next((name for name, _ in convention.areas if name in ("all", "*", "misc", "core")), "")
    folders = {PurePosixPath(path).parent for path in code}
    if len(folders) == 1:
        return next(
            (part for part in reversed(folders.pop().parts) if not _GENERAL.fullmatch(part)), _stem(code)
        )
    return together or _stem(code)


def _stem(paths: Sequence[str]) -> str:
    stems = [PurePosixPath(path).name.partition(".")[0] for path in paths]
    return next((stem for stem in stems if stem and not _GENERAL.fullmatch(stem.strip("_"))), "")


def _names(area: str, path: str) -> bool:
    place = PurePosixPath(path)
    parts = {*place.parts[:-1], place.name.partition(".")[0], place.name}
    return area in parts or ("/" in area and f"/{path}".find(f"/{area}/") >= 0)


def _mark(convention: Convention, kind: str) -> str:
    known = (mark for mark in _EMOJI.get(kind, ()) if mark in convention.marks)
    found = next(known, "")
    return f"{found} " if found else ""


def _spelt(convention: Convention, text: str, *, prefixed: bool) -> str:
    """A description with the letters and the mood of the history."""
    first, space, rest = text.partition(" ")
    mooded = _MOODS.get(first.lower())
    if mooded is not None and mooded[1] != convention.mood:
        spelt = _in_mood(mooded[0], convention.mood)
        first = spelt.capitalize() if first[0].isupper() else spelt
    if convention.capital and re.fullmatch(r"[a-z]+", first):
        first = first.capitalize()
    elif not convention.capital and re.fullmatch(r"[A-Z][a-z]+|A", first) and (prefixed or mooded):
        first = first.lower()
    return first + space + rest


def _shortened(text: str, limit: int) -> str:
    """A description that fits: at the end of a clause where one is far enough along, else between words."""
    if len(text) <= limit:
        return text
    clauses = [
        found.start() for found in re.finditer(r"[,;:] | \(| so that | because | when | instead ", text)
    ]
    fitting = [at for at in clauses if limit // 2 <= at <= limit]
    if fitting:
        return text[: fitting[-1]].rstrip()
    words = text[: limit + 1].rsplit(" ", 1)[0][:limit].rstrip(" ,;:(")
    return re.sub(r"\s+(and|or|the|a|an|of|to|in|for|with|on|by|from|that)$", "", words)


def _sentences(body: str, title: str) -> Iterable[str]:
    """What a body says to those who read the log later: nothing of how the work was done, and not the title again."""
    for line in body.strip().splitlines():
        kept = [
            said
            for said in re.split(r"(?<=[.!?])\s+(?=[A-Z`])", _OWN_NUMBERS.sub("", line))
            if not _WORKING_NOTE.search(said) and said.strip(" .").lower() != title.strip(" .").lower()
        ]
        yield " ".join(kept) if kept or line.strip() else ""


def _joined(lines: Sequence[str]) -> str:
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")


def _in_mood(verb: str, mood: Mood) -> str:
    if mood == "base":
        return verb
    if mood == "third":
        if verb.endswith(("s", "x", "ch", "sh")):
            return f"{verb}es"
        return f"{verb[:-1]}ies" if re.search(r"[^aeiou]y$", verb) else f"{verb}s"
    if verb in _IRREGULAR:
        return _IRREGULAR[verb]
    if re.search(r"[^aeiou]y$", verb):
        return f"{verb[:-1]}ied"
    return f"{verb}{verb[-1] if verb in _DOUBLED else ''}ed".replace("eed", "ed")


_MOODS: dict[str, tuple[str, Mood]] = {
    _in_mood(verb, mood): (verb, mood) for mood in ("past", "third", "base") for verb in _VERBS
}
"""Each form of the verbs that subjects begin with: its base, and which form it is."""
