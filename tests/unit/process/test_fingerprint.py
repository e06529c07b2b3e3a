"""Whether two runs made the same bytes, and what differs first: told from fingerprints alone."""

from __future__ import annotations

import json
from zlib import crc32

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.errors import BadRecord
from newsmill.process.fingerprint import FIELD_BYTES, fingerprint, first_difference, output_of
from newsmill.records import Enriched, Quality, encode

NUMBERS = st.integers(0, 3)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SIDES = st.dictionaries(NUMBERS, st.sampled_from("ABC"))  # page → title


def record(page, revision=0, fetched="2026-11-01", **fields):
    base = {"id": "a", "page_id": f"p{page}", "revision": f"r{revision}", "url": "http://a.example"}
    more = {"canonical_url": "http://a.example", "fetched": fetched, "title": "T"}
    return json.dumps(base | more | fields).encode()


def prints(*records):
    return sorted(map(fingerprint, records))


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from("ABC")), max_size=8, unique=True))
def test_the_digest_knows_no_order_of_arrival(made):
    records = [record(page, revision, title=title) for page, revision, title in made]
    assert output_of(prints(*records)) == output_of(prints(*reversed(records)))
    assert output_of(prints(*records)).records == len(made)


@given(
    st.dictionaries(NUMBERS, st.sampled_from("ABC")),
    st.dictionaries(NUMBERS, st.sampled_from("ABC")),
)
def test_the_first_page_that_differs_is_found(before, after):
    one, other = (
        prints(*(record(page, title=title) for page, title in side.items()))
        for side in (before, after)
    )
    found = first_difference(one, other)
    differ = sorted(p for p in before.keys() | after.keys() if before.get(p) != after.get(p))
    assert (found is None) == (not differ) == (output_of(one) == output_of(other))
    if found is not None:
        page = differ[0]
        assert found.page_id == f"p{page}"
        assert (found.before is None, found.after is None) == (
            page not in before,
            page not in after,
        )
        assert found.fields == (("title",) if page in before and page in after else ())


def test_a_page_of_another_revision_is_compared_with_that_of_the_same_fetch():
    early, late = record(1, 1, "2026-11-01"), record(1, 2, "2026-11-02", title="late")
    changed = record(1, 3, "2026-11-02", title="changed")
    found = first_difference(prints(early, late), prints(early, changed))
    assert found.before.fetched == found.after.fetched == "2026-11-02"
    assert found.fields == ("revision", "title")


def test_a_field_that_is_new_differs():
    found = first_difference(prints(record(1)), prints(record(1, mood="glad")))
    assert found.fields == ("mood",)


def test_how_often_a_record_was_made_counts():
    (one,) = prints(record(1))
    twice = one._replace(times=2)
    assert output_of([one]) != output_of([twice])
    assert output_of([twice]).records == 2


def test_what_is_no_record_has_no_fingerprint():
    with pytest.raises(BadRecord):
        fingerprint(b'{"page_id": 1}')


@given(TEXTS, st.floats(0, 1), st.lists(TEXTS, max_size=3))
def test_a_field_is_known_by_its_value_as_a_worker_writes_it(title, score, tags):
    made = Enriched(
        id="a", page_id="p", revision="r", url="u", canonical_url="u", title=title,
        tags=tuple(tags), quality=Quality(score=score, tier="one"),
    )  # fmt: skip
    found = fingerprint(encode(made))
    values = orjson.loads(encode(made))
    assert found.names == ",".join(values)
    assert found.fields == b"".join(
        crc32(orjson.dumps(value)).to_bytes(FIELD_BYTES, "big") for value in values.values()
    )
