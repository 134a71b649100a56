"""The plain command outside, without the product: how long it takes, and what its runner itself says of each test.

The readings here share nothing with the product's own: each reads what the runner prints or leaves for machines, and
gives the last part of a test's name with how it ended. Within one workspace no two tests have the same.
"""

import json
import re
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from tests.parity.made import Workspace, run

Result = Literal["green", "red", "skipped"]
Results = dict[str, Result]


def seconds(workspace: Workspace, folder: Path, environment: dict[str, str]) -> float:
    """How long the plain command takes in this folder."""
    began = time.monotonic()
    run(workspace.timed, folder, environment, workspace.patience)
    return time.monotonic() - began


def results(workspace: Workspace, folder: Path, environment: dict[str, str]) -> tuple[Results, str]:
    """(what came of each test, what was printed). Raises ValueError where two tests cannot be told apart."""
    found: Results = {}
    with tempfile.TemporaryDirectory() as beside:
        report = Path(beside, "report")
        told = {**environment, "REPORT": str(report)}
        printed = run(workspace.reference, folder, told, workspace.patience).stdout
        for name, result in READINGS[workspace.read](printed, report, folder):
            if name in found:
                raise ValueError(f"{workspace.name}: two tests are called {name!r}\n{printed}")
            found[name] = result
    return found, printed


Found = Iterator[tuple[str, Result]]
Reading = Callable[[str, Path, Path], Found]
"""Reads what was printed, the report and the folder."""

_WORDS: dict[str, Result] = {
    **dict.fromkeys(("PASSED", "ok", "pass", "passed", ".", "XFAIL"), "green"),
    **dict.fromkeys(("FAILED", "ERROR", "FAIL", "fail", "failed", "F", "E", "not ok"), "red"),
    **dict.fromkeys(("SKIPPED", "skip", "skipped", "ignored", "pending", "S", "todo"), "skipped"),
}


def _pytest(printed: str, _report: Path, _folder: Path) -> Found:
    """The lines of ``-v``."""
    for name, word in re.findall(
        r"^\S+\.py::(.+?) (PASSED|FAILED|SKIPPED|ERROR|XFAIL)\b", printed, re.MULTILINE
    ):
        yield name.rpartition("::")[2] if "[" not in name else name, _WORDS[word]


def _unittest(printed: str, _report: Path, _folder: Path) -> Found:
    """The lines of ``-v``: a docstring stands on a line of its own before the result."""
    for name, word in re.findall(
        r"^(\w+) \([\w.]+\)(?:\n.*?)? \.\.\. (ok|FAIL|ERROR|skipped)\b", printed, re.MULTILINE
    ):
        yield name, _WORDS[word]


def _go(printed: str, _report: Path, _folder: Path) -> Found:
    """``-json``, a line an event."""
    for line in printed.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("Test") and event["Action"] in ("pass", "fail", "skip"):
            yield event["Test"], _WORDS[event["Action"]]


def _cargo(printed: str, _report: Path, _folder: Path) -> Found:
    """A line a test; one in the documentation has the name of what it documents."""
    line = r"^test (?:\S+ - )?(\S+)(?: \(line \d+\))? \.\.\. (ok|FAILED|ignored)"
    for name, word in re.findall(line, printed, re.MULTILINE):
        yield name.rpartition("::")[2], _WORDS[word]


def _tap(printed: str, _report: Path, _folder: Path) -> Found:
    """TAP as node prints it; what has tests beneath it is a suite."""
    pattern = r"^ *(not ok|ok) \d+ - (.+?)(?: # (SKIP|TODO)\b.*)?\n *---\n((?: +.*\n)*?) *\.\.\.$"
    for word, name, left, about in re.findall(pattern, printed, re.MULTILINE):
        if "type: 'suite'" not in about:
            yield name, "skipped" if left else _WORDS[word]


def _jest(_printed: str, report: Path, _folder: Path) -> Found:
    """``--json`` of jest, which vitest writes as well."""
    for file in json.loads(report.read_text())["testResults"]:
        for one in file["assertionResults"]:
            yield one["title"], _WORDS[one["status"]]


def _rspec(_printed: str, report: Path, _folder: Path) -> Found:
    for one in json.loads(report.read_text())["examples"]:
        yield one["description"], _WORDS[one["status"]]


def _minitest(printed: str, _report: Path, _folder: Path) -> Found:
    """The lines of ``-v``."""
    for name, word in re.findall(r"^\w+#(test_\w+) = [\d.]+ s = ([.FES])$", printed, re.MULTILINE):
        yield name, _WORDS[word]


def _junit(_printed: str, report: Path, folder: Path) -> Found:
    """A JUnit file, or those that Maven and Gradle leave in the folder."""
    files = [report] if report.is_file() else sorted(folder.glob("**/TEST-*.xml"))
    for file in files:
        for case in ET.parse(file).getroot().iter("testcase"):
            yield case.attrib["name"], _ended(case)


def _ended(case: Any) -> Result:
    tags = {child.tag for child in case}
    if tags & {"failure", "error"}:
        return "red"
    return "skipped" if "skipped" in tags else "green"


def _together(*readings: Reading) -> Reading:
    """Several runners one after the other."""

    def read(printed: str, report: Path, folder: Path) -> Found:
        for one in readings:
            yield from one(printed, report, folder)

    return read


READINGS: dict[str, Reading] = {
    "pytest": _pytest,
    "unittest": _unittest,
    "go": _go,
    "go and pytest": _together(_go, _pytest),
    "tap and pytest": _together(_tap, _pytest),
    "cargo": _cargo,
    "tap": _tap,
    "jest": _jest,
    "rspec": _rspec,
    "minitest": _minitest,
    "junit": _junit,
}
