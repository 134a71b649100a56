"""deno's own runner, by its JUnit report."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_BROKEN = re.compile(r"\[ERROR\]|^error: (?!Test failed)", re.MULTILINE)
_UNCAUGHT = re.compile(r"^(\S+) \(uncaught error\)$", re.MULTILINE)
_WHERE = re.compile(r"\bat (file://[^\s:]+|\./[^\s:]+)(?::\d+)+")


class Deno:
    """Reads the JUnit report of ``deno test``."""

    name = "deno"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``deno test``."""
        return PurePosixPath(words[0]).name == "deno" and "test" in words[1:2]

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments, which stand before the files."""
        if how != "direct":
            return None
        kept = tuple(
            word for word in words[2:] if not word.startswith(("--watch", "--reporter", "--junit-path"))
        )
        more = [f"--junit-path={report}"]
        if only:
            files, titles = naming.split(only)
            own = tuple(one[:1] for one in titles)
            wanted = naming.pattern(own) if all(own) else None
            more += [f"--filter=/{wanted}/"] if wanted else []
            kept = (*(word for word in kept if word.startswith("-")), *files)
        return Ask(words=(*words[:2], *more, *kept))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests and their steps; without a report the file that kept all of them from being built."""
        placed, said, titles = naming.Placed(tree), plain(output), _Titles()
        cases = junit.read(report, lambda node: _case(node, placed, titles))
        if cases is not None:
            # What is thrown outside of tests stands in the output alone.
            broken = dict.fromkeys(placed.path(found) for found in _UNCAUGHT.findall(said))
            return (*cases, *(naming.unbuilt(p, junit.bounded(said, 0)) for p in broken))
        if not _BROKEN.search(said):
            return None
        places = dict.fromkeys(placed.path(found) for found in _WHERE.findall(said))
        here = [place for place in places if (tree / place).is_file()]
        return tuple(naming.unbuilt(place, junit.bounded(said, 0)) for place in here) or None


class _Titles:
    """The titles of a step, which stands behind the test or step that it belongs to."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], tuple[str, ...]] = {}

    def of(self, place: str, whole: str) -> tuple[str, ...]:
        around = next(
            (
                head
                for at in range(len(whole), 0, -1)
                if whole.startswith(" > ", at) and (place, head := whole[:at]) in self._seen
            ),
            None,
        )
        titles = (whole,) if around is None else (*self._seen[place, around], whole[len(around) + 3 :])
        self._seen[place, whole] = titles
        return titles


def _case(node: junit.Node, placed: naming.Placed, titles: _Titles) -> Case:
    place = placed.path(node.classname or node.suite)
    name = naming.named(place, *titles.of(place, node.name))
    return Case(name=name, outcome=node.outcome, message=plain(node.message))
