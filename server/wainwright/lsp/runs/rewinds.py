"""The person's files and open texts go back to a checkpoint: shown first, asked, and taken back like any other."""

import logging
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.errors import InputError, WainwrightError
from wainwright.engine.rewinding import Checkpoint, Planned, as_texts, shown
from wainwright.lsp.edits.delivery import Delivery
from wainwright.lsp.messages import CheckpointInfo, CheckpointList, EditBegun, RewindArguments
from wainwright.lsp.runs.goal_input import Goals
from wainwright.lsp.runs.questions import Questions

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.lsp.connection.session import WainwrightServer

log = logging.getLogger(__name__)

OFFERED = 4
"""Checkpoints, the newest first, that a question without a name offers."""
REWIND, ALL_OF_IT, LATER = "Rewind", "Rewind, with what I changed", "Not now"


class Rewinds:
    """What an editor can be asked about checkpoints."""

    def __init__(
        self,
        server: "WainwrightServer",
        engine: "Engine",
        goals: Goals,
        questions: Questions,
        delivery: Delivery,
    ) -> None:
        self._server = server
        self._rewinding = engine.rewinding
        self._goals = goals
        self._questions = questions
        self._delivery = delivery

    async def checkpoints(self) -> CheckpointList:
        """All checkpoints, the newest first."""
        found = await self._rewinding.checkpoints()
        return CheckpointList(checkpoints=tuple(CheckpointInfo(**one.model_dump()) for one in found))

    async def begin(self, asked: RewindArguments) -> EditBegun:
        """Show what a rewind would do, and do it when the person says so. Raises InputError for another name.

        It goes on in the background: some editors tell of their text only after a command was answered.
        """
        found = await self._rewinding.checkpoints()
        if not found:
            raise InputError("There are no checkpoints yet: no run has changed anything.", "")
        planned = await self._look(asked.checkpoint, asked.overwrite) if asked.checkpoint else None
        run = planned.preview.checkpoint.run if planned else found[0].run
        self._server.spawn(self._go_through(asked, planned, found[:OFFERED]), "rewind")
        return EditBegun(run=run)

    async def _look(self, name: str, overwrite: tuple[str, ...]) -> Planned:
        return await self._rewinding.look(name, overwrite, await self._goals.unsaved())

    async def _go_through(
        self, asked: RewindArguments, planned: Planned | None, offered: list[Checkpoint]
    ) -> None:
        try:
            if planned is None:
                titles = {f"{one.name}: {one.what}": one.name for one in offered}
                title = await self._questions.choose("Rewind to which checkpoint?", list(titles))
                if title is None:
                    return
                planned = await self._look(titles[title], asked.overwrite)
            agreed = await self._asked(planned, asked.overwrite)
            if agreed is not None:
                self._say(*await self._perform(agreed))
        except (WainwrightError, OSError) as error:
            self._say(f"Nothing was rewound. {error}", types.MessageType.Warning)

    async def _asked(self, planned: Planned, overwrite: tuple[str, ...]) -> Planned | None:
        """What the person agrees to; None: nothing."""
        preview = planned.preview
        name, what = preview.checkpoint.name, preview.checkpoint.what
        if not preview.files:
            self._say(f"Your files are as they were at {name} already.", types.MessageType.Info)
            return None
        changed = tuple(one.path for one in preview.files if one.changed)
        choices = [*([REWIND] if planned.steps else []), *([ALL_OF_IT] if changed else []), LATER]
        chosen = await self._questions.choose(
            f"Rewind to {name}, {what}?", choices, "\n".join(shown(preview))
        )
        if chosen == ALL_OF_IT:
            return await self._look(name, (*overwrite, *changed))
        return planned if chosen == REWIND else None

    async def _perform(self, planned: Planned) -> tuple[str, types.MessageType]:
        """Keep what is there, and change it; what to tell of it."""
        changes = as_texts(planned)
        back = await self._rewinding.keep(planned, "editor")
        info = await self._delivery.rewind(planned.preview.checkpoint.name, changes)
        if info.status == "refused":
            await self._rewinding.forget(back, info.detail, "editor")
        if info.status != "applied":
            part = "Nothing" if info.status == "refused" else "Only a part"
            return f"{part} was rewound. {info.detail.partition(chr(10))[0]}", types.MessageType.Warning
        return (
            f"Done: rewound to {planned.preview.checkpoint.name}. {back} leads back.",
            types.MessageType.Info,
        )

    def _say(self, text: str, level: types.MessageType) -> None:
        self._server.window_show_message(types.ShowMessageParams(level, text))
