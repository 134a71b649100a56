"""Keeps ``.wainwright/runs.md``: the runs of the workspace as a document, written when one moves on."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog

from wainwright.domain.errors import WorkspaceError
from wainwright.domain.goal import ENDS, Stage
from wainwright.domain.shown import markdown
from wainwright.engine.views.documents import RUNS, listed, write
from wainwright.engine.views.run_view import RunView

log = structlog.get_logger()

LISTED_MAX = 50


class RunList:
    """The list of runs on disk."""

    def __init__(self, workspace: Path, look: Callable[[str], Awaitable[RunView]]) -> None:
        self._workspace = workspace
        self._look = look
        self._ended: dict[str, RunView] = {}
        self._stages: dict[str, Stage] = {}
        self._written = ""

    def moves(self, run: str, stage: Stage) -> bool:
        """Whether a run is in another stage than when this was asked last."""
        before, self._stages[run] = self._stages.get(run), stage
        return before is not stage

    async def write(self, runs: Sequence[str]) -> None:
        """Write the list of these runs, the newest first. What has ended is looked at once."""
        views = []
        for run in runs[:LISTED_MAX]:
            seen = self._ended.get(run) or await self._look(run)
            if seen.stage in ENDS and not seen.at_work:
                self._ended[run] = seen
            else:
                self._ended.pop(run, None)
            views.append(seen)
        text = markdown(listed(views))
        if text == self._written:
            return
        try:
            await asyncio.to_thread(write, self._workspace, self._workspace / ".wainwright" / RUNS, text)
            self._written = text
        except (OSError, WorkspaceError) as error:
            log.warning("documents.not_written", path=RUNS, reason=str(error))
