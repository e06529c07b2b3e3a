"""What an element's class and properties say that it holds: who, when, a standfirst, a caption."""

from __future__ import annotations

import functools
import re

from newsmill.extractor.core.sheet import MentionKind

_BYLINE = re.compile(
    r"(?:^|[-_\s])(?:by-?line|authors?|auteurs?|autore?s?|autor(?:en|in)?|writer|contributors?|"
    r"by)(?:$|[-_\s])|byline|authorname|author-?name|post-?author",
    re.I,
)
_NOT_BYLINE = re.compile(
    r"bio|avatar|image|photo|related|comment|social|follow|description|authority|recommend|"
    r"title|box|more",
    re.I,
)
_DATE = re.compile(
    r"(?:^|[-_\s])(?:date|datum|fecha|data|published|publication|pub-?date|post-?date|"
    r"entry-date|time-?stamp|dateline|time|posted-on|meta|byline|artdate)(?:$|[-_\s])|publish|"
    r"dateline|timestamp|post-?date|posted",
    re.I,
)
_SUBTITLE = re.compile(
    r"(?:^|[-_\s])(?:stand-?first|sub-?title|sub-?head(?:line)?|dek|deck|chapo|entradilla|"
    r"bajada|sottotitolo|occhiello|undertitel|article-?(?:summary|intro|lead|dek|subtitle)|"
    r"headline-?sub)(?:$|[-_\s])|standfirst|subtitle|subheadline",
    re.I,
)
_DATES_STATED = ("datepublished", "datemodified", "datecreated")


@functools.lru_cache(maxsize=16_384)
def kinds_of(name: str, prop: str) -> tuple[MentionKind, ...]:
    """The kinds of mention that an element of this class and these properties is."""
    kinds: list[MentionKind] = []
    lower, stated = name.lower(), prop.lower()
    if ("author" in stated and "articlesection" not in stated) or (
        name and _BYLINE.search(lower) and not _NOT_BYLINE.search(lower)
    ):
        kinds.append("byline")
    if any(word in stated for word in _DATES_STATED):
        kinds.append("stated_date")
    if name and _DATE.search(lower):
        kinds.append("date")
    if "alternativeheadline" in stated or (name and _SUBTITLE.search(lower)):
        kinds.append("subtitle")
    if "caption" in lower or "credit" in lower:
        kinds.append("caption")
    return tuple(kinds)
