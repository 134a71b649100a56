"""Where a line of a text was written: git's blame over the person's history and over what runs did, both at once.

Any text may be asked about, saved or not: it is laid over a commit as one more, in a folder that is gone afterwards.
So nothing is written to either repository.
"""

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

from wainwright.domain.errors import WorkspaceError
from wainwright.workspace.names import object_name
from wainwright.workspace.person import Person
from wainwright.workspace.place import Place
from wainwright.workspace.plumbing import GitDirectory, list_item, printable, quote, unquote

STRICT: tuple[str, ...] = ()
INDENTED = ("-w",)
"""Also where it was indented anew."""
LOOSE = ("-w", "-M", "-C", "-C")
"""Also where it was moved to another place or file. What stands in several files may be taken for another one's."""
_HUNK = re.compile(r"@@ -\d+(?:,\d+)? \+(\d+)(?:,(\d+))? @@")
_HEADER = re.compile(rb"([0-9a-f]{40,64}) (\d+) (\d+)( \d+)?")


class Origin(NamedTuple):
    """Where a line was written."""

    commit: str
    """Empty: nowhere that is committed."""
    path: str
    """What the file was called there, relative to the workspace."""
    line: int
    """Its number there, from 1."""
    author: str
    at: float
    """Seconds since the epoch."""
    subject: str


class Text(NamedTuple):
    """A version of a file that is asked about."""

    path: str
    """Relative to the workspace."""
    content: bytes
    executable: bool = False


