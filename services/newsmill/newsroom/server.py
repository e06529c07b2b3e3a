"""Serves the sample newsroom on one loopback port, in a thread with an event loop of its own."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType
from typing import NamedTuple, Self
from urllib.parse import urlsplit

from aiohttp import web

from newsmill.newsroom.answers import Desk
from newsmill.newsroom.hosts import hosts
from newsmill.newsroom.welcome import welcome

ADDRESS = "127.0.0.1"
SLOW_S = 2.5  # how long a page of the slow host takes


class Hit(NamedTuple):
    """One request, as it came in: for tests of politeness."""

    at: float  # time.monotonic()
    host: str
    path: str
    status: int


class Newsroom:
    """All hosts of the newsroom behind one port, told apart by their Host header.

    A context manager; ``start`` raises OSError when the port is taken. ``port`` 0 takes a free one.
    """

    def __init__(self, port: int = 0, *, slow_s: float = SLOW_S) -> None:
        self.port = port
        self.slow_s = slow_s
        self.requests: list[Hit] = []
        self._desk = Desk()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def resolve(self) -> tuple[str, ...]:
        """A rule ``HOST=ADDR:PORT`` for every host, as ``--resolve`` takes them."""
        return tuple(f"{host}={ADDRESS}:{self.port}" for host in hosts())

    def start(self) -> None:
        """Begin to serve."""
        self._loop = asyncio.new_event_loop()
        try:
            runner = self._loop.run_until_complete(self._listen())
        except OSError:
            self._loop.close()
            raise
        self._thread = threading.Thread(
            target=self._serve, args=(self._loop, runner), name="newsroom", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End it, requests under way included; nothing stays open."""
        if self._loop is None or self._thread is None:
            return
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop = self._thread = None

    def __enter__(self) -> Self:
        """Begin to serve."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it."""
        self.stop()

    async def _listen(self) -> web.ServerRunner:
        runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await runner.setup()
        try:
            await web.TCPSite(runner, ADDRESS, self.port).start()
        except OSError:
            await runner.cleanup()
            raise
        self.port = runner.addresses[0][1]
        return runner

    @staticmethod
    def _serve(loop: asyncio.AbstractEventLoop, runner: web.ServerRunner) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_forever()
        finally:
            loop.run_until_complete(runner.cleanup())
            loop.run_until_complete(loop.shutdown_asyncgens())
            loop.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method not in ("GET", "HEAD"):
            return web.Response(status=405, headers={"Allow": "GET, HEAD"})
        host, path = request.host.partition(":")[0].lower(), request.path
        if host in (ADDRESS, "localhost"):
            host, path = _in_browser(path)
            if host not in hosts():
                return self._show_the_way(request)
        answer = self._desk.answer(host, path, request.headers)
        self.requests.append(Hit(time.monotonic(), host, path, answer.status))
        if answer.slow:
            await asyncio.sleep(self.slow_s)
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers)

    def _show_the_way(self, request: web.BaseRequest) -> web.StreamResponse:
        """For a browser, which knows none of our hosts: the greeting, or where a link leads."""
        host, _ = _in_browser(urlsplit(request.headers.get("Referer", "")).path)
        if host in hosts() and request.path != "/":
            return web.Response(status=302, headers={"Location": f"/{host}{request.path}"})
        return web.Response(text=welcome(self.port), content_type="text/html")


def _in_browser(path: str) -> tuple[str, str]:
    """Host and path of an address like ``http://127.0.0.1:8000/HOST/PATH``."""
    host, _, rest = path.removeprefix("/").partition("/")
    return host, f"/{rest}"
