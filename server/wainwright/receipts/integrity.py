"""Whether a report can be believed: exit code and report agree, and nothing changed that could make it lie.

Code that is tested runs in the process that reports on it, so no report can prove itself. What can be done: the
report lies where only its command finds it, tests that were green cannot vanish, and whatever a change touches that
decides how tests are found, run or told is named. What no honest change needs is not believed at all.
"""

import json
import os
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
from wainwright.receipts.special import special_cases, times
from wainwright.receipts.suspects import MODULES, SETTINGS, STANDS_IN, TRICKS
from wainwright.sandbox.variables import OFFLINE, VARIABLES


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


def written(wrote: Collection[str], command: str) -> list[str]:
    """What a command did, while it ran, to files that decide what is told of it."""
    return [
        f"{path} was changed by `{command}` while it ran."
        for path in wrote
        if holds_tests(path) or any(re.search(pattern, path) for pattern, _ in (*STANDS_IN, *_LASTING))
    ]


def changes(before: Before, now: Project, suites: Sequence[Suite]) -> Changes:
    """What changed since the base that could make a report lie."""
    disbelieved, doubts = [], []
    run_by = [(one, _run_by(one, before.project) | _run_by(one, now)) for one in suites]
    for path in sorted(before.changed):
        text = now.text(path)
        old = before.project.text(path)
        if text is not None and text != old:
            shadow = _shadow(path, now)
            if shadow:
                disbelieved.append(f"{path} {shadow}.")
                continue
            doubts += [f"{path} {said}." for said in _tricks(path, text, old or "")]
            doubts += [f"{path} {said}." for said in _patches(path, text, old or "")]
            doubts += [f"{path} {said}." for said in _asks_less(path, text, old or "")]
            doubts += [f"{path} {said}." for said in special_cases(path, text, old or "", now)]
            name, place = _module(path)
            if name in sys.stdlib_module_names and (place == "." or _beside_tests(place, now)):
                doubts.append(f"{path} has the name of a module of Python itself, and comes before it.")
        if text != old:
            if _matters(path, suites):
                doubts += [f"{path} {said}." for said in _settings(path, text or "", old or "")]
            doubts += [
                f"{path}, which `{one.command}` runs, was changed." for one, files in run_by if path in files
            ]
    return Changes(tuple(dict.fromkeys(disbelieved)), tuple(dict.fromkeys(doubts)))


# ---- what stands in the place of the runner


def _shadow(path: str, now: Project) -> str:
    """Why a file stands in for a part of the runner; empty when it does not."""
    for pattern, said in STANDS_IN:
        if re.search(pattern, path):
            return said
    name, place = _module(path)
    if name in MODULES and (place == "." or _beside_tests(place, now)):
        return "would be imported in the place of the module of this name that the test runner needs"
    return ""


def _module(path: str) -> tuple[str, str]:
    """The name of the module that a file of Python is, and the folder it would be found from."""
    file = PurePosixPath(path)
    if file.suffix not in (".py", ".pyc", ".so", ".pyd"):
        return "", ""
    place = file.parent.parent if file.stem == "__init__" else file.parent
    return (file.parent.name if file.stem == "__init__" else file.name.partition(".")[0]), str(place)


def _beside_tests(folder: str, now: Project) -> bool:
    """Whether tests lie in a folder, which is then looked through for modules before those of Python itself."""
    return any(
        str(PurePosixPath(file).parent) == folder and (holds_tests(file) or file.endswith("conftest.py"))
        for file in now.files()
    )


# ---- what decides how tests are found, run and told


def _reads(path: str) -> tuple[str, ...]:
    """The programs whose recipes a file has; none for any other file."""
    return next((programs for pattern, programs in _RECIPES if re.search(pattern, path)), ())


def _matters(path: str, suites: Sequence[Suite]) -> bool:
    """Whether a file of recipes belongs to a program that the tests are run with; other files always matter."""
    programs = _reads(path)
    lines = [one.command for one in suites]
    return not programs or any(re.search(rf"\b{program}\b", line) for line in lines for program in programs)


def _settings(path: str, text: str, old: str) -> Iterator[str]:
    """What a file says of the tests and did not on the base."""
    for pattern, said in SETTINGS:
        if re.search(pattern, path):
            yield said
            return
    name = PurePosixPath(path).name
    part = (
        _all
        if _reads(path)
        else _PARTS.get(name) or next((part for end, part in _ENDS.items() if path.endswith(end)), None)
    )
    if part is not None and (now := part(text)) != (before := part(old)):
        yield f"has other settings of the tests than on the base{_which(now, before)}"
    if path.endswith("_test.go") and "func TestMain(" in text:
        yield "has a TestMain, which decides what runs and how it ends"


