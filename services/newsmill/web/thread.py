"""The client behind a thread, for loops of another kind: start requests, collect what is done."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from typing import Generic, NamedTuple, TypeVar

from newsmill.errors import BadRecord, TryLater
from newsmill.web.client import Client
from newsmill.web.messages import Request, Response
from newsmill.web.resolve import Lookup, system_lookup
from newsmill.web.robots import Outcome
from newsmill.web.settings import WebSettings

K = TypeVar("K", bound=Hashable)
Fetched = Response | BadRecord | TryLater | BaseException
"""What became of a request; an exception that is none of ours is a bug, delivered as itself."""

MAX_NOTES = 10_000
CLOSE_S = 5.0


class RobotsRead(NamedTuple):
    """A robots.txt was read: of which origin, with which status, and what came of it."""

    origin: str
    status: int | None
    outcome: Outcome


class Fetching(Generic[K]):
    """A Client in a daemon thread with its own event loop.

    The caller bounds what it starts: nothing is refused here, and what exceeds the settings'
    concurrency waits. ``wake`` is called from the thread after each delivery.
    """

    def __init__(
        self,
        settings: WebSettings,
        *,
        wake: Callable[[], None] | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._settings = settings
        self._wake = wake
        self._lookup = lookup
        self._changed = threading.Condition()
        self._done: list[tuple[K, Fetched]] = []
        self._notes: deque[RobotsRead] = deque(maxlen=MAX_NOTES)
        self._in_flight = 0
        self._closed = False
        self._died = False
        self._tasks: set[asyncio.Task[Response]] = set()
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._client: Client | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="newsmill-web", daemon=True)
        self._thread.start()
        self._ready.wait()

    @property
    def in_flight(self) -> int:
        """Requests started whose outcome ``done`` has not returned."""
        with self._changed:
            return self._in_flight

    def start(self, key: K, request: Request) -> None:
        """Begin a request; its outcome comes out of ``done`` under ``key``. Never waits."""
        with self._changed:
            if self._closed or self._loop is None:
                raise RuntimeError("the client is closed")
            self._in_flight += 1
            self._loop.call_soon_threadsafe(self._begin, key, request)

    def done(self, timeout_s: float = 0.0) -> list[tuple[K, Fetched]]:
        """What was finished since the last call, in the order it was; waits for the first of it.

        Returns at once where nothing is in flight. Never raises for a request; raises RuntimeError
        when the thread itself died, which nothing but a bug can do.
        """
        end = time.monotonic() + timeout_s
        with self._changed:
            while not self._done and self._in_flight and not self._closed:
                left = end - time.monotonic()
                if left <= 0:
                    break
                self._changed.wait(left)
            if self._died:
                raise RuntimeError("the thread of the web client died")
            finished, self._done = self._done, []
            self._in_flight -= len(finished)
            return finished

    def robots_read(self) -> list[RobotsRead]:
        """Every robots.txt read since the last call, for the log of the caller's thread."""
        notes: list[RobotsRead] = []
        while self._notes:
            notes.append(self._notes.popleft())
        return notes

    def forget_failures(self) -> None:
        """Ask hosts again that gave no answer: our own network was away."""
        with self._changed:
            if not self._closed and self._loop is not None and self._client is not None:
                self._loop.call_soon_threadsafe(self._client.forget_failures)

    def close(self) -> None:
        """Drop what is in flight and close every connection, at once; safe to call again."""
        with self._changed:
            if not self._closed:
                self._closed = True
                self._in_flight = len(self._done)
                self._changed.notify_all()
                if self._loop is not None and self._stop is not None:
                    self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(CLOSE_S)

    def __enter__(self) -> Fetching[K]:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            with self._changed:
                self._died = not self._closed
                self._closed = True
                self._changed.notify_all()
            self._ready.set()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        async with Client(self._settings, on_robots=self._note, lookup=self._lookup) as client:
            self._client = client
            self._loop = asyncio.get_running_loop()
            self._ready.set()
            await self._stop.wait()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note(self, origin: str, status: int | None, outcome: Outcome) -> None:
        self._notes.append(RobotsRead(origin, status, outcome))

    def _begin(self, key: K, request: Request) -> None:
        if self._client is None or self._closed:
            return
        task = asyncio.create_task(self._client.get(request))
        self._tasks.add(task)
        task.add_done_callback(lambda task: self._deliver(key, task))

    def _deliver(self, key: K, task: asyncio.Task[Response]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        outcome: Fetched = task.result() if error is None else error
        with self._changed:
            if self._closed:
                return
            self._done.append((key, outcome))
            self._changed.notify_all()
        if self._wake is not None:
            self._wake()
