"""Which models are asked where a person has set a provider's key and no model.

One provider is taken: the first of the table whose key is set. Names and prices are those of LiteLLM's own list. A
row gives what most roles ask, what roles ask that only write down what is so, and what is asked when the first fails
at its task.

OpenRouter's prices are not in that list, and differ by who serves a model: its row has prices of its own, which are
those of the maker, and OpenRouter is held to them with each call.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from wainwright.domain.goal import Role
from wainwright.secrets import key_name, known_keys
from wainwright.settings import Candidate, Settings

HOW_TO_SET = (
    "Choose one: --model provider/model, or `default` under [models] in your config.toml; or set a provider's key, "
    "such as ANTHROPIC_API_KEY: then its usual models are asked. `wainwright doctor` tells where both are looked for."
)
"""What a person does who has no model yet."""
LIGHT_ROLES = ("deployer", "monitor")
MAX_OUTPUT_TOKENS = 16_384
"""Enough for a file and what a model thinks before it: hidden reasoning counts as output."""


@dataclass(frozen=True)
class Line:
    """The models of one provider, as LiteLLM spells them."""

    usual: str
    light: str
    stronger: str
    held_to: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """The most that a million tokens of input and of output may cost, by model, where LiteLLM knows no price."""


TABLE = (
    Line("anthropic/claude-sonnet-5-5", "anthropic/claude-haiku-5-5", "anthropic/claude-opus-5-5"),
    Line("openai/gpt-6.1-sol", "openai/gpt-6-luna", "openai/gpt-6-astra"),
    Line("gemini/gemini-3.8-flash", "gemini/gemini-3.5-flash-lite", "gemini/gemini-3.1-pro-preview"),
    Line("xai/grok-4.7", "xai/grok-code-fast-1", "xai/grok-4.7"),
    Line("mistral/devstral-latest", "mistral/devstral-small-latest", "mistral/mistral-medium-latest"),
    Line("deepseek/deepseek-v4-pro", "deepseek/deepseek-v4-flash", "deepseek/deepseek-v4-pro"),
    Line("moonshot/kimi-k2.7-code", "moonshot/kimi-k2.5", "moonshot/kimi-k3"),
    Line(
        "together_ai/zai-org/GLM-5.3", "together_ai/zai-org/GLM-5.3-Flash", "together_ai/moonshotai/Kimi-K3"
    ),
    Line(
        "fireworks_ai/accounts/fireworks/models/glm-5p3",
        "fireworks_ai/accounts/fireworks/models/glm-5p3-flash",
        "fireworks_ai/accounts/fireworks/models/kimi-k3",
    ),
    Line("groq/openai/gpt-oss-120b", "groq/openai/gpt-oss-20b", "groq/openai/gpt-oss-120b"),
    Line("cerebras/gpt-oss-120b", "cerebras/gpt-oss-120b", "cerebras/gpt-oss-120b"),
    Line(
        "openrouter/openai/gpt-6.1-sol",
        "openrouter/openai/gpt-6-luna",
        "openrouter/openai/gpt-6-astra",
        held_to={
            "openrouter/openai/gpt-6.1-sol": (2.5, 10.0),
            "openrouter/openai/gpt-6-luna": (0.125, 0.5),
            "openrouter/openai/gpt-6-astra": (12.5, 50.0),
        },
    ),
)
ONE_PRICE_TOKENS = 272_000
"""As long as a call may be for the prices above to hold; longer ones are dearer."""


def with_defaults(settings: Settings) -> Settings:
    """``settings``, with models of the first provider whose key is set where none are and no recording stands in.

    Reads files. Raises InputError when the credentials cannot be used.
    """
    models = settings.models
    if models.default or models.cassette:
        return settings
    lines = {key_name(Candidate(model=line.usual)): line for line in TABLE}
    keys = known_keys(settings, frozenset(name for name in lines if name))
    found = next((line for name, line in lines.items() if name in keys), None)
    if found is None:
        return settings
    light = {role: (_candidate(found, found.light),) for role in LIGHT_ROLES}
    filled = {
        "default": (_candidate(found, found.usual),),
        "roles": light | models.roles,
        "stronger": models.stronger or (_candidate(found, found.stronger),),
    }
    return settings.model_copy(update={"models": models.model_copy(update=filled)})


def explained(typed: Settings, filled: Settings) -> dict[str, str]:
    """By role, and for ``stronger``: which models are asked in which order, and why these."""
    told = {}
    for role in get_args(Role):
        candidates = filled.models.of(role)
        if role in typed.models.roles:
            why = f"set for this role, [models.roles] {role}"
        elif typed.models.default:
            why = "set for every role, [models] default"
        else:
            why = _because(candidates)
        told[role] = f"{_names(candidates)} ({why})"
    if filled.models.stronger:
        why = "[models] stronger" if typed.models.stronger else _because(filled.models.stronger)
        told["the stronger rung"] = f"{_names(filled.models.stronger)} ({why})"
    return told


def _because(candidates: tuple[Candidate, ...]) -> str:
    return f"{key_name(candidates[0])} is set, and no model" if candidates else "nothing is set"


def _names(candidates: tuple[Candidate, ...]) -> str:
    return ", then ".join(one.model for one in candidates) or "none"


def _candidate(line: Line, model: str) -> Candidate:
    plain = Candidate(model=model, max_output_tokens=MAX_OUTPUT_TOKENS)
    if model not in line.held_to:
        return plain
    asked, answered = line.held_to[model]
    price = {"input_usd_per_mtok": asked, "output_usd_per_mtok": answered}
    return plain.model_copy(update={**price, "context_tokens": ONE_PRICE_TOKENS})
