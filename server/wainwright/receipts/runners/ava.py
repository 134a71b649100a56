"""AVA, by the Test Anything Protocol that it prints."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from wainwright.domain.evidence import Case
from wainwright.receipts.protocol import Ask, How, Project
from wainwright.receipts.runners import junit, naming, tap
from wainwright.receipts.runners.node_options import script_at

_BETWEEN = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
_BROKE = re.compile(r"(\S+\.[cm]?[jt]sx?) exited with a non-zero exit code|No tests found in (\S+?),? ")
_THROWN = re.compile(r"(?:Uncaught |Unhandled )?\w*(?:Error|Exception)\b.*: ")
_USES = re.compile(r"""['"]ava['"]""")


class Ava:
    """Reads what ``ava --tap`` prints."""

    name = "ava"
    live = True

    def recognises(self, words: Sequence[str], project: Project) -> bool:
        """``ava``, also by the path of its program."""
        return script_at(words, r"ava") is not None

    def ask(self, words: Sequence[str], report: PurePosixPath, only: Sequence[str], how: How) -> Ask | None:
        """By ``--tap``; all that it prints is wanted."""
        if how == "environment":
            return None
        more: list[str] = ["--tap"]
        if only:
            files, titles = naming.split(only)
            more += [f"--match={' '.join(one)}" for one in titles if one] if all(titles) else []
            more += files
        kept = tuple(word for word in words if word not in ("--watch", "-w"))
        return Ask(words=(*(kept if how == "direct" else words), *more), capture=True)

    def read(self, report: Path, output: str, tree: Path, project: Project) -> tuple[Case, ...] | None:
        """The tests by file: AVA prints as much of a path as tells its files apart, and none for a single file."""
        text = junit.printed(report)
        if text is None:
            return None
        # A run that was cut off keeps no plan.
        if not re.search(r"^1\.\.\d+", text, re.MULTILINE):
            return None
        found = tap.read(text.splitlines()) or ()
        return tuple(_Files(project).named(found))


class _Files:
    """Which file a test stands in."""

    def __init__(self, project: Project) -> None:
        self._texts = {
            file: text
            for file in project.files()
            if re.search(r"\.[cm]?[jt]sx?$", file) and _USES.search(text := project.text(file) or "")
        }
        self._shown = {file: _shown(file) for file in self._texts}

    def named(self, cases: Sequence[Case]) -> Iterator[Case]:
        """The cases with their files; what is thrown outside of tests stands before the file that it came from."""
        tests = [case.name.split(_BETWEEN) for case in cases if _kind(case) == "test"]
        left_out = [found for found in map(self._folders, tests) if found]
        folder = _single(set.intersection(*left_out) if left_out else ())
        thrown = ""
        for case in cases:
            broke = _BROKE.match(case.name)
            if broke:
                yield naming.unbuilt(broke.group(1) or broke.group(2), thrown or case.message or case.name)
                thrown = ""
            elif _kind(case) == "thrown":
                thrown = f"{thrown}\n{case.name}\n{case.message}".strip()
            else:
                yield case.model_copy(update={"name": self._name(case.name.split(_BETWEEN), folder)})
        if thrown:
            yield Case(name="ava::uncaught", outcome="error", message=thrown)

    def _folders(self, parts: list[str]) -> set[str]:
        """What AVA can have left out in front of the file of a test: it is the same for all."""
        found = set()
        for at in range(1, len(parts)):
            end = "/".join(parts[:at])
            found |= {
                shown[: -len(end)]
                for file, shown in self._shown.items()
                if f"/{shown}".endswith(f"/{end}") and parts[-1] in self._texts[file]
            }
        return found

    def _name(self, parts: list[str], folder: str) -> str:
        for at in range(len(parts) - 1, 0, -1):
            whole = folder + "/".join(parts[:at])
            file = _single(file for file, shown in self._shown.items() if shown == whole)
            if file:
                return naming.named(file, *parts[at:])
        title = _BETWEEN.join(parts)
        return naming.named(
            _single(f for f, text in self._texts.items() if title in text) or _single(self._texts), title
        )


def _kind(case: Case) -> str:
    if _BROKE.match(case.name):
        return "file"
    return "thrown" if case.outcome == "failed" and _THROWN.match(case.name) else "test"


def _single(found: Iterable[str]) -> str:
    """The one that is found; nothing where none or several are."""
    all_found = tuple(found)
    return all_found[0] if len(all_found) == 1 else ""


def _shown(file: str) -> str:
    """A path as AVA shows it."""
    path = PurePosixPath(file)
    name = path.name.replace(".spec.", ".", 1).replace(".test.", ".", 1).replace("test-", "", 1)
    folders = [part for part in path.parts[:-1] if part != "__tests__"]
    return "/".join((*folders, re.sub(r"\.[cm]?[jt]sx?$", "", name)))
