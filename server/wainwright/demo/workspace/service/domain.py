"""The words of the lending desk: tools, loans and what can go wrong."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True)
class Tool:
    """A tool that members can borrow."""

    id: str
    name: str
    daily_rate_cents: int
    deposit_cents: int


@dataclass(frozen=True)
class Loan:
    """One tool at one member's home; open until `returned_on` is set."""

    id: int
    tool_id: str
    member: str
    taken_on: date
    due_on: date
    returned_on: date | None = None


class BadRequest(Exception):
    """The request makes no sense."""


class NotFound(Exception):
    """There is no such tool or loan."""


class Conflict(Exception):
    """The tool is out, or the loan is already closed."""
