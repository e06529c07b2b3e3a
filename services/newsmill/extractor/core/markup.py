"""Text to tree: what a parser must never be given, the one parse, and the caps around both.

Measured on libxml2 2.14: one 11 MB attribute, one illegal character reference, one stray
``</body>`` or one unclosed ``<textarea>`` each lose the rest of an article without an error, and a
tag of 50,000 attributes takes minutes. All of it is disarmed here by linear passes over the markup,
what swallows only where the tree shows that something did.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lxml import etree
from lxml.etree import _Element

from newsmill.errors import BadRecord
from newsmill.records import MAX_PAGE_BYTES

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Text

MAX_RAW = 4 * MAX_PAGE_BYTES  # characters taken at all; what remains after the passes obeys the cap
MAX_TAGS = 600_000  # start tags; a parse of so many takes about 2 s and 500 MB
MAX_TAG_BYTES = 65_536  # of one start tag; a longer one loses its attributes
LONG_TAG = 2_000  # bytes of a tag that is looked at for both
MAX_ATTRIBUTES = 256  # of one start tag, likewise
SMALL = MAX_TAGS  # bytes; a page of no more holds too little of anything
MAX_METAS = 2_000  # meta elements; the rest are dropped

CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]+")
_REFERENCE = re.compile(rb"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_DOUBTFUL = re.compile(
    rb"&#(?:(0\d*|[12]?\d(?!\d)|3[01](?!\d)|\d{5,})|[xX](0[0-9a-fA-F]*|"
    rb"[01]?[0-9a-fA-F](?![0-9a-fA-F])|[dDfF][0-9a-fA-F]{3,}|[0-9a-fA-F]{5,}))"
)  # a reference that may be none; the common ones of quotes and dashes are none of these
_DATA_URI = re.compile(rb"data:[a-zA-Z0-9/+.;=-]{0,100},[A-Za-z0-9+/=%_-]{4096,}")
_LONG_TAG = re.compile(rb"(<[a-zA-Z][a-zA-Z0-9:-]{0,60})(\s[^<>]{2000,})")
_QUOTED = re.compile(rb"\"[^\"]*\"|'[^']*'")
_TAG = re.compile(rb"<[a-zA-Z]")
_META = re.compile(rb"<meta\b[^<>]*>", re.I)
_PAGE_END = re.compile(rb"</(?:[bB][oO][dD][yY]|[hH][tT][mM][lL])\s*>")
_STARTS = (b"<p", b"<div", b"<P", b"<DIV")

# Elements whose inside is no markup: one that is not closed swallows all that follows.
_SWALLOWING = ("textarea", "xmp", "iframe", "noembed", "noframes", "title", "plaintext")
_SWALLOWER = re.compile(rf"<(/?)({'|'.join(_SWALLOWING)})\b".encode(), re.I)

MIN_LAST = 20  # bytes of a last paragraph that is looked for
_HIDING = (
    (b"<!--", b"-->"), (b"<script", b"</script"), (b"<template", b"</template"),
    (b"<noscript", b"</noscript"), (b"<select", b"</select"), (b"<button", b"</button"),
    (b"<svg", b"</svg"), (b"<style", b"</style"),
)  # fmt: skip

# Elements of lxml itself: those of lxml.html ask Python for their class, a quarter of the time.
_PARSER = etree.HTMLParser(
    huge_tree=True, collect_ids=False, encoding="utf-8", remove_comments=True, remove_pis=True
)


def tame(text: str, raw: bytes | None = None) -> bytes:
    """The markup in UTF-8, without what makes a parser lose text or hang.

    ``raw`` is the text in UTF-8, where that is at hand. Raises BadRecord past a cap.
    """
    if len(text) > MAX_RAW:
        raise BadRecord("too_large", f"{len(text)} characters; at most {MAX_RAW}")
    markup = _disarmed(text.encode("utf-8", "replace") if raw is None else raw)
    if len(markup) <= SMALL:
        return markup
    markup = _few_metas(markup)
    if len(markup) > MAX_PAGE_BYTES and (size := len(markup.decode())) > MAX_PAGE_BYTES:
        raise BadRecord("too_large", f"{size} characters of markup; at most {MAX_PAGE_BYTES}")
    if markup.count(b"<") > MAX_TAGS:
        tags = sum(1 for _ in _TAG.finditer(markup))
        if tags > MAX_TAGS:
            raise BadRecord("too_deep", f"{tags} elements; at most {MAX_TAGS}")
    return markup


def _disarmed(markup: bytes) -> bytes:
    """The markup without what few pages hold: cheap looks, and patterns where they find it."""
    doubtful = set(_DOUBTFUL.findall(markup))
    if not all(_is_legal(hexadecimal, decimal) for decimal, hexadecimal in doubtful):
        markup = _REFERENCE.sub(_legal, markup)
    if len(markup) > MAX_PAGE_BYTES:
        markup = _without_comments(_DATA_URI.sub(b"data:,", markup))
    end = _PAGE_END.search(markup)
    if end is not None and _goes_on(markup, end.end()):
        markup = _PAGE_END.sub(b"", markup)
    return _without_long_tags(markup)


def _without_long_tags(markup: bytes) -> bytes:
    """The markup with long tags shortened.

    Looked for by leaps from one ">" to the last one within the length of a long tag behind it.
    """
    kept: list[bytes] = []
    copied = start = 0
    while len(markup) - start >= LONG_TAG:
        further = markup.rfind(b">", start, start + LONG_TAG) + 1
        if not further:
            further = markup.find(b">", start) + 1 or len(markup)
            run = markup[start:further]
            is_long = any(len(piece) > LONG_TAG for piece in run.split(b"<")[1:])
            short = _LONG_TAG.sub(_short_tag, run) if is_long else run
            if len(short) != len(run):
                kept += markup[copied:start], short
                copied = further
        start = further
    return b"".join((*kept, markup[copied:])) if kept else markup


def _legal(found: re.Match[bytes]) -> bytes:
    return found[0] if _is_legal(found[1] or b"", found[2] or b"") else b""


def _is_legal(hexadecimal: bytes, decimal: bytes) -> bool:
    """Whether a numeric reference names a character of XML."""
    digits = hexadecimal or decimal
    if len(digits) > 12 or (len(digits) > 8 and not digits.strip(b"0")):
        return False
    code = int(digits, 16 if hexadecimal else 10)
    if code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE:
        return True
    return 0x10000 <= code < 0x110000


def _short_tag(found: re.Match[bytes]) -> bytes:
    attributes = _DATA_URI.sub(b"data:,", found[2])
    is_long = len(attributes) >= MAX_TAG_BYTES
    if not is_long and len(_QUOTED.sub(b"", attributes).split()) <= MAX_ATTRIBUTES:
        return found[1] + attributes
    return found[1] + b" " + (b"/" if attributes.endswith(b"/") else b"")


def _without_comments(markup: bytes) -> bytes:
    """Comments cut out by plain search: a lazy pattern is quadratic on many that are not closed."""
    kept: list[bytes] = []
    position = 0
    while True:
        start = markup.find(b"<!--", position)
        end = markup.find(b"-->", start + 4) if start >= 0 else -1
        if end < 0:
            return b"".join((*kept, markup[position:]))
        kept.append(markup[position:start])
        position = end + 3


def _goes_on(markup: bytes, end: int) -> bool:
    """Whether anything that may be of the article stands after an end of body or page."""
    if len(markup) - end > 20_000:
        return True
    return any(markup.find(start, end) >= 0 for start in _STARTS)


def _few_metas(markup: bytes) -> bytes:
    """The markup without the last of too many metas, of which 300,000 take seconds."""
    seen = 0

    def keep(found: re.Match[bytes]) -> bytes:
        nonlocal seen
        seen += 1
        return found[0] if seen <= MAX_METAS else b""

    return _META.sub(keep, markup) if markup.count(b"<meta") > MAX_METAS else markup


def parse(markup: bytes) -> _Element:
    """The tree of tamed markup; raises BadRecord (``unparsable``, ``too_deep``)."""
    if not markup or markup.isspace():
        raise BadRecord("unparsable", "an empty page")
    tree = _parsed(markup)
    if any("<" in (element.text or "") for element in tree.iter(*_SWALLOWING)):
        closed = _closed(markup)
        return tree if closed is markup else _parsed(closed)
    return tree


def _parsed(markup: bytes) -> _Element:
    try:
        tree = etree.fromstring(markup, _PARSER)
    except etree.XMLSyntaxError as error:
        raise BadRecord("unparsable", str(error)) from None
    last = _PARSER.error_log.last_error
    if last is not None and last.type_name == "ERR_RESOURCE_LIMIT":
        raise BadRecord("too_deep", last.message.partition(", use ")[0])
    if tree is None:
        raise BadRecord("unparsable", "no root element")
    return tree


def _closed(markup: bytes) -> bytes:
    """The markup without tags of an element that swallows what follows, where one is not closed."""
    balance: dict[bytes, int] = {}
    for found in _SWALLOWER.finditer(markup):
        name = found[2].lower()
        balance[name] = balance.get(name, 0) + (-1 if found[1] else 1)
    for name, open_tags in balance.items():
        if open_tags <= 0:
            continue
        if name == b"title":
            unclosed = rb"(<title\b[^<>]*>[^<]*)(?=<(?!/title))"
            markup = re.sub(unclosed, rb"\1</title>", markup, flags=re.I)
        else:
            markup = re.sub(rb"</?" + name + rb"\b[^<>]*>", b"", markup, flags=re.I)
    return markup


def swallowed(markup: bytes, shown: Sequence[Text]) -> bool:
    """Whether the words of the last paragraph of tamed markup are in none of the blocks read.

    A comment, script or template that never ends swallows the rest of a page; the rule of HTML, but
    not what its writers meant: such an article is suspect. One that does end hides what it should.
    """
    end = markup.rfind(b"</p")
    start = max(markup.rfind(b">", 0, end), markup.rfind(b"<", 0, end)) + 1
    if end - start < MIN_LAST or b"&" in markup[start:end]:
        return False
    words = " ".join(markup[start:end].decode().split())
    if any(words in block.text for block in reversed(shown)):
        return False
    for opening, closing in _HIDING:
        last = markup.rfind(opening, 0, end)
        if last > markup.rfind(closing, 0, end) and markup.find(closing, end) >= 0:
            return False
    return True
