"""Runs are done again against their record, and gone on from any row of it in runs of their own."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.errors import WainwrightError
from wainwright.domain.goal import ENDS
from wainwright.engine.views.run_view import RunView
from wainwright.lsp.messages import (
    ComparisonInfo,
    DifferenceInfo,
    ForkArguments,
    ForkBegun,
    ReplayInfo,
    RowInfo,
    RowList,
)
from wainwright.lsp.runs.questions import Questions

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.lsp.connection.session import WainwrightServer

LATER = "Not now"
_TOLD = set(ReplayInfo.model_fields) - {"differences", "sentence"}


class Replays:
    """What an editor can be asked about the records of runs. ``drive`` lets a run go on, and follows it."""

    def __init__(
        self,
        server: "WainwrightServer",
        engine: "Engine",
        questions: Questions,
        drive: Callable[[str], Awaitable[object]],
    ) -> None:
        self._server = server
        self._engine = engine
        self._questions = questions
        self._drive = drive

    async def replay(self, run: str | None) -> ReplayInfo:
        """Do a run again against its record, without a model, and say what came of it."""
        seen = await self._engine.replaying.verify(await self._engine.named(run))
        wrong = seen.differences or seen.unreadable
        self._say(seen.sentence, types.MessageType.Warning if wrong else types.MessageType.Info)
        found = tuple(DifferenceInfo(**one.model_dump()) for one in seen.differences)
        return ReplayInfo(**seen.model_dump(include=_TOLD), sentence=seen.sentence, differences=found)

    async def rows(self, run: str | None) -> RowList:
        """The rows of a run."""
        name = await self._engine.named(run)
        rows = await self._engine.forking.rows(name)
        return RowList(run=name, rows=tuple(RowInfo(**one.model_dump()) for one in rows))

    async def fork(self, asked: ForkArguments) -> ForkBegun:
        """Go on from a row of a run in another one. Raises InputError for a row from which nothing goes on."""
        name = await self._engine.named(asked.run)
        if asked.row is None:
            self._server.spawn(self._ask_for_row(name, asked), f"ask where to fork {name}")
            return ForkBegun(parent=name)
        return ForkBegun(parent=name, run=await self._fork(name, asked.row, asked))

    async def compare(self, run: str | None) -> ComparisonInfo:
        """A fork beside its parent. Raises InputError for a run that is none."""
        seen = await self._engine.forking.compare(await self._engine.named(run))
        return ComparisonInfo(
            **seen.model_dump(exclude={"files"}),
            files=tuple(path for _, path, _, _ in seen.files),
            sentences=tuple(seen.sentences),
        )

    async def _ask_for_row(self, name: str, asked: ForkArguments) -> None:
        """Fork where the person says; a stage is what they can tell apart."""
        rows = {f"Where {stage} begins": row for stage, row in await self._engine.forking.beginnings(name)}
        title = await self._questions.choose(f"Fork {name} from where?", [*rows, LATER])
        if title in rows:
            try:
                await self._fork(name, rows[title], asked)
            except WainwrightError as error:
                self._say(f"Nothing was forked. {error}", types.MessageType.Warning)

    async def _fork(self, name: str, row: int, asked: ForkArguments) -> str:
        new = await self._engine.forking.fork(name, row, asked.anew)
        self._say(f"{new} goes on from row {row} of {name}.", types.MessageType.Info)
        await self._drive(new)
        self._server.spawn(self._tell_when_over(new), f"compare {new}")
        return new

    async def _tell_when_over(self, run: str) -> None:
        seen: RunView = await self._engine.wait(run)
        if seen.stage in ENDS:
            found = await self._engine.forking.compare(run)
            told = "; ".join(found.sentences)
            self._say(f"{run} beside {found.parent}: {told}.", types.MessageType.Info)

    def _say(self, text: str, level: types.MessageType) -> None:
        self._server.window_show_message(types.ShowMessageParams(level, text))
