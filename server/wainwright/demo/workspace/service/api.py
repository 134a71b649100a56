"""Requests and answers, without a network: `Api.handle` is the whole service."""

import json
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from http import HTTPStatus
from threading import Lock
from typing import Any

from service.domain import BadRequest, Conflict, Loan, NotFound
from service.pricing import rental_cents
from service.store import Store

MAX_DAYS = 28
STATUS_OF: dict[type[Exception], HTTPStatus] = {
    BadRequest: HTTPStatus.BAD_REQUEST,
    NotFound: HTTPStatus.NOT_FOUND,
    Conflict: HTTPStatus.CONFLICT,
}


@dataclass(frozen=True)
class Response:
    """A status and a body that is ready to be written as JSON."""

    status: HTTPStatus
    body: dict[str, Any]


class Api:
    """Answers requests one at a time from a store; `today` says which day it is."""

    def __init__(self, store: Store, today: Callable[[], date] = date.today) -> None:
        self._store = store
        self._today = today
        self._lock = Lock()
        self._routes: list[tuple[str, str, Callable[..., Response]]] = [
            ("GET", r"/health", self._health),
            ("GET", r"/tools", self._list_tools),
            ("GET", r"/loans", self._list_loans),
            ("POST", r"/loans", self._lend),
            ("POST", r"/loans/(\d{1,9})/return", self._take_back),
        ]

    def handle(self, method: str, path: str, body: bytes = b"") -> Response:
        """Answer one request; what the caller did wrong becomes a 4xx answer."""
        for route_method, pattern, action in self._routes:
            match = re.fullmatch(pattern, path, re.ASCII)
            if match and route_method == method:
                return self._answer(action, *match.groups(), body=body)
        return Response(HTTPStatus.NOT_FOUND, {"error": f"no {method} {path}"})

    def _answer(self, action: Callable[..., Response], *args: str, body: bytes) -> Response:
        try:
            with self._lock:
                return action(*args, body=body)
        except (BadRequest, NotFound, Conflict) as error:
            return Response(STATUS_OF[type(error)], {"error": str(error)})

    def _health(self, body: bytes) -> Response:
        return Response(HTTPStatus.OK, {"status": "ok"})

    def _list_tools(self, body: bytes) -> Response:
        tools = [
            asdict(tool) | {"on_shelf": self._store.is_on_shelf(tool.id)}
            for tool in self._store.tools()
        ]
        return Response(HTTPStatus.OK, {"tools": tools})

    def _list_loans(self, body: bytes) -> Response:
        return Response(
            HTTPStatus.OK, {"loans": [_loan_json(loan) for loan in self._store.open_loans()]}
        )

    def _lend(self, body: bytes) -> Response:
        tool_id, member, days = _parse_lend(body)
        loan = self._store.lend(tool_id, member, self._today(), days)
        price = rental_cents(self._store.tool(tool_id), days)
        return Response(HTTPStatus.CREATED, _loan_json(loan) | {"rental_cents": price})

    def _take_back(self, loan_id: str, body: bytes) -> Response:
        loan = self._store.take_back(int(loan_id), self._today())
        return Response(HTTPStatus.OK, _loan_json(loan))


def _parse_lend(body: bytes) -> tuple[str, str, int]:
    """Tool, member and number of days out of the body of `POST /loans`."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise BadRequest("the body is not JSON") from None
    match data:
        case {"tool": str(tool_id), "member": str(member), "days": int(days)}:
            if not member.strip():
                raise BadRequest("member is empty")
            if isinstance(days, bool) or not 1 <= days <= MAX_DAYS:
                raise BadRequest(f"days must be from 1 to {MAX_DAYS}")
            return tool_id, member, days
    raise BadRequest("expected tool (text), member (text) and days (number)")


def _loan_json(loan: Loan) -> dict[str, Any]:
    return {
        "id": loan.id,
        "tool": loan.tool_id,
        "member": loan.member,
        "taken_on": loan.taken_on.isoformat(),
        "due_on": loan.due_on.isoformat(),
        "returned_on": loan.returned_on.isoformat() if loan.returned_on else None,
    }
