"""The Test Anything Protocol, as a program prints it."""

import re
from collections.abc import Iterable, Iterator

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.runners.junit import bounded

_LINE = re.compile(r"^(\s*)(not ok|ok)\b(?:\s+\d+)?(?:\s*-)?\s*(.*?)\s*$")
_DIRECTIVE = re.compile(r"(?<!\\)#\s*(skip|todo)\S*\s*(.*)$", re.IGNORECASE)
_SUBTEST = re.compile(r"^(\s*)# Subtest: (.*?)\s*$")


def looks_like(text: str) -> bool:
    """Whether an output is TAP: a version or plan, and a line for a test."""
    return bool(
        re.search(r"^(TAP version \d+|1\.\.\d+)", text, re.MULTILINE)
        and re.search(r"^(not )?ok\b", text, re.MULTILINE)
    )


def read(lines: Iterable[str], suite: str = "") -> tuple[Case, ...] | None:
    """The cases of an output, subtests with the names of what they are in; None when the plan was not kept."""
    found = list(_points(lines))
    cases = [
        Case(name=_named(suite, path), outcome=outcome, message=message)
        for path, outcome, message, _ in found
    ]
    return tuple(cases) if cases else None


def plan_kept(text: str) -> bool:
    """Whether as many tests ran at the outermost level as the plan says."""
    plan = re.search(r"^1\.\.(\d+)", text, re.MULTILINE)
    ran = len(re.findall(r"^(?:not )?ok\b", text, re.MULTILINE))
    return plan is not None and int(plan.group(1)) == ran


def _named(suite: str, path: tuple[str, ...]) -> str:
    return "::".join(part for part in (suite, *path) if part)


def _points(lines: Iterable[str]) -> Iterator[tuple[tuple[str, ...], Outcome, str, int]]:
    above: list[tuple[int, str]] = []
    pending: tuple[tuple[str, ...], Outcome, int] | None = None
    about: list[str] = []
    kept = 0
    for raw in lines:
        line = plain(raw.rstrip("\n"))
        subtest, point = _SUBTEST.match(line), _LINE.match(line)
        if subtest is None and point is None:
            if pending is not None and pending[1] == "failed" and line.strip() not in ("---", "..."):
                about.append(line.strip())
            continue
        if pending is not None:
            yield (*pending[:2], bounded("\n".join(about), kept), pending[2])
            kept += pending[1] != "passed"
            pending, about = None, []
        if subtest is not None:
            indent = len(subtest.group(1))
            above = [(at, name) for at, name in above if at < indent] + [(indent, subtest.group(2))]
            continue
        assert point is not None
        indent = len(point.group(1))
        name, outcome = _outcome(point.group(2), point.group(3))
        around = tuple(title for at, title in above if at < indent)
        above = [(at, title) for at, title in above if at < indent]
        pending = ((*around, name), outcome, indent)
    if pending is not None:
        yield (*pending[:2], bounded("\n".join(about), kept), pending[2])


def _outcome(said: str, rest: str) -> tuple[str, Outcome]:
    directive = _DIRECTIVE.search(rest)
    name = (rest[: directive.start()] if directive else rest).strip().replace("\\#", "#")
    if directive is not None:
        return name, "skipped"
    return name, "passed" if said == "ok" else "failed"
