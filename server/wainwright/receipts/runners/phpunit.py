"""PHPUnit, by its JUnit report."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming
from wainwright.receipts.runners.node_options import script_at

_PROGRAM = r"phpunit(\.phar)?|simple-phpunit"
_VALUED = "-c --configuration --bootstrap --testsuite --filter --group --exclude-group -d --log-junit --include-path"
_NOT_LOADED = re.compile(r"(?:Parse|Fatal) error:|ParseError|Error: Class \"")
_DATA = " with data set "
_WHERE = re.compile(r"\bin (\S+\.php)(?: on line |:)\d+")


class PHPUnit:
    """Reads PHPUnit's JUnit report."""

    name = "phpunit"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``phpunit``, also behind ``php``."""
        return script_at(words, _PROGRAM, ("php",)) is not None

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments."""
        if how == "environment":
            return None
        more = [f"--log-junit={report}"]
        if not only:
            return Ask(words=(*words, *more))
        files, titles = naming.split(only)
        at = script_at(words, _PROGRAM, ("php",))
        if at is None or len(files) > 1 or (how == "append" and _paths(words[at + 1 :])):
            # PHPUnit takes one path.
            return None
        if all(titles):
            more.append(f"--filter=/::(?:{'|'.join(_filter(' '.join(one)) for one in titles)})$/u")
        paths = _paths(words[at + 1 :])
        return Ask(words=(*(w for n, w in enumerate(words) if n <= at or w not in paths), *more, *files))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests; without a report the file that could not be loaded."""
        placed = naming.Placed(tree)
        cases = junit.read(report, lambda node: _case(node, placed))
        if cases is not None:
            return tuple(cases)
        said = plain(output)
        if not _NOT_LOADED.search(said):
            return None
        places = (placed.path(found) for found in _WHERE.findall(said))
        place = next((path for path in places if (tree / path).is_file()), None)
        return None if place is None else (naming.unbuilt(place, junit.bounded(said, 0)),)


def _paths(words: Sequence[str]) -> tuple[str, ...]:
    """The words that are no options and no values of options."""
    valued = _VALUED.split()
    return tuple(
        w for n, w in enumerate(words) if not w.startswith("-") and (n == 0 or words[n - 1] not in valued)
    )


def _filter(title: str) -> str:
    """A test, with the sets of data that it is given when none is named."""
    whole = naming.escaped(title)
    return whole if _DATA in title else f"{whole}(?:{_DATA}.*)?"


def _case(node: junit.Node, placed: naming.Placed) -> Case:
    place = placed.path(node.file) if node.file else node.classname.replace(".", "\\")
    # A test that asserts nothing is said to be risky, and the run is green for all that.
    risky = node.outcome == "error" and node.kind.endswith("RiskyTestError")
    outcome = "passed" if risky else node.outcome
    title, _, data = node.name.partition(_DATA)
    name = naming.named(place, title, f"{_DATA}{data}" if data else "")
    return Case(name=name, outcome=outcome, message="" if risky else plain(node.message))
