"""What errors advise, in an editor: they name commands of the terminal, and most of these are commands here too."""

import re

_ADVISED = re.compile(r"`wainwright (?P<name>[a-z]+)(?P<rest>(?: [^`]*)?)`")
_HERE = frozenset(
    {"resume", "cancel", "show", "task", "note", "trust", "rewind", "stop", "review", "deploy", "hunk"}
)
"""Commands that have the same name in an editor."""


def in_editor(text: str) -> str:
    """The text with commands of the terminal as a person at an editor finds them; what has none is named as it is."""
    return _ADVISED.sub(_here, text).replace(", in an editor ", " with ")


def _here(found: re.Match[str]) -> str:
    name, rest = found["name"], found["rest"]
    if name == "runs":
        return "`.wainwright/runs.md`"
    if name == "replay":
        name = "fork" if "--fork" in rest else "rows" if "--events" in rest else "replay"
    elif name == "run":
        name = "start"
    elif name not in _HERE:
        return f"{found[0]} in a terminal"
    return f"`wainwright.{name}`"
