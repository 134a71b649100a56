"""What the person sees, as a git tree: their HEAD, their working tree and their unsaved buffers.

All work happens in the private repository with an index of its own. It starts as a copy of the person's
index, because that carries what HEAD does not know: staged files that are ignored otherwise, sparse
checkouts, and which files are unchanged since git last looked (so that they need not be read). A path keeps
what is stored for it unless the person's own git calls it changed; files that a filter stores in another form
are told apart in ``filters``. Objects that only the person's repository holds are borrowed while the tree is
made, and copied before anything relies on it.
"""

import io
import os
import re
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path, PurePosixPath

from pydantic import BaseModel, ConfigDict

from wainwright.domain.changes import names_git
from wainwright.domain.errors import WorkspaceError
from wainwright.workspace import filters, native
from wainwright.workspace.person import Person
from wainwright.workspace.plumbing import GitDirectory, list_item, printable, quote
from wainwright.workspace.staging import (
    Stored,
    blobs,
    differing,
    ignored,
    small_blobs,
    stage,
    tracked,
    untracked,
)

LARGE_BYTES = 10 * 1024 * 1024
LARGE = "larger than 10 MB"
NAMED_SECRET = "named like a secret"  # noqa: S105 - a reason
_OPEN_NAMES = re.compile(
    r"(.*[._-])?env\.(example|sample|template|dist)|(example|sample|template)\.env"
    r"|.*\.tfvars\.(example|sample|template)"
    r"|credentials.*\.(py|rs|go|[jt]sx?|java|kt|rb|php|cs|swift|c|cc|cpp|h|hpp|md|html|css|vue)"
)
_DATA = r"(json|ya?ml|toml|ini|env|txt|properties|conf|cfg|csv|xml|db)"
_SECRET_NAMES = re.compile(
    r"\.env.*|.*\.env(\.(local|prod|production|dev|development|stag|staging|test|ci))*"
    r"|.*\.(pem|key|p12|pfx|jks|jceks|keystore|kdbx?|ppk|keytab|ovpn|tfstate|tfvars|kubeconfig|agekey)"
    r"|.*\.(tfstate\.\d+|auto\.tfvars|tfvars\.json|tfstate\.json)"
    r"|kube[-_]?config(\.ya?ml)?|\.terraformrc|terraform\.rc"
    r"|id_(rsa|dsa|ecdsa|ed25519).*|credentials.*|.*[._-]credentials\."
    + _DATA
    + r"|\.(npmrc|netrc|pypirc|pgpass|htpasswd|git-credentials|dockercfg|my\.cnf|mylogin\.cnf)|_netrc"
    r"|\.(s3cfg|boto|vault-token)"
    r"|\.?vault[-_]pass(word)?(\.txt)?|rclone\.conf|local\.settings\.json|(root|access)keys?\.csv"
    r"|service[-_]account.*\.json|client_secrets?.*\.json|.*-firebase-adminsdk-.*\.json"
    r"|secrets\.\w+|(.*[._-])?secrets?\." + _DATA
)
_COPIES = re.compile(r"(~|\.(bak|backup|old|orig|save|sw[op]|tmp|copy))+$")
"""What the copy of a file is called behind its own name."""
_SECRET_FOLDERS = frozenset({".ssh", ".aws", ".azure", ".gcloud", ".gnupg", ".kube"})

EVERYDAY_SETTINGS = r"^core\.(autocrlf|eol|excludesfile|filemode|ignorecase|precomposeunicode|symlinks)$"
"""Settings about line ends, ignored files and file modes; none of them can run a program."""
_LOOKING_SETTINGS = r"^core\.(checkstat|trustctime|sparsecheckout|sparsecheckoutcone)$|^index\.sparse$"
"""Those that decide when git takes a file for unchanged without reading it."""
_FILE_MODES = frozenset({"100644", "100755"})
_INDEX_TRIES = 3
_NAMED_MAX = 20
_KEPT = "as last committed or staged: its filter {} is a program that is not run, so no change to it is taken"
_NOT_RUN = "left out: its filter {} is a program that is not run"
_NOT_ENCODED = re.compile(r"BOM is (required|prohibited) in|failed to encode")
_LEFT_ENCODED = "left out: it is not in the encoding that its attribute `working-tree-encoding` names"
_KEPT_ENCODED = _LEFT_ENCODED.replace("left out", "as last committed or staged")
_OTHER_FORM = "as the filter {} stores it, not as it is on disk"
_SUBMODULE = "a submodule: commands find its files, but no change to them is taken"
_NO_SUBMODULE = "a submodule that is not checked out"


