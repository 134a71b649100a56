"""Node's own runner: a reporter of ours, given as an address that holds it, writes one line of JSON an event."""

import json
import re
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming
from wainwright.receipts.runners.node_options import FORGET, VARIABLE, module

_VALUED = (
    "-r --require --import --loader --experimental-loader --env-file --env-file-if-exists -C --conditions --title "
    "--test-reporter --test-reporter-destination --test-name-pattern --test-skip-pattern --test-concurrency "
    "--test-timeout --test-shard --test-coverage-include --test-coverage-exclude --input-type --watch-path --tsconfig"
)
_REPORTER = """
import { appendFileSync, mkdirSync } from 'node:fs';
import { inspect } from 'node:util';
%(forget)s
const folder = %(report)s, file = `${folder}/${process.pid}.jsonl`;
const told = new Set(['test:enqueue', 'test:start', 'test:pass', 'test:fail', 'test:stderr']);
const why = (error) => {
  const cause = error?.cause ?? error;
  if (cause === undefined || typeof cause === 'string') return cause ?? '';
  return inspect(cause, { colors: false, depth: 4 });
};
const write = (line) => appendFileSync(file, JSON.stringify(line) + '\\n');
mkdirSync(folder, { recursive: true });
write({ type: 'begin' });
export default async function* (source) {
  for await (const { type, data } of source) {
    if (!told.has(type)) continue;
    const { name, nesting, file, line, column, skip, todo, message, details } = data;
    const error = details?.error;
    write({ type, name, nesting, file, line, column, skip, todo, message, suite: details?.type === 'suite',
      failure: error?.failureType, why: type === 'test:fail' ? why(error) : '' });
  }
  write({ type: 'end' });
}
"""
_NOT_LOADED = re.compile(
    r"SyntaxError|ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|ERR_UNKNOWN_FILE_EXTENSION|Cannot find (?:module|package)"
    r"|ERR_INVALID_TYPESCRIPT_SYNTAX|ERR_UNSUPPORTED|TransformError|Transform failed"
)
_USES_TESTS = re.compile(r"""['"]node:test['"]""")
_FILTERED = "test name does not match pattern"
REPORTS_MAX = 50
"""Programs of one command that leave a report each."""


class Node:
    """Reads the events of Node's runner."""

    name = "node"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``node --test``, also by tsx; and a file of tests that is run by itself."""
        if PurePosixPath(words[0]).name not in ("node", "nodejs", "tsx"):
            return False
        options, files = _parted(words)
        if "--test" in options:
            return True
        texts = (project.text(file.removeprefix("./")) for file in files[:1])
        return any(_USES_TESTS.search(text or "") for text in texts)

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``NODE_OPTIONS``; narrowed by words."""
        options, files = _parted(words)
        asked = tuple(words)
        if only:
            if how == "environment" or "--test" not in options or (how == "append" and files):
                return None
            asked = (words[0], *options, *_narrowing(only))
        given = sum(word.split("=")[0] == "--test-reporter" for word in options)
        placed = sum(word.split("=")[0] == "--test-reporter-destination" for word in options)
        reporter = module(_REPORTER % {"forget": FORGET, "report": json.dumps(str(report))})
        more = [f"--test-reporter={reporter}", "--test-reporter-destination=/dev/null"]
        if not given:
            more += ["--test-reporter=spec", "--test-reporter-destination=stdout"]
        elif not placed:
            more += ["--test-reporter-destination=stdout"]
        return Ask(words=asked, env={VARIABLE: " ".join(more)})

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests of all programs of the command that ran tests."""
        try:
            if not stat.S_ISDIR(report.lstat().st_mode):
                return None
            files = sorted(report.iterdir())[:REPORTS_MAX]
            found = [case for file in files for case in _Events(tree, project).read(file)]
        except OSError:
            return None
        return tuple(found) if files else None


def _parted(words: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The options in front of the first file, and the files."""
    at = 1
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] in _VALUED.split() else 1
    return tuple(words[1:at]), tuple(words[at:])


