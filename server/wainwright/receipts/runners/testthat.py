"""R's testthat, by a reporter that it is given beside its own: each expectation on a line, with its file and test."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case, Outcome
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_RUNS = re.compile(r"\b(testthat::test_(local|dir|file|package|check)|devtools::test)\(")
_ALL = re.compile(r"^(testthat::test_local|devtools::test)\(\s*\)$")
_REPORTER = (
    'local({{into <- {report}; said <- R6::R6Class("Said", inherit = testthat::Reporter, public = list(file = "", '
    "start_file = function(filename) self$file <- filename, "
    "add_result = function(context, test, result) {{"
    'line <- if (is.null(result$srcref)) "" else result$srcref[1]; '
    'parts <- c(self$file, line, class(result)[1], if (is.null(test)) "" else test, conditionMessage(result)); '
    'cat(paste(encodeString(enc2utf8(parts)), collapse = "\\t"), "\\n", sep = "", file = into, append = TRUE)}}, '
    'end_reporter = function() cat("end\\n", file = into, append = TRUE))); '
    "both <- testthat::MultiReporter$new(reporters = list(testthat::CheckReporter$new(), said$new())); "
    "options(testthat.default_reporter = both, testthat.default_check_reporter = both)}})"
)
"""An expression of R, which takes nothing but testthat and what that needs itself."""
_OUTCOMES: Mapping[str, Outcome] = {
    "expectation_success": "passed",
    "expectation_warning": "passed",
    "expectation_skip": "skipped",
    "expectation_failure": "failed",
    "expectation_error": "error",
}
_WORST: Sequence[Outcome] = ("error", "failed", "passed", "skipped")
_ESCAPED = re.compile(r"\\([\\nrt\"']|u\{?([0-9a-fA-F]+)\}?|U\{?([0-9a-fA-F]+)\}?|x([0-9a-fA-F]{2}))")
_PLAIN = {"n": "\n", "r": "\r", "t": "\t"}
OUTSIDE = "outside of tests"
"""The name of the case that says how code of a file ended that is in none of its tests."""


class Testthat:
    """Reads what the reporter wrote."""

    name = "testthat"
    live = False

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``Rscript -e`` with a call that runs tests."""
        return PurePosixPath(words[0]).name == "Rscript" and any(map(_RUNS.search, _expressions(words)))

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By an expression in front of the others; named tests by their files, of which all tests are run."""
        if how != "direct":
            return None
        first = words.index("-e")
        given = [*words[first:]]
        if only:
            whole = [at for at, word in enumerate(given) if _ALL.match(word.strip())]
            files = {PurePosixPath(file).name for file in naming.split(only)[0]}
            names = sorted(re.sub(r"^test-?|\.[rR]$", "", file) for file in files)
            if not whole:
                return None
            wanted = _quoted(f"^({'|'.join(map(re.escape, names))})$")
            given[whole[0]] = given[whole[0]].strip()[:-1].rstrip() + f"filter = {wanted})"
        reporter = _REPORTER.format(report=_quoted(str(report)))
        return Ask(words=(*words[:first], "-e", reporter, *given))

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """One case a test, which is as its worst expectation; None where testthat did not come to its end."""
        text = junit.printed(report)
        if text is None or not text.endswith("end\n"):
            return None
        return tuple(_cases(text, project))


def _expressions(words: Sequence[str]) -> list[str]:
    return [word for before, word in pairwise(words) if before == "-e"]


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _cases(text: str, project: Project) -> Iterator[Case]:
    known: dict[str, str] = {}
    tests: dict[tuple[str, str], list[tuple[Outcome, str]]] = {}
    for row in text.split("\n"):
        parts = row.split("\t")
        if len(parts) != 5 or parts[2] not in _OUTCOMES:
            continue
        file, line, kind, test, said = map(_unescaped, parts)
        place = known.setdefault(file, _place(file, project))
        at = f"{place}:{line}: " if line else ""
        tests.setdefault((place, test or OUTSIDE), []).append((_OUTCOMES[kind], f"{at}{said}"))
    kept = 0
    for (place, test), seen in tests.items():
        outcome = min((one for one, _ in seen), key=_WORST.index)
        if test == OUTSIDE and outcome == "passed":
            continue
        bad = "\n".join(message for one, message in seen if one in ("failed", "error"))
        yield Case(name=naming.named(place, test), outcome=outcome, message=junit.bounded(bad, kept))
        kept += bool(bad)


def _place(file: str, project: Project) -> str:
    """The path of a test file, of which testthat tells the name alone."""
    usual = f"tests/testthat/{file}"
    ends = [path for path in project.files() if path == file or path.endswith(f"/{file}")]
    return usual if usual in ends or not ends else ends[0]


def _unescaped(text: str) -> str:
    """What R's ``encodeString`` was given."""

    def plain(found: re.Match[str]) -> str:
        number = found[2] or found[3] or found[4]
        return chr(int(number, 16)) if number else _PLAIN.get(found[1], found[1])

    return _ESCAPED.sub(plain, text)
