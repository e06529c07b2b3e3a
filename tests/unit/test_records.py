"""Records: whatever can be made is read back as itself, and nothing else is taken for one."""

from __future__ import annotations

import dataclasses
import os
import re
from typing import Any, get_type_hints

import orjson
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from newsmill.errors import BadRecord, TryLater
from newsmill.records import (
    MAX_FRAME_BYTES,
    MAX_PAGE_BYTES,
    VERSIONED,
    Article,
    Block,
    Enclosure,
    Enriched,
    Entity,
    Entry,
    Feed,
    Image,
    Page,
    PageLine,
    Quality,
    Quote,
    Related,
    compress,
    decode,
    decompress,
    digest,
    encode,
    page_header,
    splice,
    traceparent,
)

FLAT = {
    str: st.text(max_size=12),
    int: st.integers(-(1 << 53), 1 << 53),
    float: st.floats(allow_nan=False, allow_infinity=False),
}


def made(kind: type, **fixed: Any) -> st.SearchStrategy[Any]:
    """Any record of that kind, every field of its type."""
    hints = get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind) if field.name not in {"v", *fixed}]
    fields = {name: st.from_type(hints[name]) for name in names}
    return st.builds(kind, **fields, **{name: st.just(value) for name, value in fixed.items()})


for flat, strategy in FLAT.items():
    st.register_type_strategy(flat, strategy)
for part in (Enclosure, Block, Image, Related, Quality, Entity, Quote, Entry):
    st.register_type_strategy(part, made(part))


def smallest(kind: type) -> Any:
    """A record with nothing but what it must have."""
    required = [
        field.name
        for field in dataclasses.fields(kind)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    return kind(**dict.fromkeys(required, "x"))


@pytest.mark.parametrize("kind", VERSIONED)
@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_every_record_that_can_be_made_is_read_back_as_itself(
    kind: type, data: st.DataObject
) -> None:
    record = data.draw(made(kind))
    value = encode(record)
    assert decode(kind, value) == record
    assert b"\n" not in value
    assert list(orjson.loads(value)) == [field.name for field in dataclasses.fields(kind)]


@pytest.mark.parametrize("kind", [*VERSIONED, PageLine])
def test_the_smallest_record_is_one(kind: type) -> None:
    record = smallest(kind)
    full = {k: v for k, v in orjson.loads(encode(record)).items() if v == "x"}
    assert decode(kind, encode(record)) == decode(kind, orjson.dumps(full)) == record


@pytest.mark.parametrize("kind", VERSIONED)
def test_a_newer_version_waits_for_the_newer_worker(kind: type) -> None:
    value = encode(smallest(kind)).replace(b'"v":1', b'"v":2', 1)
    with pytest.raises(TryLater, match=r"version 2.*deploy a newer one") as error:
        decode(kind, value)
    assert error.value.after_s > 0


def test_a_newer_version_waits_even_where_its_fields_have_other_types() -> None:
    for value in (b'{"v":3,"url":["x"]}', b'{"v":2}', b'{"url":7,"v":9}'):
        with pytest.raises(TryLater):
            decode(Entry, value)


@pytest.mark.parametrize("entry", [b'{"v":2,"url":["x"]}', b'{"v":2,"url":"x","page_id":"y"}'])
def test_a_page_with_an_entry_of_the_future_waits_too(entry: bytes) -> None:
    for kind in (Page, PageLine):
        with pytest.raises(TryLater, match="version 2"):
            decode(kind, b'{"page_id":"x","url":"y","entry":' + entry + b"}")


@pytest.mark.parametrize("version", [b"0", b"-1", b'"1"', b"1.5", b"null", b"[]"])
def test_a_version_that_never_was_is_a_bad_record(version: bytes) -> None:
    with pytest.raises(BadRecord, match="decode"):
        decode(Feed, b'{"url":"x","v":' + version + b"}")


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{}",
        b'{"url":"x"',
        b'{"url":"x","page_id":"y"} {}',
        b'{"url":1,"page_id":"y"}',
        b'{"url":"x","page_id":"y","tags":"news"}',
        b'{"url":"x","page_id":"y","enclosures":[{}]}',
        b'{"url":"\\ud800","page_id":"y"}',
        b'{"url":"\xff","page_id":"y"}',
        b'\xef\xbb\xbf{"url":"x","page_id":"y"}',
        b"[" * 5000,
        b'{"page_id":' * 5000,
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_no_record_is_a_bad_record(value: bytes | None) -> None:
    with pytest.raises(BadRecord) as error:
        decode(Entry, value)
    assert error.value.reason == "decode"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=40) | st.text('{}[]",:v12eurlpag_id \\', max_size=40).map(str.encode))
def test_no_bytes_make_reading_fail_otherwise(value: bytes) -> None:
    for kind in (Entry, Page, Feed):
        try:
            decode(kind, value)
        except (BadRecord, TryLater):
            continue


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
UNKNOWN = st.dictionaries(st.text("xyz", min_size=1, max_size=3).map("future_{}".format), JSON)


