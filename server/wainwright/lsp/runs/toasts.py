"""What pops up by itself: at the most one a minute, unless the person has just done something.

What does not pop up is not lost: it stands in the log of the editor and in the document of its run.
"""

import textwrap
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from lsprotocol import types

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer

EVERY_S = 60.0


class Toasts:
    """Tells the person what they did not ask for just now. ``clock`` gives seconds and only moves forward."""

    def __init__(self, server: "WainwrightServer", clock: Callable[[], float] = time.monotonic) -> None:
        self._server = server
        self._clock = clock
        self._next = 0.0

    def acted(self) -> None:
        """The person has done something, and waits for what comes of it."""
        self._next = 0.0

    def may_pop_up(self, level: types.MessageType) -> bool:
        """Whether something may pop up now, which counts as said; an error always may."""
        now = self._clock()
        if level is not types.MessageType.Error and now < self._next:
            return False
        self._next = now + EVERY_S
        return True

    def say(self, level: types.MessageType, text: str) -> None:
        """Tell something in a line: what may not pop up is in the log, and all of what a terminal has no room for."""
        room = self._server.profile.line_length
        shown = textwrap.shorten(text, room, placeholder="…") if room else text
        pops_up = self.may_pop_up(level)
        if pops_up:
            self._server.window_show_message(types.ShowMessageParams(level, shown))
        if shown != text or not pops_up:
            self.log(level, text)

    def log(self, level: types.MessageType, text: str) -> None:
        """Tell something where it can be looked up."""
        self._server.window_log_message(types.LogMessageParams(level, text))
