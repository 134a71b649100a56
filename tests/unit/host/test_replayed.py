"""What another host is told: documents as they are, whatever was typed, and an end for all that was under way."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from lsprotocol import types

from wainwright.host.replayed import Conversation, changed
from wainwright.lsp.documents.positions import TextIndex

ENCODINGS = ("utf-8", "utf-16", "utf-32")
TEXTS = st.text(st.sampled_from("ab\n\r ü𝄞"), max_size=12)
SPOTS = st.tuples(st.integers(0, 5), st.integers(0, 8))
CHANGES = st.lists(st.tuples(SPOTS, SPOTS, TEXTS), max_size=6)


def spot(line: int, character: int) -> dict[str, int]:
    return {"line": line, "character": character}


@given(TEXTS, CHANGES, st.sampled_from(ENCODINGS))
def test_a_text_is_changed_as_the_server_changes_it(text: str, changes: Any, encoding: str) -> None:
    told, expected = [], text
    for first, second, new in changes:
        start, end = sorted((first, second))
        told.append({"range": {"start": spot(*start), "end": spot(*end)}, "text": new})
        span = types.Range(types.Position(*start), types.Position(*end))
        begins, ends = TextIndex(expected, encoding).offsets(span)
        expected = expected[:begins] + new + expected[ends:]
    assert changed(text, told, encoding) == expected


def test_a_whole_text_takes_the_place_of_all() -> None:
    assert changed("a\nb", [{"text": "c\r\nd"}], "utf-16") == "c\r\nd"


def notice(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": method, "params": params}


def opened(uri: str, text: str) -> dict[str, Any]:
    return {"uri": uri, "languageId": "x", "version": 1, "text": text}


def test_what_is_open_is_said_again() -> None:
    hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {}}
    greeted = {"id": 1, "jsonrpc": "2.0", "result": {"capabilities": {"positionEncoding": "utf-8"}}}
    said = Conversation(greeted)
    said.of_editor(hello)
    said.of_editor(notice("initialized"))
    for name in "ab":
        said.of_editor(notice("textDocument/didOpen", textDocument=opened(name, "ü1")))
    span = {"start": spot(0, 2), "end": spot(0, 3)}
    change = notice(
        "textDocument/didChange",
        textDocument={"uri": "a", "version": 7},
        contentChanges=[{"range": span, "text": "2"}],
    )
    said.of_editor(change)
    said.of_editor(notice("textDocument/didChange", textDocument={"uri": "nowhere"}))
    said.of_editor(notice("textDocument/didClose", textDocument={"uri": "b"}))
    now = {**opened("a", "ü2"), "version": 7}
    expected = [hello, notice("initialized"), notice("textDocument/didOpen", textDocument=now)]
    assert said.again() == expected
    assert said.again() == expected, "and once more, should that one die"


def test_nothing_waits_for_a_host_that_has_died() -> None:
    said = Conversation({"id": 1, "jsonrpc": "2.0", "result": {}})
    for number, method in ((1, "initialize"), (2, "a"), ("2", "b"), (3, "c"), (4, "shutdown")):
        said.of_editor({"jsonrpc": "2.0", "id": number, "method": method})
    said.of_host({"jsonrpc": "2.0", "id": 3, "result": 1})
    for number in ("x", "y"):
        said.of_host({"jsonrpc": "2.0", "id": number, "method": "window/showMessageRequest"})
    said.of_editor({"jsonrpc": "2.0", "id": "x", "result": None})
    for token, kind in ((1, "begin"), (2, "begin"), (1, "end")):
        said.of_host(notice("$/progress", token=token, value={"kind": kind}))
    for uri, found in (("a", [{}]), ("b", [{}]), ("a", [])):
        said.of_host(notice("textDocument/publishDiagnostics", uri=uri, diagnostics=found))
    told = said.bereave()
    failed = [one["id"] for one in told if "error" in one]
    assert failed == [2, "2"]
    assert {"jsonrpc": "2.0", "id": 4, "result": None} in told
    assert notice("$/cancelRequest", id="y") in told
    assert notice("$/progress", token=2, value={"kind": "end"}) in told
    assert notice("textDocument/publishDiagnostics", uri="b", diagnostics=[]) in told
    assert len(told) == 6
    assert said.bereave() == []
