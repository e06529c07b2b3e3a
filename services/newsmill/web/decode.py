"""Bodies as they came over the wire, decompressed under three caps and checked for their end.

zlib never gives more than it is asked for at a time, so a bomb costs one step, not its size.
"""

from __future__ import annotations

import zlib

from newsmill.errors import BadRecord

MAX_RATIO = 200  # out per byte in; a page of markup reaches 50
RATIO_FROM = 1_000_000  # bytes out, below which a ratio says nothing
MAX_MEMBERS = 64  # of a gzip stream: each costs a new decoder of 40 kB
_STEP = 256 << 10
_GZIP = b"\x1f\x8b"


def coding_of(header: str) -> str:
    """The one content coding of a Content-Encoding header: ``identity``, ``gzip`` or ``deflate``.

    Raises BadRecord (``encoding``) for others and for several.
    """
    codings = [name for part in header.lower().split(",") if (name := part.strip())]
    codings = [name for name in codings if name != "identity"]
    if not codings:
        return "identity"
    if len(codings) > 1:
        raise BadRecord("encoding", f"{len(codings)} content codings, one on the other")
    if codings[0] in ("gzip", "x-gzip"):
        return "gzip"
    if codings[0] == "deflate":
        return "deflate"
    raise BadRecord("encoding", f"content coding {codings[0][:40]!r}, which we did not ask for")


class Decoder:
    """Takes a body's chunks and gives the whole body.

    With ``cut`` the first ``max_bytes`` are enough (robots.txt): ``feed`` then says True when it
    has them, and nothing of what follows matters.
    """

    def __init__(self, coding: str, max_bytes: int, *, cut: bool = False) -> None:
        self.wire_bytes = 0
        self._coding = coding
        self._max = max_bytes
        self._cut = cut
        self._out: list[bytes] = []
        self._size = 0
        self._zlib: zlib._Decompress | None = None
        self._held = b""  # the first byte of a deflate stream, until the second is there
        self._members = 0
        self._ended = False

    def feed(self, chunk: bytes) -> bool:
        """Take a chunk; True when no more is needed. Raises BadRecord."""
        self.wire_bytes += len(chunk)
        if self._coding == "identity":
            return self._keep(chunk)
        if self.wire_bytes > self._max and not self._cut:
            raise BadRecord("too_large", f"more than {self._max} bytes on the wire")
        data = self._held + chunk
        self._held = b""
        while data:
            if self._zlib is None and not self._begin(data):
                return False
            data, full = self._step(data)
            if full:
                return True
        return False

    def finish(self) -> bytes:
        """The body. Raises BadRecord (``truncated``) where the compressed stream has no end."""
        full = self._cut and self._size >= self._max
        if self._coding != "identity" and self.wire_bytes and not self._ended and not full:
            raise BadRecord(
                "truncated",
                f"the {self._coding} stream ends before its end, after {self.wire_bytes} bytes",
            )
        return self._out[0] if len(self._out) == 1 else b"".join(self._out)

    def _begin(self, data: bytes) -> bool:
        """Start the next stream; False where there is none, or not enough of it yet."""
        if self._coding == "gzip":
            if self._members and not _GZIP.startswith(data[:2]):
                return False  # padding after the end, which every reader passes over
            self._members += 1
            if self._members > MAX_MEMBERS:
                raise BadRecord("encoding", f"more than {MAX_MEMBERS} gzip members")
            self._zlib = zlib.decompressobj(31)
        elif self._ended:
            return False
        elif len(data) < 2:
            self._held = data
            return False
        else:  # zlib as the standard says, or the bare stream that some servers mean
            wrapped = data[0] & 0x0F == 8 and int.from_bytes(data[:2], "big") % 31 == 0
            self._zlib = zlib.decompressobj(15 if wrapped else -15)
        self._ended = False
        return True

    def _step(self, data: bytes) -> tuple[bytes, bool]:
        """Decompress a bounded step; what is left of ``data``, and whether the cap is reached."""
        stream = self._zlib
        if stream is None:
            return b"", False
        try:
            full = self._keep(stream.decompress(data, min(_STEP, self._max - self._size + 1)))
        except zlib.error as error:
            raise BadRecord("encoding", f"{self._coding}: {error}") from None
        if self._size > RATIO_FROM and self._size > MAX_RATIO * self.wire_bytes:
            raise BadRecord("too_large", f"{self.wire_bytes} bytes unpack to {self._size} and more")
        if stream.eof:
            self._zlib = None
            self._ended = True
            return stream.unused_data, full
        return stream.unconsumed_tail, full

    def _keep(self, piece: bytes) -> bool:
        self._size += len(piece)
        if self._size <= self._max:
            if piece:
                self._out.append(piece)
            return self._cut and self._size == self._max
        if not self._cut:
            raise BadRecord("too_large", f"more than {self._max} bytes")
        self._out.append(piece[: len(piece) - (self._size - self._max)])
        self._size = self._max
        return True
