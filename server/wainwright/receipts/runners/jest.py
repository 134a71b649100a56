"""jest, also as Create React App and others call it; its JSON report is asked for."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import jest_json, naming, node_options
from wainwright.receipts.runners.node_options import script_at

_OTHERS = (
    ("react-scripts", "test"),
    ("craco", "test"),
    ("react-app-rewired", "test"),
    ("vue-cli-service", "test:unit"),
)
"""Programs that hand their arguments on to jest."""


class Jest:
    """Reads jest's JSON report."""

    name = "jest"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``jest``, ``node ... jest.js``, and programs that run it."""
        return script_at(words, r"jest(\.js)?") is not None or (
            len(words) > 1 and (PurePosixPath(words[0]).name, words[1]) in _OTHERS
        )

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments; behind scripts through ``NODE_OPTIONS``. It never watches."""
        more = ["--json", f"--outputFile={report}", "--watchAll=false"]
        if any(word in ("--watch", "--watchAll") for word in words):
            more += ["--watch=false"]
        if how == "environment":
            env = node_options.pushed(r"(^|[\\/])jest(\.js)?$", more)
            return None if only else Ask(words=tuple(words), env=env)
        if only:
            files, titles = naming.split(only)
            wanted = naming.pattern(titles)
            more += [f"--testNamePattern={wanted}"] if wanted else []
            more += [f"(^|/){naming.escaped(file)}$" for file in files]
        return Ask(words=(*words, *more))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests, and the files that could not be loaded."""
        found = jest_json.read(report)
        return None if found is None else tuple(jest_json.cases(found, naming.Placed(tree)))