def _which(now: object, before: object) -> str:
    """What of the settings is another: the names of some, or a line."""
    if isinstance(now, dict) and isinstance(before, dict):
        names = [name for name in {**before, **now} if now.get(name) != before.get(name)]
        return f" ({', '.join(names[:3])}{' …' if len(names) > 3 else ''})"
    if isinstance(now, list) and isinstance(before, list):
        other = [line for line in now if line not in before] or [line for line in before if line not in now]
        return f" ({_shown(re.match('.*', other[0]))})" if other else ""
    return ""


def _toml(*tables: str) -> Callable[[str], object]:
    def part(text: str) -> object:
        try:
            found: Any = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            return text
        return {table: _dug(found, table.split(".")) for table in tables}

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
    return {key: found.get(key) for key in keys.split()} if isinstance(found, dict) else text


_OF_TESTS = re.compile(r"(tool:)?pytest|testenv.*|tox|coverage:.*|unittest|aliases|options\.entry_points")


def _sections(text: str) -> object:
    """Those of an ini file that speak of tests."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in map(str.strip, text.splitlines()):
        head = re.match(r"\[([^\]]+)\]\s*([#;]|$)", line)
        name = head[1].strip() if head else name
        if not head and line and _OF_TESTS.fullmatch(name):
            found.setdefault(name, []).append(re.sub(r"\s+", " ", line))
    return found


def _lines(pattern: str) -> Callable[[str], object]:
    return lambda text: [line.strip() for line in text.splitlines() if re.search(pattern, line)]


_ELSEWHERE = frozenset(
    re.findall(
        r"\S+",
        "japicmp-maven-plugin revapi-maven-plugin clirr-maven-plugin maven-javadoc-plugin dokka-maven-plugin "
        "maven-source-plugin maven-gpg-plugin maven-release-plugin maven-deploy-plugin maven-site-plugin "
        "maven-checkstyle-plugin spotless-maven-plugin spotbugs-maven-plugin maven-pmd-plugin license-maven-plugin "
        "animal-sniffer-maven-plugin maven-bundle-plugin bnd-maven-plugin flatten-maven-plugin "
        "nexus-staging-maven-plugin central-publishing-maven-plugin",
    )
)
"""Plugins of Maven that look at a build or publish it, and have no say in its tests."""


def _plugin(found: re.Match[str]) -> str:
    """A plugin as far as it matters to tests; what others it names may be what runs."""
    names = re.findall(r"<artifactId>\s*(.*?)\s*</artifactId>", found[0])
    return "" if names and _ELSEWHERE.issuperset(names) else found[0]


def _of_maven(text: str) -> object:
    return _lines(
        r"surefire|failsafe|[sS]kip|maven\.test|[iI]gnore|clude>|argLine|<goal>|<phase>|testSource|testResource"
        r"|<parent>|relativePath|<profile|<activ|<groups|systemProp|environmentVar"
    )(re.sub(r"<plugin>.*?</plugin>", _plugin, text, flags=re.DOTALL))


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
    "pom.xml": _of_maven,
    "CMakeLists.txt": _lines(r"add_test|tests_properties|enable_testing|CTest|_FAIL|DISABLED|SKIP_|gtest|NDEBUG"),
}  # fmt: skip
_RECIPES: tuple[tuple[str, tuple[str, ...]], ...] = (
    (r"(^|/)(GNU)?[mM]akefile([.-][\w.-]+)?$|\.(mk|mak|make)$", ("make", "gmake")),
    (r"(^|/)\.?[jJ]ustfile$|\.just$", ("just",)),
    (r"(^|/)Taskfile(\.dist)?\.ya?ml$", ("task", "go-task")),
)
"""Files of recipes, and the programs that read them."""
_ENDS: dict[str, Callable[[str], object]] = {
    "tsconfig.json": _lines(r"paths|baseUrl|typeRoots|plugins|extends|@|vitest|jest"),
    ".csproj": _lines(r"IsTestProject|<Compile|<PackageReference|VSTest|RunSettings"),
}


SCRIPTS_MAX = 40
"""Scripts that are looked into for the files that they name."""
_SCRIPT = re.compile(r"\.(ba|z|k)?sh$|(^|/)[^./]+$|\.(mk|mak|make|bat|ps1|cmd)$|(^|/)package\.json$")
_BY_NAME = {"npm": "package.json", "yarn": "package.json", "pnpm": "package.json", "bun": "package.json"}


def _run_by(suite: Suite, now: Project) -> frozenset[str]:
    """The files that a command names itself, and those that its scripts and recipes name in their turn."""
    words = [word for one in simple_commands(suite.command) for word in one.texts]
    read = [_BY_NAME[word] for word in words if word in _BY_NAME]
    if "make" in words:
        read += ["GNUmakefile", "makefile", "Makefile"]
    files, found, waiting = now.files(), set[str](), list(_named_by(words, suite.folder))
    waiting += [str(PurePosixPath(suite.folder) / name) for name in read]
    while waiting and len(found) < SCRIPTS_MAX:
        path = waiting.pop()
        if path in found or path not in files:
            continue
        found.add(path)
        if _SCRIPT.search(path):
            text = re.split(r"[\s\"'`=;&|()<>\\]+", now.text(path) or "")
            places = {suite.folder, str(PurePosixPath(path).parent)}
            waiting += [one for place in places for one in _named_by(text, place)]
    return frozenset(found.difference(PurePosixPath(suite.folder, name).as_posix() for name in read))


def _named_by(words: Collection[str], folder: str) -> Iterator[str]:
    for word in (one.lstrip("@") for one in words):
        if word and not word.startswith("-") and len(word) < 200:
            yield os.path.normpath(PurePosixPath(folder) / re.sub(r"^\$\{?\w+\}?/", "", word))


# ---- what code does that is tested and tells of itself

_OURS = (
    r"\b("
    + "|".join(
        name for name in (*VARIABLES, *OFFLINE) if name.endswith(("OFFLINE", "RETRIES", "NETWORK", "PIN"))
    )
    + r")\b"
)
_TOLD = (*TRICKS, (_OURS, "behaves otherwise while it is tested"))


def _tricks(path: str, text: str, old: str) -> Iterator[str]:
    """What code does more often than on the base that changes what is told of tests."""
    if path.endswith((".md", ".rst", ".txt", ".json", ".lock", ".svg", ".html")):
        return
    for pattern, said in _TOLD:
        skips = said.startswith("skips") or said.startswith("keeps")
        tells = said.startswith("behaves") and holds_tests(path)
        ends = said.startswith("ends") and not (holds_tests(path) or _helps_tests(path))
        more = sum(1 for _ in re.finditer(pattern, text)) - sum(1 for _ in re.finditer(pattern, old))
        if more > 0 and (not skips or holds_tests(path)) and not ends and not tells:
            often = f", {more} marks more than on the base" if skips and more > 1 else ""
            yield f"{said} ({_shown(re.search(pattern, text))}{often})"


_IMPORTED = re.compile(
    r"^\s*import ([\w., ]+)|^\s*from [\w.]+ import \(?([\w, ]+)"
    r"|(?:const|let|var)\s+(\w+)\s*=\s*(?:await\s+import|require)\(|^\s*import (?:\* as )?(\w+)[ ,].*from ",
    re.MULTILINE,
)


_LASTING = tuple(row for row in SETTINGS if "compiled" not in row[1] and "installed" not in row[1])
"""Without what runners write of themselves."""


def _patches(path: str, text: str, old: str) -> Iterator[str]:
    """Where a file assigns to what it has from another: whoever uses that sees it too."""
    if not path.endswith((".py", ".js", ".cjs", ".mjs", ".ts", ".cts", ".mts", ".jsx", ".tsx")):
        return
    names: set[str] = set()
    for found in _IMPORTED.finditer(text):
        parts = ",".join(filter(None, found.groups())).split(",")
        names.update(part.split(" as ")[-1].strip().partition(".")[0] for part in parts)
    known = set(map(str.strip, old.splitlines()))
    for line in map(str.strip, text.splitlines()):
        said = re.match(r"(\w+)(\.\w+)+\s*=(?![=>])", line)
        if said and said[1] in names and line not in known:
            yield f"puts something else in the place of what another module has ({said[0]})"


_ASKS = re.compile(
    r"\bassert|\bexpect\b|\bshould\b|\b(t|b|tb|require)\.(Error|Fatal|Equal|True|No|Fail)\w*\(|\bensure!|\bfail\("
)


def _asks_less(path: str, text: str, old: str) -> Iterator[str]:
    """What a file of tests asked on the base and does not ask any more."""
    if not holds_tests(path):
        return
    left = {re.sub(r"\s+", "", line) for line in text.splitlines()}
    gone = [line for line in map(str.strip, old.splitlines()) if _ASKS.search(line)]
    gone = [line for line in gone if re.sub(r"\s+", "", line) not in left]
    if gone:
        yield f"does not ask any more what it asked on the base, {times(len(gone))} ({gone[0][:60]})"


def _helps_tests(path: str) -> bool:
    return bool(re.search(r"(^|/)(tests?|spec|__tests__|testing)/|conftest\.py$", path)) or path.endswith(
        (".py", ".rs")
    )


def _shown(found: "re.Match[str] | None") -> str:
    return found.group(0)[:60].strip() if found else ""
