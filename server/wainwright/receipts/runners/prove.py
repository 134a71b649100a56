"""Perl's ``prove``, by the lines of TAP that it prints of each file when it is asked to be verbose."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming, tap

_FILE = re.compile(r"^(\S.*?) \.\.+ ?(skipped\b:? ?(.*))?$")
_FAILED = re.compile(r"^\s*#\s+Failed test '(.*)'$")
_ENDED = re.compile(r"^(Dubious, test returned .*|Failed \d+/\d+ subtests.*|No subtests run.*)$")
_OVER = re.compile(rf"{_ENDED.pattern}|^(All \d+ subtests passed.*|ok|\t\(less .*)$")
"""What prove itself says at the end of a file."""
_WITH_VALUE = frozenset(
    ("-I", "-P", "-M", "-e", "-j", "-a", "--exec", "--jobs", "--ext", "--state", "--harness", "--formatter")
)
UNPLANNED = "ends as it planned"
"""The name of the case that says that a file stopped before its end, or ran otherwise than its plan says."""


class Prove:
    """Reads what prove prints."""

    name = "prove"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``prove``."""
        return PurePosixPath(words[0]).name == "prove"

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``-v``; named tests by their files, of which all tests are run."""
        if how == "environment" or (only and how != "direct"):
            return None
        kept = _options(words) if only else words
        return Ask(words=(*kept, "-v", *naming.split(only)[0]), capture=True, errors_too=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests of each file, subtests by the names of what they are in; files that were not run to their end."""
        text = junit.printed(report)
        if text is None or not re.search(r"^Files=\d+, Tests=\d+", text, re.MULTILINE):
            return None
        return tuple(case for file, lines in _files(text.split("\n")) for case in _cases(file, lines))


def _options(words: Sequence[str]) -> list[str]:
    """The words without the files and folders that they name."""
    kept, value = [words[0]], False
    for word in words[1:]:
        if value or word.startswith("-"):
            kept.append(word)
        value = not value and word in _WITH_VALUE
    return kept


def _files(lines: Sequence[str]) -> Iterator[tuple[str, list[str]]]:
    """Each file with what was printed of it; what stood on the error stream may come before its name."""
    file, own, before, over = "", list[str](), list[str](), True
    for line in lines:
        found = _FILE.match(line)
        if line.startswith("Test Summary Report"):
            break
        if found is not None:
            if file:
                yield file, own
            skipped = [f"1..0 # skip {found[3]}"] if found[2] else []
            file, own, before, over = found[1], [*before, *skipped], [], bool(skipped)
        elif _OVER.match(line):
            over = True
            own += [line] if line != "ok" else []
        else:
            (before if over else own).append(line)
    if file:
        yield file, own


def _cases(file: str, lines: Sequence[str]) -> Iterator[Case]:
    if any(line.startswith("1..0") for line in lines):
        yield Case(name=file, outcome="skipped")
        return
    ended = [line for line in lines if _ENDED.match(line)]
    cases = tap.read((line for line in lines if line not in ended), file) or ()
    said = junit.bounded("\n".join(line for line in lines if line.strip()), 0)
    for case in cases:
        if case.outcome == "failed":
            title = case.name.rpartition("::")[2]
            why = _why(title, lines) or case.message
            yield case.model_copy(update={"message": why})
        else:
            yield case
    if ended and not cases:
        yield naming.unbuilt(file, said)
    elif ended and all(case.outcome != "failed" for case in cases):
        yield Case(name=naming.named(file, UNPLANNED), outcome="error", message=said)


def _why(title: str, lines: Sequence[str]) -> str:
    """What is said of a failed test: it stands on the error stream, apart from the line of the test."""
    said: list[str] = []
    for line in lines:
        found = _FAILED.match(line)
        if found is not None:
            if said:
                break
            said += [line] if found[1] == title else []
        elif said and not line.lstrip().startswith("# "):
            break
        elif said:
            said.append(line)
    return junit.bounded("\n".join(said), 0)
