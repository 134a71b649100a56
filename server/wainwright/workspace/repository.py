"""One private repository per workspace: snapshots, task trees, refs, merges and delivery.

It lies in the state directory (``repository.git``, readable by its owner only) and holds all that runs do.
The person's own repository is read, and written in exactly one way: a branch ``wainwright/<slug>``.
A workspace may be a folder of a repository: snapshots and trees are those of all of it, paths are the workspace's.
Task trees lie in ``trees/<run>/<name>``; why they hold no ``.git`` is told in ``trees``. Every method is
synchronous and may be called from several threads and processes at once: git's own locks guard objects
and refs, and ``exclusive`` guards the rest. Refs are given without their prefix ``refs/wainwright/``.

Errors: WorkspaceError when git refuses; OutsideBoundary for names and paths that lead elsewhere.
"""

import fcntl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from wainwright.domain.changes import Changeset
from wainwright.domain.errors import OutsideBoundary, WorkspaceError
from wainwright.sandbox.protocol import Layer
from wainwright.workspace import comparison, delivery, ranges, rules
from wainwright.workspace.comparison import Change
from wainwright.workspace.dependencies import found_in
from wainwright.workspace.localise import HISTORY_MAX, history
from wainwright.workspace.names import PREFIX, checked, object_name, ref_name
from wainwright.workspace.person import Person
from wainwright.workspace.place import Place, locate
from wainwright.workspace.plumbing import GitDirectory
from wainwright.workspace.snapshot import EVERYDAY_SETTINGS, Skipped, Snapshot, Taker
from wainwright.workspace.staging import overlaid
from wainwright.workspace.standing import StandingCheckout
from wainwright.workspace.trees import Committed, TaskTree, directory_beside
from wainwright.workspace.world import contents, environment
from wainwright.workspace.world.layer import Layers
from wainwright.workspace.world.repository import NAME, Template

__all__ = ["Change", "Committed", "Entry", "Merge", "Repository", "Skipped", "Snapshot"]

SNAPSHOT = "Your uncommitted work, as it was when the run began"
_HEADS = "refs/person/"
_HEADS_COMPARED_MAX = 20


class Merge(BaseModel):
    """What merging two commits gives: a tree, or the paths where they are in each other's way."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tree: str | None
    conflicts: tuple[str, ...]


class Entry(BaseModel):
    """One commit of a log."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    subject: str


class ForCommands(NamedTuple):
    """What shows commands a repository: a layer at the top of the tree, and what it reads of the host."""

    layers: tuple[Layer, ...]
    readable: tuple[Path, ...]


