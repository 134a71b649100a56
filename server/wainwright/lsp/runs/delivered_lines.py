"""Why delivered lines are there, kept in memory: who points at one is answered at once, whatever the engine does."""

import logging
from typing import TYPE_CHECKING

from wainwright.domain.errors import WainwrightError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wainwright.engine.engine import Engine
    from wainwright.engine.tracing.origins import LineOrigin
    from wainwright.engine.views.run_view import RunView
    from wainwright.lsp.connection.session import WainwrightServer

log = logging.getLogger(__name__)

RUNS_MAX = 5
"""How many of the newest deliveries are remembered."""
_SAME_MAX = 50
"""How many lines of the same words are told apart."""
_TELLING = 12
"""Letters of a line that says by itself which one it is."""


class DeliveredLines:
    """The lines of the newest deliveries."""

    def __init__(self, server: "WainwrightServer", engine: "Engine") -> None:
        self._server = server
        self._engine = engine
        self._runs: dict[str, dict[tuple[str, ...], list[LineOrigin]]] = {}
        """By run, and by the words of a line and of those around it."""
        self._asked: set[tuple[str, str | None]] = set()

    def hear(self, view: "RunView") -> None:
        """Look, in the background, at what a run has delivered; once for each delivery."""
        delivered = view.branch or view.patch
        if (not delivered and view.editor == "absent") or (view.run, delivered) in self._asked:
            return
        self._asked.add((view.run, delivered))
        self._server.spawn(self._look(view.run), f"look where the lines of {view.run} come from")

    async def _look(self, run: str) -> None:
        try:
            found = await self._engine.tracing.origins(run)
        except WainwrightError as error:
            log.info("the lines of %s are not known: %s", run, error)
            return
        self.keep(run, found)

    def keep(self, run: str, found: "Sequence[LineOrigin]") -> None:
        """Remember the lines of a delivery."""
        lines: dict[tuple[str, ...], list[LineOrigin]] = {}
        for one in found:
            for key in _keys(one.path, one.before, one.text, one.after):
                same = lines.setdefault(key, [])
                if len(same) < _SAME_MAX:
                    same.append(one)
        self._runs.pop(run, None)
        self._runs[run] = lines
        while len(self._runs) > RUNS_MAX:
            self._runs.pop(next(iter(self._runs)))

    def why(self, path: str, lines: "Sequence[str]", at: int) -> str:
        """Why a line of a file is there, by its number from 0; empty where nothing is known of it.

        ``lines`` are those around it: the one before, itself, and the one after.
        """
        before, text, after = lines
        if not text.strip():
            return ""
        *around, alone = _keys(path, before, text, after)
        for known in reversed(self._runs.values()):
            near = [one for key in around for one in known.get(key, ())]
            same = known.get(alone, ())
            if not near and len(same) == 1 and len(text.strip()) >= _TELLING:
                near = list(same)
            if near:
                return min(near, key=lambda one: abs(one.line - 1 - at)).told
        return ""


def _keys(path: str, before: str, text: str, after: str) -> tuple[tuple[str, ...], ...]:
    """By what a line is found: with the one before, with the one after, alone."""
    return (path, "before", before, text), (path, "after", text, after), (path, text)
