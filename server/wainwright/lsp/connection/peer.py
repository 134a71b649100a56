"""The conversation as what lies below it sees it: a protocol, so that nothing here imports the session."""

from typing import Any, Protocol

from lsprotocol import types

ProgressToken = int | str


class Peer(Protocol):
    """What the protocol and the commands need of the server."""

    def welcome(self, params: types.InitializeParams, capabilities: types.ServerCapabilities) -> None:
        """Take note of the client, and add to ``capabilities`` what the server can do."""
        ...

    async def run_command(self, params: types.ExecuteCommandParams) -> Any:
        """Run a command; raises a JSON-RPC error with a sentence for a person when it cannot."""
        ...

    def cancel_background(self) -> None:
        """Ask all background work to end; does not wait."""
        ...

    def cancel_progress(self, token: ProgressToken) -> None:
        """The person pressed cancel; a token that is over is ignored."""
        ...
