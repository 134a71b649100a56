"""bun's own runner, by its JUnit report."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_BROKEN = re.compile(
    r"^(\S+\.[cm]?[jt]sx?):\n\s*\n?# Unhandled error between tests\n-+\n(.*?)\n-{5,}",
    re.MULTILINE | re.DOTALL,
)


class Bun:
    """Reads the JUnit report of ``bun test``."""

    name = "bun"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``bun test``."""
        return PurePosixPath(words[0]).name == "bun" and "test" in words[1:] and "run" not in words[1:3]

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments, else by ``BUN_OPTIONS``."""
        more = ["--reporter=junit", f"--reporter-outfile={report}"]
        if how == "environment":
            return None if only else Ask(words=tuple(words), env={"BUN_OPTIONS": " ".join(more)})
        kept = tuple(word for word in words if word != "--watch") if how == "direct" else tuple(words)
        if only:
            files, titles = naming.split(only)
            wanted = naming.pattern(titles)
            # The name that is matched begins with a blank when the test stands in no suite.
            more += [f"--test-name-pattern={wanted.replace('^', '^ ?', 1)}"] if wanted else []
            more += [f"./{file}" for file in files]
        return Ask(words=(*kept, *more))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests; the files that could not be loaded stand in the output alone."""
        placed = naming.Placed(tree)
        cases = junit.read(report, lambda node: _case(node, placed))
        broken = [
            naming.unbuilt(placed.path(found.group(1)), junit.bounded(found.group(2), 0))
            for found in _BROKEN.finditer(plain(output))
        ]
        return None if cases is None and not broken else (*(cases or ()), *broken)


def _case(node: junit.Node, placed: naming.Placed) -> Case:
    file = node.file or (node.suites[0] if node.suites else "")
    titles = [suite for suite in node.suites if suite not in (file, "bun test")]
    name = naming.named(placed.path(file), *titles, node.name)
    return Case(name=name, outcome=node.outcome, message=plain(node.message))
