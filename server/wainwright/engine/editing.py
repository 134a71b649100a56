"""What an editor needs to take a change over: the texts it was made against, writing to disk, and the way back."""

import asyncio
import os
import re
from collections.abc import Sequence
from pathlib import Path

import structlog
from pydantic import TypeAdapter

from wainwright.domain.changes import FileChange, content_hash, protected
from wainwright.domain.errors import OutsideBoundary, StaleEdit, WainwrightError
from wainwright.domain.goal import Fact
from wainwright.domain.text import clean
from wainwright.workspace import hunks, native
from wainwright.workspace.native import merge, read_beneath, recover, write_batch
from wainwright.workspace.native.edits import Hunk
from wainwright.workspace.repository import Repository

log = structlog.get_logger()

LARGEST_BYTES = 64 * 2**20

_MOVED = "The file on disk has changed meanwhile."
_NOT_OURS = "It is a protected place, or not a path inside the workspace."
_LEFT_ALONE = "Left alone, because another file of the change cannot be written now."


__all__ = ["Editing", "TextChange", "line_hunks", "merged", "taken_back"]


class TextChange(Fact):
    """One text file, as it is and as it shall be; None stands for no file."""

    path: str
    """Relative to the workspace."""
    before: str | None
    after: str | None
    executable: bool = False
    """Whether a created file may be executed."""
    pending: bool = False
    """Kept before ``before`` was written: whether that came about, the file tells."""


_CHANGES: TypeAdapter[tuple[TextChange, ...]] = TypeAdapter(tuple[TextChange, ...])


_HALVES = {code: code - 0xD800 + 0xF0000 for code in range(0xD800, 0xE000)}
"""Half surrogate pairs, which no encoder takes, spelled as characters that nobody uses."""


def line_hunks(old: str, new: str) -> tuple[Hunk, ...]:
    """Return the differing lines in order; an editor may hold half surrogate pairs, which differ from one another."""
    return native.line_hunks(old.translate(_HALVES), new.translate(_HALVES))


def merged(base: str, ours: str, theirs: str) -> str | None:
    """Both changes of a text together; None when they touch.

    ``ours`` may hold half surrogate pairs, which agents see as U+FFFD: its lines stay as they are spelled.
    """
    seen = clean(ours)
    text = merge(clean(base), seen, clean(theirs))
    if not isinstance(text, str) or seen == ours:
        return text if isinstance(text, str) else None
    raw, new = _lines(ours), _lines(text)
    parts, at = [], 0
    for hunk in native.line_hunks(seen, text):
        parts += [*raw[at : hunk.old_start], *new[hunk.new_start : hunk.new_start + hunk.new_len]]
        at = hunk.old_start + hunk.old_len
    return "".join([*parts, *raw[at:]])


def taken_back(with_it: str, ours: str, without: str) -> str | None:
    """A text without a change, also where a formatter has set its lines otherwise; None when it is not found.

    A place counts only where no other one reads the same but for white space and the kind of quotes.
    """
    text = merged(with_it, ours, without)
    if text is not None:
        return text
    text, new, old = ours, _lines(with_it), _lines(without)
    for hunk in reversed(native.line_hunks(with_it.translate(_HALVES), without.translate(_HALVES))):
        before = "".join(new[hunk.old_start : hunk.old_start + hunk.old_len])
        after = "".join(old[hunk.new_start : hunk.new_start + hunk.new_len])
        place = hunks.found_again(before, text)
        if place is None:
            return None
        text = text[: place[0]] + after + text[place[1] :]
    return text


def _lines(text: str) -> list[str]:
    """The lines, each with its end: LF, CRLF or CR."""
    return re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+", text)


