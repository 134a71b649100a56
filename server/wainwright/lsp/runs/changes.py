"""The change of a run, or a part of it: put into the editor once more, and taken out of it again."""

from typing import TYPE_CHECKING, Literal

from wainwright.domain.errors import InputError, WainwrightError
from wainwright.domain.shown import in_line
from wainwright.lsp.edits.delivery import Delivery
from wainwright.lsp.messages import EditBegun, PartArguments

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine

RECENT = 20
"""How many of the newest runs are looked at for the one that is meant, and when the server starts."""


class Changes:
    """Changes of runs, as the editor has them. The commands answer at once; what comes of them is told later."""

    def __init__(self, engine: "Engine", delivery: Delivery) -> None:
        self._engine = engine
        self._delivery = delivery

    async def apply(self, asked: PartArguments) -> EditBegun:
        """Begin to offer the change of a run, or a part of it, to the editor once more."""
        run = asked.run
        if asked.hunks:
            return await self._turn(asked, "apply")
        if run is None:
            views = await self._engine.runs(RECENT)
            run = next((v.run for v in views if v.branch or v.patch or v.editor != "absent"), None)
        name, changeset = await self._engine.delivered(run)
        files = tuple(file for file in changeset.files if asked.file in ("", file.path))
        if not files:
            raise InputError(f"Run {name} did not change {asked.file}.", "Its branch has what it changed.")
        work = self._delivery.offer_asked(name, changeset.model_copy(update={"files": files}))
        return self._delivery.begin(name, "apply", work, self._engine.following.edited, asked.file)

    async def revert(self, asked: PartArguments) -> EditBegun:
        """Begin to take back what a run changed; without a run, the newest change that can be taken back."""
        run = asked.run
        if asked.hunks:
            return await self._turn(asked, "revert")
        views = await self._engine.runs(RECENT) if run is None else [await self._engine.view(run)]
        for view in views:
            if await self._delivery.can_revert(view.run, asked.file):
                work = self._delivery.revert(view.run, asked.file)
                return self._delivery.begin(
                    view.run, "revert", work, self._engine.following.edited, asked.file
                )
        what = "Nothing" if run is None else f"Nothing of run {views[0].run}"
        where = f"in {in_line(asked.file)}" if asked.file else "here"
        raise InputError(f"{what} was applied {where}.", "There is nothing to take back.")

    async def _turn(self, asked: PartArguments, kind: Literal["apply", "revert"]) -> EditBegun:
        """Begin to take hunks of a change back, or to put them in again."""
        run = await self._engine.named(asked.run)
        texts = await self._engine.hunks.texts(run, asked.hunks, asked.file)
        if kind == "apply":
            texts = tuple(one.model_copy(update={"before": one.after, "after": one.before}) for one in texts)
        named = f"hunk {', '.join(map(str, asked.hunks))}"
        return self._delivery.begin(
            run, kind, self._delivery.turn(run, texts), self._engine.following.edited, named
        )

    async def files(self, run: str) -> int:
        """How many files the change of a run has."""
        try:
            return len((await self._engine.delivered(run))[1].files)
        except WainwrightError:
            return 0
