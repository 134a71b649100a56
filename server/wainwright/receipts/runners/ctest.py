"""``ctest``: its JUnit report."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, CannotNarrow, How, Project
from wainwright.receipts.runners import junit

_SOURCES = frozenset({".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".m", ".mm", ".cu"})
_SPECIAL = re.compile(r"([][.*+?^$()|\\])")


class Ctest:
    """Reads the report of CMake's test driver (3.21 and newer)."""

    name = "ctest"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``ctest``, when it runs tests and not scripts."""
        return PurePosixPath(words[0]).name in ("ctest", "ctest3") and not {"-S", "-N", "--version"} & set(
            words
        )

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``--output-junit``, with what red tests printed."""
        if how == "environment":
            return None
        narrow: tuple[str, ...] = ()
        if only:
            within = [name for name in only if PurePosixPath(name.partition("::")[0]).suffix in _SOURCES]
            if within:
                raise CannotNarrow(
                    f"CTest knows programs, and neither files nor what is in them: {', '.join(within[:5])}.",
                    "Name one of its own tests, as `ctest::NAME`, or run all.",
                )
            names = [_SPECIAL.sub(r"\\\1", name.partition("::")[2] or name) for name in only]
            narrow = ("-R", f"^({'|'.join(names)})$")
        return Ask(words=(*words, "--output-junit", str(report), *narrow))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """One case for each test; one whose program is not there could not be built."""
        return junit.read(report, _case)


def _case(node: junit.Node) -> Case:
    printed = node.printed.replace("[NON-XML-CHAR-0x1B]", "\x1b")
    if node.status == "disabled":
        return Case(name=f"ctest::{node.name}", outcome="skipped", message="disabled")
    if node.outcome == "skipped" and "nable to find executable" in node.message + printed:
        return Case(name=f"ctest::{node.name}", outcome="error", message=printed, unbuilt=True)
    said = "\n".join(part for part in (node.message, printed) if part) if node.outcome != "passed" else ""
    return Case(name=f"ctest::{node.name}", outcome=node.outcome, message=said)
