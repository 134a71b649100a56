"""vitest, with tests of types and projects; its JSON report is asked for beside what it prints."""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import jest_json, junit, naming, node_options
from wainwright.receipts.runners.node_options import script_at

_SUBCOMMANDS = ("run", "watch", "dev", "related")
_UNHANDLED = re.compile(r"^.*Unhandled (?:Source )?Errors?\b.*$", re.MULTILINE)


class Vitest:
    """Reads vitest's JSON report."""

    name = "vitest"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``vitest``, also by the path of its program; not its benchmarks and lists."""
        at = script_at(words, r"vitest(\.mjs)?")
        if at is None:
            return False
        return next((w for w in words[at + 1 :] if not w.startswith("-")), "") not in (
            "bench",
            "list",
            "init",
        )

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By arguments; behind scripts through ``NODE_OPTIONS``. It never watches."""
        more = ["--run", "--reporter=default", "--reporter=json", f"--outputFile.json={report}"]
        if how == "environment":
            env = node_options.pushed(r"(^|[\\/])vitest(\.mjs)?$", more)
            return None if only else Ask(words=tuple(words), env=env)
        if only:
            files, titles = naming.split(only)
            wanted = naming.pattern(titles)
            more += [*files, *([f"--testNamePattern={wanted}"] if wanted else [])]
        return Ask(words=(*words, *more))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests, and errors that no test answers for."""
        found = jest_json.read(report)
        if found is None:
            return None
        cases = list(jest_json.cases(found, naming.Placed(tree)))
        said = plain(output)
        unhandled = _UNHANDLED.search(said)
        if unhandled is not None and not found.success:
            about = junit.bounded(said[unhandled.start() :], 0)
            source = (
                "Source" in said[unhandled.start() :].split("\n\n")[0] or "Unhandled Source Error" in about
            )
            name = naming.named("vitest", "types" if source else "unhandled error")
            cases.append(Case(name=name, outcome="error", message=about, unbuilt=source))
        return tuple(cases)
