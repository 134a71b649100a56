"""JUnit XML, read as a stream: a report of many megabytes costs little memory."""

import os
import stat
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pydantic import BaseModel, ConfigDict

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.names import CUT

REPORT_MAX = 256 * 1024 * 1024
MESSAGE_MAX = 4_000
"""Characters kept of why one test failed."""
LEAST = 300
"""Characters kept when many have failed already."""
MANY = 500
CASES_MAX = 200_000

_SUITES = ("testsuite", "testsuites")
_OUTCOMES: dict[str, Outcome] = {
    "failure": "failed",
    "error": "error",
    "skipped": "skipped",
    "rerunFailure": "failed",
}


class Node(BaseModel):
    """One ``testcase`` as it stands in the report."""

    model_config = ConfigDict(frozen=True)

    name: str
    classname: str
    file: str
    suite: str
    """The name of the nearest ``testsuite`` around it."""
    suites: tuple[str, ...] = ()
    """The names of all of them, from the outermost."""
    kind: str = ""
    """What the report calls the type of its failure."""
    outcome: Outcome
    message: str
    status: str = ""
    """What some reports say beside the outcome."""
    printed: str = ""
    """What a test that did not pass printed."""


def read(
    report: Path, case: Callable[[Node], Case], *, suite_errors: Callable[[str, str], Case] | None = None
) -> tuple[Case, ...] | None:
    """The cases of a report; None when it is missing, too large, broken, or no plain file.

    ``suite_errors`` makes a case of an error that stands in a suite and not in a test (name of the suite, message).
    """
    try:
        with opened(report) as file:
            return tuple(_cases(file, case, suite_errors))
    except (OSError, ET.ParseError, ValueError):
        return None


@contextmanager
def opened(report: Path) -> Iterator[IO[bytes]]:
    """A report as a file: a command may have put a link, a pipe or a folder in its place. Raises OSError."""
    descriptor = os.open(report, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode) or about.st_size > REPORT_MAX:
            raise OSError(f"{report} is no report")
        yield file


def printed(report: Path) -> str | None:
    """A report that is what a command printed, without escape codes; None when there is none."""
    try:
        with opened(report) as file:
            return plain(file.read().decode("utf-8", "replace"))
    except OSError:
        return None


def bounded(message: str, before: int) -> str:
    """A message cut to what is kept of it, when so many have been kept before."""
    limit = MESSAGE_MAX if before < MANY else LEAST
    if len(message) <= limit:
        return message
    half = limit // 2
    return f"{message[:half]}{CUT}{message[-half:]}"


def _cases(
    file: IO[bytes], case: Callable[[Node], Case], suite_errors: Callable[[str, str], Case] | None
) -> Iterator[Case]:
    suites: list[str] = []
    stack: list[ET.Element] = []
    kept = count = 0
    for event, node in ET.iterparse(file, events=("start", "end")):  # noqa: S314 - expat expands no external entities
        if event == "start":
            stack.append(node)
            if node.tag == "testsuite":
                suites.append(node.get("name", ""))
            continue
        stack.pop()
        parent = stack[-1] if stack else None
        if node.tag == "testsuite" and suites:
            suites.pop()
        elif node.tag == "testcase":
            count += 1
            if count > CASES_MAX:
                raise ValueError("too many cases")
            found = _node(node, suites, kept)
            kept += found.outcome != "passed"
            yield case(found)
        elif node.tag == "error" and suite_errors and parent is not None and parent.tag in _SUITES:
            yield suite_errors(suites[-1] if suites else "", bounded(_message(node), kept))
        if parent is not None and not _within_case(stack):
            parent.remove(node)


def _within_case(stack: list[ET.Element]) -> bool:
    return any(node.tag == "testcase" for node in stack)


def _node(node: ET.Element, suites: Sequence[str], kept: int) -> Node:
    bad = next((child for child in node if child.tag in ("failure", "error")), None)
    if bad is None:
        bad = next((child for child in node if child.tag == "skipped"), None)
    get: Callable[[str, str], str] = node.get
    printed = node.find("system-out")
    return Node(
        name=get("name", ""),
        classname=get("classname", ""),
        file=get("file", ""),
        suite=suites[-1] if suites else "",
        suites=tuple(suites),
        outcome="passed" if bad is None else _OUTCOMES[bad.tag],
        message="" if bad is None else bounded(_message(bad), kept),
        status=get("status", ""),
        printed="" if bad is None or printed is None else bounded(printed.text or "", kept),
        kind="" if bad is None else bad.get("type", ""),
    )


def _message(node: ET.Element) -> str:
    attributes: Mapping[str, str] = node.attrib
    text = (node.text or "").strip("\n")
    said = attributes.get("message", "")
    return (
        text if not said or said in text or text.lstrip().startswith(said[:80]) else f"{said}\n{text}".strip()
    )
