"""Maven's Surefire and Failsafe, by the XML that they leave below ``target``.

The folder cannot be chosen from outside, but the end of the names can: only reports whose names end in what was asked
for this one time are read, so that neither an earlier run's nor one that was put into the tree is taken for ours. A
shell copies them to where reports are wanted before the command has ended: what is built is gone with it.
"""

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePath, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import jvm, naming

_PHASES = frozenset(
    ("test", "prepare-package", "package", "integration-test", "verify", "install", "surefire:test")
)
_FOLDERS = ("surefire-reports", "failsafe-reports")
_GATHER = (
    'out="$0" end="$1" && shift && { "$@"; code=$?; } && mkdir -p "$out" && find . -name .git -prune -o -type f'
    ' -path "*-reports/TEST-*-$end.xml" -exec cp --parents -t "$out" {} + ; exit "$code"'
)
_NOT_COMPILED = re.compile(r"COMPILATION ERROR|Compilation failure|Compilation failed")


class Surefire:
    """Reads Maven's reports of tests."""

    name = "surefire"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``mvn`` or ``mvnw`` with a phase that tests."""
        program = PurePosixPath(words[0]).name
        return program in ("mvn", "mvnw", "mvnd") and any(word in _PHASES for word in words[1:])

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By properties; a module that fails does not keep those that do not need it from being tested."""
        named = f"-Dsurefire.reportNameSuffix={_token(report)}"
        if how == "environment":
            return None if only else Ask(words=tuple(words), env={"MAVEN_OPTS": named})
        more = [named, "--fail-at-end", "-Dstyle.color=never"]
        if only:
            more += [f"-Dtest={','.join(dict.fromkeys(map(_selected, only)))}", "-DfailIfNoTests=false"]
            more += ["-Dsurefire.failIfNoSpecifiedTests=false"]
        whole = (*words, *more)
        return Ask(
            words=("sh", "-c", _GATHER, str(report), _token(report), *whole) if how == "direct" else whole
        )

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests of all modules, and the files that could not be compiled."""
        classes, suffix = jvm.Classes(project), f"({_token(report)})"
        cases: list[Case] = []
        # Behind ``make`` nothing of ours copies them: where what is built stays, they are still there.
        root = report if report.is_dir() and not report.is_symlink() else tree
        for target in _targets(root, project):
            module = target.parent.relative_to(root).as_posix()
            for name in _FOLDERS:
                cases += jvm.of_reports(target / name, "" if module == "." else module, classes, suffix)
        if _NOT_COMPILED.search(plain(output)):
            cases += jvm.not_compiled(output, naming.Placed(tree))
        return tuple(cases) if cases else None


def _token(report: PurePath) -> str:
    """What our reports' names end in: of the folder that reports of this one command go to."""
    return hashlib.sha256("/".join(report.parts[-2:]).encode()).hexdigest()[:16]


def _targets(tree: Path, project: Project) -> list[Path]:
    modules = {
        PurePosixPath(file).parent for file in project.files() if PurePosixPath(file).name == "pom.xml"
    }
    return sorted(tree / module / "target" for module in modules)


def _selected(name: str) -> str:
    """A test as Surefire is told of it: ``package.Class$Nested#method``."""
    file, *titles = name.split("::")
    *nested, method = titles or ("",)
    owner = "$".join((jvm.class_of(file), *nested))
    # A test with parameters is named with them; it is its method that can be chosen.
    method = re.split(r"[(\[{ ]", method)[0]
    return f"{owner}#{method}" if method else f"{owner}*"
