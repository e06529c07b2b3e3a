"""What an element's class and properties say that it holds: who, when, a standfirst, a caption.

Nearly every class on a page differs from all others and says none of it, so that a look at its
parts comes before any pattern.
"""

from __future__ import annotations

import functools
import re

from newsmill.extractor.core.sheet import MentionKind

_BYLINE = re.compile(
    r"(?:^|[-_\s])(?:by-?line|authors?|auteurs?|autore?s?|autor(?:en|in)?|writer|contributors?|"
    r"by)(?:$|[-_\s])|byline|authorname|author-?name|post-?author"
)
_NOT_BYLINE = re.compile(
    r"bio|avatar|image|photo|related|comment|social|follow|description|authority|recommend|"
    r"title|box|more"
)
_DATE = re.compile(
    r"(?:^|[-_\s])(?:date|datum|fecha|data|published|publication|pub-?date|post-?date|"
    r"entry-date|time-?stamp|dateline|time|posted-on|meta|byline|artdate)(?:$|[-_\s])|publish|"
    r"dateline|timestamp|post-?date|posted"
)
_SUBTITLE = re.compile(
    r"(?:^|[-_\s])(?:stand-?first|sub-?title|sub-?head(?:line)?|dek|deck|chapo|entradilla|"
    r"bajada|sottotitolo|occhiello|undertitel|article-?(?:summary|intro|lead|dek|subtitle)|"
    r"headline-?sub)(?:$|[-_\s])|standfirst|subtitle|subheadline"
)
_DATES_STATED = ("datepublished", "datemodified", "datecreated")

# One of these, as a part or within one, is in every class that a pattern above matches.
_TELLING = (
    "by author authors auteur auteurs autor autors autore autores autoren autorin writer "
    "contributor contributors date datum fecha data publication pubdate time meta artdate stand "
    "sub subhead dek deck chapo entradilla bajada sottotitolo occhiello undertitel summary intro "
    "lead articlesummary articleintro articlelead articledek headlinesub"
)
TELLING_PARTS = frozenset(_TELLING.split())
TELLING_WITHIN = re.compile(
    r"byline|author|publish|dateline|timestamp|post-?date|posted|standfirst|subtitle|"
    r"subheadline|caption|credit"
)
_TELLING_PROP = re.compile("author|date|alternativeheadline")


def kinds_of(name: str, prop: str, may_name_tell: bool) -> tuple[MentionKind, ...]:
    """The kinds of mention that an element is; the last says whether any part of its name may."""
    if may_name_tell or (prop and _TELLING_PROP.search(prop.lower())):
        return _kinds_of(name.lower(), prop.lower())
    return ()


@functools.lru_cache(maxsize=16_384)
def _kinds_of(name: str, stated: str) -> tuple[MentionKind, ...]:
    kinds: list[MentionKind] = []
    if ("author" in stated and "articlesection" not in stated) or (
        _BYLINE.search(name) and not _NOT_BYLINE.search(name)
    ):
        kinds.append("byline")
    if any(word in stated for word in _DATES_STATED):
        kinds.append("stated_date")
    if _DATE.search(name):
        kinds.append("date")
    if "alternativeheadline" in stated or _SUBTITLE.search(name):
        kinds.append("subtitle")
    if "caption" in name or "credit" in name:
        kinds.append("caption")
    return tuple(kinds)
