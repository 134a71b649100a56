"""Whether a report can be believed: exit code and report agree, and nothing changed that could make it lie.

Code that is tested runs in the process that reports on it, so no report can prove itself. What can be done: the
report lies where only its command finds it, tests that were green cannot vanish, and whatever a change touches that
decides how tests are found, run or told is named. What no honest change needs is not believed at all.
"""

import json
import re
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from wainwright.domain.evidence import Case, Suite
from wainwright.receipts.detect import holds_tests
from wainwright.receipts.protocol import Project
from wainwright.receipts.shell import simple_commands
from wainwright.receipts.special import special_cases
from wainwright.receipts.suspects import MODULES, SETTINGS, TRICKS


@dataclass(frozen=True)
class Before:
    """What a change is compared with."""

    project: Project
    """The base."""
    changed: Collection[str]
    """The paths that were added, changed or deleted since."""


@dataclass(frozen=True)
class Changes:
    """What a change touches of how it is tested, a sentence each."""

    disbelieved: tuple[str, ...] = ()
    """Nothing that an honest change needs: a report made with it counts for nothing."""
    doubts: tuple[str, ...] = ()
    """What a person should look at."""


def agreement(command: str, code: int | None, cases: Sequence[Case]) -> list[str]:
    """What is odd about an exit code beside the cases of a report."""
    red = [case.name for case in cases if case.outcome in ("failed", "error")]
    if code == 0 and red:
        return [f"`{command}` ended with exit code 0, though its report has red tests: {', '.join(red[:3])}."]
    if code not in (0, None) and cases and not red:
        return [f"`{command}` ended with exit code {code}, though no test in its report is red."]
    return []


def changes(before: Before, now: Project, suites: Sequence[Suite]) -> Changes:
    """What changed since the base that could make a report lie."""
    disbelieved, doubts = [], []
    for path in sorted(before.changed):
        text = now.text(path)
        old = before.project.text(path)
        if text is not None and text != old:
            shadow = _shadow(path, now)
            if shadow:
                disbelieved.append(f"{path} {shadow}.")
                continue
            doubts += [f"{path} {said}." for said in _tricks(path, text, old or "")]
            doubts += [f"{path} {said}." for said in special_cases(path, text, old or "", now)]
            name, place = _module(path)
            if place == "." and name in sys.stdlib_module_names:
                doubts.append(f"{path} has the name of a module of Python itself, and comes before it.")
        if text != old:
            if _matters(path, suites):
                doubts += [f"{path} {said}." for said in _settings(path, text or "", old or "")]
            doubts += [
                f"{path}, which `{one.command}` runs, was changed." for one in suites if _runs(one, path)
            ]
    return Changes(tuple(dict.fromkeys(disbelieved)), tuple(dict.fromkeys(doubts)))


# ---- what stands in the place of the runner

_BINARIES = re.compile(
    r"(^|/)(\.venv|venv|env)/(bin|Scripts)/|(^|/)node_modules/\.bin/|(^|/)vendor/bin/|\.dist-info/"
)
_CUSTOMIZE = re.compile(r"(^|/)(sitecustomize|usercustomize)(\.py|/__init__\.py)$|\.pth$")


def _shadow(path: str, now: Project) -> str:
    """Why a file stands in for a part of the runner; empty when it does not."""
    if _CUSTOMIZE.search(path):
        return "is run by every interpreter at its start, before any test"
    if _BINARIES.search(path):
        return "stands in the place of installed programs"
    name, place = _module(path)
    if name in MODULES and (place == "." or any(_is_test_of(place, file) for file in now.files())):
        return "would be imported in the place of the module of this name that the test runner needs"
    return ""


def _module(path: str) -> tuple[str, str]:
    """The name of the module that a file of Python is, and the folder it would be found from."""
    file = PurePosixPath(path)
    if file.suffix not in (".py", ".so", ".pyd"):
        return "", ""
    place = file.parent.parent if file.stem == "__init__" else file.parent
    return (file.parent.name if file.stem == "__init__" else file.name.partition(".")[0]), str(place)


def _is_test_of(folder: str, file: str) -> bool:
    return str(PurePosixPath(file).parent) == folder and (holds_tests(file) or file.endswith("conftest.py"))


# ---- what decides how tests are found, run and told


def _matters(path: str, suites: Sequence[Suite]) -> bool:
    """Whether a file of recipes belongs to a program that the tests are run with; other files always matter."""
    programs = _RECIPES.get(PurePosixPath(path).name, ("make", "gmake") if path.endswith(".mk") else ())
    lines = [one.command for one in suites]
    return not programs or any(re.search(rf"\b{program}\b", line) for line in lines for program in programs)