def _narrowing(only: Sequence[str]) -> tuple[str, ...]:
    """A suite is run as a whole when its title is named; what stands in a test needs that test to run."""
    files, titles = naming.split(only)
    if not all(titles):
        return files
    each = dict.fromkeys(naming.escaped(title) for one in titles for title in one)
    return (f"--test-name-pattern=^(?:{'|'.join(each)})$", *files)


class _Events:
    """What one program told of its tests."""

    def __init__(self, tree: Path, project: Project) -> None:
        self._placed = naming.Placed(tree)
        self._project = project
        self._above: list[str] = []
        self._waiting: dict[tuple[object, ...], str] = {}
        self._said: dict[str, list[str]] = {}
        self._with_tests: set[str] = set()
        self._kept = 0

    def read(self, report: Path) -> Iterator[Case]:
        """The cases; a test that was begun and did not end is one that broke."""
        ended = False
        with junit.opened(report) as file:
            for line in file:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if isinstance(event, dict):
                    ended = event.get("type") == "end"
                    yield from self._take(event)
        for name in self._waiting.values() if not ended else ():
            yield Case(name=name, outcome="error", message="The program ended before this test did.")

    def _take(self, event: dict[str, Any]) -> Iterator[Case]:
        kind, title, nesting = event.get("type"), str(event.get("name", "")), event.get("nesting")
        place = self._placed.path(str(event["file"])) if event.get("file") else ""
        if kind == "test:stderr":
            self._said.setdefault(place, []).append(str(event.get("message", "")))
        if not isinstance(nesting, int):
            return
        key = (place, event.get("line"), event.get("column"), title, nesting)
        whole = bool(place) and nesting == 0 and self._placed.path(title) == place
        if kind == "test:enqueue" and not whole:
            self._waiting[key] = naming.named(place, title)
        elif kind == "test:start":
            self._above = [*self._above[:nesting], title]
        elif kind in ("test:pass", "test:fail"):
            self._waiting.pop(key, None)
            if whole:
                yield from self._whole(event, place)
            elif event.get("skip") != _FILTERED:
                yield from self._test(event, place, (*self._above[:nesting], title))

    def _test(self, event: dict[str, Any], place: str, titles: tuple[str, ...]) -> Iterator[Case]:
        self._with_tests.add(place)
        if event.get("suite") and event.get("failure") in (None, "subtestsFailed"):
            return
        yield self._case(naming.named(place, *titles), _outcome(event), event)

    def _whole(self, event: dict[str, Any], place: str) -> Iterator[Case]:
        """A file, run as one test: a program without tests of the runner, or one that could not be loaded."""
        said = "".join(self._said.get(place, ()))
        uses_tests = _USES_TESTS.search(self._project.text(place) or "") is not None
        if event["type"] == "test:fail" and place not in self._with_tests:
            if uses_tests or _NOT_LOADED.search(said):
                yield naming.unbuilt(place, junit.bounded(plain(said) or str(event.get("why", "")), 0))
                return
        elif place in self._with_tests:
            if event["type"] == "test:fail" and event.get("failure") != "subtestsFailed":
                yield self._case(
                    naming.named(place, "end"), "error", {**event, "why": said or event.get("why")}
                )
            return
        elif uses_tests:
            # It says that it has tests and told of none: it ended before, or defines them for others.
            return
        yield self._case(place, _outcome(event), {**event, "why": said or event.get("why")})

    def _case(self, name: str, outcome: Outcome, event: dict[str, Any]) -> Case:
        said = event.get("skip") or event.get("todo") if outcome == "skipped" else event.get("why")
        message = plain(said) if isinstance(said, str) and outcome != "passed" else ""
        self._kept += outcome in ("failed", "error")
        return Case(name=name, outcome=outcome, message=junit.bounded(message, self._kept))


def _outcome(event: dict[str, Any]) -> Outcome:
    if event.get("skip") not in (None, False) or event.get("todo") not in (None, False):
        return "skipped"
    if event.get("type") == "test:pass":
        return "passed"
    return "failed" if event.get("failure") in ("testCodeFailure", "subtestsFailed", None) else "error"
