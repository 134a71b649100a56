"""Gradle: a script of ours has each task of tests run anew and leave its XML where we say."""

from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import jvm, naming

_TASKS = ("test", "check", "build", "integrationTest", "allTests", "jvmTest")
_SCRIPT = """def reports = System.getProperty('wainwright.reports')
def wanted = System.getProperty('wainwright.tests', '').tokenize(',').collect { URLDecoder.decode(it, 'UTF-8') }
allprojects {
  tasks.withType(Test) { task ->
    task.outputs.upToDateWhen { false }
    task.outputs.doNotCacheIf('tests are run') { true }
    def folder = new File(reports, task.path.replace(':', '~'))
    def xml = task.reports.junitXml
    if (xml.hasProperty('outputLocation')) { xml.outputLocation.set(folder) } else { xml.destination = folder }
    task.filter.failOnNoMatchingTests = false
    wanted.each { task.filter.includeTestsMatching(it) }
  }
}
"""
"""The same each time: Gradle compiles a script once for each text, and has it for each place."""
_AT = "/tmp/wainwright.gradle"  # noqa: S108 - in the sandbox, where /tmp is the command's own
_START = f'printf %s "$0" > {_AT} && exec "$@" --continue -I {_AT}'
_FLAGS = ("--no-daemon", "-Dorg.gradle.unsafe.configuration-cache=false")
"""No daemon outlives a command here, and one would be a second machine to start. Before 7.4 a stored configuration
could not tell that it was asked for reports elsewhere; later ones see it by the property."""


class Gradle:
    """Reads the XML of Gradle's tasks of tests."""

    name = "gradle"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``gradle`` or ``gradlew`` with a task that tests."""
        tasks = [word.rpartition(":")[2] for word in words[1:] if not word.startswith("-")]
        return PurePosixPath(words[0]).name in ("gradle", "gradlew") and any(
            task in _TASKS or task.endswith("Test") for task in tasks
        )

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By a script for Gradle's start, which a shell writes down first."""
        if how != "direct":
            return None
        properties = [f"-Dwainwright.reports={report}"]
        if only:
            properties.append(
                f"-Dwainwright.tests={','.join(quote(_selected(one), safe='') for one in only)}"
            )
        return Ask(words=("sh", "-c", _START, _SCRIPT, *words, *_FLAGS, *properties))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests of all projects, and the files that could not be compiled."""
        classes = jvm.Classes(project)
        cases: list[Case] = []
        if report.is_dir() and not report.is_symlink():
            for folder in sorted(
                path for path in report.iterdir() if path.is_dir() and not path.is_symlink()
            ):
                module = "/".join(folder.name.split("~")[1:-1])
                cases += jvm.of_reports(folder, module, classes)
        if "Compilation failed" in output or "Compilation error" in output:
            cases += jvm.not_compiled(output, naming.Placed(tree))
        return tuple(cases) if cases else None


def _selected(name: str) -> str:
    file, *titles = name.split("::")
    *nested, method = titles or ("",)
    owner = "$".join((jvm.class_of(file), *nested))
    return f"{owner}.{method}" if method else owner
