"""Makes a conversation fit into what is sent: what is old is shortened first, seldom, and then far.

`fit` knows characters alone. A `Room` knows how many of them one model takes: its window in tokens, as far as anybody
knows it, and how many characters a token of it has, by what the provider counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from wainwright.domain.marks import shortened
from wainwright.models.client import Message, ModelRequest, Text
from wainwright.models.refusals import told_output, told_window

CONTEXT_MAX = 360_000
"""Characters of one conversation that are sent to any model: more costs more than it is worth."""
_AFTER = 0.6
"""How much of that is left once something had to be shortened: what follows is a longer and longer same beginning."""
PER_TOKEN = 2.5
"""Characters of a token as long as nothing was counted: code and prose have more, other scripts fewer."""
_SHORTENED = 200
_MARGIN = 0.9
_OUTPUT = 4
"""At most this part of a window is kept for the reply."""
_COUNTED = 300
"""Tokens from which on a count says something about the text."""
_FEWEST, _MOST = 0.25, 6.0
"""Between these a figure of characters per token can be true."""


def fit(messages: Sequence[Message], limit: int = CONTEXT_MAX) -> list[Message]:
    """The conversation within a number of characters: old observations are shortened, oldest first.

    If that is not enough, old replies are too, then what was said to them, then the newest messages, and last of all
    the middle parts of the first one, which are of files. What is shortened depends on the messages and the limit
    alone, so that a resumed agent asks the same again, and stays as it is for many turns: what was sent before is the
    beginning of what is sent now, but for the few times when the limit is reached.
    """
    fitted: list[Message] = []
    total = 0
    for message in messages:
        if message.role == "assistant" and total > limit:
            # This is what was asked before that reply.
            total = _shorten(fitted, total, limit)
        fitted.append(message)
        total += length(message)
    if total > limit:
        _shorten(fitted, total, limit)
    return fitted


def length(message: Message) -> int:
    """Characters of a message, with what its calls say."""
    return len(message.text) + sum(len(one.name) + len(str(one.arguments)) for one in message.tool_calls)


def _shorten(messages: list[Message], total: int, limit: int) -> int:
    """Shorten in place; old ones far below the limit, the newest only as far as has to be. What is left of them."""
    recent = max(1, len(messages) - 6)
    old = [
        at for role in ("tool", "assistant", "user") for at in range(1, recent) if messages[at].role == role
    ]
    for at in (*old, *range(recent, len(messages))):
        message = messages[at]
        if total <= (_AFTER * limit if at < recent else limit):
            continue
        if len(message.text) > 2 * _SHORTENED:
            short = shortened(message.text, _SHORTENED)
            total -= len(message.text) - len(short)
            messages[at] = message.model_copy(update={"content": (Text(text=short),)})
    return _shorten_opening(messages, total, limit) if total > limit else total


def _shorten_opening(messages: list[Message], total: int, limit: int) -> int:
    """Cut what the first message shows, the longest part first: never what is asked, nor what the role is told."""
    parts = list(messages[0].content)
    texts = {at: part.text for at, part in enumerate(parts[1:-1], 1) if part.kind == "text"}
    for at in sorted(texts, key=lambda one: -len(texts[one])):
        if total <= limit:
            break
        kept = max(2 * _SHORTENED, len(texts[at]) - (total - limit) - 100)
        short = shortened(texts[at], kept) + "\n\n"
        if len(short) < len(texts[at]):
            total -= len(texts[at]) - len(short)
            parts[at] = Text(text=short)
    messages[0] = messages[0].model_copy(update={"content": tuple(parts)})
    return total


@dataclass
class Room:
    """What one model takes in one call."""

    window: int | None = None
    """Tokens of its context, if anybody knows."""
    seen: float | None = None
    """The fewest characters for a token that the provider counted so far."""
    most: int = CONTEXT_MAX
    """Characters that it takes, as it turned out."""
    output: int | None = None
    """Tokens that a reply may have, as it turned out."""

    def fitted(self, request: ModelRequest, output: int) -> ModelRequest:
        """The request within the window, with room for a reply of ``output`` tokens, or of what there can be."""
        answer = request.max_output_tokens or output
        if self.window is not None:
            answer = max(1, min(answer, self.window // _OUTPUT))
        if self.output is not None:
            answer = min(answer, self.output)
        tools = sum(len(tool.as_json) for tool in request.tools)
        most = self.most
        if self.window is not None:
            most = min(most, int((self.window - answer) * self.per_token))
        messages = tuple(fit(request.messages, max(0, most - tools)))
        changed: dict[str, object] = {} if messages == request.messages else {"messages": messages}
        if answer < (request.max_output_tokens or output):
            changed["max_output_tokens"] = answer
        return request.model_copy(update=changed) if changed else request

    @property
    def per_token(self) -> float:
        """Characters of a token, on the safe side; in steps, since each change shortens another conversation."""
        if self.seen is None:
            return PER_TOKEN
        safe = self.seen * _MARGIN
        return int(safe * 2) / 2 if safe >= 1 else max(_FEWEST, safe)

    def learn(self, request: ModelRequest, counted: int) -> None:
        """Take in how many tokens the provider counted of a request."""
        figure = _length(request) / counted if counted >= _COUNTED else 0.0
        if _FEWEST <= figure <= _MOST:
            self.seen = figure if self.seen is None else min(self.seen, figure)

    def overflowed(self, request: ModelRequest, told: str) -> None:
        """Take in that a request was too long, and what the provider said of it."""
        if (most := told_output(told)) is not None:
            self.output = min(most, self.output or most)
            return
        (window, asked), before = told_window(told), self.window
        if window is not None:
            self.window = min(window, self.window or window)
        if window is not None and asked is not None:
            self.learn(request, asked)
            self.most = min(self.most, int(_length(request) * _MARGIN * window / asked))
        elif self.window == before:
            self.most = _length(request) // 2


def _length(request: ModelRequest) -> int:
    told = sum(length(message) for message in request.messages)
    return told + sum(len(tool.as_json) for tool in request.tools)