def _settings(path: str, text: str, old: str) -> Iterator[str]:
    """What a file says of the tests and did not on the base."""
    for pattern, said in SETTINGS:
        if re.search(pattern, path):
            yield said
            return
    name = PurePosixPath(path).name
    part = _PARTS.get(name) or next((part for end, part in _ENDS.items() if path.endswith(end)), None)
    if part is not None and part(text) != part(old):
        yield "has other settings of the tests than on the base"
    if path.endswith("_test.go") and "func TestMain(" in text:
        yield "has a TestMain, which decides what runs and how it ends"


def _toml(*tables: str) -> Callable[[str], object]:
    def part(text: str) -> object:
        try:
            found: Any = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return text
        return [_dug(found, table.split(".")) for table in tables]

    return part


def _dug(found: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found


def _package(text: str) -> object:
    try:
        found = json.loads(text or "{}")
    except ValueError:
        return text
    keys = "scripts jest mocha ava nyc c8 vitest tap type imports exports main packageManager workspaces overrides"
    return [found.get(key) for key in keys.split()] if isinstance(found, dict) else text


def _sections(text: str) -> object:
    """Those of an ini file that speak of tests."""
    found = re.findall(
        r"^\[((?:tool:)?pytest|testenv[^\]]*|tox|coverage:[^\]]*|unittest)\]([^\[]*)", text, re.MULTILINE
    )
    return [(name, re.sub(r"\s+", " ", body)) for name, body in found]


def _lines(pattern: str) -> Callable[[str], object]:
    return lambda text: [line.strip() for line in text.splitlines() if re.search(pattern, line)]


def _all(text: str) -> object:
    return text


_PARTS: dict[str, Callable[[str], object]] = {
    "pyproject.toml": _toml(
        "tool.pytest", "tool.coverage", "tool.tox", "tool.hatch.envs", "tool.pdm.scripts", "tool.poe", "tool.taskipy",
        "tool.pixi.tasks", "project.entry-points", "build-system",
    ),
    "setup.cfg": _sections,
    "tox.ini": _sections,
    "package.json": _package,
    "composer.json": _lines(r'"(scripts|test|phpunit|autoload|autoload-dev)"'),
    "Cargo.toml": _toml("test", "lib", "bin", "profile", "package.autotests", "package.build", "patch", "workspace"),
    "go.mod": _lines(r"^\s*(replace|toolchain|exclude|tool)\b|=>"),
    "pom.xml": _lines(r"surefire|failsafe|[sS]kip|maven\.test|[iI]gnore|clude>|argLine|<goal>|<phase>|testSource"),
    "CMakeLists.txt": _lines(r"add_test|tests_properties|enable_testing|CTest|_FAIL|DISABLED|SKIP_|gtest"),
    "Makefile": _all,
    "makefile": _all,
    "GNUmakefile": _all,
    "justfile": _all,
    "Taskfile.yml": _all,
}  # fmt: skip
_RECIPES = {
    **dict.fromkeys(("Makefile", "makefile", "GNUmakefile"), ("make", "gmake")),
    "justfile": ("just",),
    "Taskfile.yml": ("task",),
}
_ENDS: dict[str, Callable[[str], object]] = {
    ".mk": _all,
    ".csproj": _lines(r"IsTestProject|<Compile|<PackageReference|VSTest|RunSettings"),
}


def _runs(suite: Suite, path: str) -> bool:
    """Whether a command names this file itself."""
    words = [word for one in simple_commands(suite.command) for word in one.texts]
    folder = PurePosixPath(suite.folder)
    return any(str(folder / word) == path for word in words if not word.startswith("-"))


# ---- what code does that is tested and tells of itself

_BINARY = re.compile(r"\0")


def _tricks(path: str, text: str, old: str) -> Iterator[str]:
    """What code does more often than on the base that changes what is told of tests."""
    if _BINARY.search(text) or path.endswith((".md", ".rst", ".txt", ".json", ".lock", ".svg", ".html")):
        return
    for pattern, said in TRICKS:
        skips = said.startswith("skips") or said.startswith("keeps")
        tells = said.startswith("behaves") and holds_tests(path)
        ends = said.startswith("ends") and not (holds_tests(path) or _helps_tests(path))
        more = sum(1 for _ in re.finditer(pattern, text)) - sum(1 for _ in re.finditer(pattern, old))
        if more > 0 and (not skips or holds_tests(path)) and not ends and not tells:
            often = f", {more} marks more than on the base" if skips and more > 1 else ""
            yield f"{said} ({_shown(re.search(pattern, text))}{often})"


def _helps_tests(path: str) -> bool:
    return bool(re.search(r"(^|/)(tests?|spec|__tests__|testing)/|conftest\.py$", path)) or path.endswith(
        (".py", ".rs")
    )


def _shown(found: "re.Match[str] | None") -> str:
    return found.group(0)[:60].strip() if found else ""
