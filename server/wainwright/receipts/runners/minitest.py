"""minitest, also behind rake and rails, by the line that it prints of each test when it is asked to be verbose."""

import json
import re
import shlex
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case, Outcome
from wainwright.domain.text import plain
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming

_LINE = re.compile(r"^(\S[^#\n]*)#(.+) = \d+\.\d+ s = ([.FES])$")
_FAILURE = re.compile(
    r"^\s*\d+\) (?:Failure|Error|Skipped):\n(\S[^#\n]*)#(.+?)(?: \[([^\]\n]*)\])?:\n", re.MULTILINE
)
_CLASS = re.compile(r"^\s*class\s+([A-Z][\w:]*)", re.MULTILINE)
_DESCRIBE = re.compile(r"""\bdescribe[\s(]+(?:(['"])(.*?)\1|([A-Z][\w:]*))""")
_USES = re.compile(r"minitest|\btest_helper\b", re.IGNORECASE)
_OUTCOMES: dict[str, Outcome] = {".": "passed", "F": "failed", "E": "error", "S": "skipped"}


class Minitest:
    """Reads what minitest prints."""

    name = "minitest"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``rails test``, ``rake test``, and ``ruby`` with a file of tests."""
        program, rest = PurePosixPath(words[0]).name, [word for word in words[1:] if not word.startswith("-")]
        if program == "rails":
            return rest[:1] == ["test"]
        if program == "rake":
            rakefile = project.text("Rakefile") or ""
            return set(rest) <= {"test", "default"} and ("TestTask" in rakefile or "Minitest" in rakefile)
        files = [word for word in rest if word.endswith(".rb")]
        return program == "ruby" and any(
            _USES.search(project.text(f.removeprefix("./")) or "") for f in files[:1]
        )

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``-v``, behind rake through ``TESTOPTS``; all that it prints is wanted."""
        files, titles = naming.split(only)
        wanted = (
            f"/^(?:{'|'.join(naming.escaped(one[-1]) for one in titles)})$/" if titles and all(titles) else ""
        )
        options = ["-v", *([f"--name={wanted}"] if wanted else [])]
        program = PurePosixPath(words[0]).name
        if program == "rake" or how == "environment":
            # rake hands the options to a shell, and takes one file.
            if only and (how == "environment" or len(files) > 1):
                return None
            env = {"TESTOPTS": shlex.join(options), **({"TEST": files[0]} if only else {})}
            return Ask(words=tuple(words), env=env, capture=True)
        if only and program == "ruby":
            if how != "direct" or len(files) != 1:
                return None
            kept = [word for word in words if word.startswith("-") or not word.endswith(".rb")]
            return Ask(words=(*kept, files[0], *options), capture=True)
        return Ask(words=(*words, *options, *files), capture=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests, by the file that defines their class; a file that cannot be loaded keeps all from running."""
        text = junit.printed(report)
        if text is None:
            return None
        if re.search(r"^\d+ runs, \d+ assertions", text, re.MULTILINE):
            return tuple(_cases(text, _Classes(project)))
        placed, said = naming.Placed(tree), plain(output)
        if not re.search(r"SyntaxError|LoadError|NameError|NoMethodError|syntax error", said):
            return None
        paths = (placed.path(found) for found in re.findall(r"(/?[^\s:`'(]+\.rb):\d+", said))
        place = next((path for path in paths if path in project.files()), None)
        return None if place is None else (naming.unbuilt(place, junit.bounded(said, 0)),)


class MinitestInRake(Minitest):
    """Minitest in a task that loads the tests into rake's own process, where no options of its reach it."""

    name = "minitest in rake"

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``rake test`` without a task made for tests, where the tests themselves load minitest."""
        if PurePosixPath(words[0]).name != "rake" or super().recognises(words, project):
            return False
        named = {word for word in words[1:] if not word.startswith("-")} <= {"test", "default"}
        tests = sorted(file for file in project.files() if re.match(r"tests?/[^/]*\.rb$", file))
        return named and any(_USES.search(project.text(file) or "") for file in tests)

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By code that rake runs first: it puts other words where minitest looks for its options."""
        _, titles = naming.split(only)
        if how == "environment" or (only and not (titles and all(titles))):
            return None
        wanted = [f"--name=/^(?:{'|'.join(naming.escaped(one[-1]) for one in titles)})$/"] if only else []
        told = ", ".join(json.dumps(option).replace("#", "\\#") for option in ["-v", *wanted])
        return Ask(words=(*words, "-E", f"ARGV.replace([{told}])"), capture=True)


class _Classes:
    """Which file defines a class of tests."""

    def __init__(self, project: Project) -> None:
        self._files: defaultdict[str, set[str]] = defaultdict(set)
        for file in project.files():
            text = (project.text(file) or "") if file.endswith(".rb") else ""
            if "test" in file or "spec" in file:
                for name in _CLASS.findall(text):
                    self._files[name.rpartition("::")[2]].add(file)
                for _, title, constant in _DESCRIBE.findall(text):
                    self._files[title or constant].add(file)

    def file(self, name: str) -> str:
        """The one file for a class or for the outermost ``describe``; nothing when it cannot be told."""
        for part in (name.rpartition("::")[2], name.partition("::")[0], name):
            if len(self._files.get(part, ())) == 1:
                return next(iter(self._files[part]))
        return ""


def _cases(text: str, classes: _Classes) -> Iterator[Case]:
    said = {}
    blocks = list(_FAILURE.finditer(text))
    for at, found in enumerate(blocks):
        end = blocks[at + 1].start() if at + 1 < len(blocks) else text.rfind("\n\n")
        said[found.group(1), found.group(2)] = text[found.end() : max(end, found.end())].strip()
    kept = 0
    for line in text.splitlines():
        ran = _LINE.match(line)
        if ran is None:
            continue
        owner, title, code = ran.groups()
        message = said.get((owner, title), "")
        kept += bool(message)
        name = naming.named(classes.file(owner), owner, title)
        yield Case(name=name, outcome=_OUTCOMES[code], message=junit.bounded(message, kept))
