import json
import urllib.request
from collections.abc import Iterator
from datetime import date
from threading import Thread
from typing import Any
from urllib.error import HTTPError

import pytest

from service.api import Api
from service.server import make_server
from service.store import seeded_store


@pytest.fixture
def url() -> Iterator[str]:
    with make_server(Api(seeded_store(date.today())), "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def fetch(url: str, data: bytes | None = None) -> tuple[int, Any]:
    try:
        with urllib.request.urlopen(url, data, timeout=5) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_health(url: str) -> None:
    assert fetch(f"{url}/health") == (200, {"status": "ok"})


def test_a_loan_over_http(url: str) -> None:
    status, loan = fetch(f"{url}/loans", b'{"tool": "pressure-washer", "member": "eli", "days": 2}')
    assert (status, loan["rental_cents"]) == (201, 1360)
    assert fetch(f"{url}/loans/{loan['id']}/return", b"")[0] == 200


def test_mistakes_are_answered_in_json(url: str) -> None:
    assert fetch(f"{url}/nothing-here") == (404, {"error": "no GET /nothing-here"})
