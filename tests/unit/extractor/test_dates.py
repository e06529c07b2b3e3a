"""Times as pages state them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core import calendar, dates


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


_IN_LANGUAGES = [  # the third of October 2024
    ("3. Oktober 2024", "de"),
    ("Donnerstag, 3. Oktober 2024", "de"),
    ("jeudi 3 octobre 2024", "fr"),
    ("3 de octubre de 2024", "es"),
    ("3 de outubro de 2024", "pt"),
    ("3 ottobre 2024", "it"),
    ("3 oktober 2024", "nl"),
    ("3 października 2024", "pl"),
    ("3 октября 2024", "ru"),
    ("3 жовтня 2024", "uk"),
    ("3. října 2024", "cs"),
    ("3 Ekim 2024", "tr"),
    ("3 Οκτωβρίου 2024", "el"),
    ("3. oktober 2024", "da"),
    ("3 oktober 2024", "sv"),
    ("3. lokakuuta 2024", "fi"),
    ("2024. október 3.", "hu"),
    ("٣ أكتوبر ٢٠٢٤", "ar"),
    ("3 تشرين الأول / أكتوبر 2024", "ar"),
    ("3 अक्टूबर 2024", "hi"),
    ("৩ অক্টোবর ২০২৪", "bn"),
    ("2024年10月3日", "zh"),
    ("2024年10月3日", "ja"),
    ("令和6年10月3日", "ja"),
    ("民國113年10月3日", "zh-tw"),
    ("2024년 10월 3일", "ko"),
    ("2024. 10. 3.", "ko"),
    ("3 ตุลาคม 2567", "th"),
    ("12 مهر 1403", "fa"),
    ("۱۲ مهر ۱۴۰۳", "fa"),
    ("ngày 3 tháng 10 năm 2024", "vi"),
    ("Thứ năm, 3/10/2024", "vi"),
    ("3 Oktober 2024", "id"),
    ("03 | 10 | 2024", "de"),
    ("Datum:3. Oktober 2024", "de"),
    ("03.10.2412:44 Uhr", "de"),
]


@pytest.mark.parametrize(("raw", "language"), _IN_LANGUAGES)
def test_a_day_is_read_in_the_languages_of_news(raw: str, language: str) -> None:
    found = dates.read(raw, language)
    assert found is not None
    assert found[:10] == "2024-10-03"


@pytest.mark.parametrize(
    "raw", ["vor 3 Stunden", "3 hours ago", "hace 2 días", "il y a 3 heures", "昨日", "10月3日"]
)
def test_a_time_before_an_unknown_now_is_no_date(raw: str) -> None:
    assert dates.read(raw) is None


@pytest.mark.parametrize(
    ("day", "want"),
    [
        ((1403, 1, 1), (2024, 3, 20)),  # after a leap year of both calendars
        ((1399, 12, 30), (2021, 3, 20)),  # the last day of a leap year
        ((1400, 7, 15), (2021, 10, 7)),
        ((1357, 11, 22), (1979, 2, 11)),
    ],
)
def test_a_persian_day_is_that_of_the_gregorian_calendar(
    day: tuple[int, int, int], want: tuple[int, int, int]
) -> None:
    assert calendar.gregorian(*day) == want


_MONTHS = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "fi": "tammikuuta helmikuuta maaliskuuta huhtikuuta toukokuuta kesäkuuta heinäkuuta elokuuta "
    "syyskuuta lokakuuta marraskuuta joulukuuta",
    "el": "Ιανουαρίου Φεβρουαρίου Μαρτίου Απριλίου Μαΐου Ιουνίου Ιουλίου Αυγούστου Σεπτεμβρίου "
    "Οκτωβρίου Νοεμβρίου Δεκεμβρίου",
    "ru": "января февраля марта апреля мая июня июля августа сентября октября ноября декабря",
    "hi": "जनवरी फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
}


@given(
    st.dates(min_value=date(1990, 1, 1), max_value=date(2099, 12, 31)),
    st.sampled_from(sorted(_MONTHS)),
    st.sampled_from(["{0} {1} {2}", "{0}. {1} {2}", "x {0} {1} {2}, 17:30", "({0} {1} {2}) text"]),
)
def test_a_written_day_is_read_back(day: date, language: str, form: str) -> None:
    month = _MONTHS[language].split()[day.month - 1]
    found = dates.read(form.format(day.day, month, day.year), language)
    assert found is not None
    assert found[:10] == day.isoformat()


@given(
    st.integers(7_500, 43_000).flatmap(lambda d: st.integers(d * 86_400, (d + 1) * 86_400)),
    st.integers(-11, 13),
)
def test_a_local_clock_never_moves_the_moment(seconds: int, hours: int) -> None:
    instant = datetime.fromtimestamp(seconds, UTC)
    shown = (instant + timedelta(hours=hours)).isoformat()
    found = dates.finer(instant.isoformat(), shown)
    assert datetime.fromisoformat(found) == instant
