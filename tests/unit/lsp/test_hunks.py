"""Which run is meant by who names none."""

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from wainwright.domain.errors import InputError
from wainwright.domain.hunks import ChangeShown
from wainwright.lsp.hunk_messages import HunkArguments
from wainwright.lsp.runs.hunks import Hunks


class Engine:
    """Three runs, the newest first; of those that wait, the older one asks about its change."""

    def __init__(self) -> None:
        self.hunks = self
        self.workspace = Path("/shop")

    async def runs(self, _newest: int) -> list[SimpleNamespace]:
        waiting = (("ended", ""), ("plans", "gate"), ("shows", "gate"))
        return [SimpleNamespace(run=name, waiting=waits) for name, waits in waiting]

    async def named(self, run: str | None) -> str:
        return run or "ended"

    async def seen(self, run: str) -> SimpleNamespace:
        if run == "plans":
            raise InputError("It shows none.")
        return SimpleNamespace(asked=run == "shows")

    async def shown(self, run: str) -> ChangeShown:
        raise InputError(f"Run {run} shows no change.")

    async def explain(self, run: str, number: int) -> str:
        return f"Hunk {number} of {run}."


async def test_the_run_that_asks_about_its_change_is_meant() -> None:
    engine: Any = Engine()
    server: Any = SimpleNamespace(window_show_message=lambda _: None)
    board: Any = None
    hunks = Hunks(server, engine, board)
    assert (await hunks.explain(HunkArguments(hunk=2))).text == "Hunk 2 of shows."
    assert (await hunks.explain(HunkArguments(run="ended", hunk=2))).text == "Hunk 2 of ended."


async def test_a_change_that_is_not_shown_any_more_is_opened_as_a_document() -> None:
    engine: Any = Engine()
    begun: list[asyncio.Task[None]] = []
    server: Any = SimpleNamespace(
        profile=SimpleNamespace(changes=True), spawn=lambda work, _: begun.append(asyncio.create_task(work))
    )
    board: Any = None
    opened: list[str] = []
    Hunks(server, engine, board).open("built-again", Path("/shop/change.diff"), opened.append)
    await asyncio.gather(*begun)
    assert opened == ["file:///shop/change.diff"]
