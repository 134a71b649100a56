"""mocha: its JSON report is asked for; a file that cannot be loaded keeps it from leaving one."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming, node_options
from wainwright.receipts.runners.node_options import script_at

_NOT_LOADED = re.compile(r"Exception during run:|^.*\bError: ", re.MULTILINE)
_WHERE = re.compile(r"(?:file://)?(/[^\s:()'\"]+\.[cm]?[jt]sx?)(?::\d+|\b)")


class Mocha:
    """Reads mocha's JSON report."""

    name = "mocha"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``mocha``, also by the path of its program."""
        return script_at(words, r"_?mocha(\.c?js)?|ts-mocha") is not None

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments; behind scripts through ``NODE_OPTIONS``."""
        more = ["--reporter=json", f"--reporter-option=output={report}", "--no-color"]
        more += ["--no-watch"] if any(word in ("--watch", "-w") for word in words) else []
        if how == "environment":
            env = node_options.pushed(r"(^|[\\/])(_?mocha(\.c?js)?)$", more)
            return None if only else Ask(words=tuple(words), env=env)
        if only:
            files, titles = naming.split(only)
            wanted = naming.pattern(titles)
            more += [*([f"--grep={wanted}"] if wanted else []), *files]
        return Ask(words=(*words, *more))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests; without a report the file that could not be loaded, where the output names it."""
        placed = naming.Placed(tree)
        try:
            with junit.opened(report) as file:
                found: Any = json.load(file)
            return tuple(_cases(found, placed))
        except (OSError, ValueError, RecursionError, KeyError, TypeError, AttributeError):
            return _not_loaded(plain(output), placed, project)


def _cases(report: Any, placed: naming.Placed) -> Iterator[Case]:
    pending = {(test["file"], test["fullTitle"]) for test in report["pending"]}
    failed = {(test["file"], test["fullTitle"]) for test in report["failures"]}
    kept = 0
    seen = set()
    for test in (*report["tests"], *report["failures"]):
        key = (test["file"], test["fullTitle"])
        if test in report["failures"] and key in seen:
            continue
        seen.add(key)
        outcome: Outcome = "failed" if key in failed else "skipped" if key in pending else "passed"
        error = test.get("err") or {}
        said = str(error.get("stack") or error.get("message") or "") if outcome == "failed" else ""
        kept += bool(said)
        place = placed.path(test["file"]) if test["file"] else ""
        name = naming.named(place, *_titles(test))
        yield Case(name=name, outcome=outcome, message=junit.bounded(plain(said), kept))


def _titles(test: Any) -> tuple[str, ...]:
    """The suites' titles, which mocha joins by blanks, and the test's own."""
    title, whole = str(test["title"]), str(test["fullTitle"])
    around = whole[: -len(title)].strip() if title and whole.endswith(title) else ""
    return (around, title)


def _not_loaded(said: str, placed: naming.Placed, project: Project) -> tuple[Case, ...] | None:
    began = _NOT_LOADED.search(said)
    if began is None:
        return None
    said = said[began.start() :]
    files = project.files()
    found = (placed.path(match.group(1)) for match in _WHERE.finditer(said))
    place = next((path for path in found if path in files), None)
    return None if place is None else (naming.unbuilt(place, junit.bounded(said, 0)),)
