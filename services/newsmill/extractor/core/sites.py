"""The name of a site: where a page says it, and how titles bear it at an end."""

from __future__ import annotations

import re

from newsmill import urls
from newsmill.extractor.core.credit import fold

MAX_SITE = 80
MAX_PART = 60  # characters of a part of a title that may name the site

SEPARATOR = re.compile(
    r"\s+[|\-–—·•:»«›/~]+\s+|\s*[|｜ㅣ]\s*|\s+::\s+|_(?=[^_]+\Z)|"
    r"(?<=[^\x00-\x7f])\s*[-–—]\s*(?=[^\x00-\x7f])"
)

_SIGN = re.compile(r"[|_]|\s[-:/~]")  # one is in every title in ASCII that has parts


def may_part(title: str) -> bool:
    """Whether a separator may be in a title: a look at an eighth of the cost of a search."""
    return not title.isascii() or _SIGN.search(title) is not None


def parts(title: str) -> list[str]:
    """The parts of a title between bars, dashes and the like."""
    if not may_part(title):
        return [part] if (part := title.strip()) else []
    return [part for raw in SEPARATOR.split(title) if raw and (part := raw.strip())]


def letters(text: str) -> str:
    """The text's letters and digits alone, without case: how names are compared."""
    return fold(text)


def of_host(title: str, host: str) -> str | None:
    """The last or first part of a title that the host's own name contains: the site's name."""
    found = parts(title)
    if len(found) < 2:
        return None
    return next((part for part in (found[-1], found[0]) if names_host(part, host)), None)


def after(title: str, others: tuple[str | None, ...]) -> str | None:
    """What follows the headline in a page's title: the site's name."""
    for other in others:
        if other and len(other) > 8 and title.casefold().startswith(other.casefold()):
            rest = title[len(other) :]
            found = parts(rest)
            if found and SEPARATOR.match(rest):
                return found[-1]
    return None


def names_host(part: str, host: str) -> bool:
    """Whether a part of a title says what the host's name says."""
    name = letters(part)
    label = letters(urls.registrable(host).partition(".")[0])
    whole = letters(host)
    return len(name) >= 3 and (
        name in whole or (len(label) >= 4 and label in name and len(name) <= 3 * len(label))
    )


def is_site(part: str, site: str | None, host: str) -> bool:
    """Whether a part of a title names the site, in the words of ``site`` or of its host."""
    if not part or len(part) > MAX_PART:
        return False
    name, known = letters(part), letters(site or "")
    count = len(part.split())
    if name and known:
        if name == known:
            return True
        if len(name) > 3 and count <= 5 and (name in known or known in name):
            return True
    return count <= 4 and names_host(part, host)


def without_site(title: str, site: str | None, host: str) -> str:
    """The title without the site's name (and a section between them) at its end or start."""
    for _ in range(2):
        breaks = list(SEPARATOR.finditer(title)) if may_part(title) else []
        if not breaks:
            return title
        head, tail = title[: breaks[-1].start()].strip(), title[breaks[-1].end() :].strip()
        first, rest = title[: breaks[0].start()].strip(), title[breaks[0].end() :].strip()
        if head and is_site(tail, site, host):
            title = head
        elif rest and is_site(first, site, host) and len(rest) > len(first) // 2:
            title = rest
        else:
            return title
    return title
