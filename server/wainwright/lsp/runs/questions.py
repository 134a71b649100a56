"""Questions to the person: a choice with its titles, never one that typing answers by accident."""

import textwrap
from typing import TYPE_CHECKING, Any

from lsprotocol import types

from wainwright.domain.text import clean
from wainwright.lsp.connection.advice import in_editor
from wainwright.lsp.messages import INPUT, InputParams

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer

_HOW = " Answer by code action."
_HANDS_OFF_S = 3.0
"""How long nobody has typed before a question may take the keyboard."""


class Questions:
    """Asks the person."""

    def __init__(self, server: "WainwrightServer") -> None:
        self._server = server

    async def choose(
        self,
        question: str,
        choices: list[str],
        detail: str = "",
        *,
        kind: types.MessageType | None = None,
    ) -> str | None:
        """Ask the person to choose; None when they close the question or the editor cannot ask.

        Where a question takes the keyboard, a person is told of it in one line first, and asked when they have not
        typed for a while: keys that were meant for a text must not answer it. Every question has its code actions.

        ``kind``: how grave it is. Without it, it waits for an answer, and is marked so that it stays in sight.
        """
        if self._server.profile.questions_take_keys:
            room = self._server.profile.line_length - len(_HOW)
            line = f"{textwrap.shorten(question, room, placeholder='…')}{_HOW}"
            self._server.window_show_message(types.ShowMessageParams(types.MessageType.Info, line))
            await self._server.buffers.quiet(_HANDS_OFF_S)
        message = in_editor(f"{question}\n{detail}" if detail else question)
        params = types.ShowMessageRequestParams(
            type=kind or self._server.profile.kept_in_sight,
            message=message,
            actions=[types.MessageActionItem(title) for title in choices],
        )
        reply = await self._server.ask(types.WINDOW_SHOW_MESSAGE_REQUEST, params, seconds=None)
        title: Any = getattr(reply.result, "title", None)
        return title if title in choices else None

    @property
    def takes_words(self) -> bool:
        """Whether the editor can take a line of text from the person."""
        return self._server.profile.input

    async def words(self, prompt: str, value: str = "", *, secret: bool = False) -> str:
        """What the person types; empty when they close the input, type nothing, or the editor cannot ask.

        ``secret``: it is not shown while they type.
        """
        if not self.takes_words:
            return ""
        asked = InputParams(prompt=prompt, value=value, secret=secret)
        reply = await self._server.ask(INPUT, asked.model_dump(), seconds=None)
        text = reply.result.get("text") if isinstance(reply.result, dict) else None
        return clean(text).strip() if isinstance(text, str) else ""
