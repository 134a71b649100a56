"""``go test``: its stream of JSON events."""

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit

_ENDS: dict[str, Outcome] = {"pass": "passed", "fail": "failed", "skip": "skipped"}
_BOOLEAN = frozenset(
    [
        "-v",
        "-race",
        "-short",
        "-failfast",
        "-json",
        "-cover",
        "-a",
        "-n",
        "-x",
        "-i",
        "-c",
        "-msan",
        "-asan",
        "-work",
        "-trimpath",
        "-linkshared",
        "-benchmem",
        "-fullpath",
        "-modcacherw",
        "-artifacts",
    ]
)
_TEST = re.compile(r"^func\s+((?:Test|Example|Fuzz|Benchmark)\w*)\s*\(", re.MULTILINE)
LINES_MAX = 400
"""Of what one test printed."""


class Go:
    """Reads ``go test -json``."""

    name = "go"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``go test`` or ``gotestsum``."""
        program = PurePosixPath(words[0]).name
        return (program == "go" and _test_at(words) is not None) or program == "gotestsum"

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``-json``, and never from the cache of tests."""
        if PurePosixPath(words[0]).name == "gotestsum":
            if only or how != "direct":
                return None
            return Ask(words=(words[0], f"--jsonfile={report}", *words[1:]))
        if how == "environment":
            return None if only else Ask(words=tuple(words), env={"GOFLAGS": "-json -count=1"}, capture=True)
        if how == "append":
            return None
        at = _test_at(words)
        assert at is not None
        head, rest = tuple(words[: at + 1]), tuple(words[at + 1 :])
        fresh = () if any(re.match(r"--?(test\.)?count\b", word) for word in rest) else ("-count=1",)
        if only:
            narrowed = _narrowed(rest, only)
            if narrowed is None:
                return None
            rest = narrowed
        return Ask(words=(*head, "-json", *fresh, *rest), capture=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests, by the file that their function stands in, and the packages that could not be built."""
        try:
            with junit.opened(report) as file:
                return _Events(project).read(file.readline, output)
        except OSError:
            return None


def _test_at(words: Sequence[str]) -> int | None:
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] == "-C" else 1
    return at if at < len(words) and words[at] == "test" else None


def _narrowed(rest: tuple[str, ...], only: Sequence[str]) -> tuple[str, ...] | None:
    """Arguments for these tests alone. A name without a test means its package."""
    kept: list[str] = []
    at = 0
    while at < len(rest):
        word = rest[at]
        if word in ("-args", "--args"):
            break
        if word.startswith("-"):
            bare = word.replace("--", "-", 1)
            valued = "=" not in word and bare not in _BOOLEAN
            if not re.match(r"-(test\.)?run\b", bare):
                kept += rest[at : at + 2] if valued else [word]
            at += 2 if valued else 1
        else:
            at += 1
    packages, tests = [], []
    for name in only:
        place, _, test = name.partition("::")
        folder = place if not place.endswith(".go") else str(PurePosixPath(place).parent)
        if test and not re.match(r"(Test|Example|Fuzz)", test):
            return None
        packages.append("." if folder == "." else f"./{folder}")
        tests.append(test)
    run: tuple[str, ...] = ()
    if all(tests):
        deep = [test.split("/") for test in tests]
        pattern = "/".join(f"^{re.escape(part).replace(chr(92) + ' ', ' ')}$" for part in deep[0])
        if len(deep) > 1:
            pattern = f"^({'|'.join(dict.fromkeys(re.escape(parts[0]) for parts in deep))})$"
        run = (f"-run={pattern}",)
    return (*kept, *run, *dict.fromkeys(packages), *rest[at:])


class _Events:
    """What the events of one run say."""

    def __init__(self, project: Project) -> None:
        self._project = project
        found = re.search(r"^module\s+\"?([^\s\"]+)", project.text("go.mod") or "", re.MULTILINE)
        self._module = found.group(1) if found else ""
        self._files: dict[str, dict[str, str]] = {}
        self._tests: dict[str, list[str]] | None = None
        self._ended: dict[tuple[str, str], Outcome] = {}
        self._printed: dict[tuple[str, str], list[str]] = defaultdict(list)
        self._built: dict[str, list[str]] = defaultdict(list)
        self._unbuilt: dict[str, str] = {}
        self._packages: dict[str, str] = {}
        self._any = False

    def read(self, readline: Any, output: str) -> tuple[Case, ...] | None:
        while line := readline(1_000_000):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("Action"), str):
                self._any = True
                self._take(event)
        return tuple(self._cases(output)) if self._any else None

    def _take(self, event: dict[str, Any]) -> None:
        action, package = event["Action"], str(event.get("Package", ""))
        test = str(event.get("Test", ""))
        printed = str(event.get("Output", ""))
        if action == "build-output":
            self._keep(self._built[str(event.get("ImportPath", ""))], printed)
        elif action == "run":
            self._ended.setdefault((package, test), "error")
        elif action == "output":
            self._keep(self._printed[package, test], printed)
        elif action in _ENDS:
            if test:
                self._ended[package, test] = _ENDS[action]
            else:
                self._packages[package] = action
                if action == "fail" and "FailedBuild" in event:
                    self._unbuilt[package] = str(event["FailedBuild"])

    @staticmethod
    def _keep(lines: list[str], line: str) -> None:
        if len(lines) < LINES_MAX:
            lines.append(plain(line))

    def _cases(self, output: str) -> Iterator[Case]:
        kept = 0
        for (package, test), outcome in self._ended.items():
            said = "" if outcome == "passed" else self._said(package, test, outcome)
            yield Case(
                name=f"{self._place(package, test)}::{test}",
                outcome=outcome,
                message=junit.bounded(said, kept),
            )
            kept += bool(said)
        for package, action in self._packages.items():
            folder = self._folder(package)
            if package in self._unbuilt or (
                action == "fail" and "[build failed]" in "".join(self._printed[package, ""])
            ):
                about = "".join(self._built.get(self._unbuilt.get(package, ""), []))
                about = about or "".join(self._printed[package, ""]) or output[-2000:]
                name, unbuilt = f"{folder}::build", True
            elif action == "fail" and not any(
                self._ended[key] in ("failed", "error") for key in self._ended if key[0] == package
            ):
                # It ended badly though no test of it did: TestMain, a panic at start, os.Exit, a setup that failed.
                about, unbuilt = (
                    "".join(self._printed[package, ""]),
                    "[setup failed]" in "".join(self._printed[package, ""]),
                )
                name = f"{folder}::{'build' if unbuilt else 'package'}"
            else:
                continue
            yield Case(name=name, outcome="error", message=junit.bounded(about, kept), unbuilt=unbuilt)
            kept += 1

    def _said(self, package: str, test: str, outcome: Outcome) -> str:
        lines = [
            line
            for line in self._printed[package, test]
            if not re.match(r"\s*=== (RUN|PAUSE|CONT|NAME)", line)
        ]
        text = "".join(lines).strip("\n")
        if outcome == "error":
            # The package ended while it ran: what it said stands there.
            text += (
                "\nIt did not end: the test program stopped.\n" + "".join(self._printed[package, ""])[:2000]
            )
        return text

    def _folder(self, package: str) -> str:
        if package == self._module:
            return "."
        start = f"{self._module}/"
        return package[len(start) :] if self._module and package.startswith(start) else package

    def _place(self, package: str, test: str) -> str:
        """The file that a test's function stands in, else the package's folder."""
        folder = self._folder(package)
        if folder not in self._files:
            self._files[folder] = self._functions(folder)
        return self._files[folder].get(test.partition("/")[0], folder)

    def _functions(self, folder: str) -> dict[str, str]:
        """Which file of a folder each test function stands in."""
        if self._tests is None:
            self._tests = defaultdict(list)
            for path in sorted(self._project.files()):
                if path.endswith("_test.go"):
                    self._tests[str(PurePosixPath(path).parent)].append(path)
        found: dict[str, str] = {}
        for path in self._tests.get(folder, ()):
            found.update(dict.fromkeys(_TEST.findall(self._project.text(path) or ""), path))
        return found
