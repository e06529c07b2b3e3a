"""Text to tree: what a parser must never be given, the one parse, and the caps around both.

Measured on libxml2 2.14: one 11 MB attribute, one illegal character reference, one stray
``</body>``
or one unclosed ``<textarea>`` each lose the rest of an article without an error, and a tag of
50,000
attributes takes minutes. All of it is disarmed here by linear passes over the text.
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
MAX_TAG_CHARS = 65_536  # of one start tag; a longer one loses its attributes
LONG_TAG = 2_000  # characters of a tag that is looked at for both
MAX_ATTRIBUTES = 256  # of one start tag, likewise
MAX_METAS = 2_000  # meta elements; the rest are dropped

CONTROLS = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f\ufeff\ufffe\uffff\ud800-\udfff]+")
_CONTROL_BYTES = bytes((*range(9), 11, *range(14, 32), 127))
_REFERENCE = re.compile(r"&#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?")
_DATA_URI = re.compile(r"data:[a-zA-Z0-9/+.;=-]{0,100},[A-Za-z0-9+/=%_-]{4096,}")
_LONG_TAG = re.compile(r"(<[a-zA-Z][a-zA-Z0-9:-]{0,60})(\s[^<>]{2000,})")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_TAG = re.compile(r"<[a-zA-Z]")
_META = re.compile(r"<meta\b[^<>]*>", re.I)
_PAGE_END = re.compile(r"</(?:body|html)\s*>", re.I)
_PLAINTEXT = re.compile(r"<plaintext\b[^<>]*>", re.I)
_SWALLOWING = re.compile(r"<(/?)(textarea|xmp|iframe|noembed|noframes|title)\b", re.I)

MIN_LAST = 20  # characters of a last paragraph that is looked for
_HIDING = (
    ("<!--", "-->"), ("<script", "</script"), ("<template", "</template"),
    ("<noscript", "</noscript"), ("<select", "</select"), ("<button", "</button"),
    ("<svg", "</svg"), ("<style", "</style"),
)  # fmt: skip

# Elements of lxml itself: those of lxml.html ask Python for their class, a quarter of the time.
_PARSER = etree.HTMLParser(
    huge_tree=True, collect_ids=False, encoding="utf-8", remove_comments=True, remove_pis=True
)


def tame(text: str) -> str:
    """The markup without what makes a parser lose text or hang; raises BadRecord past a cap."""
    if len(text) > MAX_RAW:
        raise BadRecord("too_large", f"{len(text)} characters; at most {MAX_RAW}")
    text = _disarmed(text)
    if text.count("<meta") > MAX_METAS:
        text = _few_metas(text)
    if len(text) > MAX_PAGE_BYTES:
        raise BadRecord("too_large", f"{len(text)} characters of markup; at most {MAX_PAGE_BYTES}")
    if text.count("<") > MAX_TAGS:
        tags = sum(1 for _ in _TAG.finditer(text))
        if tags > MAX_TAGS:
            raise BadRecord("too_deep", f"{tags} elements; at most {MAX_TAGS}")
    return text


def _disarmed(text: str) -> str:
    """The markup without what is looked for in vain on most pages, by cheap looks first."""
    if _holds_controls(text):
        text = CONTROLS.sub("", text)
    if "&#" in text:
        text = _REFERENCE.sub(_legal, text)
    if "data:" in text:
        text = _DATA_URI.sub("data:,", text)
    if _holds_long_tag(text):
        text = _LONG_TAG.sub(_short_tag, text)
    if len(text) > MAX_PAGE_BYTES:
        text = _without_comments(text)
    if _goes_on_after_its_end(text):
        text = _PAGE_END.sub("", text)
    return _closed(_PLAINTEXT.sub("", text))


def _holds_controls(text: str) -> bool:
    """Whether CONTROLS finds anything; the pattern itself takes ten times as long."""
    try:
        raw = text.encode()
    except UnicodeEncodeError:
        return True  # surrogates
    if len(raw.translate(None, _CONTROL_BYTES)) != len(raw):
        return True
    return "\ufeff" in text or "\ufffe" in text or "\uffff" in text


def _holds_long_tag(text: str) -> bool:
    """Whether a tag has so many characters that _LONG_TAG looks at it."""
    return any(len(part) > LONG_TAG and part.find(">", 0, LONG_TAG) < 0 for part in text.split("<"))


def _goes_on_after_its_end(text: str) -> bool:
    """Whether anything that may be of the article stands after an end of body or page."""
    found = _PAGE_END.search(text)
    if found is None:
        return False
    rest = text[found.end() :]
    return "<p" in rest or "<div" in rest or "<P" in rest or "<DIV" in rest or len(rest) > 20_000


def parse(text: str) -> _Element:
    """The tree of tamed markup; raises BadRecord (``unparsable``, ``too_deep``)."""
    if not text.strip():
        raise BadRecord("unparsable", "an empty page")
    try:
        tree = etree.fromstring(text.encode("utf-8", "replace"), _PARSER)
    except etree.XMLSyntaxError as error:
        raise BadRecord("unparsable", str(error)) from None
    last = _PARSER.error_log.last_error
    if last is not None and last.type_name == "ERR_RESOURCE_LIMIT":
        raise BadRecord("too_deep", last.message.partition(", use ")[0])
    if tree is None:
        raise BadRecord("unparsable", "no root element")
    return tree


def swallowed(text: str, shown: Sequence[Text]) -> bool:
    """Whether the words of the last paragraph of tamed markup are in none of the blocks read.

    A comment, script or template that never ends swallows the rest of a page; the rule of HTML, but
    not what its writers meant: such an article is suspect. One that does end hides what it should.
    """
    end = text.rfind("</p")
    start = max(text.rfind(">", 0, end), text.rfind("<", 0, end)) + 1
    if end - start < MIN_LAST or "&" in text[start:end]:
        return False
    for opening, closing in _HIDING:
        last = text.rfind(opening, 0, end)
        if last > text.rfind(closing, 0, end) and text.find(closing, end) >= 0:
            return False
    words = " ".join(text[start:end].split())
    return not any(words in block.text for block in reversed(shown))


def _legal(found: re.Match[str]) -> str:
    """A numeric reference as it stands, or nothing where it names no character of XML."""
    digits = found[1] or found[2]
    if len(digits) > 8 and digits.strip("0") == "":
        return ""
    code = int(digits[-12:], 16 if found[1] else 10) if len(digits) <= 12 else 0x110000
    if code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE:
        return found[0]
    return found[0] if 0x10000 <= code < 0x110000 else ""


def _short_tag(found: re.Match[str]) -> str:
    attributes = found[2]
    is_long = len(attributes) >= MAX_TAG_CHARS
    if not is_long and len(_QUOTED.sub("", attributes).split()) <= MAX_ATTRIBUTES:
        return found[0]
    return f"{found[1]} " + ("/" if attributes.endswith("/") else "")


def _without_comments(text: str) -> str:
    """Comments cut out by plain search: a lazy pattern is quadratic on many that are not closed."""
    kept: list[str] = []
    position = 0
    while True:
        start = text.find("<!--", position)
        end = text.find("-->", start + 4) if start >= 0 else -1
        if end < 0:
            return "".join((*kept, text[position:]))
        kept.append(text[position:start])
        position = end + 3


def _closed(text: str) -> str:
    """The markup without tags of an element that swallows what follows, where one is not closed."""
    balance: dict[str, int] = {}
    for found in _SWALLOWING.finditer(text):
        name = found[2].lower()
        balance[name] = balance.get(name, 0) + (-1 if found[1] else 1)
    for name, open_tags in balance.items():
        if open_tags > 0:
            if name == "title":
                text = re.sub(
                    r"(<title\b[^<>]*>[^<]*)(?=<(?!/title))", r"\1</title>", text, flags=re.I
                )
            else:
                text = re.sub(rf"</?{name}\b[^<>]*>", "", text, flags=re.I)
    return text


def _few_metas(text: str) -> str:
    seen = 0

    def keep(found: re.Match[str]) -> str:
        nonlocal seen
        seen += 1
        return found[0] if seen <= MAX_METAS else ""

    return _META.sub(keep, text)
