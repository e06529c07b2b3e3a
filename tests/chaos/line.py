"""One connection through the proxy: what was asked on it, answered in the order of the asking."""

from __future__ import annotations

import socket
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from chaos import answers
from chaos.answers import Asked


class _Due(NamedTuple):
    """The next answer of a connection: the broker's, or one that is made already."""

    made: bytes = b""
    what: Asked | None = None  # whose answer is told otherwise
    code: int = 0
    is_last: bool = False  # from here on nothing is said any more


class Line:
    """Requests are told of before the broker has them; answers go to the client by this alone."""

    def __init__(self, client: socket.socket, swaps: Sequence[tuple[bytes, bytes]]) -> None:
        self._client = client
        self._swaps = swaps
        self._lock = threading.Lock()
        self._due: deque[_Due] = deque()
        self._is_mute = False

    def asks(self) -> None:
        """A request goes to the broker, whose answer is let through."""
        self._due.append(_Due())

    def asks_to_be_retold(self, request: bytes, code: int) -> None:
        """A request goes to the broker, and its answer will be that error."""
        self._due.append(_Due(what=answers.asked(request), code=code))

    def asks_in_vain(self) -> None:
        """A request goes to the broker, and neither it nor any later one is answered."""
        self._due.append(_Due(is_last=True))

    def makes_up(self, request: bytes, code: int) -> None:
        """A request does not go to the broker: it is answered when those before it are."""
        with self._lock:
            self._due.append(_Due(made=answers.made_up(request, code)))
            self._send_made()

    def pass_on(self, answer: bytes) -> None:
        """The broker's next answer."""
        with self._lock:
            due = self._due.popleft()
            self._is_mute = self._is_mute or due.is_last
            if self._is_mute:
                return
            if due.what is not None:
                answer = answers.retold(answer, due.what, due.code)
            for told, ours in self._swaps:
                answer = answer.replace(told, ours)
            self._client.sendall(answer)
            self._send_made()

    def _send_made(self) -> None:
        while self._due and self._due[0].made:
            made = self._due.popleft().made
            if not self._is_mute:
                self._client.sendall(made)
