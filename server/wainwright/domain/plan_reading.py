"""Reads the page of a plan, whatever is on it: what stands there with its places, and what was not understood."""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from wainwright.domain.goal import SIZES, slug
from wainwright.domain.plan_page import PlanText, Problem, RequirementText, Said, Span, TaskText, Word
from wainwright.domain.plan_text import (
    FENCE,
    FIELDS,
    FLAG,
    MEANS,
    NO_DESIGN,
    OURS,
    STAYS,
    end_of_code,
    is_blank,
)

Section = Literal["top", "tasks", "requirements", "tests", "approach", "notes", "unknown"]
SECTIONS: dict[str, Section] = {
    name.lower(): name.lower()  # type: ignore[misc]
    for name in ("Tasks", "Requirements", "Tests", "Approach", "Notes")
}
FIELD = re.compile(rf" {{0,3}}[-*] +({'|'.join(FIELDS)})[ \t]*:[ \t]*", re.IGNORECASE)
HEADING = re.compile(r" {0,3}(#{1,3})(?:[ \t]+(.*?))?[ \t]*")
TITLE = re.compile(r" {0,3}#[ \t]+plan(?:[ \t]+([0-9]{1,6}))?[ \t]*", re.IGNORECASE)
ESCAPED = re.compile(rf"( {{0,3}})\\(?=\\*(?:{MEANS}))", re.IGNORECASE)
SAID = re.compile(r" {0,3}> ?(.*)")
ITEM = re.compile(r" ?[-*] +(?:\*\*)?(R[1-9][0-9]*):?(?:\*\*)?:?(?:[ \t]|$)")
WORD = re.compile(r"`([^`]*)`|\"(?:[^\"\\]|\\.)*\"|[^,`\s][^,`]*")
SUITE = re.compile(
    r" {0,3}[-*] +(`[^`]*`|\"(?:[^\"\\]|\\.)*\")(?: in (`[^`]*`|\"(?:[^\"\\]|\\.)*\"))?(?:: (.*))?"
)
APPROACH = re.compile(r" {0,3}[-*] +(size|because|behaviour|tests)[ \t]*:[ \t]*(.*?)[ \t]*", re.IGNORECASE)
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


def parse(text: str) -> PlanText:
    """Read a page, whatever is on it."""
    return _Reader(text).read()


@dataclass(frozen=True)
class _Line:
    text: str
    start: int
    code: bool
    """Whether it stands in a block of code."""

    @property
    def span(self) -> Span:
        return Span(self.start, self.start + len(self.text))


