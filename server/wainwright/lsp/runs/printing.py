"""What commands print, told to a client that shows it while they run."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from wainwright.lsp.connection.progress import BACKLOG_BYTES
from wainwright.lsp.page_messages import OUTPUT, OutputParams

if TYPE_CHECKING:
    from wainwright.engine.engine import Engine
    from wainwright.engine.outputs import Printed
    from wainwright.lsp.connection.session import WainwrightServer


def follow(server: "WainwrightServer", engine: "Engine") -> Callable[[], None]:
    """Tell it from now on, if the client wants it; returns what ends it. A client that does not read misses it."""

    def tell(piece: "Printed") -> None:
        if server.pending_bytes <= BACKLOG_BYTES:
            server.protocol.notify(OUTPUT, OutputParams(**piece.model_dump()).model_dump())

    return engine.outputs.subscribe(tell) if server.profile.output else lambda: None
