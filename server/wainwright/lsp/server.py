"""Where the server is put together and started. Importing this module imports next to nothing."""

import gc
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from wainwright.lsp.connection.framing import Streams, claim_stdio

if TYPE_CHECKING:
    from wainwright.lsp.connection.session import WainwrightServer
    from wainwright.lsp.runs.seat import Opens

VERSION = "0.1.0"


def create_server(opens: "Opens | None" = None) -> "WainwrightServer":
    """A server that is ready for `WainwrightServer.converse`; without an engine it only speaks the protocol."""
    from wainwright.lsp.connection.commands import Commands  # noqa: PLC0415 - after the descriptors are ours
    from wainwright.lsp.connection.session import WainwrightServer  # noqa: PLC0415
    from wainwright.lsp.features.register import Product  # noqa: PLC0415

    # What pygls logs about messages is answered or logged by our protocol, in one line and once.
    logging.getLogger("pygls").setLevel(logging.CRITICAL)
    server = WainwrightServer("wainwright", VERSION, Commands())
    if opens is not None:
        Product(server, opens)
    return server


def serve(build: "Callable[[], WainwrightServer]" = create_server, streams: Streams | None = None) -> int:
    """Serve one client over standard input and output, unless they were taken before; the result is the exit code.

    The descriptors are taken before anything that could print is imported. The collector stays off while the
    protocol's types are made: they live as long as the process, and looking at them again and again costs a fifth
    of the time to the first answer.
    """
    streams = streams or claim_stdio()
    gc.disable()
    import asyncio  # noqa: PLC0415 - after the descriptors are ours

    server = build()
    gc.freeze()
    gc.enable()
    return asyncio.run(server.converse(streams))
