"""The keys of providers: what they are called, and where they come from."""

import os
from collections.abc import Iterable, Mapping

import structlog

from wainwright.domain.errors import InputError
from wainwright.secrets.os_keyring import OsKeyring
from wainwright.secrets.redactor import DUMMY_KEY, Redactor
from wainwright.secrets.sources import CredentialsFile, Environment, Source
from wainwright.secrets.vault import TOKEN, Vault, token
from wainwright.settings import Candidate, Settings

log = structlog.get_logger()

SIGNING_KEY = "WAINWRIGHT_SIGNING_KEY"
"""What delivered commits are signed with. It never goes to the gateway."""
_USUAL_KEY = {
    "anthropic": "ANTHROPIC_API_KEY",
    "cerebras": "CEREBRAS_API_KEY",
    "cohere": "COHERE_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
    "fireworks_ai": "FIREWORKS_API_KEY",
    "gemini": "GEMINI_API_KEY",
    "groq": "GROQ_API_KEY",
    "huggingface": "HF_TOKEN",
    "mistral": "MISTRAL_API_KEY",
    "moonshot": "MOONSHOT_API_KEY",
    "nvidia_nim": "NVIDIA_NIM_API_KEY",
    "openai": "OPENAI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "perplexity": "PERPLEXITYAI_API_KEY",
    "together_ai": "TOGETHERAI_API_KEY",
    "xai": "XAI_API_KEY",
}


def sources(settings: Settings) -> tuple[Source, ...]:
    """Where keys may be, in the order in which they are asked: from the cheapest to the dearest."""
    return (Environment(), CredentialsFile(), OsKeyring(), Vault(settings.vault))


def key_name(candidate: Candidate) -> str | None:
    """The variable that holds the candidate's key, or None for a provider that usually needs none."""
    return candidate.api_key_env or _USUAL_KEY.get(candidate.provider)


def key_for(candidate: Candidate, keys: Mapping[str, str]) -> str | None:
    """The key to send for ``candidate``, or None.

    A server of the user's own usually asks for no key, yet client libraries insist on one: it gets a dummy.
    """
    found = keys.get(key_name(candidate) or "")
    return found or (DUMMY_KEY if candidate.api_base else None)


def resolve_keys(settings: Settings, redactor: Redactor | None = None) -> dict[str, str]:
    """The keys that the candidates can use, by variable name; what is set nowhere is left out.

    A source is asked for what no earlier one has. ``redactor`` learns all of them, and what opened their sources.
    Raises ``InputError`` when a source that is asked cannot be used as it is.
    """
    found = _found(names_wanted(settings), sources(settings))
    if redactor is not None:
        redactor.learn((*found.values(), token() if settings.vault.url else ""))
    return found


def signing_key(settings: Settings) -> str:
    """The key to sign with, of the first source that has one; empty where none has. Raises ``InputError``."""
    return _found(frozenset({SIGNING_KEY}), sources(settings)).get(SIGNING_KEY, "")


def secrets_at_hand(settings: Settings) -> tuple[str, ...]:
    """What has to be masked from the start: keys for which no other program is asked. Raises ``InputError``."""
    here = [source for source in sources(settings) if not source.elsewhere]
    return (*_found(names_wanted(settings) | {SIGNING_KEY}, here).values(), os.environ.get(TOKEN, ""))


def _found(names: frozenset[str], asked: Iterable[Source]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in asked:
        if missing := names - found.keys():
            found |= source.find(missing)
    return found


def keep_key(name: str, value: str) -> str:
    """Keep a key in the keyring, or where there is none in the credentials file; the name of the place.

    Raises ``InputError`` where neither can be used.
    """
    place = CredentialsFile() if OsKeyring().missing() else OsKeyring()
    place.put(name, value)
    return place.name


def known_keys(settings: Settings, names: frozenset[str]) -> frozenset[str]:
    """Which of ``names`` are set somewhere. Other programs are asked only where none is at hand.

    One that is out of order has none. Raises ``InputError`` when the credentials file cannot be used.
    """
    asked = sources(settings)
    at_hand = [source.find(names).keys() for source in asked if not source.elsewhere]
    if known := frozenset(name for keys in at_hand for name in keys):
        return known
    for source in asked:
        if source.elsewhere:
            try:
                known = names & source.names()
            except InputError as error:
                log.info("keys.not_asked", source=source.name, reason=error.message)
                continue
            if known:
                return known
    return frozenset()


def whereabouts(settings: Settings) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Which sources have a key, the one that holds first, by the name of the key; and what is wrong with any source.

    No value of any key is told.
    """
    usable, wrong = [], []
    for source in sources(settings):
        try:
            usable.append((source, source.names()))
        except InputError as error:
            wrong.append(str(error))
    names = names_wanted(settings).union({SIGNING_KEY}, _USUAL_KEY.values(), *(own for _, own in usable))
    has = {source.name: source.find(names).keys() for source, _ in usable}
    told = {name: tuple(one for one, keys in has.items() if name in keys) for name in sorted(names)}
    return {name: at for name, at in told.items() if at or name in names_wanted(settings)}, tuple(wrong)


def names_wanted(settings: Settings) -> frozenset[str]:
    """The names of the keys that the candidates ask for."""
    return frozenset(name for one in settings.models.everyone() if (name := key_name(one)))
