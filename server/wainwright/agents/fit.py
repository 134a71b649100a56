"""Makes a conversation fit into what is sent: what is old is shortened first."""

from collections.abc import Sequence

from wainwright.domain.text import cut
from wainwright.models.client import Message, Text

CONTEXT_MAX = 360_000
"""Characters of one conversation that are sent; older observations are shortened first."""


def fit(messages: Sequence[Message], limit: int = CONTEXT_MAX) -> list[Message]:
    """The conversation within a number of characters: old observations are shortened, oldest first.

    If that is not enough, old replies are too, and then the newest messages; never the first two. What is shortened
    depends on the messages alone, so that a resumed agent asks the same again.
    """
    total = sum(len(m.text) for m in messages)
    fitted = list(messages)
    recent = max(2, len(messages) - 6)
    old = [at for at in range(2, recent) if messages[at].role != "assistant"]
    own = [at for at in range(2, recent) if messages[at].role == "assistant"]
    for at in (*old, *own, *range(recent, len(messages))):
        message = messages[at]
        if total <= limit:
            break
        if len(message.text) > 400:
            short = cut(message.text, 200)
            total -= len(message.text) - len(short)
            fitted[at] = message.model_copy(update={"content": (Text(text=short),)})
    return fitted
