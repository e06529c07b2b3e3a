"""A TCP proxy before Kafka brokers that can fail at any call a client makes.

It reads just enough of the protocol: frames with their length, the number of the call at a
request's start; more only of answers that it is to forge. Brokers tell clients their own addresses;
in answers they become the proxy's, which have as many bytes.
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

from chaos.answers import Way, asked
from chaos.line import Line

How = Literal["cut_before", "cut_after", "delay", "half_open", "unanswered"] | Way


@dataclass(slots=True)
class Fault:
    """What is to happen at the next call of that number, and at all others for ``lasts_s`` more."""

    name: str
    call: int
    how: How
    seconds: float = 0.0  # of what happens
    code: int = 0  # of an answer that is forged
    lasts_s: float = 0.0
    until: float = 0.0  # monotonic; 0 until it has found its first call


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
        self.forged = 0  # answers
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
            line = Line(client, self._swaps)
            for pump in (self._requests, self._answers):
                threading.Thread(target=pump, args=(client, broker, line), daemon=True).start()

    def _requests(self, client: socket.socket, broker: socket.socket, line: Line) -> None:
        with contextlib.suppress(OSError):
            while frame := _frame(client):
                self._wait_silent()
                fault = self._take(asked(frame).call)
                if fault is None:
                    line.asks()
                    broker.sendall(frame)
                elif not self._trouble(fault, frame, broker, line):
                    break
        self._drop(client, broker)

    def _trouble(self, fault: Fault, frame: bytes, broker: socket.socket, line: Line) -> bool:
        """What happens to one request; False where it is the end of its connection."""
        if fault.how == "cut_before":
            return False
        if fault.how == "made_up":
            line.makes_up(frame, fault.code)
            return True
        if fault.how == "delay":
            time.sleep(fault.seconds)
        if fault.how == "retold":
            line.asks_to_be_retold(frame, fault.code)
        elif fault.how == "unanswered":
            line.asks_in_vain()
        else:
            line.asks()
        broker.sendall(frame)
        if fault.how == "cut_after":
            time.sleep(0.02)  # the broker has it by then; its answer is lost
        elif fault.how == "half_open":
            _close(broker)
            time.sleep(fault.seconds)
        return fault.how not in ("cut_after", "half_open")

    def _answers(self, client: socket.socket, broker: socket.socket, line: Line) -> None:
        with contextlib.suppress(OSError):
            while frame := _frame(broker):
                self._wait_silent()
                line.pass_on(frame)
        with self._lock:
            self._open -= {broker}
        if time.monotonic() > self._silent_until:
            self._drop(client, broker)

    def _take(self, call: int) -> Fault | None:
        now = time.monotonic()
        with self._lock:
            self._faults = [each for each in self._faults if not 0.0 < each.until <= now]
            fault = next((each for each in self._faults if each.call == call), None)
            if fault is None:
                return None
            if not fault.until:
                self.struck[fault.name] += 1
                fault.until = now + fault.lasts_s
            if not fault.lasts_s:
                self._faults.remove(fault)
            self.forged += fault.code != 0
            return fault

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
