"""sbt, by the XML that it leaves below ``target/test-reports``."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import jvm, naming


class Sbt:
    """Reads the XML of sbt's plugin for JUnit, which is on if nothing else is set."""

    name = "sbt"
    live = False

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``sbt test``."""
        return PurePosixPath(words[0]).name in ("sbt", "sbtn") and any(
            word == "test" or word.endswith("/test") for word in words[1:]
        )

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """Nothing has to be asked. A folder at the report's path says when the command began."""
        if only or how != "direct":
            return None
        return Ask(words=("sh", "-c", 'mkdir -p "$0" && exec "$@"', str(report), *words))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests of all projects, from reports that are not older than the command."""
        if not report.is_dir() or report.is_symlink():
            return None
        classes, began = jvm.Classes(project), report.stat().st_mtime
        cases: list[Case] = []
        for folder in sorted({*tree.glob("target/test-reports"), *tree.glob("*/target/test-reports")}):
            if not folder.resolve().is_relative_to(tree.resolve()):
                continue
            module = folder.parents[1].relative_to(tree).as_posix()
            if all(file.stat().st_mtime >= began for file in folder.glob("TEST-*.xml")):
                cases += jvm.of_reports(folder, "" if module == "." else module, classes)
        cases += jvm.not_compiled(output, naming.Placed(tree)) if "Compilation failed" in output else ()
        return tuple(cases) if cases else None
