"""The two rules: which row of a page is the newest, which page speaks for its article."""

from __future__ import annotations

import random

import pytest

from newsmill.archiver.core.fold import OLDEST, instant, newest_per_page, row_of, speaks_for
from newsmill.errors import BadRecord, TryLater
from newsmill.records import encode, splice
from unit.archiver.rows import enriched, record, row


def test_a_row_is_drawn_from_the_record_and_keeps_its_bytes() -> None:
    value = splice(record("a", published="2026-11-02"), b'{"from_the_future":[1]}')
    drawn = row_of(value)
    assert drawn.record is value
    assert (drawn.title, drawn.site, drawn.published) == ("Story a", "The Gazette", "2026-11-02")
    assert (drawn.language, drawn.url) == ("en", "https://gazette.example/a")


def test_a_page_is_canonical_when_its_own_url_is_the_canonical_one() -> None:
    assert row("a").canonical
    assert not row("amp/a", canonical="a").canonical


def test_a_row_of_no_record_is_refused() -> None:
    with pytest.raises(BadRecord, match="decode"):
        row_of(b'{"id": 3}')
    with pytest.raises(TryLater, match="version 2"):
        row_of(encode(enriched()).replace(b'"v":1', b'"v":2', 1))


@pytest.mark.parametrize(
    ("one", "same"),
    [
        ("2026-11-02T08:00:00Z", "2026-11-02T08:00:00+00:00"),
        ("2026-11-02T08:00:00+05:30", "2026-11-02T02:30:00Z"),
        ("2026-11-02", "2026-11-02T00:00:00Z"),
        ("2026-11-02T08:00:00", "2026-11-02T08:00:00.000Z"),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"),
    ],
)
def test_times_are_compared_as_instants(one: str, same: str) -> None:
    assert instant(one) == instant(same) > OLDEST


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-11-02T08:00:00+99:00"])
def test_what_is_no_time_is_the_oldest(text: str) -> None:
    assert instant(text) == OLDEST


def test_the_epoch_and_its_microseconds() -> None:
    assert instant("1970-01-01T00:00:00.000001Z") == 1
    assert instant("1969-12-31T23:59:59Z") == -1_000_000


def test_a_page_keeps_the_row_fetched_last_as_an_instant() -> None:
    early = row(fetched="2026-11-02T09:00:00+02:00")
    late = row(fetched="2026-11-02T08:00:00Z", revision="r2")
    assert newest_per_page([late, early]) == newest_per_page([early, late]) == [late]


def test_a_row_without_a_time_is_older_than_any() -> None:
    dated = row(fetched="1969-01-01T00:00:00Z")
    assert newest_per_page([dated, row(fetched=None, revision="r0")]) == [dated]


def test_rows_of_one_instant_go_by_the_smaller_revision_then_by_their_bytes() -> None:
    small, big = row(revision="r1"), row(revision="r2")
    assert newest_per_page([big, small]) == [small]
    one, other = row(title="one"), row(title="other")
    assert newest_per_page([one, other]) == newest_per_page([other, one])


def test_rows_come_out_by_page_id_one_a_page() -> None:
    rows = [row(page, revision=f"r{n}") for page in "dacb" for n in (2, 1)]
    random.Random(7).shuffle(rows)
    kept = newest_per_page(rows)
    assert [r.page_id for r in kept] == sorted({r.page_id for r in rows})
    assert {r.revision for r in kept} == {"r1"}


def test_the_page_fetched_last_speaks_for_the_article() -> None:
    desktop = row("a", fetched="2026-11-02T08:00:00Z")
    amp = row("amp/a", canonical="a", fetched="2026-11-02T09:00:00Z")
    assert speaks_for([desktop, amp]) == amp


def test_of_pages_fetched_at_once_the_canonical_one_speaks_then_the_smaller_id() -> None:
    desktop = row("a")
    others = [row(page, canonical="a") for page in ("amp/a", "print/a", "m/a")]
    assert speaks_for([*others, desktop]) == desktop
    assert speaks_for(others) == min(others, key=lambda r: r.page_id)
    undated = [row("a", fetched=None), row("amp/a", canonical="a", fetched=None)]
    assert speaks_for(undated) == undated[0]
