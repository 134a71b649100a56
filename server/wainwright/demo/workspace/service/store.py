"""The shelf and the loan book, kept in memory."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from service.domain import Conflict, Loan, NotFound, Tool


class Store:
    """Every tool and every loan, open or closed."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools = {tool.id: tool for tool in tools}
        self._loans: dict[int, Loan] = {}

    def tools(self) -> list[Tool]:
        return list(self._tools.values())

    def tool(self, tool_id: str) -> Tool:
        if tool_id not in self._tools:
            raise NotFound(f"no tool {tool_id!r}")
        return self._tools[tool_id]

    def open_loans(self) -> list[Loan]:
        """Loans that are not back yet, oldest number first."""
        return [loan for loan in self._loans.values() if loan.returned_on is None]

    def is_on_shelf(self, tool_id: str) -> bool:
        return all(loan.tool_id != tool_id for loan in self.open_loans())

    def lend(self, tool_id: str, member: str, taken_on: date, days: int) -> Loan:
        """Open a loan that is due `days` days after `taken_on`."""
        tool = self.tool(tool_id)
        if not self.is_on_shelf(tool.id):
            raise Conflict(f"{tool.name} is out")
        due_on = taken_on + timedelta(days=days)
        loan = Loan(len(self._loans) + 1, tool.id, member, taken_on, due_on)
        self._loans[loan.id] = loan
        return loan

    def take_back(self, loan_id: int, returned_on: date) -> Loan:
        """Close a loan and put its tool back on the shelf."""
        if loan_id not in self._loans:
            raise NotFound(f"no loan {loan_id}")
        loan = self._loans[loan_id]
        if loan.returned_on is not None:
            raise Conflict(f"loan {loan_id} is already closed")
        closed = replace(loan, returned_on=returned_on)
        self._loans[loan_id] = closed
        return closed


def seeded_store(today: date) -> Store:
    """The shelf as it is on an ordinary day: four tools out, two at the desk."""
    store = Store(
        [
            Tool("ladder", "Folding ladder", 320, 6000),
            Tool("hammer-drill", "Hammer drill", 450, 9000),
            Tool("tile-cutter", "Tile cutter", 275, 4000),
            Tool("paste-table", "Paste table", 125, 800),
            Tool("pressure-washer", "Pressure washer", 680, 12000),
            Tool("hedge-trimmer", "Hedge trimmer", 395, 7500),
        ]
    )
    store.lend("ladder", "ada", today - timedelta(days=3), days=3)
    store.lend("hammer-drill", "ben", today - timedelta(days=4), days=2)
    store.lend("tile-cutter", "chidi", today - timedelta(days=10), days=7)
    store.lend("paste-table", "dora", today - timedelta(days=31), days=1)
    return store