class _Reader:
    """One reading of one page, a section at a time."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._problems: list[Problem] = []
        self._said: list[Said] = []
        self._lines = self._split(text)

    def _split(self, text: str) -> list[_Line]:
        raw = text.split("\n")
        # Of Windows, where all lines end so; else it is a part of what somebody wrote.
        if len(raw) > 1 and text.count("\r\n") == len(raw) - 1:
            raw = [line.removesuffix("\r") for line in raw]
            step = 2
        else:
            step = 1
        lines, start, closes = [], 0, 0
        for at, line in enumerate(raw):
            end = end_of_code(raw, at) if at >= closes else None
            closes = end or closes
            if at >= closes and FENCE.fullmatch(line):
                told = "The block of code that begins here does not end."
                self._problems.append(Problem(Span(start, start + len(line)), "code", told, "warning"))
            code = at < closes and not OURS.fullmatch(line)
            lines.append(_Line(line, start, code))
            start += len(line) + step
        return lines

    def read(self) -> PlanText:
        found: dict[str, Any] = {"sections": {}, "kept": ""}
        title = None
        for name, lines in self._sections():
            if name == "top":
                if title is None:
                    title, found["revision"] = self._title(lines)
                found["goal"] = self._top(lines)
            elif name == "unknown":
                found["kept"] += "\n".join(line.text for line in lines).rstrip() + "\n\n"
            else:
                span = Span(lines[0].start, lines[-1].span.end)
                known: Span = found["sections"].get(name, span)
                found["sections"][name] = Span(known.start, span.end)
                getattr(self, f"_read_{name}")(lines, found)
        found |= {name: tuple(found[name]) for name in ("tasks", "requirements", "suites") if name in found}
        told = sorted(self._problems, key=lambda one: one.span.start)
        return PlanText(**found, title=title or Span(0, 0), said=tuple(self._said), problems=tuple(told))

    def _sections(self) -> Iterator[tuple[Section, list[_Line]]]:
        name: Section = "top"
        lines: list[_Line] = []
        for line in self._lines:
            heading = None if line.code else HEADING.fullmatch(line.text)
            if heading is not None and len(heading[1]) < 3 and (len(heading[1]) == 2 or name != "top"):
                if lines:
                    yield name, lines
                lines = []
                name = (
                    SECTIONS.get((heading[2] or "").strip().lower(), "unknown")
                    if heading[1] == "##"
                    else "unknown"
                )
            lines.append(line)
        yield name, lines

    def _title(self, lines: Sequence[_Line]) -> tuple[Span, int]:
        line = next((line for line in lines if HEADING.fullmatch(line.text)), lines[0])
        title = TITLE.fullmatch(line.text)
        return line.span, int(title[1] or 1) if title else 1

    def _top(self, lines: Sequence[_Line]) -> str:
        left = [line for line in self._speak(lines) if not TITLE.fullmatch(line.text)]
        goals = [line for line in left if line.text.lower().startswith("goal:")]
        self._stray(
            (line for line in left if line not in goals[:1]),
            "What is no part of the plan stands in `## Notes`.",
        )
        return goals[0].text.partition(":")[2].strip() if goals else ""

    def _speak(self, lines: Iterable[_Line], at: str = "") -> list[_Line]:
        """Take out what is said to the Planner; the lines that are left."""
        left: list[_Line] = []
        before = None
        for number, line in enumerate(lines):
            found = None if line.code else SAID.fullmatch(line.text)
            if found is None:
                left.append(line)
                continue
            if before == number - 1 and self._said:
                last = self._said[-1]
                span = Span(last.span.start, line.span.end)
                self._said[-1] = Said(f"{last.text}\n{found[1]}", span, at)
            elif found[1].strip():
                self._said.append(Said(found[1], line.span, at))
            before = number
        return left

    # ---- tasks

    def _read_tasks(self, lines: Sequence[_Line], found: dict[str, Any]) -> None:
        tasks: list[TaskText] = found.setdefault("tasks", [])
        groups: list[list[_Line]] = [[]]
        for line in lines[1:]:
            heading = None if line.code else HEADING.fullmatch(line.text)
            if heading is not None and len(heading[1]) == 3:
                groups.append([])
            groups[-1].append(line)
        self._stray(
            self._speak(groups[0]), "A task begins with a heading, such as `### add-tests: Add tests`."
        )
        tasks += [task for group in groups[1:] if (task := self._task(group)) is not None]

    def _task(self, lines: Sequence[_Line]) -> TaskText | None:
        head = lines[0]
        heading = HEADING.fullmatch(head.text)
        written = (heading[2] or "") if heading else ""
        name, colon, title = written.partition(":")
        if not (colon and ID.fullmatch(name.strip())):
            whole = ID.fullmatch(written.strip())
            name, title = (written if whole else slug(written)), written
        name = name.strip()
        if not ID.fullmatch(name):
            told = "A task needs an id of lower-case letters, digits and hyphens: `### add-tests: Add tests`."
            self._problems.append(Problem(head.span, "task-id", told))
            return None
        at = max(head.text.find(name), 0)
        span = Span(head.start + at, head.start + at + len(name)) if name in head.text else head.span
        end = lines[-1].span.end + 1
        values: dict[str, list[Word]] = {"needs": [], "writes": [], "serves": []}
        where: dict[str, Span] = {}
        starts_from: list[str] = []
        text = []
        for line in self._speak(lines[1:], name):
            of = None if line.code else FIELD.match(line.text)
            if of is None:
                text.append(line)
            elif (known := FIELDS[of[1].lower()]) == "starts from":
                starts_from.append(_read_line(line.text[of.end() :]))
            else:
                where[known] = line.span
                values[known] += _words(line, of.end())
        return TaskText(
            id=Word(name, span),
            title=_read_line(title) or name,
            span=Span(head.start, end),
            head=head.span,
            instruction=_unguarded(text),
            needs=tuple(values["needs"]),
            writes=tuple(values["writes"]),
            serves=tuple(values["serves"]),
            starts_from=" ".join(filter(None, starts_from)),
            fields=where,
        )

    # ---- the other sections

    def _read_requirements(self, lines: Sequence[_Line], found: dict[str, Any]) -> None:
        requirements: list[RequirementText] = found.setdefault("requirements", [])
        groups: list[list[_Line]] = [[]]
        for line in lines[1:]:
            if not line.code and ITEM.match(line.text):
                groups.append([])
            groups[-1].append(line)
        self._stray(self._speak(groups[0]), _NUMBERED)
        for group in groups[1:]:
            item = ITEM.match(group[0].text)
            assert item is not None
            requirements.append(self._requirement(item, group))

    def _requirement(self, item: re.Match[str], lines: Sequence[_Line]) -> RequirementText:
        first = lines[0].text[item.end() :]
        flags = set()
        while (flag := FLAG.match(first)) is not None:
            flags.add(flag[1].lower()[0])
            first = first[flag.end() :]
        bare = first.lstrip("\\")
        first = first.lstrip(" \t")
        if first.startswith("\\") and (not bare.strip() or bare[:1].isspace() or FLAG.match(bare)):
            first = first[1:]
        rest = self._speak(lines[1:], item[1])
        own = next((n for n, one in enumerate(rest) if _is_stray(rest, n)), len(rest))
        self._stray(rest[own:], _NUMBERED)
        rest = rest[:own]
        span = Span(lines[0].start, (rest or lines[:1])[-1].span.end)
        at = lines[0].start + item.start(1)
        # A text that ends with empty lines says so.
        more = any(not is_blank(one.text) for one in rest)
        text = f"{first}\n{_unguarded(rest, of_item=True)}" if more else first
        return RequirementText(
            Word(item[1], Span(at, at + len(item[1]))), text, span, "m" in flags, bool(flags - {"m"})
        )

    def _read_tests(self, lines: Sequence[_Line], found: dict[str, Any]) -> None:
        suites: list[dict[str, str]] = found.setdefault("suites", [])
        for line in self._speak(lines[1:]):
            suite = SUITE.fullmatch(line.text)
            if suite is not None:
                where = {"folder": _read_code(suite[2])} if suite[2] else {}
                why = {"reason": _read_line(suite[3])} if suite[3] else {}
                suites.append({"command": _read_code(suite[1]), **where, **why})
            else:
                self._stray([line], "A test command is written as `- ` and the line in backticks.")

    def _read_approach(self, lines: Sequence[_Line], found: dict[str, Any]) -> None:
        for line in self._speak(lines[1:]):
            said = APPROACH.fullmatch(line.text)
            name, value = (said[1].lower(), _read_line(said[2])) if said else ("", "")
            size = next((one for one in SIZES if one == value), None)
            if name == "size" and size is not None:
                found["size"] = size
            elif name == "because":
                found["size_reason"] = value
            elif name == "behaviour" and value.lower() == STAYS:
                found["keeps_behaviour"] = True
            elif name == "tests" and value.lower() == NO_DESIGN:
                found["tests_need_design"] = False
            else:
                told = f"Here may stand `size: {'`, `'.join(SIZES)}`, `because: …`, `behaviour: {STAYS}`, "
                self._stray([line], f"{told}`tests: {NO_DESIGN}`.")

    def _read_notes(self, lines: Sequence[_Line], found: dict[str, Any]) -> None:
        text = _unguarded(self._speak(lines[1:]))
        found["notes"] = "\n\n".join(filter(None, (found.get("notes", ""), text)))

    def _stray(self, lines: Iterable[_Line], told: str) -> None:
        """Say of each line that it was not understood."""
        self._problems += [
            Problem(line.span, "not-understood", told, "warning") for line in lines if not is_blank(line.text)
        ]


_NUMBERED = "A requirement begins with its number, such as `- **R3** It answers.`; what follows is indented."


def _words(line: _Line, begin: int) -> list[Word]:
    """The values of a list that stands in a line from there on."""
    if line.text[begin:].strip().lower().rstrip(".") in ("", "nothing", "none", "-"):
        return []
    found = []
    for one in WORD.finditer(line.text, begin):
        text = one[1] if one[1] is not None else _read_line(one[0])
        span = Span(line.start + one.start(), line.start + one.start() + len(one[0].rstrip()))
        found.append(Word(text, span))
    return found


def _read_code(written: str) -> str:
    return written[1:-1] if written.startswith("`") else _read_line(written)


def _unguarded(lines: Sequence[_Line], *, of_item: bool = False) -> str:
    """The text that stands in some lines, without the empty ones around it; that of an item is indented."""
    kept = list(lines)
    while kept and is_blank(kept[-1].text):
        kept.pop()
    while kept and is_blank(kept[0].text) and not of_item:
        kept.pop(0)
    return "\n".join(_dedented(_unescaped(one)) if of_item else _unescaped(one) for one in kept)


def _unescaped(line: _Line) -> str:
    text = line.text
    if line.code:
        return text[1:] if text.startswith("\\") and OURS.fullmatch(text.lstrip("\\")) else text
    if "\\" in text and is_blank(text.replace("\\", "")):
        return text.replace("\\", "", 1)
    return ESCAPED.sub(r"\1", text, count=1) if ESCAPED.match(text) else text


def _dedented(text: str) -> str:
    return text[2:] if text.startswith("  ") else text.lstrip(" ")


def _is_stray(lines: Sequence[_Line], at: int) -> bool:
    """Whether a line below a requirement does not belong to it: it is not indented and stands behind an empty one."""
    line = lines[at]
    return bool(
        at and not line.code and not line.text[:1].isspace() and not is_blank(line.text)
    ) and is_blank(lines[at - 1].text)


def _read_line(text: str) -> str:
    text = text.strip()
    if text.startswith('"') and text.endswith('"'):
        try:
            found = json.loads(text, strict=False)
        except ValueError:
            return text
        return found if isinstance(found, str) else text
    return text