class Editing:
    """The files of one workspace, as an editor changes them."""

    def __init__(self, workspace: Path, state: Path, repository: Repository) -> None:
        self.workspace = workspace
        self._write_log = state
        self._recovered = False
        self._folder = state / "undo"
        self._repository = repository

    async def text_before(self, commit: str, change: FileChange) -> str | None:
        """The text that a change was made against, or None when it cannot be given exactly as it was on disk."""
        return await asyncio.to_thread(self._text_before, commit, change)

    def _text_before(self, commit: str, change: FileChange) -> str | None:
        stored = self._repository.read(commit, change.path)
        if stored is None:
            return None
        # git may keep a file with other line ends than a checkout gives it.
        for content in (stored, stored.replace(b"\n", b"\r\n")):
            if content_hash(content) == change.before:
                try:
                    return content.decode()
                except UnicodeDecodeError:
                    return None
        return None

    async def recover(self) -> None:
        """Complete what a process that was killed, or a power cut, left half written. Never raises."""
        if self._recovered:
            return
        try:
            await asyncio.to_thread(self._recover)
        except (WainwrightError, OSError, ValueError) as error:
            # Nothing is written before it is done.
            log.warning("editing.not_recovered", reason=str(error))

    def _recover(self) -> None:
        if self._recovered:
            return
        found = recover(self._write_log, self.workspace)
        if found.written or found.left:
            log.warning("editing.recovered", written=found.written, left=found.left)
        self._recovered = True

    async def write(self, changes: Sequence[TextChange]) -> dict[str, str]:
        """Write files to disk, all or none, each only while it still is what ``before`` says.

        That is checked at the moment of the exchange: what another program saves meanwhile is never overwritten.
        A kill or a power cut leaves none or, after ``recover``, all of them.
        Gives the reason for each path when nothing was written, as a sentence for a person.
        """
        return await asyncio.to_thread(self._write, changes)

    def _write(self, changes: Sequence[TextChange]) -> dict[str, str]:
        if refused := [c.path for c in changes if protected(c.path)]:
            return {c.path: _NOT_OURS if c.path in refused else _LEFT_ALONE for c in changes}
        try:
            self._recover()
            modes = {c.path: 0o755 if c.executable and c.before is None else None for c in changes}
            batch = [(c.path, _encoded(c.after), modes[c.path]) for c in changes]
            expected = {c.path: _encoded(c.before) for c in changes}
            write_batch(self.workspace, batch, write_log=self._write_log, expected=expected)
        except StaleEdit as stale:
            reason = "Another program is writing to the file." if stale.busy else _MOVED
            return {c.path: reason if c.path in stale.paths else _LEFT_ALONE for c in changes}
        except (WainwrightError, OSError, ValueError) as error:
            return {c.path: f"It could not be written: {error}" for c in changes}
        return {}

    def _read(self, path: str) -> bytes | None:
        try:
            return read_beneath(self.workspace, path, LARGEST_BYTES)
        except (FileNotFoundError, NotADirectoryError):
            return None

    async def keep_undo(self, run: str, changes: Sequence[TextChange]) -> None:
        """Keep what takes back the change of a run, on the disk for sure; nothing to take back forgets it.

        Call it before the files are written, with ``pending`` changes, and again when it is known what was written.
        Raises OSError.
        """
        await asyncio.to_thread(self._keep_undo, run, tuple(changes))

    def _keep_undo(self, run: str, changes: tuple[TextChange, ...]) -> None:
        path = self._folder / f"{run}.json"
        if not changes:
            path.unlink(missing_ok=True)
            return
        self._folder.mkdir(mode=0o700, exist_ok=True)
        draft = path.with_suffix(f".{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(_CHANGES.dump_json(changes))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    async def undo(self, run: str) -> tuple[TextChange, ...]:
        """What takes back the change of a run; empty when nothing was kept that can be read, or was written."""
        return await asyncio.to_thread(self._undo, run)

    def _undo(self, run: str) -> tuple[TextChange, ...]:
        try:
            kept = _CHANGES.validate_json((self._folder / f"{run}.json").read_bytes())
        except FileNotFoundError:
            return ()
        except (OSError, ValueError) as error:
            # The run itself is well, and can be looked at.
            log.warning("editing.no_way_back", run=run, reason=str(error))
            return ()
        return tuple(
            change for change in kept if not (change.pending and self._holds(change.path, change.after))
        )

    def _holds(self, path: str, text: str | None) -> bool:
        try:
            return self._read(path) == _encoded(text)
        except (WainwrightError, OSError, ValueError):
            return False

    async def put(self, path: str, text: str) -> None:
        """Write a new file of our own below ``.wainwright/``.

        Raises OutsideBoundary for any other place, StaleEdit if there is something already, and OSError.
        """
        if not path.startswith(".wainwright/") or ".." in path.split("/"):
            raise OutsideBoundary(f"{path} is not ours to write.")
        await asyncio.to_thread(
            write_batch, self.workspace, [(path, text.encode(), None)], expected={path: None}
        )

    async def make_room(self) -> None:
        """Make ``.wainwright/`` where there is none: many editors save no file into a folder that is not there.

        Never raises; a folder that cannot be had is told when something is written into it.
        """
        try:
            await self.put(".wainwright/.gitignore", "*\n")
        except (WainwrightError, OSError) as error:
            log.debug("folder.not_made", reason=str(error))


def _encoded(text: str | None) -> bytes | None:
    return None if text is None else text.encode()