@settings(max_examples=60, deadline=None)
@given(made(Article), UNKNOWN)
def test_unknown_fields_of_an_article_survive_the_annotations(
    article: Article, unknown: dict[str, Any]
) -> None:
    known = orjson.loads(encode(article))
    value = orjson.dumps(known | unknown)
    notes = {"language": "en", "entities": [{"name": "}", "type": "ORG", "spans": [[0, 1]]}]}
    spliced = splice(value, orjson.dumps(notes))
    assert orjson.loads(spliced) == known | unknown | notes
    assert spliced.startswith(value[:-1])
    enriched = decode(Enriched, spliced)
    assert enriched.language == "en"
    assert decode(Article, spliced) == article


@pytest.mark.parametrize(
    ("record", "fields", "both"),
    [
        (b'{"a":1}', b'{"b":2}', b'{"a":1,"b":2}'),
        (b'{"a":1}\n', b'{"b":2}', b'{"a":1,"b":2}'),
        (b'{"a":1 }', b'{"b":2}', b'{"a":1,"b":2}'),
        (b'{"a":"}"}', b'{"b":"{"}', b'{"a":"}","b":"{"}'),
        (b'{"a":1}', b"{}", b'{"a":1}'),
        (b"{}", b'{"b":2}', b'{"b":2}'),
    ],
)
def test_splicing_puts_the_fields_at_the_end(record: bytes, fields: bytes, both: bytes) -> None:
    assert splice(record, fields) == both


@settings(max_examples=40, deadline=None)
@given(made(Page, entry=None), made(Entry), UNKNOWN)
def test_a_page_header_keeps_its_entry_whole(
    page: Page, entry: Entry, unknown: dict[str, Any]
) -> None:
    value = splice(encode(entry), orjson.dumps(unknown))
    header = page_header(page, value)
    assert value in header
    assert decode(Page, header) == dataclasses.replace(page, entry=entry)
    assert decode(Page, page_header(page)) == page


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=2000) | st.binary(max_size=20).map(lambda piece: piece * 500))
def test_a_body_comes_out_of_its_frame(body: bytes) -> None:
    frame = compress(body)
    assert decompress(frame) == body
    assert compress(body) == frame


@settings(max_examples=40, deadline=None)
@given(st.binary(min_size=1, max_size=400), st.data())
def test_a_frame_that_was_cut_is_never_taken_for_whole(body: bytes, data: st.DataObject) -> None:
    frame = compress(body)
    cut = data.draw(st.integers(0, len(frame) - 1))
    with pytest.raises(BadRecord) as error:
        decompress(frame[:cut])
    assert error.value.reason == "encoding"


def test_more_after_a_frame_is_refused() -> None:
    frame = compress(b"body")
    for more in (b"x", frame, b"\0" * 20):
        with pytest.raises(BadRecord, match="more follows") as error:
            decompress(frame + more)
        assert error.value.reason == "encoding"


def test_what_is_no_frame_is_refused() -> None:
    for value in (b"", b"<html>", b"\x1f\x8b" + b"\0" * 30, b"\x28\xb5\x2f\xfd"):
        with pytest.raises(BadRecord) as error:
            decompress(value)
        assert error.value.reason == "encoding"
    with pytest.raises(BadRecord) as error:
        decompress(None)
    assert error.value.reason == "decode"


def test_a_body_at_the_cap_passes_and_one_past_it_does_not() -> None:
    body = b"a" * MAX_PAGE_BYTES
    assert decompress(compress(body)) == body
    with pytest.raises(BadRecord) as error:
        compress(body + b"a")
    assert error.value.reason == "too_large"


def test_a_body_that_does_not_compress_is_bounded_by_its_frame() -> None:
    with pytest.raises(BadRecord, match="compressed") as error:
        compress(os.urandom(MAX_FRAME_BYTES + 1000))
    assert error.value.reason == "too_large"


def test_a_frame_that_would_grow_past_the_cap_is_refused_before_it_grows() -> None:
    bomb = zstandard.ZstdCompressor().compress(b"a" * (MAX_PAGE_BYTES + 1))
    assert len(bomb) < 2000
    streamed = zstandard.ZstdCompressor().compressobj()
    unsized = streamed.compress(b"a" * 50_000_000) + streamed.flush()
    for frame in (bomb, unsized):
        with pytest.raises(BadRecord) as error:
            decompress(frame)
        assert error.value.reason == "too_large"


def test_a_digest_tells_lists_apart_and_takes_any_string() -> None:
    assert digest("a", "b") != digest("ab") != digest("ab", "") != digest("", "ab")
    assert re.fullmatch("[0-9a-f]{32}", digest("\ud800"))
    assert digest("u1", "http://a.example/") == "dc849350723f958c016d69db9b2ff765"


def test_the_trace_of_a_page_is_its_id_at_each_stage_a_span_of_its_own() -> None:
    page_id = digest("page")
    spans = {traceparent(page_id, stage) for stage in ("fetcher", "extractor")}
    assert len(spans) == 2
    for span in spans:
        assert re.fullmatch(f"00-{page_id}-[0-9a-f]{{16}}-01".encode(), span)
