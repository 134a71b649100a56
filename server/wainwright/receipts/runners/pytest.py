"""pytest, also as a module and under coverage; its JUnit report is asked for."""

import shlex
from collections.abc import Callable, Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, python

FLAGS = ("-o", "cache_dir=/tmp/pytest-cache", "--continue-on-collection-errors")
"""One file that cannot be imported, such as a test of code to come, must not hide what the others say. What an
earlier run left in the cache must not narrow this one (``--lf``): /tmp is a fresh one for every command."""
_VALUED = frozenset(
    [
        "-k",
        "-m",
        "-p",
        "-n",
        "-c",
        "-o",
        "-W",
        "-r",
        "--tb",
        "--rootdir",
        "--ignore",
        "--ignore-glob",
        "--deselect",
        "--maxfail",
        "--durations",
        "--cov",
        "--color",
        "--confcutdir",
        "--import-mode",
        "--log-level",
        "--log-file",
        "--numprocesses",
        "--dist",
        "--timeout",
        "--basetemp",
        "--override-ini",
        "--junitxml",
        "--junit-xml",
        "--cov-report",
        "--cov-config",
        "--capture",
        "--ds",
    ]
)


class Pytest:
    """Reads pytest's JUnit report."""

    name = "pytest"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``pytest``, ``python -m pytest``, ``coverage run -m pytest``."""
        return _arguments(words) is not None

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments where they reach pytest, else by ``PYTEST_ADDOPTS``."""
        begin = _arguments(words)
        if begin is None or any(name.startswith("-") for name in only):
            return None
        flags = (f"--junit-xml={report}", *FLAGS)
        chosen = _chosen(words, begin)
        if how == "direct":
            kept = tuple(word for at, word in enumerate(words) if not only or at not in chosen)
            return Ask(words=(*kept, *flags, *only))
        if only and chosen:
            return None
        if how == "append":
            return Ask(words=(*words, *flags, *only))
        return Ask(words=tuple(words), env={"PYTEST_ADDOPTS": shlex.join((*flags, *only))})

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The cases, by the names that pytest gives on the command line."""
        places: dict[str, str] = {}

        def place(classname: str) -> str:
            if classname not in places:
                places[classname] = _place(classname, tree)
            return places[classname]

        return junit.read(report, lambda node: _case(node, place))


def _arguments(words: Sequence[str]) -> int | None:
    if words and PurePosixPath(words[0]).name in ("pytest", "py.test"):
        return 1
    return python.module(words, "pytest") or python.module(words, "py.test")


def _chosen(words: Sequence[str], begin: int) -> frozenset[int]:
    """Where the words stand that name files or tests."""
    found = set()
    for at in range(begin, len(words)):
        before = words[at - 1] if at > begin else ""
        follows = before in _VALUED or (
            before.startswith("--")
            and before != "--"
            and "=" not in before
            and "." not in words[at]
            and "/" not in words[at]
        )
        if not words[at].startswith("-") and not follows:
            found.add(at)
    return frozenset(found)


def _case(node: junit.Node, place: Callable[[str], str]) -> Case:
    if node.classname:
        name, unbuilt = f"{place(node.classname)}::{node.name}", False
    elif node.outcome == "error":
        # A file that could not be collected: pytest gives its module as the name.
        name, unbuilt = f"{node.file or place(node.name)}::collection", True
    else:
        # A file that skips itself as a whole, or an item that is no Python function.
        name, unbuilt = (f"{node.file}::{node.name}" if node.file else node.name), False
    return Case(name=name, outcome=node.outcome, message=node.message, unbuilt=unbuilt)


def _place(classname: str, tree: Path) -> str:
    """Pytest's ``tests.test_a.TestB`` as ``tests/test_a.py::TestB``: the file is the one that is there."""
    parts = classname.split(".")

    def spelled(at: int) -> str:
        return "::".join(["/".join(parts[:at]) + ".py", *parts[at:]])

    ends = range(len(parts), 0, -1)
    there = (at for at in ends if (tree / ("/".join(parts[:at]) + ".py")).is_file())
    named = (at for at in ends if parts[at - 1].startswith("test_") or parts[at - 1].endswith("_test"))
    return spelled(next(there, 0) or next(named, len(parts)))
