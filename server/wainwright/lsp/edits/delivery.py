"""The editor as the engine sees it: a change is brought to where the person works, and can be taken back."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.changes import Changeset, FileChange
from wainwright.domain.errors import InputError
from wainwright.domain.ports import EditorAnswer
from wainwright.engine.editing import Editing, TextChange, line_hunks, merged
from wainwright.lsp.edits.apply import Digest, DiskChange, Editor, EditOutcome, FileEdit
from wainwright.lsp.messages import EditInfo, FileInfo

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer

log = logging.getLogger(__name__)


class Delivery:
    """Hands changesets over; the engine calls it at the end of REVIEW."""

    editing: Editing
    """Set as soon as the engine is open: the engine is made with this object, and this object needs it."""

    def __init__(self, server: "WainwrightServer") -> None:
        self._server = server
        self._editor = Editor(server, self._write, line_hunks, merged)

    async def apply(self, run: str, changeset: Changeset) -> EditorAnswer:
        """Apply a change at the end of REVIEW, and tell the person at once when it could not be."""
        answer = await self.offer(run, changeset)
        if answer.status != "applied":
            what = "The change" if answer.status == "refused" else "A part of the change"
            why = answer.detail.partition("\n")[0]
            said = f"{what} of {run} was not put into your files. {why} It stays on its branch."
            self._server.window_show_message(types.ShowMessageParams(types.MessageType.Warning, said))
        return answer

    async def offer(self, run: str, changeset: Changeset) -> EditorAnswer:
        """Apply what text can carry; safe to call again, since what is there already counts as applied."""
        edits, left = [], []
        for file in changeset.files:
            edit = await self._edit(changeset.base, file)
            if edit is None:
                left.append(f"{file.path}: it is not text; take it from the branch.")
            else:
                edits.append(edit)
        if not edits:
            return EditorAnswer(status="refused" if left else "applied", detail="\n".join(left))
        outcome = await self._editor.apply(edits, f"Wainwright: {run}")
        await self._remember(run, outcome)
        left += [f"{self._relative(f.path)}: {f.reason}" for f in outcome.files if not f.applied]
        status = "partial" if left and outcome.status == "applied" else outcome.status
        return EditorAnswer(status=status, detail="\n".join(left))

    async def revert(self, run: str) -> EditInfo:
        """Take back what was applied. Raises InputError when there is nothing, or the texts have changed since."""
        undo = await self.editing.undo(run)
        if not undo:
            raise InputError(f"Nothing of run {run} was applied here.", "There is nothing to take back.")
        edits = [
            FileEdit(self.editing.workspace / c.path, c.before, c.after, executable=c.executable)
            for c in undo
        ]
        outcome = await self._editor.apply(edits, f"Wainwright: take back {run}", rebase=False)
        done = {file.path for file in outcome.files if file.applied}
        await self.editing.keep_undo(run, [c for c in undo if self.editing.workspace / c.path not in done])
        if outcome.status == "refused":
            reasons = " ".join(f"{self._relative(f.path)}: {f.reason}" for f in outcome.files)
            raise InputError(f"The change was not taken back. {reasons}", "Undo it in the editor.")
        return self._info(run, outcome)

    def _info(self, run: str, outcome: EditOutcome) -> EditInfo:
        files = [
            FileInfo(path=self._relative(f.path), applied=f.applied, reason=f.reason) for f in outcome.files
        ]
        return EditInfo(run=run, status=outcome.status, files=tuple(files))

    async def _edit(self, base: str, file: FileChange) -> FileEdit | None:
        """The edit of one file; None for what text cannot carry."""
        if file.binary:
            return None
        before: str | Digest | None = None
        if file.before is not None:
            before = await self.editing.text_before(base, file)
            if before is None and file.kind == "deleted":
                return None
            if before is None:
                before = Digest(file.before)
        path = self.editing.workspace / file.path
        return FileEdit(path, before, file.after, executable=file.executable)

    async def _remember(self, run: str, outcome: EditOutcome) -> None:
        """Keep the way back; what was applied earlier stays a part of it."""
        kept = {change.path: change for change in await self.editing.undo(run)}
        for edit in outcome.inverse:
            path = self._relative(edit.path)
            assert not isinstance(edit.before, Digest)
            older = kept.get(path)
            after = older.after if older is not None and older.before == edit.after else edit.after
            kept[path] = TextChange(path=path, before=edit.before, after=after, executable=edit.executable)
        if not outcome.inverse:
            return
        try:
            await self.editing.keep_undo(run, tuple(kept.values()))
        except (OSError, ValueError) as error:
            # The change is in the editor by now, and the editor's own undo is left.
            log.warning("the way back of %s could not be kept: %s", run, error)

    async def _write(self, changes: Sequence[DiskChange]) -> Mapping[Path, str]:
        texts = [
            TextChange(path=self._relative(c.path), before=c.before, after=c.after, executable=c.executable)
            for c in changes
        ]
        reasons = await self.editing.write(texts)
        return {self.editing.workspace / path: reason for path, reason in reasons.items()}

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.editing.workspace).as_posix()
