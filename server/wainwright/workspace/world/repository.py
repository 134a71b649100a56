"""The repository that commands find at a task's tree: the person's commits and tags, and no way to their own.

It is a git directory of ours that borrows the objects of the private repository, shown with writes that are the
task's. Its HEAD is the person's: what they changed since, and what the task changes, is uncommitted work in it. It
has no remotes, no hooks and nothing of the person's settings but those about line ends and the like.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from wainwright.sandbox import clearing
from wainwright.workspace.person import Person
from wainwright.workspace.plumbing import GitDirectory, quote, read_text

NAME = ".repository"
"""The folder beside a run's trees; no tree is called so."""
_TAG = "%(objectname) %(objecttype) %(*objectname) %(refname)"
_ONE_FOR_ALL = """\
[core]
\tbare = false
\tcheckStat = minimal
\ttrustctime = false
[gc]
\tauto = 0
[maintenance]
\tauto = false
[user]
\tname = Somebody
\temail = somebody@localhost
"""


class Template:
    """Makes the git directory that the commands of one run find."""

    def __init__(self, private: GitDirectory, person: Person, folder: Path) -> None:
        self._private = private
        self._person = person
        self._folder = folder

    def make(
        self, head: str | None, index: Path, settings: Callable[[], dict[str, str]], kept: Collection[str]
    ) -> Path:
        """Make it; ``index`` is of a tree of the run, whose notes on files it takes over.

        ``settings`` tells those about files; what ``kept`` names is never told to differ from its commit.
        """
        draft = self._folder.with_name(f"{NAME}-{uuid.uuid4().hex}")
        try:
            self._lay_out(draft, self._ask(head, settings))
            if head is not None:
                self._write_index(GitDirectory(draft), head, index, kept)
            with suppress(OSError):
                # Another thread may have been first.
                draft.rename(self._folder)
        finally:
            clearing.remove(draft)
        return self._folder

    def _ask(self, head: str | None, settings: Callable[[], dict[str, str]]) -> dict[str, str]:
        """Ask for all that does not lie in a file, at the same time; the texts of the directory's files."""
        with ThreadPoolExecutor(4) as asking:
            about_files = asking.submit(settings)
            on_branch = asking.submit(self._branch)
            tagged = asking.submit(self._tags, head) if head is not None else None
            for_all = asking.submit(self._ignored_everywhere)
            kind = self._person.object_format
        version = 0 if kind == "sha1" else 1
        texts = {
            "config": f"{_ONE_FOR_ALL}[core]\n\trepositoryformatversion = {version}\n{_lines(about_files.result())}",
            "objects/info/alternates": f"{self._private.path / 'objects'}\n",
            "info/exclude": f"{for_all.result()}\n{read_text(self._person.file('info/exclude'))}",
            "info/attributes": read_text(self._person.file("info/attributes")),
            "HEAD": f"{head}\n",
            "packed-refs": "# pack-refs with: peeled fully-peeled sorted \n",
        }
        if version:
            texts["config"] += f"[extensions]\n\tobjectFormat = {kind}\n"
        branch = on_branch.result()
        if branch.startswith("refs/heads/"):
            texts["HEAD"] = f"ref: {branch}\n"
            texts["packed-refs"] += f"{head} {branch}\n" if head else ""
        if tagged is not None:
            texts["packed-refs"] += tagged.result()
        if shallow := read_text(self._private.path / "shallow"):
            texts["shallow"] = shallow
        return texts

    @staticmethod
    def _lay_out(draft: Path, texts: Mapping[str, str]) -> None:
        for folder in ("objects/info", "refs/heads", "refs/tags", "info"):
            (draft / folder).mkdir(parents=True)
        for name, text in texts.items():
            (draft / name).write_text(text, "utf-8", "surrogateescape")

    def _branch(self) -> str:
        return self._person.git.run("symbolic-ref", "--quiet", "HEAD", ok=(0, 1, 128)).text

    def _tags(self, head: str) -> str:
        """Take over the tags that the person's commit contains; those that are objects are sent."""
        theirs = self._person.git.run(
            "for-each-ref", f"--merged={head}", f"--format={_TAG}", "refs/tags"
        ).text
        lines, objects = "", []
        for row in theirs.splitlines():
            name, kind, *peeled, ref = row.split(" ")
            lines += f"{name} {ref}\n"
            if kind == "tag":
                objects.append(name)
                lines += f"^{peeled[0]}\n"
        if objects and (lacking := self._private.lacks(objects)):
            self._person.git.send(self._private, lacking, [head])
        return lines

    def _ignored_everywhere(self) -> str:
        """Rules for all repositories of the person lie in a file that commands do not see."""
        said = self._person.git.settings(r"^core\.excludesfile$", owners=True).get("core.excludesfile")
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return read_text(Path(said or Path(base, "git", "ignore")).expanduser())

    @staticmethod
    def _write_index(git: GitDirectory, head: str, index: Path, kept: Collection[str]) -> None:
        with suppress(OSError):
            shutil.copyfile(index, git.path / "index")
        if git.run("read-tree", "--reset", head, ok=(0, 128)).code:
            (git.path / "index").unlink(missing_ok=True)
            git.run("read-tree", head)
        if not kept:
            return
        # One that the person's commit does not have cannot be marked.
        known = set(git.run("ls-files", "-z").items)
        marking = ("update-index", "--assume-unchanged", "-z", "--stdin")
        git.run(*marking, stdin=quote(path for path in kept if path in known))


def _lines(settings: Mapping[str, str]) -> str:
    """Settings named ``section.name`` as git's own files have them."""
    lines = ""
    for name, value in settings.items():
        section, _, key = name.partition(".")
        spelled = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
        lines += f'[{section}]\n\t{key} = "{spelled}"\n'
    return lines
