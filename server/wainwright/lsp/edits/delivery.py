"""The editor as the engine sees it: a change is brought to where the person works, and can be taken back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lsprotocol import types
from pydantic import JsonValue
from pydantic_core import to_jsonable_python

from wainwright.domain.changes import Changeset, FileChange
from wainwright.domain.control_files import CONTROL, acts
from wainwright.domain.errors import WainwrightError
from wainwright.domain.ports import EditorAnswer
from wainwright.domain.shown import in_line
from wainwright.engine.editing import Editing, TextChange, line_hunks, merged, taken_back
from wainwright.lsp.edits.apply import Editor
from wainwright.lsp.edits.edit import DiskChange, EditOutcome, FileEdit, TextHash
from wainwright.lsp.messages import EVENT, EditBegun, EditInfo, EditNotice, FileInfo

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer

log = logging.getLogger(__name__)

YES, NO = "Yes", "No"
ASKED_S = 120.0
"""How long a question may stand before the engine opens without its answer."""
_WORDS = {
    "apply": ("put into your files", "Take it from the branch."),
    "revert": ("taken back", "Undo it in the editor."),
}


class Delivery:
    """Hands changesets over; the engine calls it at the end of REVIEW."""

    editing: Editing
    """Set as soon as the engine is open: the engine is made with this object, and this object needs it."""
    changed: Callable[[str, Sequence[TextChange]], Awaitable[None]]
    """Keeps what a run's change met in the person's files, to go back to; set with ``editing``."""
    note: Callable[[str, str, dict[str, JsonValue]], Awaitable[None]]
    """Has the journal say what was done at a person's word outside of a run; set with ``editing``."""

    def __init__(
        self, server: "WainwrightServer", choose: Callable[[str, list[str]], Awaitable[str | None]]
    ) -> None:
        self._server = server
        self._choose = choose
        self._editor = Editor(server, lambda: self.editing.workspace, self._write, line_hunks, merged)

    async def apply(self, run: str, changeset: Changeset) -> EditorAnswer:
        """Apply a change at the end of REVIEW, and tell the person at once when it could not be."""
        info = await self.offer(run, changeset)
        if info.status != "applied":
            self._say(
                run, "put into your files", info, "It stays on its branch; `wainwright.apply` tries again."
            )
        left = tuple(file.path for file in info.files if not file.applied)
        return EditorAnswer(status=info.status, detail=info.detail, left=left)

    async def agrees(self, question: str) -> bool:
        """Ask, for a while: what hangs on it must not wait for ever."""
        try:
            async with asyncio.timeout(ASKED_S):
                return await self._choose(question, [YES, NO]) == YES
        except TimeoutError:
            return False

    def tell(self, text: str) -> None:
        """Say something to the person."""
        self._server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))

    async def offer(self, run: str, changeset: Changeset) -> EditInfo:
        """Apply what text can carry; safe to call again, since what is there already counts as applied."""
        edits, left = [], []
        for file in changeset.files:
            edit = await self._edit(changeset.base, file)
            if edit is None:
                left.append(
                    FileInfo(path=file.path, applied=False, reason="It is not text; take it from the branch.")
                )
            else:
                edits.append(edit)
        earlier = await self.editing.undo(run)

        async def keep(done: Sequence[FileEdit], planned: Sequence[FileEdit]) -> None:
            await self.editing.keep_undo(run, self._way_back(earlier, done, planned))

        outcome = await self._editor.apply(edits, f"Wainwright: {run}", keep=keep, apart=True)
        await self._settle(run, keep(outcome.inverse, ()))
        met = [
            TextChange(path=self._relative(e.path), before=e.after, after=e.before, executable=e.executable)
            for e in outcome.inverse
            if not isinstance(e.before, TextHash)
        ]
        await self._settle(run, self.changed(run, met))
        return self._info([*self._files(outcome), *left])

    async def offer_asked(self, run: str, changeset: Changeset) -> EditInfo:
        """Apply a change, with its control files only if the person agrees to them by name."""
        control = [file.path for file in changeset.files if await self._acts(changeset.base, file)]
        question = (
            f"This changes {CONTROL}: {', '.join(map(in_line, control))}. Put them into your files too?"
        )
        if not control or await self.agrees(question):
            return await self.offer(run, changeset)
        rest = tuple(file for file in changeset.files if file.path not in control)
        info = await self.offer(run, changeset.model_copy(update={"files": rest}))
        left = [FileInfo(path=path, applied=False, reason="Nobody agreed to it.") for path in control]
        return self._info([*info.files, *left])

    async def _acts(self, base: str, file: FileChange) -> bool:
        before = await self.editing.text_before(base, file) if file.before is not None else None
        return acts(file.path, before, file.after)

    async def can_revert(self, run: str, file: str = "") -> bool:
        """Whether there is anything to take back, in one file or at all."""
        return any(file in ("", one.path) for one in await self.editing.undo(run))

    async def revert(self, run: str, file: str = "") -> EditInfo:
        """Take back what was applied, or one file of it; what was typed since stays, and what cannot be is named."""
        undo = await self.editing.undo(run)
        chosen = [c for c in undo if file in ("", c.path)]
        outcome = await self._change_back(chosen, f"Wainwright: take back {run}")
        done = {file.path for file in outcome.files if file.applied}
        left = [c for c in undo if self.editing.workspace / c.path not in done]
        await self._settle(run, self.editing.keep_undo(run, left))
        return self._info(self._files(outcome))

    async def turn(self, run: str, changes: Sequence[TextChange]) -> EditInfo:
        """Take hunks of a run back, or put them in again, over whatever else was done to their files."""
        return self._info(self._files(await self._change_back(changes, f"Wainwright: hunks of {run}")))

    async def _change_back(self, changes: Sequence[TextChange], label: str) -> EditOutcome:
        edits = [
            FileEdit(self.editing.workspace / c.path, c.before, c.after, executable=c.executable)
            for c in changes
        ]
        return await self._editor.apply(edits, label, apart=True, merge=taken_back)

    async def rewind(self, name: str, changes: Sequence[TextChange]) -> EditInfo:
        """Bring texts back to a checkpoint, unless they have changed since they were looked at."""
        edits = [
            FileEdit(self.editing.workspace / c.path, c.before, c.after, executable=c.executable)
            for c in changes
        ]
        outcome = await self._editor.apply(edits, f"Wainwright: rewind to {name}", rebase=False)
        return self._info(self._files(outcome))

    async def _settle(self, run: str, kept: Awaitable[None]) -> None:
        """Keep the way back as it is now that the outcome is known."""
        try:
            await kept
        except (WainwrightError, OSError, ValueError) as error:
            # What was written to disk is kept already, and the editor's own undo is left for the rest.
            log.warning("the way back of %s could not be kept: %s", run, error)

    def begin(
        self,
        run: str,
        kind: Literal["apply", "revert"],
        work: Awaitable[EditInfo],
        then: Callable[[str], Awaitable[None]],
        part: str = "",
    ) -> EditBegun:
        """Change the editor's text in the background, tell the person what came of it, and have ``then`` hear of it.

        Some editors report what became of their text only after the command has been answered, so the answer of a
        command must not wait for such a report.
        """
        self._server.spawn(self._change(run, kind, work, then, part), f"{kind} {run}")
        return EditBegun(run=run)

    async def _change(
        self,
        run: str,
        kind: Literal["apply", "revert"],
        work: Awaitable[EditInfo],
        then: Callable[[str], Awaitable[None]],
        part: str,
    ) -> None:
        try:
            await self.note(f"{kind} asked for", "editor", {"run": run})
            info = await work
            told: dict[str, JsonValue] = {"run": run, "status": info.status, "detail": info.detail}
            told["files"] = [file.path for file in info.files if file.applied]
            await self.note(kind, "editor", told)
        except (WainwrightError, OSError) as error:
            info = EditInfo(status="refused", detail=str(error))
        what, next_step = _WORDS[kind]
        said = self._say(f"{run} ({in_line(part)})" if part else run, what, info, next_step)
        if self._server.profile.rich:
            notice = EditNotice(run=run, kind=kind, text=said, edit=info)
            self._server.protocol.notify(EVENT, to_jsonable_python(notice, by_alias=True))
        await then(run)

    def _say(self, run: str, what: str, info: EditInfo, next_step: str) -> str:
        """Tell the person in one line: editors do not show what a command answers."""
        if info.status == "applied":
            said, level = f"The change of {run} was {what}.", types.MessageType.Info
        else:
            part = "The change" if info.status == "refused" else "A part of the change"
            why, _, more = info.detail.partition("\n")
            why += f" {more.count(chr(10)) + 1} more were left as well." if more else ""
            said, level = f"{part} of {run} was not {what}. {why} {next_step}", types.MessageType.Warning
        self._server.window_show_message(types.ShowMessageParams(level, said))
        return said

    def _files(self, outcome: EditOutcome) -> list[FileInfo]:
        return [
            FileInfo(path=self._relative(f.path), applied=f.applied, reason=f.reason) for f in outcome.files
        ]

    def _info(self, files: Sequence[FileInfo]) -> EditInfo:
        detail = "\n".join(f"{file.path}: {file.reason}" for file in files if not file.applied)
        applied = [file.applied for file in files]
        status: Literal["applied", "partial", "refused"] = (
            "applied" if all(applied) else "partial" if any(applied) else "refused"
        )
        return EditInfo(status=status, files=tuple(files), detail=detail)

    async def _edit(self, base: str, file: FileChange) -> FileEdit | None:
        """The edit of one file; None for what text cannot carry."""
        if file.binary:
            return None
        before: str | TextHash | None = None
        if file.before is not None:
            before = await self.editing.text_before(file.base or base, file)
            if before is None and file.kind == "deleted":
                return None
            if before is None:
                before = TextHash(file.before)
        path = self.editing.workspace / file.path
        return FileEdit(path, before, file.after, executable=file.executable)

    def _way_back(
        self, earlier: Sequence[TextChange], done: Sequence[FileEdit], planned: Sequence[FileEdit]
    ) -> tuple[TextChange, ...]:
        """What takes back all of a run; what was applied earlier stays a part of it."""
        kept = {change.path: change for change in earlier}
        for edit, pending in [*((edit, False) for edit in done), *((edit, True) for edit in planned)]:
            path = self._relative(edit.path)
            assert not isinstance(edit.before, TextHash)
            older = kept.get(path)
            after = older.after if older is not None and older.before == edit.after else edit.after
            kept[path] = TextChange(
                path=path, before=edit.before, after=after, executable=edit.executable, pending=pending
            )
        return tuple(kept.values())

    async def _write(self, changes: Sequence[DiskChange]) -> Mapping[Path, str]:
        texts = [
            TextChange(path=self._relative(c.path), before=c.before, after=c.after, executable=c.executable)
            for c in changes
        ]
        reasons = await self.editing.write(texts)
        return {self.editing.workspace / path: reason for path, reason in reasons.items()}

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.editing.workspace).as_posix()
