"""A loopback server that answers with the bytes it is told to, and remembers who asked when."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field

Write = Callable[[asyncio.StreamWriter], Awaitable[None]]
Answer = bytes | Write


@dataclass(frozen=True)
class Asked:
    host: str
    path: str
    headers: dict[str, str]
    at: float


@dataclass
class Server:
    """``routes`` maps a path, or ``HOST/path``, to the raw answer; what is missing is a 404."""

    routes: Mapping[str, Answer]
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0

    def rule(self, pattern: str = "*") -> str:
        return f"{pattern}=127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [asked.path for asked in self.asked]

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode("latin-1").split("\r\n")
                path = lines[0].split(" ")[1]
                pairs = (line.split(": ", 1) for line in lines[1:] if ": " in line)
                headers = {name.lower(): value for name, value in pairs}
                host = headers["host"].partition(":")[0]
                self.asked.append(Asked(host, path, headers, time.monotonic()))
                answer = self.routes.get(host + path, self.routes.get(path, text("none", 404)))
                if isinstance(answer, bytes):
                    writer.write(answer)
                    await writer.drain()
                    if b"connection: close" in answer.lower():
                        break
                else:
                    await answer(writer)
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # the client is gone, or the test is over
        finally:
            writer.close()


@contextlib.contextmanager
def serving(routes: Mapping[str, Answer]) -> Iterator[Server]:
    """The server, in a thread of its own, so that it keeps time whatever the client does."""
    server = Server(routes)
    ready = threading.Event()
    stop: list[Callable[[], None]] = []

    async def serve() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(stopping.set))
        listener = await asyncio.start_server(server.talk, "127.0.0.1", 0)
        server.port = listener.sockets[0].getsockname()[1]
        ready.set()
        await stopping.wait()
        listener.close()
        talks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in talks:
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert ready.wait(5)
    try:
        yield server
    finally:
        stop[0]()
        thread.join(5)


def text(body: str | bytes, status: int = 200, *headers: str, length: int | None = None) -> bytes:
    raw = body.encode() if isinstance(body, str) else body
    size = len(raw) if length is None else length
    lines = [f"HTTP/1.1 {status} Some", f"Content-Length: {size}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + raw


def moved(location: str, status: int = 302) -> bytes:
    head = f"HTTP/1.1 {status} Moved\r\nContent-Length: 0\r\nLocation: {location}\r\n\r\n"
    return head.encode("utf-8")


def packed(body: bytes, coding: str = "gzip") -> bytes:
    return text(gzip.compress(body), 200, f"Content-Encoding: {coding}")


def drip(start: bytes, piece: bytes, every_s: float) -> Write:
    """``start``, and then ``piece`` for ever, as fast as the client takes it or every so often."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(start)
        while True:
            writer.write(piece)
            await writer.drain()
            if every_s:
                await asyncio.sleep(every_s)

    return write