class Repository:
    """The private repository of one workspace, and the only door to git for the rest of the program."""

    def __init__(self, workspace: Path, state: Path, *, linked: bool = False) -> None:
        """``linked``: task trees are hard links; only where no command writes to a tree in place."""
        self._workspace = workspace.resolve()
        self._state = state
        self._directory = GitDirectory(state / "repository.git")
        self._standing = StandingCheckout(self._directory, state, lambda: self.place) if linked else None
        self._layers = Layers(state / "environment")
        self._contents = Layers(state / "contents")
        self._lock = threading.RLock()
        self._depth = 0

    @cached_property
    def place(self) -> Place:
        """Where the workspace lies in its repository; looked up once, as paths of runs depend on it."""
        return locate(self._workspace) or Place(self._workspace)

    def _person(self) -> Person | None:
        return Person.at(self.place)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep every other thread and process out of the same private repository; may be nested."""
        self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._lock, (self._state / "repository.lock").open("a") as handle:
            self._depth += 1
            try:
                if self._depth == 1:
                    fcntl.flock(handle, fcntl.LOCK_EX)
                yield
            finally:
                self._depth -= 1

    # Snapshots of what the person sees

    def snapshot(
        self, run: str, overlay: Mapping[str, str], standing: Callable[[Path], None] = lambda _tree: None
    ) -> Snapshot:
        """Commit HEAD + working tree + unsaved buffers, and pin it as ``<run>/base``.

        ``overlay`` maps relative paths to unsaved text. Nothing in the person's repository changes. ``standing`` is
        told, in some thread, where most of the files can be read: at once, or while objects come over.
        """
        ref, checkout = ref_name(f"{run}/base"), self._standing
        tell = checkout.tell_at_once(standing) if checkout else None
        person = self._person()
        private = self._refreshed(person)
        taker = Taker(private, self.place.top, person)
        head = person.head if person else None
        with taker.borrowing() as git:
            tree = taker.tree(git, {self.place.outer(path): text for path, text in overlay.items()})
            found = self._dependencies(person)
            beside, contained = self._take_world(taker, git, found)
            unchanged = head is not None and git.text("rev-parse", f"{head}^{{tree}}") == tree
            commit = head if unchanged and head else _commit_tree(git, tree, [head] if head else [], SNAPSHOT)
            have = [old for old in self._known_heads() if git.has(old)]
            with ThreadPoolExecutor(1) as pool:
                # The checkout is needed next: it need not wait until all objects have come over.
                layer = self._layers.at(beside)
                stands = pool.submit(checkout.stand_on, commit, layer, git, tell) if checkout else None
                if person is not None and commit not in have:
                    git.pack_into(private, [commit], have)
                if stands is not None:
                    stands.result()
        if head is not None:
            private.run("update-ref", f"{_HEADS}{head}", head)
        private.run("update-ref", ref, commit)
        return Snapshot(
            commit=commit,
            tree=tree,
            head=head,
            dirty=not unchanged,
            skipped=tuple(
                Skipped(path=self.place.inner(one.path), reason=one.reason) for one in taker.skipped
            ),
            environment=beside,
            contents=contained,
            dependencies=tuple(found),
        )

    def environment(self, name: str) -> Path | None:
        """Return the folder with what a snapshot's commands need and git does not keep; None when there is nothing.

        Raises WorkspaceError when it was removed since.
        """
        folder = self._layers.at(name)
        if name and folder is None:
            raise WorkspaceError(
                "The ignored files that this run was shown have been removed since.", "Start the goal anew."
            )
        return folder

    def world_anew(self, environment: str, contents: str) -> tuple[str, str] | None:
        """Take what commands need beside a snapshot as it is now, where one of these layers was removed."""
        if all(
            layers.at(name) or not name
            for layers, name in ((self._layers, environment), (self._contents, contents))
        ):
            return None
        person = self._person()
        taker = Taker(self._refreshed(person), self.place.top, person)
        with taker.borrowing() as git:
            taker.tree(git, {})
            return self._take_world(taker, git, self._dependencies(person))

    def contents(self, name: str) -> tuple[Layer, ...]:
        """Return the layers that show the contents of a snapshot's Git LFS files to commands."""
        return contents.shown(self._contents.at(name))

    def for_commands(self, run: str, tree: Path, head: str | None, contents: str) -> ForCommands:
        """Return the repository that the commands of a run find in a tree; nothing where the person has none.

        ``head`` is the person's commit that the run's snapshot was taken on, ``contents`` the snapshot's.
        """
        folder = self._state / "trees" / checked(run) / NAME
        if not folder.is_dir():
            person = self._person()
            if person is None:
                return ForCommands((), ())
            kept = [one.at.as_posix() for one in self.contents(contents)]
            template = Template(self._private, person, folder)
            template.make(head, directory_beside(self.place.around(tree)) / "index", self._everyday, kept)
        layer = Layer(at=Path(".git"), sources=(folder,), writes="kept")
        return ForCommands((layer,), (self._private.path / "objects",))

    def _everyday(self) -> dict[str, str]:
        """The settings that commands find in their repository: what they name outside is not there."""
        settings = self._private.settings(EVERYDAY_SETTINGS)
        settings.pop("core.excludesfile", None)
        return settings

    def environments_unneeded(self, needed: Iterable[str]) -> list[Path]:
        """Return the folders of environments and contents that none of these names needs, for removal."""
        names = tuple(needed)
        return [*self._layers.unneeded(names), *self._contents.unneeded(names)]

    def _take_world(self, taker: Taker, git: GitDirectory, found: Sequence[str]) -> tuple[str, str]:
        index = taker.index(git)
        with self.exclusive():
            beside = environment.take(git, self._layers, index, taker.turned_away, found)
            contained = contents.take(git, self._contents, taker.pointers)
        taker.leave_out({**beside.left_out, **contained.left_out})
        return beside.name, contained.name

    def dependencies(self) -> tuple[str, ...]:
        """Return the untracked dependency folders (``.venv``, ``node_modules`` ...), those above it included.

        Their paths are relative to the top of the repository.
        """
        person = self._person()
        self._refreshed(person)
        return tuple(self._dependencies(person))

    # Task trees

    def clone(self, run: str, name: str, commit: str, beneath: Path | None = None) -> Path:
        """Check ``commit`` out into ``trees/<run>/<name>``; a tree that is there is reset to it cleanly.

        The files of ``beneath``, a snapshot's environment, are there, too, where the commit has nothing.
        """
        path = self.tree(run, name)
        self._task_tree(path).create(object_name(commit), beneath)
        path.mkdir(parents=True, exist_ok=True)
        return path

    @contextmanager
    def standing_on(self, commit: str, beneath: Path | None = None) -> Iterator[Path | None]:
        """Have the standing checkout stand on a commit for as long as it is only read, and return its workspace.

        None where there is none, where others read another commit, or where the commit has no such folder.
        """
        if self._standing is None:
            yield None
            return
        with self._standing.standing_on(object_name(commit), beneath) as tree:
            found = tree and self.place.within(tree)
            yield found if found and found.is_dir() else None

    def tree(self, run: str, name: str) -> Path:
        """Return where the workspace of a task tree lies, or will: a folder of the tree, or all of it."""
        return self.place.within(self._state / "trees" / checked(run) / checked(name))

    def remove(self, tree: Path) -> None:
        """Remove a task tree. Its commits stay; ``clone`` makes it anew from any of them."""
        self._task_tree(tree).remove()

    def commit(self, tree: Path, message: str, ref: str, written: Iterable[str] = ()) -> Committed:
        """Commit all that differs in a task tree; ``ref`` points to the commit before this returns.

        New files that a rule ignores are left where they are, except those that were ``written`` on purpose.
        """
        return self._task_tree(tree).commit(message, ref_name(ref), map(self.place.outer, written))

    def why_not_kept(self, tree: Path, path: str) -> str:
        """Return why a file written in a task tree would not be in any commit, as a sentence; empty if it would."""
        return self._task_tree(tree).why_not_kept(self.place.outer(path))

    def hidden(self, tree: Path) -> set[str]:
        """Return what is in a task tree and in no commit, because a rule ignores it; folders end with a slash."""
        return {self.place.inner(path) for path in self._task_tree(tree).hidden()}

    def restore(self, tree: Path, commit: str) -> None:
        """Make a task tree's files what they are in ``commit``; ignored files stay."""
        self._task_tree(tree).restore(object_name(commit))
        tree.mkdir(parents=True, exist_ok=True)

    def head(self, tree: Path) -> str:
        """Return the commit that a task tree stands on."""
        return self._task_tree(tree).head()

    # Reading commits

    def tree_of(self, commit: str) -> str:
        """Return the name of the commit's tree."""
        return self._private.text("rev-parse", f"{object_name(commit)}^{{tree}}")

    def changes(self, base: str, tip: str) -> list[Change]:
        """Return ``(status, path)`` for each path that differs: A, M or D; a rename is a D and an A."""
        return comparison.changes(self._private, self.place, object_name(base), object_name(tip))

    def diff(self, base: str, tip: str, paths: Sequence[str] = ()) -> str:
        """Return a unified diff, of everything or of the given files and folders."""
        return comparison.diff(self._private, self.place, object_name(base), object_name(tip), paths)

    def unshown(self, base: str, tip: str) -> list[comparison.Unshown]:
        """Return what a diff does not show: links with their targets, modes, binary files with their sizes."""
        return comparison.unshown(self._private, self.place, object_name(base), object_name(tip))

    def changeset(self, base: str, tip: str) -> Changeset:
        """Return the difference as edits; raises OutsideBoundary when it touches a protected path."""
        return comparison.changeset(self._private, self.place, object_name(base), object_name(tip))

    def read(self, commit: str, path: str) -> bytes | None:
        """Return the bytes of a file as git stores them, or None when the commit has no such file."""
        where = f"{object_name(commit)}:{self.place.outer(path)}"
        reply = self._private.run("cat-file", "blob", where, ok=(0, 128))
        return reply.out if reply.code == 0 else None

    def files(self, commit: str) -> list[str]:
        """Return the paths of all files in a commit, sorted; submodules are not files."""
        which = f"{object_name(commit)}:{self.place.prefix}" if self.place.prefix else object_name(commit)
        found = self._private.run("ls-tree", "-r", "-z", which, ok=(0, 128)).items
        rows = (item.partition("\t") for item in found)
        return [path for entry, _, path in rows if " blob " in entry]

    def log(self, base: str, tip: str) -> list[Entry]:
        """Return the commits that ``tip`` has and ``base`` has not, newest first."""
        return self._entries(f"{object_name(base)}..{object_name(tip)}")

    def recent(self, commit: str, count: int) -> list[Entry]:
        """Return a commit and those before it, newest first, ``count`` at the most."""
        return self._entries(f"--max-count={count}", object_name(commit))

    def subjects(self, commit: str, count: int) -> list[str]:
        """Return the newest subjects of the history of a commit, without those of merges."""
        return [
            one.subject for one in self._entries("--no-merges", f"--max-count={count}", object_name(commit))
        ]

    def history(self, commit: str) -> bytes:
        """Return what a commit contains, newest first, as the ranking reads it: the newest ``HISTORY_MAX``."""
        return history(self._private, [object_name(commit)], HISTORY_MAX, self.place.prefix)

    def _entries(self, *which: str) -> list[Entry]:
        lines = self._private.run(
            "log", "--no-show-signature", "--format=%H %s", *which, "--"
        ).out.splitlines()
        pairs = (line.partition(b" ") for line in lines)
        return [
            Entry(commit=name.decode(), subject=text.decode("utf-8", "replace")) for name, _, text in pairs
        ]

    # Refs and merging

    def resolve(self, ref: str) -> str | None:
        """Return the commit that a ref points to, or None."""
        return self._private.resolve(f"{ref_name(ref)}^{{commit}}")

    def move(self, ref: str, new: str, old: str | None) -> bool:
        """Point ``ref`` to ``new`` if it still points to ``old`` (None: does not exist); False when it does not."""
        name, target = ref_name(ref), object_name(new)
        expected = "0" * len(target) if old is None else object_name(old)
        reply = self._private.run("update-ref", name, target, expected, ok=(0, 1, 128))
        if reply.code == 0:
            return True
        if self._private.resolve(name) == old:
            raise WorkspaceError(
                f"{name} cannot be moved: {reply.err.strip()}", "Check the disk, then try again."
            )
        return False

    def share(self, run: str, new: str) -> None:
        """Let another run hold all that the refs of a run hold."""
        theirs, ours = f"{ref_name(run)}/", f"{ref_name(new)}/"
        for line in self._private.text(
            "for-each-ref", "--format=%(objectname) %(refname)", theirs
        ).splitlines():
            commit, _, ref = line.partition(" ")
            self._private.run("update-ref", ours + ref.removeprefix(theirs), commit)

    def merge(self, ours: str, theirs: str) -> Merge:
        """Merge two commits without a checkout."""
        how = ("merge-tree", "--write-tree", "-z", "--name-only", "--no-messages")
        reply = self._private.run(*how, object_name(ours), object_name(theirs), ok=(0, 1))
        tree, *conflicts = reply.items
        return (
            Merge(tree=tree, conflicts=())
            if reply.code == 0
            else Merge(tree=None, conflicts=tuple(map(self.place.inner, conflicts)))
        )

    def common(self, one: str, other: str) -> str:
        """Return the newest commit that two commits both come from."""
        return self._private.text("merge-base", object_name(one), object_name(other))

    def lay(
        self, onto: str, source: str, paths: Sequence[str], texts: Mapping[str, bytes] | None = None
    ) -> str:
        """Return the tree of ``onto`` with some paths as ``source`` has them, or without them where it has none.

        Both are commits or trees; ``texts`` are new contents of files that ``onto`` has. No ref moves.
        """
        outer, own = self.place.outer, object_name(onto)
        new = {outer(path): text for path, text in (texts or {}).items()}
        return overlaid(self._private, own, object_name(source), [outer(path) for path in paths], new)

    def commit_tree(self, tree: str, parents: Sequence[str], message: str) -> str:
        """Make a commit of a tree and return its name; no ref moves."""
        return _commit_tree(
            self._private, object_name(tree), [object_name(parent) for parent in parents], message
        )

    def commits_named(self, text: str) -> tuple[str, str]:
        """Return where the commits begin and end that a person names; raises InputError when that is no change."""
        return ranges.named(self._person(), text)

    def take_commits(self, run: str, start: str, end: str) -> str:
        """Have these commits of the person's here, as ``<run>/base``, and return the tree of the last one."""
        person, ref = self._person(), ref_name(f"{run}/base")
        ranges.take(person, self._refreshed(person), ref, (start, end), self._known_heads())
        return self.tree_of(end)

    def shown(self, commit: str, paths: Sequence[str] = ()) -> str:
        """Return the message of a commit and what it changed; an unambiguous beginning of its name will do."""
        return comparison.shown(self._private, self.place, commit, paths)

    # Delivery

    def deliver(self, slug: str, commit: str, instead_of: str = "") -> str | None:
        """Put ``commit`` on a branch ``wainwright/<slug>`` in the person's repository and return its name.

        None in a folder without git. When the branch exists and cannot simply go forward, ``-2``, ``-3`` ... is used,
        unless it stands on ``instead_of``, which has the same files and was put there before. Raises OutsideBoundary
        when the commits made since the run's base touch a protected path.
        """
        checked(slug)
        person = self._person()
        if person is None:
            return None
        with self.exclusive():
            base = self._base_of(object_name(commit))
            comparison.refuse_protected(change.path for change in self.changes(base, commit))
            known = [*([person.head] if person.head else []), *self._known_heads()]
            return delivery.deliver(self._private, person.git, slug, commit, known, instead_of)

    def _base_of(self, commit: str) -> str:
        """Return the newest snapshot or person's commit that ``commit`` was built on."""
        newest = ("--sort=-committerdate", "--count=1", "--format=%(objectname)")
        base = self._private.text("for-each-ref", f"--merged={commit}", *newest, f"{PREFIX}*/base", _HEADS)
        if not base:
            raise WorkspaceError(
                f"{commit} does not come from a snapshot.", "Deliver a commit made by a run."
            )
        return base

    # The private repository itself

    @property
    def _private(self) -> GitDirectory:
        made_last = self._directory.path / "info" / "attributes"
        if not made_last.exists():
            with self.exclusive():
                if not made_last.exists():
                    self._make(made_last)
        return self._directory

    def _make(self, made_last: Path) -> None:
        person = self._person()
        hashing = [f"--object-format={person.object_format}"] if person else []
        self._directory.path.mkdir(mode=0o700, exist_ok=True)
        self._directory.run("init", "--bare", "--quiet", "--template=", *hashing)
        made_last.parent.mkdir(exist_ok=True)
        made_last.with_name("exclude").touch()
        made_last.write_text(rules.NO_FILTERS)

    def _refreshed(self, person: Person | None) -> GitDirectory:
        """The private repository, with the person's rules of now."""
        private = self._private
        with self.exclusive():
            ours = self.place.outer(".wainwright")
            rules.take_over(private, person, lambda: [ours, *self._dependencies(person)])
        return private

    def _dependencies(self, person: Person | None) -> list[str]:
        return found_in(self.place, self._directory, person)

    def _known_heads(self) -> list[str]:
        """Return the newest of the person's commits whose history the private repository holds."""
        newest = (f"--count={_HEADS_COMPARED_MAX}", "--sort=-committerdate", "--format=%(objectname)")
        return self._private.text("for-each-ref", *newest, _HEADS).split()

    def _task_tree(self, workspace: Path) -> TaskTree:
        tree = self.place.around(workspace)
        if tree.parent.parent != self._state / "trees":
            why = f"{tree} is not a task tree of this workspace."
            raise OutsideBoundary(why, "Use a path given by clone.")
        return TaskTree(self._private, tree, self._standing)


def _commit_tree(git: GitDirectory, tree: str, parents: Sequence[str], message: str) -> str:
    options = [word for parent in parents for word in ("-p", parent)]
    return git.text("commit-tree", tree, *options, "-F", "-", stdin=message.encode())
