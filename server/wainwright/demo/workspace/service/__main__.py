"""`python -m service`: open the lending desk."""

import argparse
import os
import signal
import sys
from datetime import date

from service.api import Api
from service.server import make_server
from service.store import seeded_store


def main() -> None:
    parser = argparse.ArgumentParser(prog="service", description="The tool library's lending desk.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=os.environ.get("PORT", "8000"))
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with make_server(Api(seeded_store(date.today())), args.host, args.port) as server:
        print(f"listening on http://{args.host}:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            print("closed", flush=True)


if __name__ == "__main__":
    main()
