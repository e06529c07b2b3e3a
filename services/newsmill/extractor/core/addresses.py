"""Addresses in their normal form: of those of a page, most are in it as they are written."""

from __future__ import annotations

import functools
import re

from newsmill import urls

MAX_PLAIN = 250  # characters, so that a host is within its own limit

_LABEL = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SEGMENT = r"[A-Za-z0-9_~-][A-Za-z0-9._~-]*"
_PLAIN = re.compile(rf"https?://(?:{_LABEL}\.)+[a-z]{{2,63}}(?:/{_SEGMENT})+/?")


@functools.lru_cache(maxsize=1_024)
def normal(href: str, base: str | None = None) -> str:
    """The normal form of an address, relative to ``base``; ValueError as ``urls.normalise``."""
    if len(href) <= MAX_PLAIN and _PLAIN.fullmatch(href):
        return href  # nothing in it has a second spelling; a fourth of the time of finding out
    return urls.normalise(href, base)
