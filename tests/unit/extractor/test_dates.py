"""Times as pages state them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core import dates


@pytest.mark.parametrize(
    ("raw", "language", "want"),
    [
        ("2021-04-06T17:30:00+08:00", None, "2021-04-06T17:30:00+08:00"),
        ("2021-04-06T17:30:00.123Z", None, "2021-04-06T17:30:00+00:00"),
        ("2021-04-06T17:30", None, "2021-04-06T17:30:00+00:00"),
        ("2021-04-06 17:30:00 +0530", None, "2021-04-06T17:30:00+05:30"),
        ("2021-04-06", None, "2021-04-06"),
        ("20210406T173000Z", None, "2021-04-06T17:30:00+00:00"),
        ("1617730200", None, "2021-04-06T17:30:00+00:00"),
        ("Tue, 06 Apr 2021 17:30:00 GMT", None, "2021-04-06T17:30:00+00:00"),
        ("Tue Apr 06 17:30:00 EST 2021", None, "2021-04-06T17:30:00-05:00"),
        ("Tue Apr 06 2021 17:30:00 GMT+0200 (CEST)", None, "2021-04-06T17:30:00+02:00"),
        ("Published April 6, 2021 at 5:30 p.m. PDT", "en", "2021-04-06T17:30:00-07:00"),
        ("April 6, 2021 5:30 PM ET", "en", "2021-04-06T17:30:00-04:00"),
        ("January 6, 2021 5:30 PM ET", "en", "2021-01-06T17:30:00-05:00"),
        ("Apr 6th, 2021", "en", "2021-04-06"),
        ("6. April 2021, 17:30 Uhr", "de", "2021-04-06T17:30:00+00:00"),
        ("06.04.2021 17.30", "de", "2021-04-06T17:30:00+00:00"),
        ("le 6 avril 2021 à 17h30", "fr", "2021-04-06T17:30:00+00:00"),
        ("6 de abril de 2021 17:30", "es", "2021-04-06T17:30:00+00:00"),
        ("6 апреля 2021, 17:30", "ru", "2021-04-06T17:30:00+00:00"),
        ("2021. április 6. 17:30", "hu", "2021-04-06T17:30:00+00:00"),
        ("6.4.2021 klo 17.30", "fi", "2021-04-06T17:30:00+00:00"),
        ("5 listopada 2021", "pl", "2021-11-05"),
        ("5 listopada 2021", "hr", "2021-10-05"),
        ("2021年4月6日 17:30", "zh", "2021-04-06T17:30:00+00:00"),
        ("2021년 4월 6일 오후 5:30", "ko", "2021-04-06T17:30:00+00:00"),
        ("4/6/2021", "en-us", "2021-04-06"),
        ("4/6/2021", "en-gb", "2021-06-04"),
        ("25/12/2021", "en-us", "2021-12-25"),
    ],
)
def test_a_date_is_read_as_people_and_machines_write_it(
    raw: str, language: str | None, want: str
) -> None:
    assert dates.read(raw, language) == want


@pytest.mark.parametrize(
    "raw",
    [
        "",
        "soon",
        "2021-13-45",
        "0001-01-01T00:00:00",
        "31.02.2021",
        "April 2021",
        "99999999999999",
        "Tue",
    ],
)
def test_what_is_no_date_is_none(raw: str) -> None:
    assert dates.read(raw) is None


def test_a_date_after_the_fetch_is_none() -> None:
    assert dates.read("2031-01-01", newest="2024-05-01T00:00:00Z") is None
    assert dates.read("2024-05-02", newest="2024-05-01T00:00:00Z") == "2024-05-02"


@pytest.mark.parametrize(
    ("first", "second", "want"),
    [
        ("2021-04-06", "2021-04-06T17:30:00+02:00", "2021-04-06T17:30:00+02:00"),
        ("2021-04-06", "2021-04-07T17:30:00+02:00", "2021-04-06"),
        ("2021-04-06T17:30:00+00:00", "2021-04-06T17:30:00+02:00", "2021-04-06T17:30:00+02:00"),
        ("2021-04-06T17:30:00+00:00", "2021-04-06", "2021-04-06T17:30:00+00:00"),
        ("2021-04-06", None, "2021-04-06"),
    ],
)
def test_of_two_that_agree_the_finer_wins(first: str, second: str | None, want: str) -> None:
    assert dates.finer(first, second) == want


def test_a_day_in_the_address_is_read() -> None:
    assert dates.in_url("https://a.example/2021/04/06/story") == "2021-04-06"
    assert dates.in_url("https://a.example/2021/apr/06/story") == "2021-04-06"
    assert dates.in_url("https://a.example/item/20214599/story") is None


@given(
    st.datetimes(datetime.fromisoformat("1700-01-01"), datetime.fromisoformat("2099-12-31")).map(
        lambda d: d.replace(microsecond=0)
    ),
    st.integers(-12 * 4, 14 * 4),
)
def test_every_stated_offset_is_kept(when: datetime, quarters: int) -> None:
    zoned = when.replace(tzinfo=timezone(timedelta(minutes=15 * quarters)))
    assert dates.read(zoned.isoformat()) == zoned.isoformat()
    assert dates.read(when.isoformat()) == when.replace(tzinfo=UTC).isoformat()


@given(st.text(max_size=300), st.sampled_from(["en", "en-us", "de", "hr", ""]))
def test_any_text_gives_an_iso_date_or_none(text: str, language: str) -> None:
    found = dates.read(text, language)
    if found is not None:
        datetime.fromisoformat(found)
