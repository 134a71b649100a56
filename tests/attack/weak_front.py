"""The server with its front taken away: what comes is read and handled as pygls does it, and nothing ends it.

For group L alone: started without arguments it is the probe server, with ``serve`` the program.
"""

import asyncio
import json
import logging
import runpy
import socket
import sys
import threading
from pathlib import Path

from pygls.protocol import LanguageServerProtocol

from wainwright.lsp.connection import session, transport

HERE = Path(__file__).parent


def read_as_pygls(fd):
    """Lines until an empty one, a number, so many bytes, JSON: what goes wrong in it ends the reading."""
    stream = open(fd, "rb", closefd=False)  # noqa: SIM115 - of a descriptor
    length = 0
    while line := stream.readline():
        if line.startswith(b"Content-Length: "):
            length = int(line.split(b":")[1])
        elif line == b"\r\n" and length:
            yield json.loads(stream.read(length)), b""
            length = 0


def weaken():
    """Take the guards away."""
    from wainwright.lsp.connection import framing, protocol
    from wainwright.lsp.documents.buffers import Buffers, Workspace

    mine = protocol.WainwrightProtocol
    framing.read_frames = read_as_pygls
    transport.Writer.room = lambda self: None

    def start_reader(frames, deliver, room, gone):
        def run():
            for message, _ in frames:
                deliver(message)

        threading.Thread(target=run, daemon=True).start()

    session.start_reader = start_reader
    session.end_process_within = lambda seconds, code: None
    session.STOP_SECONDS = 60
    session.start_hearing_signals = lambda told: None
    session.Writer = lambda fd, on_broken: transport.Writer(fd)

    async def never(pid, every=0.0):
        await asyncio.Event().wait()

    session.parent_gone = never
    mine.receive = lambda self, message: self.handle_message(self.structure_message(message))
    mine.initialized = property(lambda self: True)
    mine.new_id = lambda self: f"{next(self._ids)}"
    mine._handle_cancel_notification = LanguageServerProtocol._handle_cancel_notification
    mine._handle_response = LanguageServerProtocol._handle_response
    mine._check_handler_result = LanguageServerProtocol._check_handler_result
    asks = session.WainwrightServer.ask
    session.WainwrightServer.ask = lambda *asked, seconds: asks(*asked, seconds=None)
    Buffers.update_text_document = Workspace.update_text_document
    session.WainwrightServer.report_server_error = lambda self, error, source: self.window_show_message(
        protocol.types.ShowMessageParams(protocol.types.MessageType.Error, f"Error in server: {error}")
    )
    session.WainwrightServer.track_progress = lambda self, token, cancel: (
        self._cancel_by_token.__setitem__(token, [cancel]) or (lambda: self._cancel_by_token.pop(token, None))
    )


listening = socket.create_server(("127.0.0.1", 0))
logging.disable(logging.CRITICAL)
weaken()
if sys.argv[1:2] == ["serve"]:
    import wainwright.app
    from wainwright.domain.errors import InputError

    def workspace_of(path):
        raise InputError(f"There would be work in {path}.")

    wainwright.app.workspace_of = workspace_of
    runpy.run_module("wainwright", run_name="__main__")
else:
    runpy.run_path(str(HERE.parent / "e2e" / "probe_server.py"), run_name="__main__")
