"""Python's own unittest: run by a runner of ours that writes down how each test ended."""

import json
import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, python

_SOURCE = """
import json, os, sys, unittest
report, sys.argv = sys.argv[1], [sys.executable + " -m unittest", *sys.argv[2:]]
out = open(report, "a", encoding="utf-8", errors="replace")
def tell(**what):
    out.write(json.dumps(what) + "\\n"); out.flush()
def about(test):
    name = test.id()
    if name.startswith("unittest.loader._FailedTest."):
        return {"module": name[len("unittest.loader._FailedTest."):], "unbuilt": True}
    if not isinstance(test, unittest.TestCase):
        return {"holder": name}
    kind = type(test)
    file = getattr(sys.modules.get(kind.__module__), "__file__", None) or ""
    rest = name[len(kind.__module__) + 1:] if name.startswith(kind.__module__ + ".") else name
    return {"file": os.path.relpath(file) if file else "", "module": kind.__module__, "name": rest}
class Result(unittest.TextTestResult):
    def _told(self, outcome, test, err=None, message=""):
        if err is not None:
            message = self._exc_info_to_string(err, test)
        tell(outcome=outcome, message=message, **about(test))
    def addSuccess(self, test):
        super().addSuccess(test); self._told("passed", test)
    def addFailure(self, test, err):
        super().addFailure(test, err); self._told("failed", test, err)
    def addError(self, test, err):
        super().addError(test, err); self._told("error", test, err)
    def addSkip(self, test, reason):
        super().addSkip(test, reason); self._told("skipped", test, message=reason)
    def addExpectedFailure(self, test, err):
        super().addExpectedFailure(test, err); self._told("skipped", test, err)
    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test); self._told("failed", test, message="unexpected success")
    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._told("failed" if issubclass(err[0], test.failureException) else "error", test, err)
class Runner(unittest.TextTestRunner):
    resultclass = Result
    def run(self, test):
        result = super().run(test); tell(end=result.testsRun); return result
unittest.main(module=None, testRunner=Runner)
"""
_VALUED = frozenset(("-k", "-s", "--start-directory", "-p", "--pattern", "-t", "--top-level-directory"))


class Unittest:
    """Reads what our runner writes down of ``python -m unittest``."""

    name = "unittest"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``python -m unittest``, also under coverage."""
        return python.module(words, "unittest") is not None

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """The interpreter is given our runner in place of the module; only where its words can be rewritten."""
        begin = python.module(words, "unittest")
        if begin is None or how != "direct" or words[0].endswith("coverage") or "coverage" in words[:begin]:
            return None
        arguments = list(words[begin:])
        if only:
            narrowed = _narrowed(arguments, only)
            if narrowed is None:
                return None
            arguments = narrowed
        return Ask(words=(*words[: begin - 2], "-c", _SOURCE, str(report), *arguments))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """One case a line; a last line says that the run came to its end."""
        cases: list[Case] = []
        ended = False
        try:
            with junit.opened(report) as file:
                while line := file.readline(1_000_000):
                    told = json.loads(line)
                    ended = ended or "end" in told
                    if "outcome" in told:
                        cases.append(_case(told, len(cases), project))
        except (OSError, ValueError, KeyError, AttributeError, TypeError):
            return None
        if not ended:
            cases.append(
                Case(name="unittest::run", outcome="error", message="The run stopped before its end.")
            )
        return tuple(cases)


def _case(told: dict[str, str], before: int, project: Project) -> Case:
    message = junit.bounded(str(told.get("message", "")), before)
    if told.get("unbuilt"):
        place = f"{told['module'].replace('.', '/')}.py"
        known = [path for path in project.files() if path == place or path.endswith(f"/{place}")]
        name = f"{known[0] if len(known) == 1 else place}::collection"
        return Case(name=name, outcome="error", message=message, unbuilt=True)
    if "holder" in told:
        # ``setUpClass (tests.test_a.TestA)``: nothing of the class or module was run.
        found = re.match(r"(\w+) \((.*)\)$", told["holder"])
        name = f"{found.group(2)}::{found.group(1)}" if found else told["holder"]
    else:
        file = told["file"]
        place = told["module"] if not file or file.startswith("..") else file
        name = f"{place}::{told['name'].replace('.', '::', 1)}"
    return Case.model_validate({"name": name, "outcome": told["outcome"], "message": message})


def _narrowed(arguments: list[str], only: Sequence[str]) -> list[str] | None:
    """Arguments that load only these tests, in the way that the command loads them."""
    names = [
        name for at, name in enumerate(arguments) if not name.startswith("-") and not _follows(arguments, at)
    ]
    if names and names[0] != "discover":
        kept = [word for word in arguments if word not in names]
        return kept + [_dotted(name) for name in only]
    files = {PurePosixPath(name.partition("::")[0]).name for name in only}
    if len(files) != 1:
        return None
    tests = [name.partition("::")[2].replace("::", ".") for name in only]
    chosen = [word for test in tests for word in ("-k", f"*{test}")] if all(tests) else []
    kept, at = [], 0
    while at < len(arguments):
        step = 2 if arguments[at] in _VALUED else 1
        if arguments[at] not in ("discover", "-k", "-p", "--pattern"):
            kept += arguments[at : at + step]
        at += step
    return ["discover", *kept, "-p", files.pop(), *chosen]


def _follows(arguments: Sequence[str], at: int) -> bool:
    return at > 0 and arguments[at - 1] in _VALUED


def _dotted(name: str) -> str:
    file, _, test = name.partition("::")
    return ".".join(
        part for part in (file.removesuffix(".py").replace("/", "."), test.replace("::", ".")) if part
    )
