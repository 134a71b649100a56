"""Which model is asked, for somebody who has none yet: the key of a provider, or a server of their own."""

import asyncio
from collections.abc import Callable

from wainwright.domain.errors import InputError
from wainwright.domain.goal import Fact
from wainwright.engine.parts import EngineParts
from wainwright.engine.trusting import Trusting
from wainwright.models.defaults import HOW_TO_SET, TABLE
from wainwright.secrets import keep_key, key_name
from wainwright.settings import Candidate
from wainwright.settings_files import keep_default_model

_CALLED = {
    "anthropic": "Anthropic",
    "openai": "OpenAI",
    "gemini": "Google",
    "groq": "Groq",
    "openrouter": "OpenRouter",
}
"""The providers that a person is offered; of all others a key can be set with ``wainwright keys set``."""


class Provider(Fact):
    """A provider of models."""

    called: str
    key: str
    """The variable that its key is called after."""
    model: str
    """What is asked for most roles."""


class Equipping:
    """Keeps what a person says of models where it belongs, and has it hold at once."""

    def __init__(self, parts: EngineParts, trusting: Trusting, at_work: Callable[[], bool]) -> None:
        self._parts = parts
        self._trusting = trusting
        self._at_work = at_work

    def require(self) -> None:
        """Raise InputError where there is no model to ask, with the ways to set one."""
        models = self._parts.settings.models
        if not models.everyone() and models.cassette is None:
            raise InputError("Nothing has begun: no model is set.", HOW_TO_SET)

    def providers(self) -> tuple[Provider, ...]:
        """Those that a person is offered."""
        rows = {Candidate(model=line.usual).provider: line for line in TABLE}
        found = [(called, Candidate(model=rows[name].usual)) for name, called in _CALLED.items()]
        return tuple(
            Provider(called=called, key=key_name(one) or "", model=one.model) for called, one in found
        )

    async def keep_key(self, name: str, value: str) -> str:
        """Keep a provider's key in the keyring, else in the credentials file; what is asked now, in a sentence.

        Raises InputError where it cannot be kept.
        """
        if not value:
            raise InputError(f"No value was given for {name}; nothing has changed.", "Type or paste it.")
        self._parts.redactor.learn((value,))
        place = await asyncio.to_thread(keep_key, name, value)
        return f"{name} is in the {place.removesuffix('.toml')}. {await self._asked()}"

    async def keep_server(self, address: str, model: str) -> str:
        """Write down a server of the person's own that is asked as OpenAI is; what is asked now, in a sentence.

        Raises InputError for an address or a model that is none, and where another one is written down already.
        """
        path = await asyncio.to_thread(keep_default_model, f"openai/{model}", address)
        return f"{path} names it. {await self._asked()}"

    async def _asked(self) -> str:
        if self._at_work():
            return "It holds once the runs at work have ended and every window of this folder was closed."
        await self._trusting.equip_anew()
        models = self._parts.settings.models.default
        return (
            f"{models[0].model} is asked from now on." if models else "It holds once this folder is trusted."
        )
