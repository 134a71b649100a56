"""Trust in the workspace: until a person gives it no run begins or goes on, and no key is read."""

import asyncio

from wainwright.domain.errors import NotTrusted
from wainwright.engine.parts import EngineParts


class Trusting:
    """Asked before each thing that would run something, or ask a model, in the workspace."""

    def __init__(self, parts: EngineParts) -> None:
        self._parts = parts
        self._equipping = asyncio.Lock()

    async def given(self) -> bool:
        """Whether work may be done here now. What is only read where it may, is read the first time that it may."""
        if not await asyncio.to_thread(self._parts.trust.given):
            return False
        async with self._equipping:
            if not self._parts.equipped:
                await self._equip()
        return True

    async def equip_anew(self) -> None:
        """Read settings and keys again where work may be done here; nothing may be at work meanwhile."""
        if await asyncio.to_thread(self._parts.trust.given):
            async with self._equipping:
                await self._equip()

    async def _equip(self) -> None:
        before, equip = self._parts.models, self._parts.equip
        if equip is None:
            return
        self._parts.settings, self._parts.models = await asyncio.to_thread(equip)
        self._parts.equipped = True
        self._parts.redactor = self._parts.models.redactor
        await before.close()

    async def require(self) -> None:
        """Raises NotTrusted where nobody has said that work may be done here."""
        if not await self.given():
            raise NotTrusted(
                f"Nobody has said yet that {self._parts.workspace} is trusted: nothing of it is run.",
                "Run `wainwright trust` in it, or wainwright.trust in the editor.",
            )

    async def remembered(self) -> bool:
        """Whether it is trusted from one start to the next."""
        return await asyncio.to_thread(self._parts.trust.remembered)

    async def give(self, by: str) -> None:
        """The person trusts the workspace from now on; ``by`` which door they said so."""
        await asyncio.to_thread(self._parts.journal.note, "trust given", by, {})
        await asyncio.to_thread(self._parts.trust.keep)

    async def revoke(self, by: str) -> None:
        """The person trusts it no more; a run at work goes on until somebody stops it."""
        await asyncio.to_thread(self._parts.trust.revoke)
        await asyncio.to_thread(self._parts.journal.note, "trust revoked", by, {})
