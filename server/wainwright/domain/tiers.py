"""Tiers of the sandbox, by their names: which holds more, and where a person is asked about every command.

A tier is chosen when a process starts. No run has commands run in a lower one than it began in: in none it goes on
without commands.
"""

from collections.abc import Sequence

NONE = "none"
"""No sandbox could be proven: no command is run."""
_ALONE = "Landlock"
"""How the name of the tier begins in which no walls stand around a command."""


_REACHING = ", reaching "


def reaching(walls: str, hosts: Sequence[str]) -> str:
    """The name of a tier of these walls that let commands reach some hosts."""
    return f"{walls}{_REACHING}{' '.join(hosts)}" if hosts else walls


def reach(tier: str) -> str:
    """The hosts that commands reach, and no others; empty where they reach none."""
    return tier.partition(_REACHING)[2]


def asks(tier: str) -> bool:
    """Whether a person is asked about every command."""
    return tier.startswith(_ALONE)


def why_asked(tier: str) -> str:
    """Why a command is asked about whatever it says, as a part of a sentence; empty where it is not."""
    return f"behind {tier} alone every command is" if asks(tier) else ""


def told(tier: str, reason: str) -> str:
    """How the commands of a run are held, in a sentence; ``reason`` says why by no better tier."""
    why = f": {reason.strip().rstrip('.')}" if reason else ""
    return f"No command is run{why}." if tier == NONE else f"Commands are held by {tier}{why}."


def height(tier: str) -> int:
    """How much a tier holds, against others."""
    return 0 if tier == NONE else 1 if asks(tier) else 2
