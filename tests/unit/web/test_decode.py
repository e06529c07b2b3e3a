"""Unpacking: the same bytes in whatever chunks they come, never more than asked, never short."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord
from newsmill.web.decode import MAX_MEMBERS, Decoder, coding_of

CAP = 100_000


def pack(body: bytes, form: str) -> tuple[str, bytes]:
    if form == "gzip":
        return "gzip", gzip.compress(body, mtime=0)
    if form == "members":
        half = len(body) // 2
        return "gzip", gzip.compress(body[:half]) + gzip.compress(body[half:]) + b"\0" * 7
    wrap = 15 if form == "zlib" else -15
    packer = zlib.compressobj(wbits=wrap)
    return "deflate", packer.compress(body) + packer.flush()


def unpack(coding: str, data: bytes, size: int, cap: int = CAP, *, cut: bool = False) -> bytes:
    decoder = Decoder(coding, cap, cut=cut)
    for start in range(0, len(data), size):
        if decoder.feed(data[start : start + size]):
            break
    return decoder.finish()


FORMS = st.sampled_from(["gzip", "members", "zlib", "bare"])


@given(st.binary(max_size=3000), FORMS, st.integers(1, 4000))
def test_any_body_in_any_chunks_comes_out_as_it_was(body: bytes, form: str, size: int) -> None:
    coding, data = pack(body, form)
    assert unpack(coding, data, size) == body
    assert unpack("identity", body, size) == body


@given(st.binary(min_size=1, max_size=800), FORMS, st.integers(1, 900), st.data())
def test_a_cut_stream_never_passes_for_a_whole_one(
    body: bytes, form: str, size: int, data: st.DataObject
) -> None:
    coding, packed = pack(body, form)
    packed = packed.rstrip(b"\0") if form == "members" else packed
    if form == "members":  # cut between two members it is a whole, shorter stream: nobody can tell
        packed = packed[len(gzip.compress(body[: len(body) // 2])) :]
    kept = packed[: data.draw(st.integers(1, len(packed) - 1))]
    with pytest.raises(BadRecord, match="truncated"):
        unpack(coding, kept, size)


@given(st.binary(max_size=500), st.sampled_from(["gzip", "deflate"]), st.integers(1, 500))
def test_rubbish_is_a_bad_record_and_nothing_else(data: bytes, coding: str, size: int) -> None:
    try:
        found = unpack(coding, data, size, 1000)
    except BadRecord:
        return
    assert len(found) <= 1000


@given(st.integers(0, 60_000), st.integers(1, 50_000), st.sampled_from(["gzip", "zlib", "bare"]))
def test_the_cap_holds_to_the_byte(size: int, cap: int, form: str) -> None:
    coding, data = pack(b"\x07" * size, form)
    if size <= cap and len(data) <= cap:
        assert len(unpack(coding, data, 4096, cap)) == size
    else:
        with pytest.raises(BadRecord, match="too_large"):
            unpack(coding, data, 4096, cap)
    assert unpack(coding, data, 4096, cap, cut=True) == b"\x07" * min(size, cap)
    assert unpack("identity", b"\x07" * size, 4096, cap, cut=True) == b"\x07" * min(size, cap)


def test_a_ratio_past_belief_is_no_page() -> None:
    data = gzip.compress(bytes(1_100_000))
    with pytest.raises(BadRecord, match="too_large"):
        unpack("gzip", data, 65536, 5_000_000)
    assert len(unpack("gzip", gzip.compress(bytes(900_000)), 65536, 5_000_000)) == 900_000


def test_a_stream_of_a_thousand_members_is_refused() -> None:
    member = gzip.compress(b"x")
    assert unpack("gzip", member * MAX_MEMBERS, 999) == b"x" * MAX_MEMBERS
    with pytest.raises(BadRecord, match="encoding"):
        unpack("gzip", member * (MAX_MEMBERS + 1), 999)


def test_an_empty_body_is_empty_in_every_coding() -> None:
    assert [Decoder(name, 10).finish() for name in ("identity", "gzip", "deflate")] == [b""] * 3


@pytest.mark.parametrize(
    ("header", "coding"),
    [("", "identity"), (" Identity ,", "identity"), ("X-GZIP", "gzip"), ("deflate", "deflate")],
)
def test_codings_that_are_known(header: str, coding: str) -> None:
    assert coding_of(header) == coding


@pytest.mark.parametrize("header", ["br", "gzip, gzip", "gzip,deflate", "zstd", "x" * 9999])
def test_codings_that_are_refused(header: str) -> None:
    with pytest.raises(BadRecord, match="encoding") as caught:
        coding_of(header)
    assert len(str(caught.value)) < 120
