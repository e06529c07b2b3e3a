"""Dates of feeds are read whole or not at all, and keep the offset that they state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.producer.core.dates import DateReader, instant


@pytest.mark.parametrize(
    ("raw", "date"),
    [
        ("2025-06-03", "2025-06-03"),
        ("20250603", "2025-06-03"),
        ("2025-06-03T10:00:00Z", "2025-06-03T10:00:00+00:00"),
        ("2025-06-03T10:00:00.123456-03:30", "2025-06-03T10:00:00-03:30"),
        ("2025-06-03T10:00+02", "2025-06-03T10:00:00+02:00"),
        ("2025-06-03 10:00:00", "2025-06-03T10:00:00+00:00"),
        ("2025-06-03T10:00:00-05:00Z", "2025-06-03T10:00:00-05:00"),
        ("Tue, 03 Jun 2025 10:00:00 GMT", "2025-06-03T10:00:00+00:00"),
        ("Tue, 3 June 25 10:00 +0200", "2025-06-03T10:00:00+02:00"),
        ("3 Jun 2025", "2025-06-03"),
        ("Tue, 03 Jun 2025 23:59:60 EDT", "2025-06-03T23:59:59-04:00"),
        ("Tue, 03 Jun 2025 10:00:00 CEST", "2025-06-03T10:00:00+02:00"),
        ("Tue Jun 03 2025 10:00:00 GMT+0100 (Central Time)", "2025-06-03T10:00:00+01:00"),
        ("Tuesday, June 3, 2025 - 3:07pm", "2025-06-03T15:07:00+00:00"),
        ("June 3rd, 2025 at 03:07 PM EST", "2025-06-03T15:07:00-05:00"),
        ("03.06.25", "2025-06-03"),
        ("03.06.2025 10:00", "2025-06-03T10:00:00+00:00"),
        ("Di, 3 Juni 2025 10:00:00 +0200", "2025-06-03T10:00:00+02:00"),
        ("mar., 03 juin 2025 10:00:00 +0200", "2025-06-03T10:00:00+02:00"),
        ("3 de junio de 2025 10:00", "2025-06-03T10:00:00+00:00"),
        ("1748944800", "2025-06-03T10:00:00+00:00"),
        ("1748944800000", "2025-06-03T10:00:00+00:00"),
    ],
)
def test_a_date_is_read_with_its_offset(raw: str, date: str) -> None:
    assert DateReader().read(raw) == date


@pytest.mark.parametrize(
    "raw",
    [
        None, "", " ", "yesterday", "12 minutes ago", "Tuesday", "10:00", "2025", "June 2025",
        "2025-06", "2025-13-01", "2025-02-30", "0000-00-00", "2025-06-03T25:00:00Z",
        "Tue, 31 Feb 2025 10:00:00 GMT", "Mon, 06 Sep 2021 00:01:00 +999999999",
        "Mon, 06 Sep 99999999999 00:01:00 GMT", "2025-06-03T10:00:00+15:00", "1 June 1850",
        "x" * 100, "no date at all, 17 apples",
    ],
)  # fmt: skip
def test_what_is_no_whole_date_is_none(raw: str | None) -> None:
    assert DateReader().read(raw) is None


def test_a_language_that_is_unknown_does_no_harm() -> None:
    assert DateReader("xx-nowhere").read("3 juin 2025") == "2025-06-03"


@given(st.text(max_size=80) | st.from_regex(r"[0-9A-Za-z:+/., -]{0,40}", fullmatch=True))
def test_any_text_is_a_date_that_can_be_ordered_or_none(text: str) -> None:
    reader = DateReader("en")
    date = reader.read(text)
    assert date == reader.read(text)
    assert date is None or isinstance(instant(date), float)


@given(st.datetimes(timezones=st.just(None)), st.integers(-14 * 4, 14 * 4))
def test_every_stated_time_is_kept(moment: object, quarters: int) -> None:
    sign, minutes = "-" if quarters < 0 else "+", abs(quarters) * 15
    stated = f"{str(moment)[:19].replace(' ', 'T')}{sign}{minutes // 60:02}:{minutes % 60:02}"
    expected = stated.replace("-00:00", "+00:00") if stated.endswith("-00:00") else stated
    assert DateReader().read(stated) == (expected if 1900 <= int(stated[:4]) <= 2199 else None)
