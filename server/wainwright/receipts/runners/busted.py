"""Lua's busted, by its JUnit report."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_VALUED = frozenset(
    (
        "-p", "--pattern", "--exclude-pattern", "-e", "-o", "--output", "-C", "--directory", "-f", "--config-file",
        "--coverage-config-file", "-t", "--tags", "--exclude-tags", "--filter", "--filter-out", "-m", "--lpath",
        "--cpath", "-r", "--run", "--repeat", "--seed", "--lang", "--loaders", "--helper", "--lua", "-Xoutput",
        "-Xhelper",
    )
)  # fmt: skip
_PLACE = re.compile(r"^(.+?):\d+: ")
_OUTSIDE = "outside of tests"
"""The name of the case that says that what is around the tests of a file failed."""


class Busted:
    """Reads busted's JUnit report."""

    name = "busted"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``busted``."""
        return PurePosixPath(words[0]).name == "busted"

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments; the last of several outputs counts."""
        if how == "environment" or (only and how != "direct"):
            return None
        formats = ["-o", "junit", "-Xoutput", str(report)]
        if not only:
            return Ask(words=(*words, *formats))
        files, titles = naming.split(only)
        wanted = [f"--filter=^{_escaped(' '.join(one))}$" for one in titles] if all(titles) else []
        return Ask(words=(*_options(words), *formats, *wanted, *files))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests, by their groups and their own words as busted joins them; files that could not be loaded."""
        placed = naming.Placed(tree)
        cases = junit.read(
            report, lambda node: _case(node, placed), suite_errors=lambda _, said: _error(said, placed)
        )
        return None if cases is None else tuple(_loaded(cases))


def _options(words: Sequence[str]) -> Iterator[str]:
    """The words without the files and folders that they name."""
    value = True
    for word in words:
        if value or word.startswith("-"):
            yield word
        value = not value and word in _VALUED


def _escaped(title: str) -> str:
    """A title for a pattern of Lua; a blank stands for any blanks."""
    return "%s+".join(re.sub(r"([\^$()%.\[\]*+\-?])", r"%\1", word) for word in title.split())


def _case(node: junit.Node, placed: naming.Placed) -> Case:
    place = placed.path(node.classname.rpartition(":")[0])
    return Case(name=naming.named(place, node.name), outcome=node.outcome, message=plain(node.message))


def _error(said: str, placed: naming.Placed) -> Case:
    """Of what stands in no test; where it is says the message alone."""
    found = _PLACE.match(said)
    place = placed.path(found[1]) if found else "busted"
    return Case(name=naming.named(place, _OUTSIDE), outcome="error", message=plain(said))


def _loaded(cases: Sequence[Case]) -> Iterator[Case]:
    """A file of which nothing but an error is told was not loaded."""
    outside = f"::{_OUTSIDE}"
    loaded = {case.name.partition("::")[0] for case in cases if not case.name.endswith(outside)}
    for case in cases:
        place = case.name.removesuffix(outside)
        alone = place != case.name and place.endswith(".lua") and place not in loaded
        yield naming.unbuilt(place, case.message) if alone else case
