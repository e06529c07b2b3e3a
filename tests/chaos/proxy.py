"""A TCP proxy before Kafka brokers that can fail at any call a client makes.

It reads just enough of the protocol: frames with their length, the number of the call at a
request's start. Brokers tell clients their own addresses; in answers they become the proxy's, which
have as many bytes.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

CALLS = {
    "produce": 0, "init_producer_id": 22, "add_partitions": 24, "add_offsets": 25, "end_txn": 26,
    "txn_offset_commit": 28,
}  # fmt: skip
How = Literal["cut_before", "cut_after", "delay", "half_open"]


@dataclass(slots=True)
class Fault:
    """What is to happen at the next call of that number."""

    name: str
    call: int
    how: How
    seconds: float = 0.0


class Proxy:
    """Listens on a port of its own for each broker until it is closed."""

    def __init__(self, brokers: Sequence[tuple[str, int]]) -> None:
        self._doors = [(socket.create_server(("127.0.0.1", 0)), broker) for broker in brokers]
        self.ports = [int(listener.getsockname()[1]) for listener, _ in self._doors]
        self._swaps = [
            (host.encode() + struct.pack(">i", port), host.encode() + struct.pack(">i", ours))
            for (host, port), ours in zip(brokers, self.ports, strict=True)
        ]
        self._lock = threading.Lock()
        self._faults: list[Fault] = []
        self._open: set[socket.socket] = set()
        self._silent_until = 0.0
        self.struck: Counter[str] = Counter()  # by name, those that found their call
        for door in self._doors:
            threading.Thread(target=self._accept, args=door, daemon=True).start()

    def at_next(self, fault: Fault) -> None:
        """Fail at the next call of the fault's number, of whoever makes it."""
        with self._lock:
            self._faults.append(fault)

    def forget(self) -> None:
        """Faults that found no call are off."""
        with self._lock:
            self._faults.clear()

    def blackhole(self, seconds: float) -> None:
        """Swallow all that passes, without a word, for so long."""
        self._silent_until = time.monotonic() + seconds

    def cut_all(self) -> None:
        """Close every connection."""
        with self._lock:
            sockets = list(self._open)
        for each in sockets:
            _close(each)

    def close(self) -> None:
        """Listen no more."""
        for listener, _ in self._doors:
            _close(listener)
        self.cut_all()

    def _accept(self, listener: socket.socket, where: tuple[str, int]) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(where, timeout=5)
            except OSError:
                _close(client)
                continue
            broker.settimeout(None)
            with self._lock:
                self._open |= {client, broker}
            for pump in (self._requests, self._answers):
                threading.Thread(target=pump, args=(client, broker), daemon=True).start()

    def _requests(self, client: socket.socket, broker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while frame := _frame(client):
                self._wait_silent()
                fault = self._take(struct.unpack_from(">h", frame, 4)[0])
                if fault is not None and fault.how == "cut_before":
                    break
                if fault is not None and fault.how == "delay":
                    time.sleep(fault.seconds)
                broker.sendall(frame)
                if fault is not None and fault.how == "cut_after":
                    time.sleep(0.02)  # the broker has it by then; its answer is lost
                    break
                if fault is not None and fault.how == "half_open":
                    _close(broker)
                    time.sleep(fault.seconds)
                    break
        self._drop(client, broker)

    def _answers(self, client: socket.socket, broker: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while frame := _frame(broker):
                self._wait_silent()
                for told, ours in self._swaps:
                    frame = frame.replace(told, ours)
                client.sendall(frame)
        with self._lock:
            self._open -= {broker}
        if time.monotonic() > self._silent_until:
            self._drop(client, broker)

    def _take(self, call: int) -> Fault | None:
        with self._lock:
            for fault in self._faults:
                if fault.call == call:
                    self._faults.remove(fault)
                    self.struck[fault.name] += 1
                    return fault
        return None

    def _wait_silent(self) -> None:
        while (left := self._silent_until - time.monotonic()) > 0:
            time.sleep(left)

    def _drop(self, *sockets: socket.socket) -> None:
        with self._lock:
            self._open -= set(sockets)
        for each in sockets:
            _close(each)


def _frame(source: socket.socket) -> bytes:
    """One frame with its length; nothing at the end."""
    head = _exactly(source, 4)
    if len(head) < 4:
        return b""
    body = _exactly(source, struct.unpack(">i", head)[0])
    return head + body


def _exactly(source: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        some = source.recv(min(1 << 16, size - len(parts)))
        if not some:
            return b""
        parts += some
    return bytes(parts)


def _close(each: socket.socket) -> None:
    with contextlib.suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)
    with contextlib.suppress(OSError):
        each.close()
