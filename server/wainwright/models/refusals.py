"""Why a provider refused a request, read from its own words: asking otherwise mends three kinds."""

import re
from typing import Literal

_TOO_LONG = re.compile(
    r"context_length_exceeded|maximum context length|input token count|reduce (?:the|your) (?:length|message|prompt)"
    r"|context (?:length|window|size)[^.]{0,40}(?:exceed|too (?:long|large)|surpass|over)"
    r"|exceed[^.]{0,60}(?:context|token limit|maximum (?:input|prompt|number of tokens|length))"
    r"|(?:prompt|input|conversation|messages?)(?: is| are)? too long|too many (?:input )?tokens"
    r"|request too large for model",
    re.IGNORECASE,
)
_TOOLS = r"(?:tools?|functions?|(?:tool|function)[ _-](?:use|calls?|calling|choice))\b"
_NO_TOOLS = re.compile(
    rf"{_TOOLS}[^.]{{0,60}}(?:not|n't|un)[ -]?(?:be )?(?:support|enabled|allowed|permitted|available|recogni[sz]ed)"
    rf"|(?:not|n't|cannot|no endpoints)[^.]{{0,30}}support[^.]{{0,30}}{_TOOLS}"
    rf"|requires --(?:enable-auto-tool-choice|jinja)"
    rf"|(?:unrecogni[sz]ed|unknown|unexpected|extra)[^.]{{0,40}}\b(?:tools|functions)\b",
    re.IGNORECASE,
)
_NO_SCHEMA = re.compile(
    r"response[ _-]?(?:format|(?:json_?)?schema|mime ?_?type)|json[ _-]?schema|structured[ _-]outputs?"
    r"|output_(?:format|config)",
    re.IGNORECASE,
)
_WINDOW = re.compile(
    r"(?:maximum context length|context (?:size|length|window|limit)|maximum|limit|allowed)\D{0,24}(\d{3,9})"
    r"|(\d{3,9})(?: tokens?)? (?:maximum|max\b|limit)",
    re.IGNORECASE,
)
_OUTPUT = re.compile(
    r"max(?:_completion|_output)?_tokens[^.]{0,60}(?:too large|exceed|must be|valid range|> ?\d|at most|maximum)"
    r"|at most \d+ (?:completion|output) tokens",
    re.IGNORECASE,
)
_LEAST_OUTPUT = 16
"""Tokens; a smaller number in such a refusal is none of them."""
_NUMBER = re.compile(r"(?<![\w-])\d{3,9}(?![\w-])")
_FAR_PAST = 20
"""How many times a window a number can be, and still be of tokens that were sent."""


def mendable(
    status: int, told: str, *, schema: bool = False
) -> Literal["context_too_long", "tools_refused", "schema_refused"] | None:
    """What a request with an error status would have to be without, if the provider says one of these.

    ``schema``: it had one of the answer. Where that does not go with tools, the tools are kept.
    """
    if status not in (400, 404, 413, 415, 422, 500, 501):
        return None
    if _TOO_LONG.search(told) or _OUTPUT.search(told):
        return "context_too_long"
    if schema and _NO_SCHEMA.search(told):
        return "schema_refused"
    return "tools_refused" if _NO_TOOLS.search(told) else None


def told_output(told: str) -> int | None:
    """How many tokens a reply may have at most, where more were asked for; None where it was not that."""
    if not _OUTPUT.search(told) or _WINDOW.search(told):
        return None
    numbers = [int(one) for one in re.findall(r"(?<![\w-])\d{2,9}(?![\w-])", told)]
    return min((one for one in numbers if one >= _LEAST_OUTPUT), default=None)


def told_window(told: str) -> tuple[int | None, int | None]:
    """How many tokens there may be at most, and how many there were, as far as a provider says so."""
    told = re.sub(r"(?<=\d)[,_](?=\d{3}\b)", "", told)
    found = _WINDOW.search(told)
    if found is None:
        return None, None
    window = int(found[1] or found[2])
    more = [int(one) for one in _NUMBER.findall(told)]
    return window, max((one for one in more if window < one < _FAR_PAST * window), default=None)
