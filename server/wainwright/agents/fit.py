"""Makes a conversation fit into what is sent: what is old is shortened first, seldom, and then far."""

from collections.abc import Sequence

from wainwright.domain.text import cut
from wainwright.models.client import Message, Text

CONTEXT_MAX = 360_000
"""Characters of one conversation that are sent; older observations are shortened first."""
_AFTER = 0.6
"""How much of that is left once something had to be shortened: what follows is a longer and longer same beginning."""


def fit(messages: Sequence[Message], limit: int = CONTEXT_MAX) -> list[Message]:
    """The conversation within a number of characters: old observations are shortened, oldest first.

    If that is not enough, old replies are too, and then the newest messages; never the first ones. What is shortened
    depends on the messages alone, so that a resumed agent asks the same again, and stays as it is for many turns:
    what was sent before is the beginning of what is sent now, but for the few times when the limit is reached.
    """
    fitted: list[Message] = []
    total = 0
    for message in messages:
        if message.role == "assistant" and total > limit:
            # This is what was asked before that reply.
            total = _shorten(fitted, total, limit)
        fitted.append(message)
        total += len(message.text)
    if total > limit:
        _shorten(fitted, total, limit)
    return fitted


def _shorten(messages: list[Message], total: int, limit: int) -> int:
    """Shorten in place; old ones far below the limit, the newest only as far as has to be. What is left of them."""
    recent = max(2, len(messages) - 6)
    old = [at for at in range(2, recent) if messages[at].role != "assistant"]
    own = [at for at in range(2, recent) if messages[at].role == "assistant"]
    for at in (*old, *own, *range(recent, len(messages))):
        message = messages[at]
        if total <= (_AFTER * limit if at < recent else limit):
            continue
        if len(message.text) > 400:
            short = cut(message.text, 200)
            total -= len(message.text) - len(short)
            messages[at] = message.model_copy(update={"content": (Text(text=short),)})
    return total
