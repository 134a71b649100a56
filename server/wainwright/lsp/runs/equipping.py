"""Which model is asked: whoever has none yet is asked for a key, and what they wanted begins then."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from lsprotocol import types

from wainwright.domain.errors import InputError, WainwrightError
from wainwright.lsp.messages import ModelAsked, RunInfo
from wainwright.lsp.runs.questions import Questions

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.lsp.connection.session import WainwrightServer

OWN, LATER = "A server of my own", "Not now"

Begin = Callable[[], Awaitable[RunInfo]]


class Equipping:
    """Asks the person for a model; one question at a time."""

    def __init__(self, server: "WainwrightServer", engine: "Engine", questions: Questions) -> None:
        self._server = server
        self._engine = engine
        self._questions = questions
        self._asking = False

    def require(self, begin: Begin) -> None:
        """Raise InputError where there is no model to ask; the person is asked, and with an answer it begins."""
        try:
            self._engine.equipping.require()
        except InputError as missing:
            if not self._questions.takes_words:
                raise
            self._ask(begin)
            raise InputError(missing.message, "You are asked for one now; then it begins.") from None

    def command(self) -> ModelAsked:
        """Ask. Raises InputError where the editor cannot take a line of text."""
        if not self._questions.takes_words:
            raise InputError(
                "This editor cannot ask for a key.",
                "Run `wainwright keys set ANTHROPIC_API_KEY` in a terminal.",
            )
        self._ask(None)
        return ModelAsked()

    def _ask(self, begin: Begin | None) -> None:
        if not self._asking:
            self._asking = True
            self._server.spawn(self._asked(begin), "ask for a model")

    async def _asked(self, begin: Begin | None) -> None:
        try:
            said = await self._kept()
        except (OSError, WainwrightError) as error:
            self._say(types.MessageType.Error, str(error))
            return
        finally:
            self._asking = False
        if not said:
            return
        self._say(types.MessageType.Info, said)
        if begin is not None:
            try:
                self._engine.equipping.require()
                self._say(types.MessageType.Info, f"{(await begin()).run} has begun.")
            except WainwrightError as error:
                self._say(types.MessageType.Error, f"Nothing has begun. {error}")

    async def _kept(self) -> str:
        """Ask until there is something to keep, and keep it; what holds now, empty when the person closed it."""
        equipping = self._engine.equipping
        offered = {one.called: one for one in equipping.providers()}
        chosen = await self._questions.choose(
            "Who is asked? You need a key of theirs.", [*offered, OWN, LATER]
        )
        if chosen == OWN:
            address = await self._questions.words("The address of your server", "http://127.0.0.1:8000/v1")
            model = await self._questions.words("The model's name there") if address else ""
            return await equipping.keep_server(address, model) if model else ""
        provider = offered.get(chosen or "")
        if provider is None:
            return ""
        key = await self._questions.words(f"{provider.key}, for {provider.model}", secret=True)
        return await equipping.keep_key(provider.key, key) if key else ""

    def _say(self, level: types.MessageType, text: str) -> None:
        self._server.window_show_message(types.ShowMessageParams(level, text))
