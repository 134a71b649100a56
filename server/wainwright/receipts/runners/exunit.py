"""ExUnit, by the line that ``mix test --trace`` prints of each test."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_MODULE = re.compile(r"^\S+ \[(.+\.exs?)\]$")
_TEST = re.compile(
    r"\* (?:test|doctest|property|feature) (.+?) \((\d+(?:\.\d+)?ms|skipped|excluded|invalid)\) \[L#(\d+)\]$"
)
_FAILURE = re.compile(r"^\s+\d+\) \w+ .*\n\s+(\S+\.exs?):(\d+)\n", re.MULTILINE)
_NOT_BUILT = re.compile(
    r"\*\* \((?:\w*CompileError|SyntaxError|TokenMissingError|MismatchedDelimiterError)\) (\S+?\.exs?):\d+"
)
_NOT_BUILT_FILE = re.compile(r"== Compilation error in file (\S+) ==")


class ExUnit:
    """Reads what ExUnit prints."""

    name = "exunit"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``mix test``."""
        return PurePosixPath(words[0]).name == "mix" and tuple(words[1:2]) == ("test",)

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``--trace``, which runs tests one after the other, without limits of their own."""
        if how == "environment":
            return None
        files, titles = naming.split(only)
        # A test is tagged with its whole name, which begins with its kind.
        tags = (
            [word for one in titles for word in ("--only", f"test:test {' '.join(one)}")]
            if all(titles)
            else []
        )
        return Ask(words=(*words, "--trace", "--no-color", *tags, *files), capture=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests; what cannot be compiled keeps all from running."""
        text = junit.printed(report)
        if text is None:
            return None
        if re.search(r"^\d+ (?:tests?|doctests?|propert)", text, re.MULTILINE):
            return tuple(_cases(text))
        said = f"{text}\n{plain(output)}"
        found = _NOT_BUILT_FILE.search(said) or _NOT_BUILT.search(said)
        return (
            None
            if found is None
            else (naming.unbuilt(found.group(1), junit.bounded(said[found.start() :], 0)),)
        )


def _cases(text: str) -> Iterator[Case]:
    blocks = list(_FAILURE.finditer(text))
    ends = [*(found.start() for found in blocks[1:]), len(text)][: len(blocks)]
    said = {
        (found.group(1), found.group(2)): re.split(r"\n\s*\n", text[found.end() : end])[0].strip()
        for found, end in zip(blocks, ends, strict=True)
    }
    place, kept = "", 0
    for line in re.split(r"[\r\n]", text):
        module, test = _MODULE.match(line), _TEST.search(line)
        if module:
            place = module.group(1)
        elif test:
            title, ended, number = test.groups()
            message = said.get((place, number), "")
            outcome: Outcome = (
                "skipped" if ended in ("skipped", "excluded") else "error" if ended == "invalid" else "passed"
            )
            outcome = "failed" if message and outcome == "passed" else outcome
            kept += bool(message)
            yield Case(name=naming.named(place, title), outcome=outcome, message=junit.bounded(message, kept))
