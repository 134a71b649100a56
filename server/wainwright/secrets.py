"""Secrets: where keys come from, and how they are kept out of everything that is stored or shown.

Keys come from the environment or from ``credentials.toml`` in the user's configuration directory, never
from a workspace. They go to the model gateway and nowhere else; a ``Redactor`` masks them in any text on its
way to disk or to a screen.
"""

import base64
import os
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

from wainwright.domain.errors import InputError
from wainwright.settings import Candidate, config_dir

CREDENTIALS_FILE = "credentials.toml"
DUMMY_KEY = "no-key-needed"
MASK = "[secret]"

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
_SHORTEST_SECRET = 6
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?!-----END)[\s\S])*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
    r"|(?<![A-Za-z0-9])(?:"
    r"sk-(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}"
    r"|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{20,}"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{35}|gsk_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|hf_[A-Za-z0-9]{20,}|npm_[A-Za-z0-9]{30,}"
    r")"
)


def key_name(candidate: Candidate) -> str | None:
    """The variable that holds the candidate's key, or None for a provider that usually needs none."""
    return candidate.api_key_env or _USUAL_KEY.get(candidate.provider)


def resolve_keys(candidates: Iterable[Candidate]) -> dict[str, str]:
    """The keys that ``candidates`` can use, by variable name; what is set nowhere is left out.

    The environment goes before the credentials file. Raises ``InputError`` when that file is readable by
    others or is not a flat table of strings.
    """
    wanted = {name for candidate in candidates if (name := key_name(candidate))}
    found = {name: value for name in wanted if (value := os.environ.get(name, "").strip())}
    if wanted - found.keys():
        stored = _stored(config_dir() / CREDENTIALS_FILE)
        found |= {name: stored[name] for name in wanted - found.keys() if name in stored}
    return found


def key_for(candidate: Candidate, keys: dict[str, str]) -> str | None:
    """The key to send for ``candidate``, or None.

    A server of the user's own usually asks for no key, yet client libraries insist on one: it gets a dummy.
    """
    found = keys.get(key_name(candidate) or "")
    return found or (DUMMY_KEY if candidate.api_base else None)


def _stored(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            if mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise InputError(f"{path} can be read by others.", f"Run: chmod 600 {path}")
            values = tomllib.load(file)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror}).", "Make it readable or remove it."
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The parser's message may quote the line, and the line may hold a key.
        raise InputError(f"{path}: is not TOML.", 'Write lines such as OPENAI_API_KEY = "..."') from error
    if not all(isinstance(value, str) for value in values.values()):
        raise InputError(
            f"{path}: every value must be a string.", 'Write lines such as OPENAI_API_KEY = "..."'
        )
    return {name: value.strip() for name, value in values.items() if value.strip()}


class Redactor:
    """Masks secrets in text: the given values, their usual encodings, and whatever has the shape of a key."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        forms = {form for value in values if _is_secret(value) for form in _forms(value)}
        longest_first = sorted(forms, key=lambda form: (-len(form), form))
        self._known = re.compile("|".join(map(re.escape, longest_first))) if forms else None

    def redact(self, text: str) -> str:
        """``text`` with every secret replaced by a mask. Redacting twice changes nothing."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        return _SHAPES.sub(MASK, text)


def _is_secret(value: str) -> bool:
    return len(value) >= _SHORTEST_SECRET and value != DUMMY_KEY


def _forms(value: str) -> Iterator[str]:
    """The value as it is, and as it looks inside URLs, JSON strings and base64 text."""
    yield value
    yield quote(value, safe="")
    yield quote_plus(value)
    yield value.replace("\\", "\\\\").replace('"', '\\"')
    raw = value.encode()
    for shift in range(3):
        # Base64 works on groups of three bytes: what stands before the secret shifts it, and the characters
        # at both ends also depend on the neighbours, so only the middle is certain.
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        middle = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        if len(middle) >= _SHORTEST_SECRET:
            yield middle
            yield middle.replace("+", "-").replace("/", "_")
