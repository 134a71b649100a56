"""How something is said to an agent: what it reads has nothing in it that a person would not see there too."""

from wainwright.domain.shown import for_model
from wainwright.models.client import Message, Text


def message(role: str, text: str, **more: object) -> Message:
    """A message of a conversation."""
    return Message.model_validate({"role": role, "content": seen(text), **more})


def say(messages: list[Message], text: str) -> None:
    """Say something that is no observation: behind what was told since the last reply, in the same message.

    Strict servers take neither a word of the person's behind a tool's, nor two in a row. What was told before stays
    as it is, part by part.
    """
    last = messages[-1]
    if last.role == "assistant":
        messages.append(message("user", text))
        return
    *kept, newest = last.content or (Text(text=""),)
    if not isinstance(newest, Text):
        kept, newest = [*kept, newest], Text(text="")
    more = Text(text=f"{newest.text}\n\n{seen(text)}")
    messages[-1] = last.model_copy(update={"content": (*kept, more)})


def seen(text: str) -> str:
    """What an agent is told, without anything that a person who looks at the same would not see."""
    told, hidden = for_model(text)
    if not hidden:
        return told
    body = told.rstrip("\n")
    were = "1 character that nobody sees is" if hidden == 1 else f"{hidden} characters that nobody sees are"
    return f"{body}\n({were} spelled in this, such as \\u202e; quote them so.){told[len(body) :]}"
