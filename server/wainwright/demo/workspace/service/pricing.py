"""What things cost, in whole cents."""

from service.domain import Tool

LONG_LOAN_DAYS = 7
LONG_LOAN_FACTOR = 0.9


def rental_cents(tool: Tool, days: int) -> int:
    """Price of borrowing `tool` for `days` days; long loans are cheaper."""
    full_price = tool.daily_rate_cents * days
    if days < LONG_LOAN_DAYS:
        return full_price
    return round(full_price * LONG_LOAN_FACTOR)