class Lineage:
    """Follows lines through the commits of one workspace."""

    def __init__(self, git: GitDirectory, place: Place, person: Person | None) -> None:
        self._git = git
        self._place = place
        self._person = person
        self._versions: dict[tuple[str, str], Text | None] = {}

    @classmethod
    @contextmanager
    def over(cls, place: Place, state: Path) -> Iterator["Lineage"]:
        """Look at the private repository and the person's, with a folder for what is only asked about.

        Raises WorkspaceError where no run was ever made.
        """
        private, person = GitDirectory(state / "repository.git"), Person.at(place)
        if not private.path.is_dir():
            raise WorkspaceError("No run was ever made here.", "Start one: `wainwright run GOAL`.")
        with tempfile.TemporaryDirectory(prefix="wainwright-lineage-") as scratch:
            (Path(scratch) / "objects").mkdir()
            stores = [private.path / "objects", *([person.file("objects")] if person else [])]
            both = private.within(
                GIT_OBJECT_DIRECTORY=Path(scratch) / "objects",
                GIT_ALTERNATE_OBJECT_DIRECTORIES=":".join(map(list_item, stores)),
                GIT_INDEX_FILE=Path(scratch) / "index",
            )
            yield cls(both, place, person)

    @property
    def person_head(self) -> str | None:
        """The commit that the person's files stand on; None without git, or before the first one."""
        return self._person.head if self._person else None

    def version(self, commit: str, path: str) -> Text | None:
        """A file of any commit that either repository has; None where there is none."""
        if (commit, path) not in self._versions:
            self._versions[commit, path] = self._version(commit, path)
        return self._versions[commit, path]

    def _version(self, commit: str, path: str) -> Text | None:
        how = ("ls-tree", "-z", object_name(commit), "--", self._place.outer(path))
        entry = self._git.run(*how, ok=(0, 128)).items
        mode, kind, name = entry[0].partition("\t")[0].split() if entry else ("", "", "")
        if kind != "blob":
            return None
        return Text(path, self._git.run("cat-file", "blob", name).out, executable=mode == "100755")

    def files(self, commit: str) -> list[str]:
        """The paths of all files of a commit, relative to the workspace."""
        how = ("ls-tree", "-r", "-z", "--name-only", "--full-tree")
        return [self._place.inner(path) for path in self._git.run(*how, object_name(commit)).items]

    def changed(self, base: str, tip: str) -> frozenset[str]:
        """The paths in which two commits differ, relative to the workspace; none where one of them is gone."""
        how = ("diff-tree", "-r", "-z", "--name-only", "--no-renames")
        reply = self._git.run(*how, object_name(base), object_name(tip), "--", ok=(0, 128))
        return frozenset(map(self._place.inner, reply.items)) if reply.code == 0 else frozenset()

    def origin(
        self, text: Text, line: int, tip: str, gone: Sequence[str] = (), how: Sequence[str] = STRICT
    ) -> Origin | None:
        """Where a line of a text was written, seen from ``tip`` as if the text were committed there next.

        ``gone`` are paths that this commit would take away, so that a renamed file is known again. None where the
        commits that this needs are not there any more.
        """
        try:
            laid = self._laid(text, object_name(tip), gone)
            # A line alone is too short to be known again elsewhere.
            which = () if how is LOOSE else ("-L", f"{line},{line}")
            where = (*which, laid, "--", self._place.outer(text.path))
            found = self._read(self._git.run("blame", "--line-porcelain", *how, *where).out, line)
        except WorkspaceError:
            return None
        return found._replace(commit="") if found.commit == laid != tip else found

    def hunk(self, commit: str, path: str, line: int) -> str:
        """What a commit changed around one of its lines, as a hunk of a unified diff; empty: nothing."""
        plain = ("--no-ext-diff", "--no-textconv", "--no-color", "--find-renames", "--first-parent", "-m")
        shown = self._git.run("show", *plain, "--format=", object_name(commit), ok=(0, 128))
        lines = _of_file(shown.out.decode("utf-8", "replace").splitlines(), self._place.outer(path))
        for at, one in enumerate(lines):
            if (found := _HUNK.match(one)) and int(found[1]) <= line < int(found[1]) + int(found[2] or 1):
                rest = (n for n, later in enumerate(lines[at + 1 :], at + 1) if _HUNK.match(later))
                return "\n".join(lines[at : next(rest, len(lines))])
        return ""

    # ---- inside

    def _laid(self, text: Text, tip: str, gone: Sequence[str]) -> str:
        """A commit on ``tip`` that has the text, with the line ends that the commit has."""
        before = self.version(tip, text.path)
        git, content = self._git, text.content
        if b"\r\n" in content and before is not None and b"\r\n" not in before.content:
            content = content.replace(b"\r\n", b"\n")
        if before is not None and before.content == content and not gone:
            return tip
        blob = git.text("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
        git.run("read-tree", tip)
        mode = "100755" if text.executable else "100644"
        rows = [f"{mode} {blob}\t{self._place.outer(text.path)}"]
        rows += [f"0 {'0' * len(tip)}\t{self._place.outer(path)}" for path in gone if path != text.path]
        git.run("update-index", "--replace", "-z", "--index-info", stdin=quote(rows))
        tree = git.text("write-tree")
        return git.text("commit-tree", tree, "-p", tip, "-m", "What is asked about")

    def _read(self, told: bytes, line: int) -> Origin:
        """What was told of one line of the text."""
        rows = iter(told.split(b"\n"))
        for row in rows:
            header = _HEADER.fullmatch(row)
            if header is not None and int(header[3]) == line:
                break
        else:
            raise WorkspaceError(f"git said nothing of line {line}.")
        facts = dict(
            one.partition(b" ")[::2] for one in takewhile(lambda one: not one.startswith(b"\t"), rows)
        )
        return Origin(
            commit=header[1].decode(),
            path=self._place.inner(unquote(facts[b"filename"])),
            line=int(header[2]),
            author=printable(unquote(facts[b"author"])),
            at=float(facts[b"author-time"]),
            subject=printable(unquote(facts[b"summary"])),
        )


def _of_file(lines: Sequence[str], path: str) -> list[str]:
    """The lines of a diff that are about one file, by its name after the change."""
    found, inside = list[str](), False
    for one in lines:
        if one.startswith("diff --git "):
            inside = False
        elif one.startswith("+++ "):
            inside = one.partition("/")[2].rstrip("\t") == path
        elif inside:
            found.append(one)
    return found
