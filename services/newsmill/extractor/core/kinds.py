"""What an element's class and properties say that it holds: who, when, a standfirst, a caption.

Class attributes seldom repeat and their words often do, so it is words that are classified.
"""

from __future__ import annotations

import functools
import re

from newsmill.extractor.core.sheet import MentionKind

# A word is parted by hyphens and underscores; these stand whole between such, or anywhere.
_BYLINE = re.compile(
    r"(?:^|[-_])(?:by-?line|authors?|auteurs?|autore?s?|autor(?:en|in)?|writer|contributors?|"
    r"by)(?:$|[-_])|byline|authorname|author-?name|post-?author"
)
_NOT_BYLINE = re.compile(
    r"bio|avatar|image|photo|related|comment|social|follow|description|authority|recommend|"
    r"title|box|more"
)
_DATE = re.compile(
    r"(?:^|[-_])(?:date|datum|fecha|data|published|publication|pub-?date|post-?date|"
    r"entry-date|time-?stamp|dateline|time|posted-on|meta|byline|artdate)(?:$|[-_])|publish|"
    r"dateline|timestamp|post-?date|posted"
)
_SUBTITLE = re.compile(
    r"(?:^|[-_])(?:stand-?first|sub-?title|sub-?head(?:line)?|dek|deck|chapo|entradilla|"
    r"bajada|sottotitolo|occhiello|undertitel|article-?(?:summary|intro|lead|dek|subtitle)|"
    r"headline-?sub)(?:$|[-_])|standfirst|subtitle|subheadline"
)
_CUE = re.compile(
    r"by|aut|writer|contrib|dat|fecha|publi|pub-?date|time|post|meta|stand-?first|sub-?[th]|dek|deck|"
    r"chapo|entradilla|bajada|sottotitolo|occhiello|undertitel|article|headline|caption|credit"
)  # in every word that says anything, and in one word of three
_DATES_STATED = ("datepublished", "datemodified", "datecreated")
_IS_BYLINE, _IS_DATE, _IS_SUBTITLE, _IS_CAPTION = (1 << n for n in range(4))


@functools.lru_cache(maxsize=65_536)
def _said(word: str) -> int:
    """The bits of one word of a class."""
    lower = word.lower()
    bits = 0
    if not _CUE.search(lower):
        return bits
    if _BYLINE.search(lower):
        bits |= _IS_BYLINE
    if _DATE.search(lower):
        bits |= _IS_DATE
    if _SUBTITLE.search(lower):
        bits |= _IS_SUBTITLE
    if "caption" in lower or "credit" in lower:
        bits |= _IS_CAPTION
    return bits


@functools.lru_cache(maxsize=16_384)
def kinds_of(name: str, prop: str) -> tuple[MentionKind, ...]:
    """The kinds of mention that an element of this class and these properties is."""
    bits = 0
    for word in name.split():
        bits |= _said(word)
    if not bits and not prop:
        return ()
    stated = prop.lower()
    kinds: list[MentionKind] = []
    if ("author" in stated and "articlesection" not in stated) or (
        bits & _IS_BYLINE and not _NOT_BYLINE.search(name.lower())
    ):
        kinds.append("byline")
    if stated and any(word in stated for word in _DATES_STATED):
        kinds.append("stated_date")
    if bits & _IS_DATE:
        kinds.append("date")
    if bits & _IS_SUBTITLE or "alternativeheadline" in stated:
        kinds.append("subtitle")
    if bits & _IS_CAPTION:
        kinds.append("caption")
    return tuple(kinds)