class Skipped(BaseModel):
    """A file or folder that the person has but the snapshot has not, and why."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: str
    reason: str


class Snapshot(BaseModel):
    """The base of a run.

    ``commit`` is the person's own HEAD commit when nothing differs from it, else a commit on top of it.
    ``head`` is None in a folder without git, and before the first commit. ``dirty``: the tree differs from HEAD's.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit: str
    tree: str
    head: str | None
    dirty: bool
    skipped: tuple[Skipped, ...]
    environment: str = ""
    """The name of the layer with what commands need and git does not keep; empty when there is none."""
    contents: str = ""
    """The name of the layer with the contents of Git LFS files; empty when there is none."""
    dependencies: tuple[str, ...] = ()
    """The folders of what is installed and built, by paths from the top of the repository."""


def secret_shaped(path: str) -> bool:
    """Tell whether a relative path is named like something that holds secrets."""
    *folders, name = PurePosixPath(path.lower()).parts or ("",)
    if _SECRET_FOLDERS.intersection(folders):
        return True
    name = _COPIES.sub("", name)
    return bool(_SECRET_NAMES.fullmatch(name)) and not _OPEN_NAMES.fullmatch(name)


class Taker:
    """Makes the tree of one snapshot, with the private repository and the person's, if there is one."""

    def __init__(self, private: GitDirectory, workspace: Path, person: Person | None) -> None:
        self._workspace = workspace
        self._person = person
        self._private = private
        self._skipped: dict[str, str] = {}
        self._filters: dict[str, str] = {}
        self._turned_away: set[str] = set()
        self._submodules: set[str] = set()
        self._unstaged: dict[str, Stored] | None = None
        self.pointers: set[str] = set()
        """Files of Git LFS of which the person has the content."""

    @property
    def turned_away(self) -> frozenset[str]:
        """The untracked paths that the snapshot does not have and that no rule ignores; folders end with a slash."""
        return frozenset(self._turned_away)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was left out, sorted by path."""
        return tuple(
            Skipped(path=printable(path), reason=self._skipped[path]) for path in sorted(self._skipped)
        )

    @contextmanager
    def borrowing(self) -> Iterator[GitDirectory]:
        """Yield the private repository with a fresh private index, reading the person's objects as well."""
        index = self._private.path / f"snapshot-{uuid.uuid4().hex}"
        git = self._private.within(self._workspace, GIT_INDEX_FILE=index)
        if self._person is not None:
            looking = self._person.git.settings(_LOOKING_SETTINGS, owners=True)
            git = git.configured({**looking, "core.attributesFile": self._person.attributes_file})
            git = git.within(GIT_ALTERNATE_OBJECT_DIRECTORIES=list_item(self._person.file("objects")))
        try:
            yield git
        finally:
            index.unlink(missing_ok=True)
            index.with_name(f"{index.name}.lock").unlink(missing_ok=True)

    def index(self, git: GitDirectory) -> dict[str, Stored]:
        """Return what the snapshot has, once its tree is written."""
        return tracked(git) if self._unstaged is None else self._unstaged

    def leave_out(self, paths: Mapping[str, str]) -> None:
        """Name what was left out, with its reason; of many with the same reason some, and how many more."""
        told: dict[str, list[str]] = {}
        for path in sorted(set(paths).difference(self._skipped)):
            told.setdefault(paths[path], []).append(path)
        for reason, named in told.items():
            self._skipped.update(dict.fromkeys(named[:_NAMED_MAX], reason))
            if len(named) > _NAMED_MAX:
                self._skipped[f"{len(named) - _NAMED_MAX} more files"] = reason

    def tree(self, git: GitDirectory, overlay: Mapping[str, str]) -> str:
        """Write the tree of what the person sees and return its name; ``git`` comes from ``borrowing``.

        Raises WorkspaceError while files are in conflict or a merge is under way.
        """
        self._start_index(git)
        if self._person is not None:
            self._person.refuse_unfinished(git)
        with ThreadPoolExecutor(2) as asking:
            # In a large work tree git takes long for each.
            unknown, changed = asking.submit(untracked, git), asking.submit(differing, git)
            stored = tracked(git)
        self._submodules = {path for path, one in stored.items() if one.mode == "160000"}
        self._skipped.update({path: self._submodule(path) for path in self._submodules})
        others = [path for path in unknown.result() if self._welcome(path)]
        places = {path: self._real(path) for path in overlay}
        self._filters = self._filtered([*stored, *others, *filter(None, places.values())])
        differs = changed.result()
        self._unstaged = None if differs or others or overlay else stored
        plain = {path: status for path, status in differs.items() if not self._is_filtered(path)}
        self._stage_plain(git, plain, [path for path in others if not self._is_filtered(path)])
        altered = [path for path in differs if path not in plain]
        # What is only meant to be added has no content in the index yet.
        known = {path: stored[path] for path in altered if differs[path] != "A"}
        new = [path for path in others if self._is_filtered(path)]
        self._stage_filtered(
            git,
            known,
            {path: partial(native.open_beneath, self._workspace, path) for path in (*altered, *new)},
        )
        unsaved = {place: overlay[path] for path, place in places.items() if place is not None}
        self._skipped.update(
            {path: "not a file of the workspace" for path in overlay if places[path] is None}
        )
        self._stage_overlay(git, unsaved, stored)
        self._tell_filtered(git)
        return git.text("write-tree")

    def _stage_plain(self, git: GitDirectory, differs: Mapping[str, str], new: Sequence[str]) -> None:
        """Stage what git stores as it is, or in another encoding; where it cannot, the file is named and left."""
        try:
            stage(git, differs, new)
        except WorkspaceError as error:
            if not _NOT_ENCODED.search(str(error)):
                raise
            paths = [*differs, *new]
            if len(paths) == 1:
                self._skipped[paths[0]] = _KEPT_ENCODED if differs else _LEFT_ENCODED
                self._turned_away.update(new)
                return
            middle = len(paths) // 2
            for half in (paths[:middle], paths[middle:]):
                known = {path: differs[path] for path in half if path in differs}
                self._stage_plain(git, known, [path for path in half if path not in differs])

    def _start_index(self, git: GitDirectory) -> None:
        if self._person is None:
            return
        source, copy = self._person.file("index"), Path(git.environment["GIT_INDEX_FILE"] or "")
        if source.is_file():
            self._copy_index(git, source, copy)
        elif self._person.head is not None:
            git.run("read-tree", self._person.head)

    def _copy_index(self, git: GitDirectory, source: Path, copy: Path) -> None:
        said = ""
        for _ in range(_INDEX_TRIES):
            # The time stamp comes along: git compares it with those of the files to find late changes.
            shutil.copy2(source, copy)
            self._copy_shared_index()
            reply = git.run("ls-files", "--stage", ok=(0, 128))
            if reply.code == 0:
                return
            said = reply.err.strip()
        # Without it, files that a sparse checkout leaves out would be taken for deleted ones.
        raise WorkspaceError(
            f"The index of the repository cannot be read: {said}",
            "Look at what `git status` says about it, then resume.",
        )

    def _copy_shared_index(self) -> None:
        """An index may be split: most of it lies in a second file, which git looks for in its own directory."""
        assert self._person is not None
        shared = self._person.git.text("rev-parse", "--shared-index-path")
        source = self._person.git.path.parent / shared
        for old in self._private.path.glob("sharedindex.*"):
            if not shared or old.name != source.name:
                old.unlink(missing_ok=True)
        if shared and source.is_file():
            shutil.copy2(source, self._private.path / source.name)

    def _filtered(self, paths: Iterable[str]) -> dict[str, str]:
        if self._person is None:
            return {}
        programs = self._person.git.settings(filters.PROGRAMS, owners=True)
        return filters.of(self._person.seeing(self._workspace), programs, paths)

    def _is_filtered(self, path: str) -> bool:
        """Tell whether a path is stored by a filter and is a file, as a link or nothing at all is not."""
        if path not in self._filters:
            return False
        try:
            return stat.S_ISREG((self._workspace / path).lstat().st_mode)
        except OSError:
            return False

    def _stage_filtered(
        self,
        git: GitDirectory,
        stored: Mapping[str, Stored],
        contents: Mapping[str, Callable[[], filters.Content]],
    ) -> None:
        """Put what the filters would store into the index, as far as that is known without running them."""
        pointers = [path for path in contents if self._filters[path] == filters.LFS]
        old = blobs(git, {stored[path].blob for path in pointers if path in stored})
        entries = []
        for path, opened in contents.items():
            before = stored.get(path)
            try:
                new = self._stored_form(path, old.get(before.blob, b"") if before else b"", opened)
                if new is None:
                    self._skipped[path] = (_KEPT if before else _NOT_RUN).format(self._filters[path])
            except OSError as error:
                self._skipped[path] = error.strerror or "unreadable"
                new = None
            if before and new in {None, old.get(before.blob)}:
                entries.append(f"{self._mode(path, before)} {before.blob} 0\t{path}")
            elif new is not None:
                blob = git.text("hash-object", "-w", "--stdin", stdin=new)
                entries.append(f"{self._mode(path, before)} {blob} 0\t{path}")
        if entries:
            git.run("update-index", "--replace", "-z", "--index-info", stdin=quote(entries))

    def _stored_form(self, path: str, old: bytes, opened: Callable[[], filters.Content]) -> bytes | None:
        """Return what a filter would make of a content; None where that is not known."""
        if self._filters[path] != filters.LFS:
            return None
        with opened() as content:
            return filters.lfs_stores(content, old)

    def _tell_filtered(self, git: GitDirectory) -> None:
        """Name the files that the snapshot has in another form than the disk; many of them by their number."""
        other = {
            path: name
            for path, name in self._filters.items()
            if self._is_filtered(path) and not filters.is_pointer(self._workspace, path)
        }
        lfs = {path for path, name in other.items() if name in {filters.LFS, "lfs"}}
        stored = tracked(git) if lfs else {}
        names = {path: stored[path].blob for path in lfs if path in stored}
        known = small_blobs(git, set(names.values()), filters.POINTER_MAX)
        self.pointers = {
            path for path, blob in names.items() if filters.reads_as_pointer(known.get(blob, b""))
        }
        told = {
            path: name for path, name in other.items() if path not in self.pointers and name != filters.LFS
        }
        self.leave_out({path: _OTHER_FORM.format(name) for path, name in told.items()})

    def _submodule(self, path: str) -> str:
        return _SUBMODULE if (self._workspace / path / ".git").exists() else _NO_SUBMODULE

    def _welcome(self, path: str) -> bool:
        """Decide on one untracked path; what is turned away is listed with the reason."""
        reason = self._reason_to_skip(path)
        if reason:
            self._skipped[path.rstrip("/")] = reason
            self._turned_away.add(path)
        return not reason

    def _reason_to_skip(self, path: str) -> str:
        if path.endswith("/"):
            return "nested repository"
        if printable(path) != path:
            return "name is not UTF-8"
        if names_git(path):
            return "name is reserved"
        if secret_shaped(path):
            return NAMED_SECRET
        place = self._workspace / path
        try:
            status = place.lstat()
        except OSError:
            return "vanished"
        if stat.S_ISREG(status.st_mode) and status.st_size > LARGE_BYTES:
            return LARGE
        if stat.S_ISREG(status.st_mode) and not os.access(place, os.R_OK):
            return "unreadable"
        return ""

    def _stage_overlay(
        self, git: GitDirectory, unsaved: Mapping[str, str], stored: Mapping[str, Stored]
    ) -> None:
        """Put unsaved text over what is on disk, with the same rules for files that git does not track."""
        with tempfile.TemporaryDirectory(dir=self._private.path) as scratch:
            written = []
            for place, text in sorted(unsaved.items()):
                before = stored.get(place)
                if before is None and not self._overlay_welcome(git, place):
                    continue
                if place in self._filters:
                    known = {place: before} if before else {}
                    self._stage_filtered(
                        git, known, {place: partial(io.BytesIO, text.encode("utf-8", "surrogatepass"))}
                    )
                elif self._saved(Path(scratch, place), text, self._mode(place, before)):
                    written.append(place)
                else:
                    self._skipped[place] = "it cannot be saved where it is"
            # As files beside the same index: what git stores depends on what is stored already.
            beside = git.within(Path(scratch))
            self._stage_plain(beside, {}, written)

    @staticmethod
    def _saved(place: Path, text: str, mode: str) -> bool:
        try:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(text.encode("utf-8", "surrogatepass"))
            place.chmod(int(mode, 8) & 0o777)
        except OSError:
            return False
        return True

    def _real(self, path: str) -> str | None:
        """Follow links: an editor that opened a link edits its target. None outside the workspace."""
        root = self._workspace.resolve()
        try:
            place = (root / path).resolve().relative_to(root).as_posix()
        except (ValueError, OSError, RuntimeError):
            return None
        folders = (*self._submodules, *(path.rstrip("/") for path in self._turned_away if path.endswith("/")))
        nested = any(place == folder or place.startswith(f"{folder}/") for folder in folders)
        return None if names_git(place) or nested else place

    def _overlay_welcome(self, git: GitDirectory, path: str) -> bool:
        if ignored(git, [path]):
            self._skipped[path] = "ignored"
        elif secret_shaped(path):
            self._skipped[path] = NAMED_SECRET
        elif any((self._workspace / folder).is_file() for folder in PurePosixPath(path).parents):
            self._skipped[path] = "a file is where its folder would be"
        else:
            return True
        return False

    @cached_property
    def _modes_count(self) -> bool:
        return self._private.settings(r"^core\.filemode$").get("core.filemode", "true") != "false"

    def _mode(self, path: str, before: Stored | None) -> str:
        """Return the mode of a file: what the disk says, where the person's git believes the disk."""
        place = self._workspace / path
        if before and before.mode in _FILE_MODES and not (self._modes_count and place.exists()):
            return before.mode
        return "100755" if os.access(place, os.X_OK) else "100644"
