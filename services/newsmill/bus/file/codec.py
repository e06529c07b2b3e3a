"""How a record lies in a row: its headers packed, and a checksum over all of it."""

from __future__ import annotations

import msgspec
import xxhash

from newsmill.bus.base import Headers

OVERHEAD_BYTES = 40  # of a row beside key, headers and value, near enough

_headers = msgspec.msgpack.Decoder(Headers)
_encoder = msgspec.msgpack.Encoder()


def pack(headers: Headers) -> bytes | None:
    """The headers as MessagePack; None where there are none."""
    return _encoder.encode(headers) if headers else None


def unpack(packed: bytes | None) -> Headers:
    """The headers of a row whose checksum was right."""
    return _headers.decode(packed) if packed else ()


def checksum(key: bytes, packed: bytes | None, value: bytes | None) -> int:
    """XXH3-64 of the parts, as the signed integer that SQLite stores; None is not empty."""
    state = xxhash.xxh3_64(key)
    if packed:
        state.update(packed)
    state.update(b"\0" if value is None else b"\1")
    if value:
        state.update(value)
    number: int = state.intdigest()
    return number - (1 << 64) if number >> 63 else number


def size(key: bytes, packed: bytes | None, value: bytes | None) -> int:
    """Bytes that the row counts for against the cap of its topic."""
    return OVERHEAD_BYTES + len(key) + len(packed or b"") + len(value or b"")


WEIGHT = (  # the same in SQL
    f"{OVERHEAD_BYTES} + length(key) + coalesce(length(hdr), 0) + coalesce(length(val), 0)"
)
