"""The dates of feeds, in whatever form they are written, as ISO 8601 with the offset they state.

A ladder, from exact and cheap to lenient and slow: ISO 8601, RFC 822, dateutil, dateparser (other
languages). What none of them can read whole is no date: nothing is filled in from today, nothing
relative ("yesterday") is taken, so that a string means the same on every day.
"""

from __future__ import annotations

import functools
import re
from datetime import UTC, datetime, timedelta, timezone

from dateparser.date import DateDataParser
from dateutil import parser as dateutil_parser

MAX_DATE = 64  # characters
MAX_OFFSET = timedelta(hours=14)
FIRST_YEAR, LAST_YEAR = 1900, 2199

# The zone names that feeds write, beyond RFC 822's; of zones that share one, that of more feeds.
_ZONE_HOURS = """UT 0 UTC 0 GMT 0 Z 0 WET 0 WEST 1 BST 1 CET 1 MET 1 MEZ 1 CEST 2 MEST 2
MESZ 2 EET 2 EEST 3 SAST 2 CAT 2 EAT 3 WAT 1 MSK 3 TRT 3 IRST 3.5 GST 4 PKT 5 IST 5.5 NPT 5.75
WIB 7 ICT 7 HKT 8 SGT 8 PHT 8 AWST 8 JST 9 KST 9 ACST 9.5 AEST 10 AEDT 11 NZST 12 NZDT 13 NST
-3.5 NDT -2.5 AST -4 ADT -3 EST -5 EDT -4 CST -6 CDT -5 MST -7 MDT -6 PST -8 PDT -7 AKST -9
AKDT -8 HST -10 BRT -3 ART -3 CLT -4"""
_WORDS = _ZONE_HOURS.split()
_ZONES = {
    name: timezone(timedelta(hours=float(hours)))
    for name, hours in zip(_WORDS[::2], _WORDS[1::2], strict=True)
}

_MONTH_NAMES = "jan feb mar apr may jun jul aug sep oct nov dec"
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), start=1)}

_SPACE = re.compile(r"\s+")
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d|\Z)|\d{8}T\d")
_EPOCH = re.compile(r"(\d{10})(?:\d{3})?\Z")
_RFC822 = re.compile(
    r"(?:[A-Za-z]{3,9}\.?,? )?(\d{1,2}) "
    rf"({_MONTH_NAMES.replace(' ', '|')})[a-z]{{0,6}}\.? "
    r"(\d{4}|\d\d)(?: (\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\Z",
    re.I,
)
_OFFSET = re.compile(
    r"(.*\d(?: ?[ap]\.?m\.?)?) ?([+-])(\d\d):?(\d\d)Z?\Z|(.*:\d\d(?:\.\d+)?)([+-])(\d\d)\Z", re.I
)
_WILD_OFFSET = re.compile(r":\d\d ?[+-]\d{5,}\Z")
_NAMED = re.compile(r"(.*(?:\d|[ap]\.?m\.?)) ?\b([A-Z]{1,4})\Z", re.I)
_REGION = re.compile(r" [A-Z][a-z]+/[A-Z][A-Za-z_]+\Z")
_COMMENT = re.compile(r" ?\([^()]*\)\Z")
_GMT_OFFSET = re.compile(r"\b(?:GMT|UTC) ?(?=[+-]\d)")
_DOTTED = re.compile(r"\d{1,2}\.\d{1,2}\.\d{2,4}")
_TIME = re.compile(r"\d:\d\d|\d ?[ap]\.?m\b|\dT\d\d", re.I)
_FILL = (datetime(1904, 2, 28, tzinfo=None), datetime(1907, 9, 3, tzinfo=None))  # noqa: DTZ001  # clock faces
_FOREIGN = {
    "STRICT_PARSING": True,
    "PARSERS": ["absolute-time"],
    "TIMEZONE": "UTC",
    "RETURN_AS_TIMEZONE_AWARE": False,
}


class _Names(dateutil_parser.parserinfo):
    """dateutil's vocabulary, its two-digit years read by a fixed pivot instead of today's."""

    def convertyear(self, year: int, century_specified: bool = False) -> int:
        """The year in full: 69 is 1969, 68 is 2068, as in RFC 822 above."""
        return year if year > 99 or century_specified else _full_year(year)


def _full_year(year: int) -> int:
    return year + (1900 if year > 68 else 2000)


_NAMES = _Names()
# What dateutil and dateparser raise on strings that are no dates, or in no language they know.
_NO_DATE = (ValueError, ArithmeticError, TypeError, LookupError, AttributeError)
BUDGET = 1_000  # ms, near enough, that the dates of one feed may cost on the last rung


