"""Times as a page states them: ISO 8601, RFC 2822, epochs, and what people read, in many languages.

A time keeps the offset that is stated, a time without one is taken as UTC, and a bare day stays a
bare day. What cannot be read is None: a wrong date is worse than none.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

from newsmill.extractor.core.calendar import (
    AFTERNOON,
    BUDDHIST,
    DIGITS,
    ERAS,
    FORENOON,
    MONTH_FIRST,
    MONTHS,
    MONTHS_OF,
    PERSIAN,
    SEASONAL,
    TWO_WORDS,
    ZONES,
    fold,
    gregorian,
)

MAX_RAW = 160  # characters of a string that is searched for a date
MAX_DATELINE = 90  # characters of a line that says when, and its words
MAX_DATELINE_WORDS = 12
MAX_DATE_WORDS = 4  # of a line that ends in a full stop and is still no sentence
MIN_YEAR = 1600  # the first newspaper is of 1605

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:(?:T|\s+)(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*(Z|[+-]\d{2}:?\d{2}|"
    r"[+-]\d{2}(?!\d)|[A-Za-z]{2,5}\b)?)?",
    re.I,
)
_BASIC = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(\d{2})?\s*(Z|[+-]\d{2}:?\d{2})?)?\Z")
_EPOCH = re.compile(r"\d{10}(?:\d{3})?\Z")
_WORD = r"[^\s\d.,:;/|()\[\]<>_–—\"'’·•-]{2,14}"  # a month in any script, vowel signs and all
_CJK = re.compile(
    r"(令和|平成|昭和|民國|民国)?\s*(\d{1,4}|元)\s*[年년]\s*(\d{1,2})\s*[月월]\s*(\d{1,2})\s*[日일号號]?"
)
_VIETNAMESE = re.compile(r"(\d{1,2})\s+tháng\s+(\d{1,2})(?:\s+năm|,)?\s+(\d{4})(?!\d)", re.I)
_YEAR_FIRST = re.compile(r"(?<![\d/.])(\d{4})[/.]\s?(\d{1,2})[/.]\s?(\d{1,2})(?!\d)")
_NUMBERS = re.compile(
    r"(?<!\d)(?<!\d[/.:-])(\d{1,2})\s?([/.|-])\s?(\d{1,2})\s?\2\s?"
    r"(\d{4}(?![\d:/-])|\d{2}(?![\d/-])|\d{2}(?=\d{2}:\d{2}))"
)
_DAY_MONTH = re.compile(
    r"(?<!\d)(?<!\d[.:/])(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)?,?\s+(?:of\s+|de\s+|d[’'])?"
    rf"({_WORD})\.?(?:\s*/\s*{_WORD})?"
    r"(?:\s*,?\s+(?:de\s+|del\s+)?)(\d{4})(?!\d)",
    re.I,
)
_DAY_MONTH_DASHED = re.compile(rf"(?<!\d)(?<!\d[.:/])(\d{{1,2}})[-/ ]({_WORD})[-/ ](\d{{4}})(?!\d)")
_MONTH_DAY = re.compile(
    rf"(?<![^\W\d_])({_WORD})\.?\s+(\d{{1,2}})(?:st|nd|rd|th)?\s*,?\s+(\d{{4}})(?!\d)", re.I
)
_YEAR_MONTH_DAY = re.compile(rf"(?<!\d)(\d{{4}})\.?\s+({_WORD})\s+(\d{{1,2}})\.?(?!\d)")
_CLOCK = re.compile(
    r"(上午|下午|午前|午後|凌晨|早上|晚上|오전|오후|صباحا|مساء)?\s*(?<![\d.:])(\d{1,2})\s?(?::|[hH](?=\d)|"
    r"(?<=\d)\.(?=\d{2}\b)|[時时시]\s?)\s?(\d{2})"
    r"(?::(\d{2}))?(?:分|분)?(?:[.,]\d+)?\s*(a\.?\s?m\b\.?|p\.?\s?m\b\.?|مساء|صباحا)?\s*(?:Uhr\b|Hrs\b|hs\b)?"
    r"\s*\(?(?:(UTC|GMT)?\s*([+-]\d{1,2}:?\d{0,2})(?![\d-])|([A-Za-z]{1,5})\b)?",
    re.I,
)
_HOUR = re.compile(r"(?<![\d.:])(\d{1,2})\s*([ap])\.?\s?m\b\.?\s*([A-Za-z]{2,5}\b)?", re.I)
_CTIME = re.compile(
    r"([A-Z][a-z]{2}) ([ \d]\d) (\d{2}:\d{2}:\d{2}) ?((?:[A-Z]{3,4}|GMT[+-]\d{4}|"
    r"[+-]\d{4})?) ?(\d{4})\b"
)
_OFFSET = re.compile(r"([+-])(\d{1,2}):?(\d{2})?\Z")
_URL_DAY = re.compile(
    r"/((?:19|20)\d{2})[/_-]?(0[1-9]|1[0-2])[/_-]?(0[1-9]|[12]\d|3[01])(?=[/_.-]|\Z)"
)
_URL_MONTH_NAME = re.compile(r"/((?:19|20)\d{2})/([a-z]{3})/(\d{1,2})/")


def read(raw: str | None, language: str | None = None, *, newest: str | None = None) -> str | None:
    """The time that ``raw`` states, or None where it states none that can be.

    ``language`` decides between 7 August and 8 July; ``newest`` (a page's ``fetched``) bounds the
    future, with two days of grace for zones and embargoes.
    """
    if not raw:
        return None
    text = " ".join(raw[: 2 * MAX_RAW].split())[:MAX_RAW]
    if not text.isascii():
        text = text.translate(DIGITS)
        for words, word in TWO_WORDS.items():
            text = text.replace(words, word)
    if text.count(":") > 1:  # as a clock with seconds has
        text = _CTIME.sub(r"\1 \2 \5 \3 \4", text)
    found = _iso(text) or _epoch(text) or _words(text, (language or "").lower())
    return found if found is not None and _plausible(found, newest) else None


def is_dateline(line: str, language: str | None = None) -> bool:
    """Whether a short line says nothing but when: "Aug 7, 2020, 5:30 PM EDT"."""
    count = len(line.split())
    if len(line) > MAX_DATELINE or count > MAX_DATELINE_WORDS:
        return False
    if line[-1:] in ".!?" and count > MAX_DATE_WORDS:
        return False  # "The hearing is on 12 May 2026."
    return any(char.isdigit() for char in line) and read(line, language) is not None


def in_url(url: str) -> str | None:
    """The day in the path of a URL, or None."""
    found = _URL_DAY.search(url)
    if found:
        return _day(int(found[1]), int(found[2]), int(found[3]))
    named = _URL_MONTH_NAME.search(url)
    if named and named[2] in MONTHS:
        return _day(int(named[1]), MONTHS[named[2]], int(named[3]))
    return None


def finer(first: str, second: str | None) -> str:
    """``second`` where it states the same day or time as ``first`` with more precision.

    An instant in UTC that is also stated on a local clock is told by that clock: 02:25 UTC on the
    9th and "9:25 pm" on the 8th are one moment, five hours west. On the hour it may be chance.
    """
    if second is not None and len(first) > 10 and first.endswith("+00:00") and len(second) > 10:
        return _on_local_clock(first, second) or first
    if second is None or (len(second) <= len(first) and not first.endswith("+00:00")):
        return first
    if len(first) == 10:
        return second if second[:10] == first else first
    same_clock = second[:16] == first[:16] and len(second) > 10
    return second if same_clock and first.endswith("+00:00") else first


def _on_local_clock(instant: str, other: str) -> str | None:
    """The instant with the offset that a second statement of it has, or shows by its clock."""
    moment, stated = datetime.fromisoformat(instant), datetime.fromisoformat(other)
    if not other.endswith("+00:00"):
        if other[:16] == instant[:16]:
            return other  # a local time that a field calls UTC
        same = abs((moment - stated).total_seconds()) < 60
        return moment.astimezone(stated.tzinfo).isoformat() if same else None
    ahead = stated - moment.replace(second=stated.second, microsecond=stated.microsecond)
    minutes = round(ahead.total_seconds() / 60)
    if not stated.minute or minutes == 0 or minutes % 30 or not -12 * 60 <= minutes <= 14 * 60:
        return None
    return moment.astimezone(timezone(timedelta(minutes=minutes))).isoformat()


def _iso(text: str) -> str | None:
    found = _ISO.match(text) or _BASIC.match(text)
    if found is None:
        return None
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if found[4] is None:
        rest = text[found.end() :]
        return _day(year, month, day) if not rest[:1].isdigit() else None
    if (found[7] or "").lower() in ("am", "pm"):
        return None
    offset = _offset(found[7], (year, month, day))
    if found[7] and offset is None:
        return _day(year, month, day)
    return _time(year, month, day, int(found[4]), int(found[5]), int(found[6] or 0), offset)


def _epoch(text: str) -> str | None:
    if not _EPOCH.match(text):
        return None
    return datetime.fromtimestamp(int(text[:10]), UTC).isoformat()


def _words(text: str, language: str) -> str | None:
    """A date as people write it, and the time of day that stands near it."""
    found = _day_in(text, language)
    if found is None:
        return None
    day, start, end = found
    if day is None:
        return None
    clock = _clock_in(text[end : end + 48]) or _clock_in(text[max(0, start - 32) : start])
    if clock is None:
        return day
    hour, minute, second, zone = clock
    year, month, number = (int(part) for part in day.split("-"))
    offset = _offset(zone, (year, month, number))
    return _time(year, month, number, hour, minute, second, offset) or day


def _day_in(text: str, language: str) -> tuple[str | None, int, int] | None:
    """The first day in the text and where it stands; the day is None where it cannot be."""
    iso = re.search(r"(?<!\d)(\d{4})-(\d{2})-(\d{2})(?!\d)", text)
    if iso:
        return _day(int(iso[1]), int(iso[2]), int(iso[3])), iso.start(), iso.end()
    cjk = _CJK.search(text)
    if cjk:
        year = ERAS[cjk[1] or ""] + (1 if cjk[2] == "元" else int(cjk[2]))
        return _day(year, int(cjk[3]), int(cjk[4])), cjk.start(), cjk.end()
    for pattern, year, month, day in (
        (_MONTH_DAY, 3, 1, 2),
        (_DAY_MONTH, 3, 2, 1),
        (_DAY_MONTH_DASHED, 3, 2, 1),
        (_YEAR_MONTH_DAY, 1, 2, 3),
        (_VIETNAMESE, 3, 2, 1),
        (_YEAR_FIRST, 1, 2, 3),
    ):
        for found in pattern.finditer(text):
            number = _month(found[month], language)
            if number is not None:
                whole = _day_of(int(found[year]), number, int(found[day]), found[month], language)
                return whole, found.start(), found.end()
    return _numbers(text, language)


def _numbers(text: str, language: str) -> tuple[str | None, int, int] | None:
    """A day in numbers; which is the month, the language decides where both could be."""
    found = _NUMBERS.search(text)
    if found is None:
        return None
    first, second = int(found[1]), int(found[3])
    year = int(found[4]) + (2000 if len(found[4]) == 2 else 0)
    us = found[2] == "/" and (language in MONTH_FIRST or language == "en")
    month, day = (first, second) if second > 12 or (first <= 12 and us) else (second, first)
    return _day(year, month, day), found.start(), found.end()


def _day_of(year: int, month: int, day: int, word: str, language: str) -> str | None:
    """A day of the calendar that its month's name, its language or the size of its year says."""
    if 1300 <= year <= 1450 and (fold(word) in PERSIAN or language[:2] == "fa"):
        return _day(*gregorian(year, month, day))
    return _day(year, month, day)


def _month(word: str, language: str) -> int | None:
    if word.isdigit():
        return int(word)
    name = fold(word)
    own = MONTHS_OF.get(language[:2], {}).get(name)
    if own is None:
        own = MONTHS.get(name)
    return own if own is not None else PERSIAN.get(name)


def _clock_in(text: str) -> tuple[int, int, int, str | None] | None:
    """Hour, minute, second and zone (as stated, None where none is) of a time of day."""
    found = _CLOCK.search(text)
    if found:
        half = (found[1] or found[5] or "").lower().replace(".", "").replace(" ", "")
        zone = found[7] or found[8] or found[6]
        hour, minute, second = int(found[2]), int(found[3]), int(found[4] or 0)
    else:
        found = _HOUR.search(text)
        if found is None:
            return None
        half, zone = found[2].lower() + "m", found[3]
        hour, minute, second = int(found[1]), 0, 0
    if half in AFTERNOON and hour < 12:
        hour += 12
    elif half in FORENOON and hour == 12:
        hour = 0
    return (hour, minute, second, zone) if hour < 24 and minute < 60 and second < 60 else None


def _offset(zone: str | None, day: tuple[int, int, int]) -> int | None:
    """Minutes east of UTC of ``+08:00``, ``+0800``, ``+8``, ``Z`` or a known name, on a day."""
    if not zone:
        return None
    found = _OFFSET.match(zone)
    if found is None:
        name = zone.lower()
        if name in SEASONAL:
            return SEASONAL[name] + (60 if _is_us_summer(*day) else 0)
        return ZONES.get(name)
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    if minutes > 14 * 60:
        return None
    return -minutes if found[1] == "-" else minutes


def _is_us_summer(year: int, month: int, day: int) -> bool:
    """From the second Sunday of March to the first of November (the rule since 2007)."""
    if month in (3, 11):
        try:
            first = datetime(year, month, 1, tzinfo=UTC).isoweekday() % 7  # Sunday is 0
        except ValueError:
            return False
        sunday = 1 + (7 - first) % 7
        return day >= sunday + 7 if month == 3 else day < sunday
    return 3 < month < 11


def _day(year: int, month: int, day: int) -> str | None:
    if BUDDHIST.start <= year < BUDDHIST.stop:
        year -= 543
    try:
        return datetime(year, month, day, tzinfo=UTC).date().isoformat()
    except ValueError:
        return None


def _time(
    year: int, month: int, day: int, hour: int, minute: int, second: int, offset: int | None
) -> str | None:
    try:
        zone = timezone(timedelta(minutes=offset or 0))
        return datetime(year, month, day, hour, minute, second, tzinfo=zone).isoformat()
    except ValueError:
        return None


def _plausible(found: str, newest: str | None) -> bool:
    if int(found[:4]) < MIN_YEAR or int(found[:4]) > 2100:
        return False
    limit = _iso(newest) if newest else None
    if limit is None:
        return True
    return found[:10] <= (datetime.fromisoformat(limit[:10]) + timedelta(days=2)).date().isoformat()
