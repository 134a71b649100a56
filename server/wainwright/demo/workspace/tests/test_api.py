import json
from datetime import date
from typing import Any

import pytest

from service.api import Api
from service.store import seeded_store

TODAY = date(2025, 3, 14)


@pytest.fixture
def api() -> Api:
    return Api(seeded_store(TODAY), today=lambda: TODAY)


def lend(api: Api, **fields: object) -> tuple[int, dict[str, Any]]:
    response = api.handle("POST", "/loans", json.dumps(fields).encode())
    return response.status, response.body


def test_the_shelf_shows_what_is_in_and_what_is_out(api: Api) -> None:
    tools = api.handle("GET", "/tools").body["tools"]
    assert [tool["id"] for tool in tools if tool["on_shelf"]] == [
        "pressure-washer",
        "hedge-trimmer",
    ]
    assert (tools[0]["name"], tools[0]["daily_rate_cents"]) == ("Folding ladder", 320)


def test_a_loan_is_opened_priced_and_listed(api: Api) -> None:
    status, loan = lend(api, tool="hedge-trimmer", member="eli", days=3)
    assert (status, loan["due_on"], loan["rental_cents"]) == (201, "2025-03-17", 1185)
    assert [loan["id"] for loan in api.handle("GET", "/loans").body["loans"]] == [1, 2, 3, 4, 5]


def test_a_returned_tool_can_be_lent_again(api: Api) -> None:
    response = api.handle("POST", "/loans/1/return")
    assert (response.status, response.body["returned_on"]) == (200, "2025-03-14")
    assert lend(api, tool="ladder", member="eli", days=1)[0] == 201


def test_a_tool_that_is_out_and_a_closed_loan_are_conflicts(api: Api) -> None:
    assert lend(api, tool="ladder", member="eli", days=1) == (
        409,
        {"error": "Folding ladder is out"},
    )
    api.handle("POST", "/loans/1/return")
    assert api.handle("POST", "/loans/1/return").status == 409


@pytest.mark.parametrize("path", ["/loans/99/return", "/nothing-here"])
def test_the_unknown_is_not_found(api: Api, path: str) -> None:
    assert api.handle("POST", path).status == 404
    assert lend(api, tool="anvil", member="eli", days=1)[0] == 404


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tool": "hedge-trimmer", "member": "eli", "days": "3"},
        {"tool": "hedge-trimmer", "member": "eli", "days": 0},
        {"tool": "hedge-trimmer", "member": "eli", "days": True},
        {"tool": "hedge-trimmer", "member": " ", "days": 3},
    ],
)
def test_a_request_that_makes_no_sense_is_refused(api: Api, fields: dict[str, object]) -> None:
    assert lend(api, **fields)[0] == 400
    assert len(api.handle("GET", "/loans").body["loans"]) == 4


def test_a_body_that_is_not_json_is_refused(api: Api) -> None:
    assert api.handle("POST", "/loans", b"{").status == 400