class DateReader:
    """Reads the dates of one feed; what the slow rung may cost is bounded for the whole of it."""

    def __init__(self, language: str | None = None) -> None:
        self._language = (language or "").lower().replace("_", "-").partition("-")[0]
        self._budget = BUDGET
        self._known: dict[str, str | None] = {}

    def read(self, raw: str | None) -> str | None:
        """The date as ISO 8601: a bare day as YYYY-MM-DD, no stated zone as UTC; None for no date.

        An offset beyond 14 hours or a year outside 1900 to 2199 is a fault of the writer: the whole
        date is None then, not a guess at it.
        """
        text = _SPACE.sub(" ", (raw or "")[: 4 * MAX_DATE]).strip(" ,;")
        if not text or len(text) > MAX_DATE:
            return None
        if text not in self._known:
            self._known[text] = self._climb(text)
        return self._known[text]

    def _climb(self, text: str) -> str | None:
        if epoch := _EPOCH.match(text):
            return datetime.fromtimestamp(int(epoch[1]), UTC).isoformat()
        if _WILD_OFFSET.search(text):
            return None
        clock, zone = _split_zone(text)
        if zone is None:
            return None
        moment = _iso(clock) or _rfc822(clock) or _lenient(clock)
        if moment is None and not _ISO.match(clock):
            moment = self._foreign(clock)
        return _written(moment, zone, clock) if moment else None

    def _foreign(self, clock: str) -> datetime | None:
        """dateparser, in the feed's language or else in all it knows."""
        self._budget -= 1 if self._language else 3
        if self._budget < 0 or not any(map(str.isdigit, clock)):
            return None
        parsers = [_foreign_parser(self._language)] if self._language else []
        for parser in (*parsers, _foreign_parser("")):
            try:
                found: datetime | None = parser.get_date_data(clock).date_obj
            except _NO_DATE:
                found = None
            if found:
                return found.replace(tzinfo=None)
            self._budget -= 10
        return None


@functools.lru_cache(maxsize=64)
def _foreign_parser(language: str) -> DateDataParser:
    return DateDataParser(languages=[language] if language else None, settings=_FOREIGN)


def _split_zone(text: str) -> tuple[str, timezone | None]:
    """The clock face and its zone (UTC where we know none); None for a wild offset."""
    text = _GMT_OFFSET.sub("", _COMMENT.sub("", text))
    if found := _OFFSET.match(text):
        clock, sign, hours, minutes = (
            found[1] or found[5],
            found[2] or found[6],
            found[3] or found[7],
            found[4],
        )
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        if offset > MAX_OFFSET:
            return text, None
        return clock.strip(), timezone(-offset if sign == "-" else offset)
    named = _NAMED.match(text)
    if named and (zone := _ZONES.get(named[2].upper())):
        return named[1].strip(), zone
    return _REGION.sub("", text), UTC


def _iso(clock: str) -> datetime | None:
    if not _ISO.match(clock):
        return None
    try:
        return datetime.fromisoformat(clock).replace(tzinfo=None)
    except ValueError:
        return None


def _rfc822(clock: str) -> datetime | None:
    found = _RFC822.match(clock)
    if not found:
        return None
    day, month, year, hour, minute, second = found.groups(default="0")
    full = int(year) if len(year) == 4 else _full_year(int(year))
    try:
        return datetime(  # noqa: DTZ001  # a clock face; its zone is put to it later
            full, _MONTHS[month.lower()], int(day), int(hour), int(minute), min(int(second), 59)
        )
    except ValueError:
        return None


def _lenient(clock: str) -> datetime | None:
    """dateutil, believed only where it read year, month and day: filling in must change nothing."""
    try:
        first, second = (
            dateutil_parser.parse(
                clock.replace(" - ", " "),
                _NAMES,
                default=fill,
                dayfirst=bool(_DOTTED.search(clock)),
                tzinfos=lambda name, offset: None,
            )
            for fill in _FILL
        )
    except _NO_DATE:
        return None
    if first != second or (_ISO.match(clock) and first.date().isoformat() != clock[:10]):
        return None
    return first.replace(tzinfo=None)


def _written(moment: datetime, zone: timezone, clock: str) -> str | None:
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        return None
    if not _TIME.search(clock):
        return moment.date().isoformat()
    return moment.replace(microsecond=0, tzinfo=zone).isoformat()


def instant(date: str | None) -> float | None:
    """Epoch seconds of a date that ``read`` wrote (a bare day: its start in UTC); None for none."""
    if not date:
        return None
    moment = datetime.fromisoformat(date)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
