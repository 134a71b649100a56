"""The entry of the program. ``serve`` goes straight to the server, so that nothing heavy delays its first answer."""

import gc
import os
import resource
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from wainwright.domain.ports import Editor
    from wainwright.lsp.connection.framing import Streams
    from wainwright.lsp.runs.seat import Seat

INTERRUPTED = 130
"""What a shell expects of a program that Ctrl-C ended."""


def main() -> None:
    """Run the command line, or the language server."""
    _keep_to_oneself()
    if sys.argv[1:2] == ["serve"]:
        raise SystemExit(_serve(sys.argv[2:]))
    if sys.argv[1:2] == ["host"]:
        from wainwright.host.begin import by_hand  # noqa: PLC0415 - as small as it can be

        raise SystemExit(by_hand(sys.argv[2:]))
    # What is imported stays as long as the process: the collector need not look at it.
    gc.disable()
    try:
        from wainwright.cli.program import program  # noqa: PLC0415 - see above

        app = program(sys.argv[1:])
    except ImportError as error:
        raise SystemExit(f"Wainwright is not completely installed: {error}. Run `make setup`.") from error
    except KeyboardInterrupt:
        raise SystemExit(INTERRUPTED) from None
    gc.freeze()
    gc.enable()
    app()


def _keep_to_oneself() -> None:
    """No file of ours is for all to change, and no image of our memory, in which keys are, is left on a disk."""
    os.umask(os.umask(0o077) | 0o002)
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def _serve(argv: list[str]) -> int:
    from wainwright.lsp.connection.framing import claim_stdio  # noqa: PLC0415 - see above
    from wainwright.lsp.connection.greeting import greet  # noqa: PLC0415

    if not _asks_for_help(argv):
        streams = greet(claim_stdio())
        if "--no-host" not in argv:
            from wainwright.host.front import converse  # noqa: PLC0415 - after the first answer

            code = converse(argv, streams)
            if code is not None:
                return code
        return _serve_alone(argv, streams)
    return _serve_alone(argv, None)


def _asks_for_help(argv: list[str]) -> bool:
    """Whether somebody types this, and nobody speaks the protocol."""
    return not {"-h", "--help"}.isdisjoint(argv) or sys.stdin.isatty()


def _serve_alone(argv: list[str], streams: "Streams | None") -> int:
    """Be the server, with everything in this process."""
    from wainwright.lsp.options import read_options  # noqa: PLC0415 - after the first answer
    from wainwright.lsp.server import create_server, serve  # noqa: PLC0415

    options = read_options(argv)

    async def sit(folder: "Path", editor: "Editor") -> "Seat":
        from asyncio import to_thread  # noqa: PLC0415 - the server has imported it by now
        from importlib import import_module  # noqa: PLC0415

        from wainwright.lsp.runs.seat import Seat  # noqa: PLC0415

        app = await to_thread(import_module, "wainwright.app")
        app.log_to(options.log)
        engine = await app.open_engine(folder, overrides=options.overrides, editor=editor, word=options.trust)
        return Seat(engine, engine.close)

    return serve(lambda: create_server(sit), streams)


if __name__ == "__main__":
    main()
