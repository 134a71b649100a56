"""Sets up places of work: a tree of a commit, seen by commands at the workspace's own path."""

import asyncio
import shlex
from collections.abc import Sequence
from pathlib import Path

from wainwright.domain.errors import SandboxError
from wainwright.domain.evidence import Receipt
from wainwright.domain.state import RunState
from wainwright.engine.parts import House
from wainwright.sandbox.protocol import View
from wainwright.tools import receipts
from wainwright.tools.toolbox import Desk
from wainwright.workspace import context
from wainwright.workspace.index import Look
from wainwright.workspace.native.ranking import Moment
from wainwright.workspace.threads import finish_in_thread


class Desks:
    """Makes desks and takes receipts for the runs of one workspace."""

    def __init__(self, house: House) -> None:
        self._house = house

    async def view(self, state: RunState, name: str, commit: str) -> View:
        """A fresh tree of a commit, at the workspace's own path, with its dependency folders beneath."""
        tree = await finish_in_thread(self._house.repository.clone, state.run, name, commit)
        return await self._see(tree)

    async def _see(self, tree: Path, cache: Path | None = None) -> View:
        dependencies = await asyncio.to_thread(self._house.repository.dependencies)
        if cache is not None:
            await asyncio.to_thread(cache.mkdir, parents=True, exist_ok=True, mode=0o700)
        return View(
            tree=tree,
            at=self._house.workspace,
            beneath=tuple(Path(d) for d in dependencies),
            dependencies_from=self._house.workspace,
            cache=cache,
        )

    def _cache(self, state: RunState, whose: str) -> Path:
        """Agents have caches of their own: what they leave there must not colour a receipt."""
        return self._house.state / "caches" / state.run / whose

    async def reading(self, state: RunState, name: str, commit: str) -> Desk:
        """A desk where an agent can look and not write."""
        return await self._desk(state, name, commit, writable=False)

    async def writing(
        self,
        state: RunState,
        name: str,
        commit: str,
        *,
        write_set: tuple[str, ...],
        claimed: tuple[str, ...] = (),
        read_only: frozenset[str] = frozenset(),
    ) -> Desk:
        """A desk with a tree to change."""
        desk = await self._desk(state, name, commit, writable=True)
        desk.write_set, desk.claimed, desk.read_only = write_set, claimed, read_only
        return desk

    async def _desk(self, state: RunState, name: str, commit: str, *, writable: bool) -> Desk:
        house = self._house
        tree = await finish_in_thread(house.repository.clone, state.run, name, commit)
        return Desk(
            tree=tree,
            began_at=commit,
            tree_at=commit,
            expected_at=commit,
            ref=f"{state.run}/{name}",
            repository=house.repository,
            view=await self._see(tree, self._cache(state, name)),
            sandbox=house.sandbox,
            redactor=house.redactor,
            indexes=house.indexes,
            test_command=state.test_command,
            test_timeout_s=house.settings.test.timeout_s,
            writable=writable,
        )

    async def shown(self, state: RunState, desk: Desk, about: str, write_set: Sequence[str] = ()) -> str:
        """Show a desk's tree in Markdown, looked through for what the words speak ``about``."""
        look = await self._house.indexes.at(desk.tree, parsed=False)
        return await asyncio.to_thread(self._shown, look, state, about, write_set)

    def _shown(self, look: Look, state: RunState, about: str, write_set: Sequence[str]) -> str:
        tip = state.base or ""
        if tip and not look.ranker.knows(tip):
            look.ranker.read_history(self._house.repository.history(tip))
        # What the person pointed at says where their goal lies, and nothing of a task's.
        moment = _moment(state) if about == state.goal.text else None
        return context.workspace(look, about, write_set, tip=tip, moment=moment)

    async def receipt(self, state: RunState, name: str, commit: str, command: str) -> Receipt:
        """Run a shell line on a fresh tree of a commit and record how it ended."""
        house = self._house
        if house.sandbox is None:
            raise SandboxError(f"No command can be run: {house.sandbox_reason}", "See `wainwright doctor`.")
        tree = await finish_in_thread(house.repository.clone, state.run, name, commit)
        view = await self._see(tree, self._cache(state, "receipts"))
        return await receipts.take(
            house.sandbox,
            view,
            command,
            tree=await asyncio.to_thread(house.repository.tree_of, commit),
            timeout_s=house.settings.test.timeout_s,
            redactor=house.redactor,
        )

    async def command(self, state: RunState, name: str, commit: str, words: tuple[str, ...]) -> Receipt:
        """The same for a list of words."""
        return await self.receipt(state, name, commit, shlex.join(words))


def _moment(state: RunState) -> Moment:
    """Where the person stood when they asked, and what they had not saved."""
    place = state.goal.place
    unsaved = tuple(sorted(state.overlay))
    if place is None:
        return Moment(open=unsaved)
    return Moment(
        open=unsaved,
        cursor=(place.path, place.first_line or 1),
        diagnostics=tuple((place.path, said) for said in place.diagnostics),
        selection=place.text,
    )
