"""The hunks of a change as the editor decides on them; words may stand below a hunk in `change.diff`."""

import asyncio
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain import change_diff
from wainwright.domain.errors import InputError
from wainwright.lsp.documents.own import read_text
from wainwright.lsp.documents.positions import uri_from_path
from wainwright.lsp.documents.sides import Side, Which
from wainwright.lsp.hunk_messages import (
    CHANGES,
    ChangesParams,
    HunkArguments,
    HunkInfo,
    HunkList,
    HunksArguments,
    SidesInfo,
)
from wainwright.lsp.messages import TextInfo
from wainwright.lsp.runs.changes import RECENT

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from wainwright.domain.change_diff import Spot
    from wainwright.domain.hunks import ChangeShown, ShownFile
    from wainwright.engine.engine import Engine
    from wainwright.engine.hunks import ChangeView
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.board import Board

_DONE = {
    "accept": "is taken over when you approve the change",
    "reject": "is left out, and built again",
    "change": "is built again with your words",
}


class Hunks:
    """What an editor can be asked about the hunks of a change."""

    def __init__(self, server: "WainwrightServer", engine: "Engine", board: "Board") -> None:
        self._server = server
        self._engine = engine
        self._board = board

    async def decide(self, asked: HunksArguments) -> HunkList:
        """Say something of hunks. Raises InputError for hunks there are not, and for a change without words."""
        run = await self._meant(asked.run)
        seen = await self._engine.hunks.seen(run)
        numbers = asked.hunks or tuple(one.number for one in seen.hunks if asked.file in ("", one.path))
        below = await self.below(seen)
        words = "\n".join(spot.words for spot in below if spot.number in numbers and spot.words)
        # As they stand by now, and not when it was offered.
        reason = words or asked.reason
        if asked.decision == "change" and not reason:
            raise InputError(
                "Nobody said what is to be changed.",
                f"Write it below the hunk in {change_diff.NAME}, in a line that begins with `{change_diff.WORDS}`.",
            )
        said = await self._engine.hunks.decide(
            run, asked.decision, numbers, file=asked.file, reason=reason, commit=asked.commit, by="editor"
        )
        self._board.refresh()
        named = f"Hunk {numbers[0]}" if len(numbers) == 1 else f"Each of {len(numbers)} hunks"
        why = f": {' '.join(reason.split())}" if reason else "."
        self._say(f"{named} {_DONE[asked.decision]}{why}")
        return await self._listed(said)

    async def listed(self, run: str | None) -> HunkList:
        """The change that a run shows. Raises InputError where it shows none."""
        return await self._listed(await self._engine.hunks.seen(await self._meant(run)))

    async def _listed(self, seen: "ChangeView") -> HunkList:
        shown = await self._engine.hunks.shown(seen.run)
        return HunkList(
            run=seen.run,
            commit=seen.commit,
            asked=seen.asked,
            handed=seen.handed,
            files=self._sides(seen.run, shown),
            hunks=tuple(HunkInfo(**one.model_dump(exclude={"length"})) for one in seen.hunks),
        )

    async def _meant(self, run: str | None) -> str:
        """The run that is named, else the newest that asks about its change, else the newest."""
        if run is None:
            waiting = [one.run for one in await self._engine.runs(RECENT) if one.waiting == "gate"]
            asks = [one for one in waiting if (seen := await self.seen(one)) is not None and seen.asked]
            run = next(iter(asks), None)
        return await self._engine.named(run)

    async def seen(self, run: str) -> "ChangeView | None":
        """The change that a run shows; None where it shows none."""
        try:
            return await self._engine.hunks.seen(await self._engine.named(run))
        except InputError:
            return None

    async def below(self, seen: "ChangeView") -> "list[Spot]":
        """The hunks of the document as it stands in the editor, or on disk; none where it is of an older change."""
        path = self._engine.workspace / ".wainwright" / "runs" / seen.run / change_diff.NAME
        opened = self._server.buffers.find_open(path)
        text = opened.source if opened else await asyncio.to_thread(read_text, path, self._engine.workspace)
        read = change_diff.tree_of(text or "")
        return change_diff.spots(text or "") if read in ("", seen.tree) else []

    async def unsaid(self, run: str) -> dict[int, str]:
        """What the person wrote below hunks, by number, where no decision has told it to anybody."""
        seen = await self.seen(run)
        if seen is None or not seen.asked:
            return {}
        told = {one.number for one in seen.hunks if one.decision}
        below = await self.below(seen)
        return {spot.number: spot.words for spot in below if spot.words and spot.number not in told}

    async def in_files(self, run: str) -> frozenset[str]:
        """The files of which a run's change can be taken back as a whole."""
        return frozenset(one.path for one in await self._engine.editing.undo(run))

    def open(self, run: str, place: "Path", otherwise: "Callable[[str], None]") -> None:
        """Have a document opened: a change in the editor's own view of differences, where it has one.

        ``otherwise`` opens any other, and a change that the run does not show any more, by its URI.
        """
        if place.name != change_diff.NAME or not self._server.profile.changes:
            otherwise(uri_from_path(place))
            return

        async def show() -> None:
            try:
                await self._show(run)
            except InputError:
                otherwise(uri_from_path(place))

        self._server.spawn(show(), "show a change")

    async def _show(self, run: str) -> None:
        files = self._sides(run, await self._engine.hunks.shown(run))
        told = ChangesParams(title=f"Wainwright: the change of run {run}", files=files)
        self._server.protocol.notify(CHANGES, told.model_dump())

    def _sides(self, run: str, shown: "ChangeShown") -> tuple[SidesInfo, ...]:
        folder = uri_from_path(self._engine.workspace)

        def uri(file: "ShownFile", which: Which) -> str | None:
            there = file.kind != ("created" if which == "before" else "deleted")
            return Side(folder, run, shown.commit, which, file.path).uri if there else None

        return tuple(
            SidesInfo(
                uri=uri_from_path(self._engine.workspace / one.path),
                before=uri(one, "before"),
                after=uri(one, "after"),
            )
            for one in shown.files
        )

    async def text(self, side: Side) -> str:
        """One side of a file. Raises InputError for what is not of the change that the run shows."""
        before = side.which == "before"
        return await self._engine.hunks.side(side.run, side.commit, side.path, before=before)

    async def explain(self, asked: HunkArguments) -> TextInfo:
        """Tell why a hunk is there."""
        run = await self._meant(asked.run)
        text = await self._engine.hunks.explain(run, asked.hunk)
        self._say(text)
        return TextInfo(run=run, text=text)

    def _say(self, text: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(types.MessageType.Info, text))
