"""``cargo test``: what cargo and the test programs print."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit

_RUNNING = re.compile(r"^\s*Running (unittests )?(\S+\.rs|\S+) \((.*)\)$")
_DOC = re.compile(r"^\s*Doc-tests (\S+)")
_COUNT = re.compile(r"^running (\d+) tests?$")
_TEST = re.compile(r"^test (.+?)(?: - should panic)? \.\.\. (ok|FAILED|ignored|bench:)?(.*)$")
_DOC_NAME = re.compile(r"^(\S+\.rs) - (.*?) ?\(line \d+\)(.*)$")
_PRINTED = re.compile(r"^---- (.+?) stdout ----$")
_RESULT = re.compile(r"^test result: ")
_UNCOMPILED = re.compile(
    r"^error: (?:could not compile `([^`]+)` \((.*?)\)|failed to run custom build command for `([^ `]+))"
)
_OUTCOMES: dict[str, Outcome] = {"ok": "passed", "FAILED": "failed", "ignored": "skipped", "bench:": "passed"}
_QUIET = frozenset(("-q", "--quiet", "--format=terse"))
LINES_MAX = 200
"""Of what one test printed, and of what the compiler said of one target."""
PLACES_MAX = 5
"""Places named of one error that the compiler repeats."""


class Cargo:
    """Reads the text that stable Rust prints of its tests."""

    name = "cargo"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``cargo test``, also with a toolchain in front."""
        return _test_at(words) is not None

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """All that is printed is wanted. One red test program must not hide what the others say."""
        env = {"CARGO_TERM_COLOR": "never", "CARGO_TERM_QUIET": "false"}
        if how != "direct":
            return None if only else Ask(words=tuple(words), env=env, capture=True, errors_too=True)
        at = _test_at(words)
        assert at is not None
        split = words.index("--") if "--" in words else len(words)
        own = [word for word in words[:split] if word not in _QUIET]
        passed = [word for word in words[split + 1 :] if word not in _QUIET]
        if not {"--no-fail-fast", "--no-run"} & set(own):
            own.append("--no-fail-fast")
        if only:
            narrowed = _narrowed(only)
            if narrowed is None:
                return None
            own, passed = [*own, *narrowed[0]], [*passed, *narrowed[1]]
        return Ask(words=(*own, *(("--", *passed) if passed else ())), env=env, capture=True, errors_too=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests by their files, and what could not be compiled."""
        try:
            with junit.opened(report) as file:
                lines = (plain(line.decode("utf-8", "replace").rstrip("\r\n")) for line in file)
                cases = tuple(_Output(_Packages(project)).read(lines))
        except OSError:
            return None
        return cases or None


def _test_at(words: Sequence[str]) -> int | None:
    if PurePosixPath(words[0]).name != "cargo":
        return None
    at = 1
    while at < len(words) and words[at].startswith(("-", "+")):
        at += 2 if words[at] in ("-Z", "--config", "-C", "--color") else 1
    return at if words[at : at + 1] in (["test"], ["t"], ("test",), ("t",)) else None


def _narrowed(only: Sequence[str]) -> tuple[list[str], list[str]] | None:
    """Arguments for cargo and for the test programs. The names of tests are paths of modules."""
    files, filters = [], []
    for name in only:
        file, _, test = name.partition("::")
        if test.startswith("doc "):
            return None
        modules = _modules(file)
        if not test and "/tests/" in f"/{file}" and not modules:
            files += ["--test", PurePosixPath(file).stem]
        elif not test and not modules:
            return None
        else:
            filters.append("::".join((*modules, test)) if test else "::".join((*modules, "")))
    if files and filters:
        return None
    exact = ["--exact"] if filters and not any(one.endswith("::") for one in filters) else []
    return files, [*exact, *filters]


def _modules(file: str) -> list[str]:
    """The path of the module that a file is, as far as its name tells."""
    parts = list(PurePosixPath(file).with_suffix("").parts)
    root = next(
        (at for at in range(len(parts) - 1, -1, -1) if parts[at] in ("src", "tests", "benches", "examples")),
        -1,
    )
    inner = parts[root + 1 :]
    if root >= 0 and parts[root] == "src":
        return [part for part in inner if part not in ("lib", "main", "mod")] if inner[:1] != ["bin"] else []
    return [part for part in inner[1:] if part != "mod"] if len(inner) > 1 else []


class _Packages:
    """Where the packages of a workspace lie."""

    def __init__(self, project: Project) -> None:
        self._files = set(project.files())
        self._folders: dict[str, str] = {}
        for path in sorted(self._files):
            if path == "Cargo.toml" or path.endswith("/Cargo.toml"):
                text = project.text(path) or ""
                folder = str(PurePosixPath(path).parent)
                for name in re.findall(r'^\s*name\s*=\s*"([^"]+)"', text, re.MULTILINE):
                    self._folders.setdefault(name.replace("-", "_"), folder)

    def folder(self, crate: str) -> str:
        return self._folders.get(crate.replace("-", "_"), ".")

    def file(self, source: str, crate: str, current: str) -> str:
        """A source of a package as a path of the workspace: the package is known by its crate or from before."""
        if source in self._files and not self._beneath(source, crate, current):
            return source
        return self._beneath(source, crate, current) or source

    def _beneath(self, source: str, crate: str, current: str) -> str:
        for folder in (self.folder(crate) if crate.replace("-", "_") in self._folders else "", current):
            path = source if folder in (".", "") else f"{folder}/{source}"
            if folder and path in self._files:
                return path
        there = sorted(path for path in self._files if path.endswith(f"/{source}"))
        return there[0] if len(there) == 1 and source not in self._files else ""

    def documented(self, source: str, current: str) -> str:
        """A source as a documentation test names it: from the package, or from the root of the workspace."""
        path = f"{current}/{source}"
        return path if path in self._files else source

    def place(self, root: str, test: str) -> str:
        """``file::rest`` of a test's module path: the file of the innermost module that has one."""
        base, parts = PurePosixPath(root).parent, test.split("::")
        for length in range(len(parts) - 1, 0, -1):
            stem = base.joinpath(*parts[:length])
            for path in (f"{stem}.rs", f"{stem}/mod.rs"):
                if path in self._files:
                    return f"{path}::{'::'.join(parts[length:])}"
        return f"{root}::{test}"


class _Output:
    def __init__(self, packages: _Packages) -> None:
        self._packages = packages
        self._root = ""
        self._current = "."
        self._doc = False
        self._expected = 0
        self._complete = True
        self._tests: dict[str, Outcome] = {}
        self._said: dict[str, list[str]] = {}
        self._pending = ""
        self._printing = ""
        self._errors = _Errors()
        self._docs: dict[str, int] = {}

    def read(self, lines: Iterator[str]) -> Iterator[Case]:
        for line in lines:
            running, doc = _RUNNING.match(line), _DOC.match(line)
            uncompiled = _UNCOMPILED.match(line)
            if running or doc:
                yield from self._end()
                self._begin(running, doc.group(1) if doc else "")
            elif uncompiled:
                yield self._broken(uncompiled.group(1) or uncompiled.group(3), uncompiled.group(2) or "")
            else:
                self._line(line)
        yield from self._end()

    def _begin(self, running: re.Match[str] | None, doc: str) -> None:
        if running is None:
            self._root, self._doc, self._current = doc, True, self._packages.folder(doc)
            return
        crate = re.sub(r"-[0-9a-f]+(\.exe)?$", "", PurePosixPath(running.group(3)).name)
        if running.group(1):
            self._current = self._packages.folder(crate)
        self._root = self._packages.file(running.group(2), crate if running.group(1) else "", self._current)
        self._doc = False

    def _line(self, line: str) -> None:
        count, printed = _COUNT.match(line), _PRINTED.match(line)
        if count:
            self._expected, self._complete = int(count.group(1)), False
        elif _RESULT.match(line):
            self._complete, self._printing = True, ""
        elif printed:
            self._printing = printed.group(1)
            self._said[self._printing] = []
        elif line in ("failures:", "successes:"):
            self._printing = ""
        elif self._printing:
            if len(self._said[self._printing]) < LINES_MAX:
                self._said[self._printing].append(line)
        elif not self._complete:
            self._test(line)
        else:
            self._errors.line(line)

    def _test(self, line: str) -> None:
        """A line that says how a test ended, or, when it printed something before, that it began or ended."""
        test = _TEST.match(line)
        if test:
            name, outcome = test.group(1), _OUTCOMES.get(test.group(2) or "")
            self._pending = "" if outcome else name
            if outcome:
                self._tests[name] = outcome
        elif self._pending:
            ended = next((word for word in ("ok", "FAILED", "ignored") if line.endswith(word)), "")
            if ended:
                self._tests[self._pending], self._pending = _OUTCOMES[ended], ""

    def _broken(self, crate: str, target: str) -> Case:
        found = re.match(r'(test|example|bench) "([^"]+)"', target)
        folder = self._packages.folder(crate)
        if found:
            path = f"{found.group(1)}s/{found.group(2)}.rs"
            place = path if folder == "." else f"{folder}/{path}"
        else:
            place = folder
        about, self._errors = self._errors.told(), _Errors()
        return Case(name=f"{place}::build", outcome="error", message=junit.bounded(about, 0), unbuilt=True)

    def _end(self) -> Iterator[Case]:
        for test, outcome in self._tests.items():
            message = "" if outcome == "passed" else _without_backtrace(self._said.get(test, []))
            yield Case(name=self._name(test), outcome=outcome, message=junit.bounded(message, 0))
        if not self._complete:
            said = f"The test program stopped: {len(self._tests)} of {self._expected} tests ended."
            yield Case(name=f"{self._root}::run", outcome="error", message=said)
        self._tests, self._said, self._complete, self._pending, self._printing = {}, {}, True, "", ""

    def _name(self, test: str) -> str:
        doc = _DOC_NAME.match(test) if self._doc else None
        if doc is None:
            return self._packages.place(self._root, test)
        # Lines move with every edit: several of one item are counted.
        name = f"{self._packages.documented(doc.group(1), self._current)}::doc {doc.group(2)}".strip()
        self._docs[name] = self._docs.get(name, 0) + 1
        return name if self._docs[name] == 1 else f"{name} {self._docs[name]}"


class _Errors:
    """What the compiler says of one target: each error with its lines of the source, the same one once."""

    def __init__(self) -> None:
        self._blocks: dict[str, list[str]] = {}
        self._places: dict[str, list[str]] = {}
        self._head = ""
        self._first = False
        self._kept = 0

    def line(self, line: str) -> None:
        """A diagnostic begins with its head and ends with an empty line. Warnings are left out."""
        if not line.strip() or line.startswith("warning"):
            self._head = ""
        elif line.startswith("error"):
            self._head, self._first = line, line not in self._blocks
            self._blocks.setdefault(line, [line])
        elif self._head:
            place = re.match(r"^\s*--> (\S+)", line)
            if place:
                self._places.setdefault(self._head, []).append(place.group(1))
            if self._first and self._kept < LINES_MAX:
                self._blocks[self._head].append(line)
                self._kept += 1

    def told(self) -> str:
        """The errors, and where else each of them is."""
        lines = []
        for head, block in self._blocks.items():
            lines += block
            more = list(dict.fromkeys(self._places.get(head, [])))[1:]
            if more:
                shown = ", ".join(more[:PLACES_MAX]) + (", …" if len(more) > PLACES_MAX else "")
                lines.append(f"(and the same {len(more)} more times: {shown})")
        return "\n".join(lines)


def _without_backtrace(lines: Sequence[str]) -> str:
    kept, frames = [], False
    for line in lines:
        frames = line == "stack backtrace:" or (frames and bool(re.match(r"^\s+(\d+:|at )", line)))
        if not frames and not line.startswith("note: "):
            kept.append(line)
    return "\n".join(kept).strip("\n")
