"""What an editor is sent: what it shows does nothing, what it applies is exact."""

import asyncio
import json
import subprocess
import sys
from typing import Any

from lsprotocol import types

from wainwright.lsp.connection.commands import Commands
from wainwright.lsp.connection.session import WainwrightServer
from wainwright.lsp.connection.transport import EndOfInput

PAYLOAD = "\x1b]52;c;cm0=\x07 \u202eevil [Fix](command:workbench.action.terminal.new) [a](app.py:1)\nnext"
SHOWN = "\\x1b]52;c;cm0=\\x07 \\u202eevil [Fix]\\(command:workbench.action.terminal.new) [a](app.py:1)\nnext"


class Written:
    """A writer that keeps what was sent."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def write(self, data: bytes) -> None:
        """Keep one message."""
        self.messages.append(json.loads(data.partition(b"\r\n\r\n")[2]))


def test_what_an_editor_shows_is_made_fit_and_what_it_applies_is_exact() -> None:
    server = WainwrightServer("test", "1", Commands())
    sent: Any = Written()
    server.protocol.set_writer(sent)
    server.window_show_message(types.ShowMessageParams(types.MessageType.Info, PAYLOAD))
    server.window_log_message(types.LogMessageParams(types.MessageType.Info, PAYLOAD))
    end = types.WorkDoneProgressEnd(message=PAYLOAD)
    server.protocol.notify(types.PROGRESS, types.ProgressParams(token="t", value=end))
    place = types.Range(types.Position(0, 0), types.Position(0, 0))
    told = types.PublishDiagnosticsParams("file:///a%1B", [types.Diagnostic(place, PAYLOAD)])
    server.text_document_publish_diagnostics(told)
    action = types.CodeAction(PAYLOAD, command=types.Command("x", "y", arguments=[{"goal": PAYLOAD}]))
    server.protocol._send_response(1, [action])
    server.protocol._send_response(2, error=types.ResponseError(-32803, PAYLOAD))
    edit = types.WorkspaceEdit(changes={"file:///a": [types.TextEdit(place, PAYLOAD)]})
    server.protocol.send_request(types.WORKSPACE_APPLY_EDIT, types.ApplyWorkspaceEditParams(edit, PAYLOAD))
    message, log, progress, diagnostics, actions, refused, apply = sent.messages
    assert message["params"]["message"] == SHOWN
    assert log["params"]["message"] == SHOWN
    assert progress["params"]["value"]["message"] == SHOWN
    assert diagnostics["params"]["diagnostics"][0]["message"] == SHOWN
    assert diagnostics["params"]["uri"] == "file:///a%1B"
    assert actions["result"][0]["title"] == SHOWN
    assert actions["result"][0]["command"]["arguments"] == [{"goal": PAYLOAD}]
    assert refused["error"]["message"] == SHOWN
    assert apply["params"]["label"] == SHOWN
    assert apply["params"]["edit"]["changes"]["file:///a"][0]["newText"] == PAYLOAD


async def test_an_editor_that_ends_as_soon_as_it_was_answered_takes_its_server_along() -> None:
    server = WainwrightServer("test", "1", Commands())
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as editor:
        server.welcome(
            types.InitializeParams(types.ClientCapabilities(), editor.pid), types.ServerCapabilities()
        )
        editor.kill()
        editor.wait()
    async with asyncio.timeout(5):
        assert isinstance(await server._inbox.get(), EndOfInput)
