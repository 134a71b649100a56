"""The entry of the program. ``serve`` goes straight to the server, so that nothing heavy delays its first answer."""

import sys


def main() -> None:
    """Run the command line, or the language server."""
    if sys.argv[1:2] == ["serve"]:
        from wainwright.lsp.server import serve  # noqa: PLC0415 - see above

        raise SystemExit(serve())
    from wainwright.cli import app  # noqa: PLC0415 - see above

    app()


if __name__ == "__main__":
    main()
