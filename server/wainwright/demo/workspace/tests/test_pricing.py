import pytest

from service.domain import Tool
from service.pricing import rental_cents

SANDER = Tool("sander", "Belt sander", daily_rate_cents=400, deposit_cents=5000)


@pytest.mark.parametrize(("days", "cents"), [(1, 400), (6, 2400), (7, 2520), (10, 3600)])
def test_a_loan_costs_the_daily_rate_and_long_ones_are_cheaper(days: int, cents: int) -> None:
    assert rental_cents(SANDER, days) == cents
