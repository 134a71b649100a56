"""Commands that leave JUnit XML when an option of theirs says where, and programs that print TAP."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, tap

_PLACE = re.compile(r"^(-{1,2}[\w.-]*(?:junit|xunit|output)[\w.-]*=(?:xml:)?)(\S*\.xml|xml)$", re.IGNORECASE)
_OPTION = re.compile(r"^-{1,2}[\w-]*(?:junit|xunit)[\w-]*$", re.IGNORECASE)
_TAP = {"bats": ("--formatter", "tap"), "tape": ()}


class JUnit:
    """Reads what any command leaves that is told where to put its JUnit XML."""

    name = "junit"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """An option such as ``--junit-xml=out.xml`` or ``--gtest_output=xml:out.xml``."""
        return _option(words) is not None

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """The report goes to our place instead."""
        at = _option(words)
        if at is None or only or how != "direct":
            return None
        found = _PLACE.match(words[at])
        moved = f"{found.group(1)}{report}" if found else str(report)
        return Ask(words=(*words[:at], moved, *words[at + 1 :]))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """Cases by their file where the report has one, else by class or suite."""
        return junit.read(report, _case)


class Tap:
    """Reads what programs print that speak TAP."""

    name = "tap"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``bats`` and ``tape``; of other programs their output tells."""
        return PurePosixPath(words[0]).name in ("bats", "tape")

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """What they print is the report."""
        if only or how == "environment":
            return None
        return Ask(words=(*words, *_TAP[PurePosixPath(words[0]).name]), capture=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """One case for each test point."""
        try:
            with junit.opened(report) as file:
                return tap.read(line.decode("utf-8", "replace") for line in file)
        except OSError:
            return None


def _option(words: Sequence[str]) -> int | None:
    for at in range(1, len(words)):
        if _PLACE.match(words[at]) or (_OPTION.match(words[at - 1]) and words[at].endswith(".xml")):
            return at
    return None


def _case(node: junit.Node) -> Case:
    place = node.file or node.classname or node.suite
    return Case(
        name=f"{place}::{node.name}" if place else node.name, outcome=node.outcome, message=node.message
    )
