"""``dotnet test``, by its TRX reports."""

import re
import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_OUTCOMES: dict[str, Outcome] = {
    "Passed": "passed",
    "PassedButRunAborted": "passed",
    "Warning": "passed",
    "Failed": "failed",
    "NotExecuted": "skipped",
    "NotRunnable": "skipped",
    "Inconclusive": "skipped",
    "Disconnected": "error",
}
_COMPILER = re.compile(
    r"^\s*(\S[^\n(]*\.(?:cs|fs|vb))\((\d+),\d+\): error (\w+: .*?)(?: \[[^\]\n]*\])?$", re.MULTILINE
)


class Dotnet:
    """Reads the TRX report of each project of tests."""

    name = "dotnet"
    live = False

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``dotnet test``."""
        return PurePosixPath(words[0]).name == "dotnet" and tuple(words[1:2]) == ("test",)

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By a logger beside those of the person, in a folder of ours."""
        if how == "environment":
            return None
        more = ["--logger", "trx", "--results-directory", str(report)]
        if only:
            _, titles = naming.split(only)
            if (
                how == "append"
                or not all(titles)
                or any(not re.match(r"\w+(\[|$)", one[-1]) for one in titles)
            ):
                # Tests are chosen by their methods; a display name is none.
                return None
            more += ["--filter", "|".join(f"FullyQualifiedName~.{one[-1].split('[')[0]}" for one in titles)]
        return Ask(words=(*words, *more))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests of all projects, and the files that could not be compiled."""
        cases: list[Case] = []
        if report.is_dir() and not report.is_symlink():
            for trx in sorted(report.glob("*.trx")):
                try:
                    with junit.opened(trx) as file:
                        cases += _cases(file, _Classes(project))
                except (OSError, ET.ParseError):
                    return None
        said: defaultdict[str, list[str]] = defaultdict(list)
        placed = naming.Placed(tree)
        for found in _COMPILER.finditer(plain(output)):
            said[placed.path(found.group(1))].append(f"line {found.group(2)}: {found.group(3)}")
        cases += [naming.unbuilt(place, "\n".join(dict.fromkeys(lines))) for place, lines in said.items()]
        return tuple(cases) if cases else None


class _Classes:
    """Which file of a project a class stands in, by its name."""

    def __init__(self, project: Project) -> None:
        self._files: defaultdict[str, list[str]] = defaultdict(list)
        for file in project.files():
            path = PurePosixPath(file)
            if path.suffix in (".cs", ".fs", ".vb"):
                self._files[path.stem].append(file)

    def place(self, classname: str) -> str:
        found = self._files.get(re.split(r"[.+]", classname)[-1], [])
        return found[0] if len(found) == 1 else classname


def _cases(file: IO[bytes], files: _Classes) -> Iterator[Case]:
    """Results stand before the definitions that say which class each belongs to."""
    results: list[tuple[str, str, Outcome, str]] = []
    classes: dict[str, str] = {}
    kept = 0
    for _, node in ET.iterparse(file, events=("end",)):  # noqa: S314 - expat expands no external entities
        tag = node.tag.rpartition("}")[2]
        if tag == "UnitTestResult":
            outcome = _OUTCOMES.get(node.get("outcome", ""), "error")
            texts = (
                part.text or ""
                for part in node.iter()
                if part.tag.rpartition("}")[2] in ("Message", "StackTrace")
            )
            said = plain("\n".join(texts)) if outcome in ("failed", "error") else ""
            kept += bool(said)
            results.append(
                (node.get("testId", ""), node.get("testName", ""), outcome, junit.bounded(said, kept))
            )
            node.clear()
        elif tag == "UnitTest":
            method = next((part for part in node if part.tag.rpartition("}")[2] == "TestMethod"), None)
            if method is not None:
                classes[node.get("id", "")] = method.get("className", "").partition(",")[0]
            node.clear()
    for test, title, outcome, said in results:
        owner = classes.get(test, "")
        # The runs of one test have its name and something in brackets.
        method = re.sub(r"^(\w+)\((.*)\)$", r"\1[\2]", title.removeprefix(f"{owner}."), flags=re.DOTALL)
        yield Case(name=naming.named(files.place(owner), method), outcome=outcome, message=said)
