"""What a person reads before a command is run: all of it to the letter, and where and in which fence it would run."""

import hashlib
import json
from collections.abc import Iterator, Sequence

from pydantic import JsonValue

from wainwright.domain.shown import in_line
from wainwright.domain.text import headline
from wainwright.domain.tiers import reach
from wainwright.tools.toolbox import Approval

SHOWN_WIDTH = 100
"""Characters of a line that a person is asked about, before it goes on in the next."""


def approval(
    commands: Sequence[str], *, why: str, where: str, tier: str, bound: Sequence[JsonValue], once: str
) -> Approval:
    """Ask whether commands may be run.

    ``bound``: what the yes is to, beside these words and this tier. ``once`` says that in a sentence.
    """
    digest = hashlib.sha256(json.dumps([*bound, *commands, tier]).encode()).hexdigest()
    network = "" if reach(tier) else "; without network either, so that it reaches nobody"
    first = next(line for line in "\n".join(commands).split("\n") if line.strip())
    shown = [
        *_to_the_letter(commands),
        f"Asked because: {in_line(why)}.",
        f"It would run in {in_line(where)}.",
        f"It stays in the fence ({tier}), without secrets{network}.",
        f"{once} ({digest[:12]}).",
    ]
    return Approval(f"Run `{in_line(headline(first, 60))}`?", "\n".join(shown), digest)


def _to_the_letter(commands: Sequence[str]) -> Iterator[str]:
    """Commands in full length: line by line, none so long that its end is out of sight."""
    for number, command in enumerate(commands, start=1):
        parts = [in_line(part) for part in command.split("\n")]
        spelled = "; what nobody sees in it is spelled" if "\n".join(parts) != command else ""
        which = f"Command {number} of {len(commands)}" if len(commands) > 1 else "The command"
        lines = "1 line" if len(parts) == 1 else f"{len(parts)} lines"
        yield f"{which}, {len(command)} characters in {lines}{spelled}:"
        for at, part in enumerate(parts, start=1):
            yield f"{at:>4} | {part[:SHOWN_WIDTH]}"
            yield from (
                f"     + {part[since : since + SHOWN_WIDTH]}"
                for since in range(SHOWN_WIDTH, len(part), SHOWN_WIDTH)
            )
