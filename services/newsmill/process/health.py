"""Health on a port: ``/healthz`` (the loop turned in time), ``/readyz`` (it turned once)."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn
from types import TracebackType

from newsmill.errors import Misconfigured
from newsmill.process.life import Life

DEADLINE_S = 60.0
CLIENT_S = 5.0  # for a client to say what it wants


class _Server(ThreadingMixIn, TCPServer):
    """A plain TCP server: the one of ``http.server`` asks DNS for its own name at the start."""

    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of clients that went away."""


class Health:
    """Serves the health of a life while it is entered; nothing at all without a port."""

    def __init__(self, life: Life, port: int | None) -> None:
        self._server: _Server | None = None
        if port is None:
            return

        class Handler(BaseHTTPRequestHandler):
            timeout = CLIENT_S

            def do_GET(self) -> None:
                fine = {
                    "/healthz": time.monotonic() - life.last_turn < DEADLINE_S,
                    "/readyz": life.ready and not life.stopping,
                }.get(self.path)
                self.send_response(404 if fine is None else 200 if fine else 503)
                self.end_headers()
                self.wfile.write(b"ok\n" if fine else b"no\n")

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing: the log is for records."""

        try:
            self._server = _Server(("", port), Handler)
        except (OSError, OverflowError) as error:
            why = getattr(error, "strerror", None) or str(error)
            raise Misconfigured(f"health: port {port}: {why}") from None

    @property
    def port(self) -> int | None:
        """Where it is served; port 0 takes a free one."""
        return self._server.server_address[1] if self._server is not None else None

    def __enter__(self) -> Health:
        if self._server is not None:
            threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
