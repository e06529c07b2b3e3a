"""Mends the XML of feeds before it is parsed, and bounds what the parser will have to do.

Every step is one linear pass. Nothing is expanded twice, so that no entity can grow.
"""

from __future__ import annotations

import html
import html.entities
import re

from newsmill.errors import BadRecord

MAX_ENTITY = 200  # characters of an entity that a document declares for itself
MAX_EXPANSION = 1_000_000  # characters that all uses of such entities may come to
MAX_TAG_SIZE = 65_536
MAX_ATTRIBUTES = 1_000  # lxml lists the attributes of a tag in quadratic time: 12 s for 50,000
MAX_NODES = 2_000_000  # tags and references: about a million elements, 200 MB parsed

_SKIPPED = re.compile(
    r"\s+|<\?(?:.*?\?>|.*\Z)|<!--(?:.*?-->|.*\Z)|<!DOCTYPE[^\[<>]*(?:\[.*?\]\s*)?>", re.S | re.I
)
_ENTITY = re.compile(
    r"""<!ENTITY\s+(\w{2,40})\s+(?:"(&\#\w{1,8};|[^"&%<]*)"|'(&\#\w{1,8};|[^'&%<]*)')\s*>"""
)
_CDATA = re.compile(r"(<!\[CDATA\[(?:.*?\]\]>|.*\Z))", re.S)
_BARE = re.compile(
    r"&(?!#0*+[0-9]{1,7};|#[xX]0*+[0-9a-fA-F]{1,6};|(?:amp|lt|gt|quot|apos);)(?:(\w{2,40});)?"
)
_LONG = re.compile(r"<([\w.:-]{1,80})[^<]{4096,}")  # perhaps a long tag, perhaps text after a tag
_TAG = re.compile(r"""<[\w.:-]{1,80}(?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+>""")
_CONSTRUCT = re.compile(
    r"<(/?)((?:[\w.-]{1,40}:)?(?:title|description|summary|content|encoded|subtitle|tagline|info"
    r"|rights|copyright))(?=[\s/>])[^<>]*+>",
    re.I,
)


def prologue_end(text: str) -> int:
    """Where the root begins in a document that begins as XML does."""
    # Piece by piece: a possessive repeat of the whole matches wrongly in Python before 3.11.5.
    end = 0
    while found := _SKIPPED.match(text, end):
        end = found.end()
    return end


def mend(text: str, root: int) -> str:
    """The document from its root on (line numbers kept), every reference made one that XML knows.

    HTML's named entities and plain entities of the document's own become characters, a bare
    ampersand becomes ``&amp;``: the three faults that cost most feeds their well-formedness. Tags
    of absurd size lose their attributes. Raises BadRecord (``too_deep``).
    """
    head = text[:root]
    pieces = _CDATA.split(text[root:])
    outside = pieces[::2]
    nodes = sum(piece.count("<") + piece.count("&") for piece in outside)
    if nodes > MAX_NODES:
        raise BadRecord("too_deep", f"{nodes} tags and references; at most {MAX_NODES}")
    references = _References(head)
    pieces[::2] = [
        _BARE.sub(references.mend, piece) if "&" in piece else piece
        for piece in (_LONG.sub(_without_attributes, piece) for piece in outside)
    ]
    return "\n" * head.count("\n") + "".join(pieces)


class _References:
    """Mends references; the plain entities that a document declares are known within a budget."""

    def __init__(self, head: str) -> None:
        self._budget = MAX_EXPANSION
        self._own = {
            entity[1]: html.unescape(entity[2] or entity[3] or "")[:MAX_ENTITY]
            for entity in _ENTITY.finditer(head)
        }

    def mend(self, found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "&amp;"
        plain = html.entities.html5.get(f"{name};")
        if name in self._own and self._budget > 0:
            plain = self._own[name]
            self._budget -= len(plain)
        return html.escape(plain) if plain is not None else f"&amp;{name};"


def _without_attributes(found: re.Match[str]) -> str:
    tag = _TAG.match(found[0])
    if tag is None or (len(tag[0]) <= MAX_TAG_SIZE and tag[0].count("=") <= MAX_ATTRIBUTES):
        return found[0]
    return f"<{found[1]}{'/' if tag[0].endswith('/>') else ''}>{found[0][tag.end() :]}"


def enclose_markup(text: str) -> str:
    """The document with the raw HTML of its titles and texts put into CDATA sections.

    One unclosed ``<b>`` in a title otherwise costs the parser the shape of the whole document.
    """
    pieces: list[str] = []
    done = 0
    opened: re.Match[str] | None = None
    for tag in _CONSTRUCT.finditer(text):
        if tag[0].endswith("/>"):
            continue
        if not tag[1]:
            opened = tag if opened is None or opened[2] != tag[2] else opened
        elif opened is not None and opened[2] == tag[2]:
            inner = text[opened.end() : tag.start()]
            if "<" in inner and "<![CDATA[" not in inner:
                pieces += (text[done : opened.end()], "<![CDATA[", inner, "]]>")
                done = tag.start()
            opened = None
    return "".join((*pieces, text[done:]))


def ends_within(text: str, root: str, row: str) -> bool:
    """Whether a document was cut within its last row: neither that nor the root is closed."""
    if re.search(rf"</(?:[\w.-]{{1,40}}:)?{root}\s*>", text, re.I):
        return False
    closing = ""
    for tag in re.finditer(rf"<(/?)(?:[\w.-]{{1,40}}:)?(?:{row})(?=[\s>/])", text, re.I):
        closing = tag[1]
    return not closing
