"""HTTP in front of the API, with the standard library alone."""

import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from service.api import Api

MAX_BODY_BYTES = 10_000


def make_server(api: Api, host: str, port: int) -> ThreadingHTTPServer:
    """Bind to `host` and `port` (0 picks a free one); the caller serves and closes."""

    class Handler(BaseHTTPRequestHandler):
        timeout = 10  # seconds; a silent client must not hold a thread forever
        error_content_type = "application/json"
        error_message_format = '{"error": "%(explain)s"}'

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def _respond(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
                self.send_error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
                return
            body = self.rfile.read(int(length))
            response = api.handle(self.command, urlsplit(self.path).path, body)
            payload = json.dumps(response.body).encode()
            self.send_response(response.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

    return ThreadingHTTPServer((host, port), Handler)
