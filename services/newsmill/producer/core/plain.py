"""From titles and summaries, which are HTML more often than feeds say, to plain text."""

from __future__ import annotations

import html
import re

MAX_MARKUP = 65_536  # characters of a construct that are looked at
MAX_TITLE = 1_024
MAX_SUMMARY = 4_000
MAX_NAME = 320  # of an author
MAX_TAG = 256

_INLINE = """a abbr acronym applet b basefont bdi bdo big blink cite code data del dfn em font i
ins kbd label mark math q rp rt ruby s samp small span strike strong sub sup svg time tt u var
wbr"""
_BLOCK = """address article aside audio blockquote body br button canvas caption center col
colgroup dd details dialog dir div dl dt embed fieldset figcaption figure footer form frame
frameset h1 h2 h3 h4 h5 h6 head header hr html iframe img input legend li link main map marquee
menu meta nav noframes noscript object ol optgroup option p param picture pre progress section
select source summary table tbody td template textarea tfoot th thead title tr track ul video"""
_INLINE_TAG = re.compile(rf"</?(?:{'|'.join(_INLINE.split())})(?:[\s/][^<>]*)?>", re.I)
_BLOCK_TAG = re.compile(rf"</?(?:{'|'.join(_BLOCK.split())})(?:[\s/][^<>]*)?>", re.I)
_COMMENT = re.compile(r"<!--.*?-->", re.S)
_OPEN_COMMENT = re.compile(r"<!--[^>]*>?")  # one that never ends hides as little as it can
_CODE = re.compile(r"<(?:script|style)\b(?:.*?</(?:script|style)\s*>|.*\Z)", re.S | re.I)
_REFERENCE = re.compile(r"&(?:#0*+[0-9]{1,7}|#[xX]0*+[0-9a-fA-F]{1,6}|\w{2,31});")
_SPACE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff]+")


def one_line(text: str, limit: int) -> str | None:
    """The text on one line, no control characters, cut at ``limit``; None when nothing is left."""
    text = _SPACE.sub(" ", text[: limit * 4]).strip()
    if len(text) > limit:
        text = text[: limit - 1].rstrip() + "…"
    return text or None


def from_html(markup: str, limit: int) -> str | None:
    """What a reader sees of a piece of HTML, on one line; None when that is nothing.

    Only tags of HTML are tags: ``<TICKER>`` and ``5 < 8`` stay. References are decoded once.
    """
    text = markup[:MAX_MARKUP]
    if "<" in text:
        if "<!--" in text:
            closed, end, rest = text.rpartition("-->")
            text = _COMMENT.sub("", closed + end) + _OPEN_COMMENT.sub("", rest)
        text = _CODE.sub(" ", text)
        text = _INLINE_TAG.sub("", _BLOCK_TAG.sub(" ", text))
    return one_line(decode_references(text), limit)


def decode_references(text: str) -> str:
    """The text with its complete references decoded (``&copy`` without its end is text)."""
    return _REFERENCE.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text
