"""Trust in the folder that is open: what would work in it asks for it first, and begins on a yes."""

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.errors import NotTrusted, WainwrightError
from wainwright.domain.shown import in_line
from wainwright.lsp.messages import RunInfo, TrustInfo
from wainwright.lsp.runs.questions import Questions

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.lsp.connection.session import WainwrightServer

log = logging.getLogger(__name__)

TRUST, LATER = "Trust this folder", "Not now"

Begin = Callable[[], Awaitable[RunInfo]]


class Trusting:
    """Asks the person whether the folder is trusted; one question at a time. ``given`` is called after a yes."""

    def __init__(
        self,
        server: "WainwrightServer",
        engine: "Engine",
        questions: Questions,
        given: Callable[[], Awaitable[None]],
    ) -> None:
        self._server = server
        self._engine = engine
        self._questions = questions
        self._given = given
        self._asking = False
        self._then: Begin | None = None
        """What was asked for last while nobody had said yes: it begins on the yes."""

    async def first(self, begin: Begin) -> RunInfo:
        """Begin, if work may be done here. Raises NotTrusted else, and asks: editors give up on a slow answer."""
        if await self._engine.trusting.given():
            return await begin()
        self._ask(begin)
        raise NotTrusted(
            f"Nothing has begun: nobody has said that {in_line(str(self._engine.workspace))} is trusted.",
            "You are asked now; on a yes it begins. In a terminal `wainwright trust` says so too.",
        )

    async def command(self, *, revoke: bool) -> TrustInfo:
        """Ask, or take trust back; how things are now."""
        if revoke:
            await self._engine.trusting.revoke("editor")
        trusted = await self._engine.trusting.given()
        if not (revoke or trusted):
            self._ask(None)
        return TrustInfo(folder=str(self._engine.workspace), trusted=trusted)

    def _ask(self, begin: Begin | None) -> None:
        self._then = begin or self._then
        if not self._asking:
            self._asking = True
            self._server.spawn(self._asked(), "ask for trust")

    async def _asked(self) -> None:
        try:
            question = (
                f"Do you trust {in_line(str(self._engine.workspace))} and who wrote what is in it? Models are sent "
                "its files, and its commands are run in the sandbox. Until then it is only read and searched."
            )
            agreed = await self._questions.choose(question, [TRUST, LATER]) == TRUST
        finally:
            self._asking = False
            begin, self._then = self._then, None
        if not agreed:
            return
        try:
            await self._engine.trusting.give("editor")
            await self._given()
            if begin is not None:
                self._say(types.MessageType.Info, f"{(await begin()).run} has begun.")
        except (OSError, WainwrightError) as error:
            self._say(types.MessageType.Error, f"Nothing has begun. {error}")

    def _say(self, level: types.MessageType, text: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(level, text))
