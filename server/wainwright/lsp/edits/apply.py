"""Bring a changeset to where the person works, without ever overwriting what they typed.

Files that are open are edited through the editor, in ONE versioned workspace edit; all others on disk. Editors do not
tell the truth about the outcome: some answer "applied" for an edit that they skipped, some apply an edit to newer
text than it was made for, some answer before they report the change. So nothing is believed but the text itself.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.lsp.documents.positions import split_lines
from wainwright.lsp.edits.disk import BARRED, Disk, NotText
from wainwright.lsp.edits.edit import (
    DiskChange,
    EditOutcome,
    FileEdit,
    FileOutcome,
    KeepWayBack,
    LineHunks,
    Merge,
    TextHash,
    WriteFiles,
    replacements,
)
from wainwright.lsp.edits.misplaced import misplaced, put_back, seems_made

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import Reply, WainwrightServer
    from wainwright.lsp.documents.buffers import Buffer

ANSWER_SECONDS = 300.0
"""How long the editor may take to answer: some ask the person first."""
REPORT_SECONDS = 2.0
"""How long the editor may take to report the change after its answer."""
QUIET_SECONDS = 0.2
"""An edit is sent when the person has not typed for this long (editors report typing with up to 150 ms delay) ..."""
QUIET_WAIT_SECONDS = 1.0
"""... or after this long."""

ROUNDS = 3
"""How often an edit is sent at most, when the person types while it is on its way."""

CONFLICT = "The same lines have been changed meanwhile."
CHANGED = "The text has changed since the change was made."
OPENED = "The file was opened and changed meanwhile."
CLOSED = "The file was closed while it was edited."
OTHER_REFUSED = "Left alone, because another file of the change is refused."
SPOILED = "The text is not what it should be after the edit; look at it before you save."
_ANNOTATION = "wainwright"


@dataclass(frozen=True)
class _Step:
    """One file, decided: what is there now, what will be, and through which way."""

    edit: FileEdit
    before: str | None
    after: str | None
    document: "Buffer | None" = None

    @property
    def path(self) -> Path:
        return self.edit.path

    def outcome(self, reason: str = "") -> FileOutcome:
        rebased = self.after != self.edit.after and not reason
        return FileOutcome(self.path, applied=not reason, rebased=rebased, reason=reason)


_Edits = Mapping[Path, list[types.TextEdit]]


@dataclass(frozen=True)
class _Manner:
    """How a change is brought, the same for all its files."""

    label: str
    confirm: bool
    apart: bool
    follow: Merge | None
    """Moves an edit along over what a person typed; None where none may be."""


class Editor:
    """Applies changesets, one at a time.

    ``root`` is asked for the folder that no file lies out of, whatever links there are by now; ``write`` writes
    closed files; ``hunks`` finds the differing lines; ``merge`` follows a person who types.
    """

    def __init__(
        self,
        server: "WainwrightServer",
        root: Callable[[], Path],
        write: WriteFiles,
        hunks: LineHunks,
        merge: Merge,
    ) -> None:
        self._server = server
        self._disk = Disk(root, write)
        self._hunks = hunks
        self._merge = merge
        self._turn = asyncio.Lock()

    async def apply(
        self,
        edits: Sequence[FileEdit],
        label: str,
        *,
        rebase: bool = True,
        confirm: bool = False,
        keep: KeepWayBack | None = None,
        apart: bool = False,
        merge: Merge | None = None,
    ) -> EditOutcome:
        """Apply ``edits`` together.

        When a file has changed since, its edit is moved along if it touches other lines (``rebase``, by ``merge`` or
        the editor's own). If any edit cannot be applied, nothing is touched at all; with ``apart`` that file alone is
        left, unless the editor or its person takes none. ``label`` is shown by editors that can; ``confirm`` asks
        them to show a preview; ``keep`` is called before files are written. Failures are outcomes with reasons, not
        exceptions.
        """
        manner = _Manner(label, confirm, apart, (merge or self._merge) if rebase else None)
        async with self._turn:
            if len({edit.path for edit in edits}) < len(edits):
                return EditOutcome(tuple(_left(edits, "A file is named twice in the change.")))
            steps, refused = await self._decided(edits, manner)
            if refused and not apart:
                return EditOutcome((*refused, *_left(steps, OTHER_REFUSED)))
            done = await self._perform(steps, manner, keep)
            return EditOutcome((*refused, *done.files), done.inverse)

    async def revert(self, outcome: EditOutcome, label: str) -> EditOutcome:
        """Take back what an outcome applied; refused when the text has changed since."""
        return await self.apply(outcome.inverse, label, rebase=False)

    # Deciding --------------------------------------------------------------------------------------------------

    async def _quiet(self, paths: Sequence[Path]) -> None:
        deadline = time.monotonic() + QUIET_WAIT_SECONDS
        while True:
            open_now = self._server.buffers.find_all(paths)
            last = max((document.changed_at for document in open_now.values()), default=0.0)
            wait = min(last + QUIET_SECONDS, deadline) - time.monotonic()
            if wait <= 0:
                return
            await asyncio.sleep(wait)

    async def _decided(
        self, edits: Sequence[FileEdit], manner: _Manner
    ) -> tuple[list[_Step], list[FileOutcome]]:
        """What to do for each file that can be changed, and why the others cannot be."""
        on_disk = {edit.path: await asyncio.to_thread(self._disk.read, edit.path) for edit in edits}
        await self._quiet(list(on_disk))
        on_disk |= dict.fromkeys(await asyncio.to_thread(self._disk.barred, list(on_disk)), BARRED)
        opened = self._server.buffers.find_all(list(on_disk))
        decided = [self._decide(e, on_disk[e.path], opened.get(e.path), manner.follow) for e in edits]
        steps = [item for item in decided if isinstance(item, _Step)]
        return steps, [item for item in decided if isinstance(item, FileOutcome)]

    def _decide(
        self, edit: FileEdit, on_disk: str | NotText | None, document: "Buffer | None", follow: Merge | None
    ) -> _Step | FileOutcome:
        if isinstance(on_disk, NotText):
            return FileOutcome(edit.path, applied=False, reason=on_disk.reason)
        current = on_disk if document is None else document.source
        if document is not None and edit.before is None and current == "" and on_disk is None:
            current = None  # a new, still empty buffer
        after, reason = self._target(edit, current, follow)
        if not reason and document is not None and not self._through_editor(edit) and on_disk != current:
            reason = "The file is open and has unsaved changes."
        if reason:
            return FileOutcome(edit.path, applied=False, reason=reason)
        if document is None or not self._through_editor(edit):
            return _Step(edit, current, after)
        return _Step(edit, document.source, after, document)

    def _through_editor(self, edit: FileEdit) -> bool:
        return edit.after is not None and self._server.profile.apply_edit

    def _target(self, edit: FileEdit, current: str | None, follow: Merge | None) -> tuple[str | None, str]:
        """The text that the file shall have, or the reason why there can be none."""
        before = edit.before
        same = (
            before.matches(current)
            if isinstance(before, TextHash) and current is not None
            else before == current
        )
        if same or current == edit.after:
            return edit.after, ""
        if before is None:
            return None, "There is a file of this name already."
        if current is None:
            return None, "The file is gone."
        if follow is None or isinstance(before, TextHash) or edit.after is None:
            return None, CHANGED
        merged = follow(before, current, edit.after)
        return merged, "" if merged is not None else CONFLICT

    # Performing ------------------------------------------------------------------------------------------------

    async def _perform(
        self, steps: Sequence[_Step], manner: _Manner, keep: KeepWayBack | None
    ) -> EditOutcome:
        idle = [step for step in steps if step.before == step.after]
        through_editor = [step for step in steps if step.document is not None and step not in idle]
        to_disk = [step for step in steps if step.document is None and step not in idle]
        arrived, missing = await self._edited(through_editor, manner)
        outcomes = [*(step.outcome() for step in (*idle, *arrived)), *missing]
        inverse = [self._inverse(step) for step in arrived]
        untouched = [step for step in through_editor if self._is_as_before(step)]
        if missing and (not manner.apart or len(missing) == len(untouched)):
            outcomes += _left(to_disk, "Left alone, because the editor did not take its part.")
        else:
            back = [FileEdit(step.path, step.after, step.before) for step in to_disk]
            reasons = await self._kept(keep, inverse, back)
            reasons = reasons or await self._written(to_disk, apart=manner.apart)
            for step, reason, way_back in zip(to_disk, reasons, back, strict=True):
                outcomes.append(step.outcome(reason))
                if not reason:
                    inverse.append(way_back)
        return EditOutcome(tuple(outcomes), tuple(inverse))

    async def _edited(self, steps: Sequence[_Step], manner: _Manner) -> tuple[list[_Step], list[FileOutcome]]:
        """The texts that have their edit, and why others do not.

        An edit that was not made because the person typed meanwhile is moved along and sent again, a few times.
        """
        arrived: list[_Step] = []
        missing: list[FileOutcome] = []
        for rounds_left in reversed(range(ROUNDS)):
            if not steps:
                break
            reasons, unmade = await self._sent(steps, manner)
            again = {step.path: step for step in unmade if rounds_left}
            arrived += [step for step in steps if not reasons[step.path]]
            missing += [
                step.outcome(why) for step in steps if step.path not in again and (why := reasons[step.path])
            ]
            decided, refused = await self._decided([step.edit for step in again.values()], manner)
            missing += refused + [step.outcome(CLOSED) for step in decided if step.document is None]
            # What is as wanted by now came later than an editor is waited for.
            arrived += [again[step.path] for step in decided if step.before == step.after]
            steps = [step for step in decided if step.document is not None and step.before != step.after]
            if refused and not manner.apart and not arrived:
                missing += _left(steps, OTHER_REFUSED)
                break
        return arrived, missing

    async def _sent(self, steps: Sequence[_Step], manner: _Manner) -> tuple[dict[Path, str], list[_Step]]:
        """Send the edits of these texts as one.

        Gives why each has not arrived, or nothing where it has, and those that were not made because of typing.
        """
        edits = {step.path: self._text_edits(step) for step in steps}
        exact = self._exact(steps)
        with self._server.buffers.remembering() as told:
            reply = await self._ask(steps, edits, manner)
            there = await self._arrived(steps, REPORT_SECONDS)
            mended = {
                step.path: None if step in exact else await self._mended(step, edits[step.path], told, manner)
                for step in steps
            }
        said_yes = getattr(reply.result, "applied", False)
        reasons, unmade = {}, []
        for step in steps:
            slip = mended[step.path]
            seen = told.get(step.document.uri, ()) if step.document else ()
            if slip is not None or step in there or any(self._is_made(step, text) for text in seen):
                reasons[step.path] = slip or ""
            elif said_yes and (made := self._seems_made(step) if step in exact else None):
                reasons[step.path] = ""
            elif said_yes and made is None and self._may_be_spoiled(step, edits[step.path], seen):
                reasons[step.path] = SPOILED
            else:
                reasons[step.path] = self._why_not(step, reply)
                unmade.append(step)
        asked_the_person = manner.confirm or all(self._is_as_before(step) for step in unmade)
        return reasons, [] if asked_the_person or reply.silent else unmade

    def _exact(self, steps: Sequence[_Step]) -> list[_Step]:
        """The steps that the editor makes on the very text that they are for, or not at all: it looks at versions."""
        looked_at = self._server.profile.versions_looked_at
        opened = [(step, step.document.version) for step in steps if step.document is not None]
        if looked_at == "first":
            return [step for step, version in opened[:1] if version]
        return [step for step, version in opened if looked_at == "all" and version is not None]

    async def _kept(
        self, keep: KeepWayBack | None, done: Sequence[FileEdit], planned: Sequence[FileEdit]
    ) -> list[str]:
        """Keep the way back before anything is written; the reasons why nothing may be, if that fails."""
        try:
            if keep is not None and planned:
                await keep(done, planned)
        except (OSError, ValueError) as failure:
            errno = failure.errno if isinstance(failure, OSError) else None
            reason = "a text holds half a character" if errno is None else os.strerror(errno)
            return [f"It was not written, because the way back could not be kept: {reason}."] * len(planned)
        return []

    async def _ask(self, steps: Sequence[_Step], edits: _Edits, manner: _Manner) -> "Reply":
        edit = self._workspace_edit(steps, edits, manner)
        params = types.ApplyWorkspaceEditParams(label=manner.label, edit=edit)
        return await self._server.ask(types.WORKSPACE_APPLY_EDIT, params, seconds=ANSWER_SECONDS)

    def _workspace_edit(self, steps: Sequence[_Step], made: _Edits, manner: _Manner) -> types.WorkspaceEdit:
        if not self._server.profile.document_changes:
            plain = {step.document.uri: made[step.path] for step in steps if step.document is not None}
            return types.WorkspaceEdit(changes=plain)
        # An annotation that asks nothing shows nothing, but for Neovim's prompt to press Enter.
        annotated = manner.confirm and self._server.profile.change_annotations
        documents: list[types.TextDocumentEdit] = []
        for step in steps:
            if step.document is None:
                continue
            edits: list[types.TextEdit | types.AnnotatedTextEdit | types.SnippetTextEdit] = []
            for edit in made[step.path]:
                marked = types.AnnotatedTextEdit(_ANNOTATION, edit.range, edit.new_text)
                edits.append(marked if annotated else edit)
            named = types.OptionalVersionedTextDocumentIdentifier(step.document.uri, step.document.version)
            documents.append(types.TextDocumentEdit(named, edits))
        notes = {_ANNOTATION: types.ChangeAnnotation(label=manner.label, needs_confirmation=manner.confirm)}
        return types.WorkspaceEdit(
            document_changes=documents, change_annotations=notes if annotated else None
        )

    def _text_edits(self, step: _Step) -> list[types.TextEdit]:
        assert step.document is not None
        index = step.document.index
        changes = replacements(step.before or "", step.after or "", self._hunks)
        return [
            types.TextEdit(index.range(index.line_start(start), index.line_start(end)), text)
            for start, end, text in changes
        ]

    # Verifying -------------------------------------------------------------------------------------------------

    async def _arrived(self, steps: Sequence[_Step], seconds: float) -> list[_Step]:
        """The steps whose text is there, after at most ``seconds``."""
        waited_for = deque(steps)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while waited_for:
                    if self._is_there(waited_for[0]):
                        waited_for.popleft()
                    else:
                        await self._server.buffers.next_change()
        return [step for step in steps if self._is_there(step)]

    async def _mended(
        self,
        step: _Step,
        sent: Sequence[types.TextEdit],
        told: Mapping[str, Sequence[str]],
        manner: _Manner,
    ) -> str | None:
        """Mend a text where an editor applied an edit to another than its own; None where it did not.

        Some look at no version: what was typed since is then written over by lines that were meant for elsewhere, or
        for the same line as it was. The editor has told of the text before and after that, so that what was typed can
        be put back, with the edit where it belongs: then the reason is empty. Where both touch the same lines, what
        was typed stays alone.
        """
        found = await self._misplaced(step, sent, told)
        if found is None:
            return None
        typed, spoiled = found
        both = manner.follow and manner.follow(step.before or "", typed, step.after or "")
        if not await self._set_right(step, spoiled, typed if both is None else both, manner):
            return SPOILED
        if both is not None:
            return ""
        return CHANGED if manner.follow is None else CONFLICT

    async def _set_right(self, step: _Step, spoiled: str, right: str, manner: _Manner) -> bool:
        """Have a text hold what is right in the place of what is spoiled; whether it does, with all of it.

        What mends it may be made to another text than its own in its turn: then that is mended, too.
        """
        whole = True
        for _ in range(ROUNDS):
            document = self._server.buffers.find_open(step.path)
            if document is None:
                return False
            wanted, all_of_it = put_back(spoiled, document.source, right, self._merge, self._hunks)
            whole = whole and all_of_it
            if wanted == document.source:
                return whole
            back = _Step(step.edit, document.source, wanted, document)
            sent, exact = self._text_edits(back), self._exact([back])
            with self._server.buffers.remembering() as told:
                await self._ask([back], {step.path: sent}, replace(manner, confirm=False))
                if await self._arrived([back], REPORT_SECONDS):
                    return whole
                found = None if exact else await self._misplaced(back, sent, told)
            if found is None:
                return False
            typed, spoiled = found
            both = self._merge(back.before or "", typed, wanted)
            whole = whole and both is not None
            right = typed if both is None else both
        return False

    async def _misplaced(
        self, step: _Step, sent: Sequence[types.TextEdit], told: Mapping[str, Sequence[str]]
    ) -> tuple[str, str] | None:
        document = self._server.buffers.find_open(step.path)
        if document is None:
            return None
        texts = (step.before or "", *told.get(document.uri, ()))
        encoding = self._server.buffers.position_encoding or "utf-16"
        return await asyncio.to_thread(misplaced, sent, texts, encoding)

    def _is_there(self, step: _Step) -> bool:
        document = self._server.buffers.find_open(step.path)
        return document is not None and self._is_made(step, document.source)

    def _is_made(self, step: _Step, text: str) -> bool:
        """Whether the text is as intended, perhaps with something more that the person typed."""
        if step.after is None or text == step.before:
            return False
        return _alike(text, step.after) or self._merge(step.before or "", text, step.after) == text

    def _is_as_before(self, step: _Step) -> bool:
        document = self._server.buffers.find_open(step.path)
        return document is not None and document.source == step.before

    def _may_be_spoiled(self, step: _Step, sent: Sequence[types.TextEdit], seen: Sequence[str]) -> bool:
        """Whether an edit may have been made to another text than its own.

        It was not where the text is as it was, and where none of what it brings was ever seen.
        """
        document = self._server.buffers.find_open(step.path)
        if document is None or document.source == step.before:
            return False
        brought = {line.strip() for edit in sent for line in split_lines(edit.new_text)}
        brought = {line for line in brought if line not in (step.before or "")}
        return not brought or any(line in text for line in brought for text in (*seen, document.source))

    def _seems_made(self, step: _Step) -> bool | None:
        """Whether an edit was made to its own text, which somebody has typed in since; None where nobody can tell."""
        document = self._server.buffers.find_open(step.path)
        return None if document is None else seems_made(step.before or "", step.after or "", document.source)

    def _why_not(self, step: _Step, reply: "Reply") -> str:
        document = self._server.buffers.find_open(step.path)
        if document is None:
            return CLOSED
        said = reply.failure or getattr(reply.result, "failure_reason", None)
        said = said or ("it has changed meanwhile." if document.source != step.before else "")
        return f"The editor did not apply the edit{f': {said}' if said else '.'}"

    def _inverse(self, step: _Step) -> FileEdit:
        document = self._server.buffers.find_open(step.path)
        after, before = step.after or "", step.before or ""
        text = after if document is None else document.source
        back = before if _alike(text, after) else self._merge(after, text, before)
        return FileEdit(step.path, after, before) if back is None else FileEdit(step.path, text, back)

    async def _written(self, steps: Sequence[_Step], *, apart: bool) -> list[str]:
        """Write what is not open: an empty reason for each file that is as it should be."""
        open_now = self._server.buffers.find_all([step.path for step in steps])
        typed = [
            step.path
            for step in steps
            if step.path in open_now and open_now[step.path].source != (step.before or "")
        ]
        changes = [
            DiskChange(step.path, step.before, step.after, step.edit.executable)
            for step in steps
            if step.path not in typed
        ]
        reasons = await self._disk.write(changes, apart=apart)
        return [OPENED if step.path in typed else reasons[step.path] for step in steps]


def _left(files: Sequence[FileEdit | _Step], why: str) -> list[FileOutcome]:
    return [FileOutcome(file.path, applied=False, reason=why) for file in files]


def _alike(text: str, intended: str) -> bool:
    """Equal but for what editors change by themselves: the kind of line ending, and the one at the very end."""
    if text == intended:
        return True

    def plain(raw: str) -> str:
        return raw.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n")

    return plain(text) == plain(intended)
