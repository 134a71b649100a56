"""What is answered before the server is loaded is what the server itself would answer."""

import json
from pathlib import Path

import pytest

from wainwright.lsp.connection.greeting import greeting
from wainwright.lsp.reference import greeting as own

PROFILES = Path(__file__).parents[2] / "clients" / "profiles"
WILL_SAVE = {"synchronization": {"willSave": True, "willSaveWaitUntil": False}}
CLIENTS = [
    {},
    *(json.loads(path.read_text())["capabilities"] for path in sorted(PROFILES.glob("*.json"))),
    {"general": {"positionEncodings": ["odd", "utf-8", "utf-16"]}},
    {"general": {"positionEncodings": ["odd"]}},
    {"general": {"positionEncodings": []}},
    {"textDocument": WILL_SAVE, "workspace": {"fileOperations": {"didCreate": True, "willRename": True}}},
    {"notebookDocument": {"synchronization": {}}},
]


def asked(params: object, number: object = 1) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": number, "method": "initialize", "params": params}


@pytest.mark.parametrize("capabilities", CLIENTS, ids=lambda found: json.dumps(found)[:40])
def test_it_is_what_the_server_says(capabilities: dict[str, object]) -> None:
    params = {"processId": None, "rootUri": None, "capabilities": capabilities}
    assert greeting(asked(params)) == own(params), (
        "run python -m wainwright.lsp.reference greeting > server/wainwright/lsp/connection/greeting.json"
    )


@pytest.mark.parametrize(
    "message",
    [
        {"jsonrpc": "2.0", "id": 1, "method": "shutdown"},
        {"jsonrpc": "2.0", "method": "initialize", "params": {"capabilities": {}}},
        asked(None),
        asked({}),
        asked({"capabilities": None}),
        asked({"capabilities": {}, "processId": "7"}),
        asked({"capabilities": {"general": {"positionEncodings": "utf-8"}}}),
        asked({"capabilities": {}}, True),
        asked({"capabilities": {}}, "wainwright:1"),
        {**asked({"capabilities": {}}), "jsonrpc": "1.0"},
        "initialize",
    ],
)
def test_what_is_not_plain_is_left_to_the_server(message: object) -> None:
    assert greeting(message) is None
