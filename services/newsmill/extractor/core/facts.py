"""One walk over a parsed page: what later steps ask of it, before any of them changes the tree."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from lxml import etree
from lxml.html import HtmlElement

from newsmill.extractor.core import structured

MAX_KEPT = 400  # elements of one kind that are kept for later steps

_DROPPED = ("script", "style", "template", "select", "svg", "canvas", "datalist")
_UNWRAPPED = ("noscript", "textarea", "button")
_HOME_WORDS = frozenset(("home page", "front page", "go home", "back home", "zur startseite"))
_BYLINE_CLASS = re.compile(
    r"(?:^|[-_\s])(?:by-?line|authors?|auteurs?|autore?s?|autor(?:en|in)?|writer|contributors?|"
    r"by)(?:$|[-_\s])|byline|authorname|author-?name|post-?author",
    re.I,
)
_NOT_BYLINE_CLASS = re.compile(
    r"bio|avatar|image|photo|related|comment|social|follow|description|authority|recommend|"
    r"title|box|more",
    re.I,
)
_DATE_CLASS = re.compile(
    r"(?:^|[-_\s])(?:date|datum|fecha|data|published|publication|pub-?date|post-?date|"
    r"entry-date|time-?stamp|dateline|time|posted-on|meta|byline|artdate)(?:$|[-_\s])|publish|"
    r"dateline|timestamp|post-?date|posted",
    re.I,
)
_SUBTITLE_CLASS = re.compile(
    r"(?:^|[-_\s])(?:stand-?first|sub-?title|sub-?head(?:line)?|dek|deck|chapo|entradilla|"
    r"bajada|sottotitolo|occhiello|undertitel|article-?(?:summary|intro|lead|dek|subtitle)|"
    r"headline-?sub)(?:$|[-_\s])|standfirst|subtitle|subheadline",
    re.I,
)


@dataclass(slots=True)
class Facts:
    """What one walk over the tree found, in document order."""

    metas: dict[str, list[str]] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)  # rel → href, the first of each
    base: str | None = None  # of the base element, as written
    base_url: str = ""  # what links are relative to; set once the page's own address is known
    language: str | None = None
    home: str | None = None  # the text of the link to the front page
    head_title: str | None = None
    nodes: list[structured.Node] = field(default_factory=list)
    headings: list[HtmlElement] = field(default_factory=list)  # h1
    times: list[HtmlElement] = field(default_factory=list)
    bylines: list[HtmlElement] = field(default_factory=list)
    dates: list[HtmlElement] = field(default_factory=list)
    dates_stated: list[HtmlElement] = field(default_factory=list)  # itemprop or property
    subtitles: list[HtmlElement] = field(default_factory=list)
    signatures: list[str] = field(default_factory=list)  # texts under the headline: who, when
    figures: list[HtmlElement] = field(default_factory=list)
    captions: list[HtmlElement] = field(default_factory=list)
    pictures: list[HtmlElement] = field(default_factory=list)
    articles: list[HtmlElement] = field(default_factory=list)
    linked_headings: list[HtmlElement] = field(default_factory=list)  # h2 to h4 that are links
    elements: int = 0
    blocks: int = 0  # p, li, tr, br: what a body extractor loops over
    paragraph_chars: int = 0
    asks_password: bool = False  # has a field for one

    def meta(self, *names: str) -> str | None:
        """The first non-empty content of the metas of these names, in the order of the names."""
        for name in names:
            for value in self.metas.get(name, ()):
                if value:
                    return value
        return None


def gather(tree: HtmlElement) -> Facts:
    """Walk the tree once; drop scripts and the like from it, and unwrap what may hide text."""
    facts = Facts()
    facts.language = tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang")
    blocks: list[str] = []
    swallowers: list[HtmlElement] = []
    for element in tree.iter("*"):
        tag = element.tag
        facts.elements += 1
        if tag in _DROPPED:
            if (
                tag == "script"
                and element.text
                and "ld+json" in (element.get("type") or "").lower()
            ):
                blocks.append(element.text)
        elif tag in _UNWRAPPED:
            swallowers.append(element)
        else:
            _note(facts, element, tag)
    for element in swallowers:
        if (element.tag == "noscript" and not _holds_text(element)) or (
            element.tag == "button" and len(element) == 0
        ):
            element.tag = "template"
    etree.strip_elements(tree, *_DROPPED, with_tail=False)
    etree.strip_tags(tree, *_UNWRAPPED)
    facts.nodes = structured.nodes(blocks)
    return facts


def _note(facts: Facts, element: HtmlElement, tag: str) -> None:
    """Remember an element where a later step asks for its kind."""
    noted = _NOTES.get(tag)
    if noted is not None:
        noted(facts, element)
    attributes = element.attrib
    if not attributes:
        return
    name = attributes.get("class")
    if name:
        _note_class(facts, element, tag, f"{name} {attributes.get('id') or ''}"[:300])
    stated = attributes.get("itemprop") or attributes.get("property") or attributes.get("rel")
    if stated:
        _note_stated(facts, element, tag, stated.lower())


def _note_class(facts: Facts, element: HtmlElement, tag: str, name: str) -> None:
    if tag in ("body", "html", "main", "article", "form"):
        return
    for kind in _kinds(name):
        if kind != "captions" or tag != "figcaption":
            _keep(getattr(facts, kind), element)


@functools.lru_cache(maxsize=16_384)
def _kinds(name: str) -> tuple[str, ...]:
    """The lists of Facts that an element of this class belongs in; pages repeat their classes."""
    lower = name.lower()
    kinds = []
    if _BYLINE_CLASS.search(lower) and not _NOT_BYLINE_CLASS.search(lower):
        kinds.append("bylines")
    if _DATE_CLASS.search(lower):
        kinds.append("dates")
    if _SUBTITLE_CLASS.search(lower):
        kinds.append("subtitles")
    if "caption" in lower or "credit" in lower:
        kinds.append("captions")
    return tuple(kinds)


def _note_stated(facts: Facts, element: HtmlElement, tag: str, stated: str) -> None:
    if tag in ("meta", "link"):
        if "datepublished" in stated or "datemodified" in stated or "datecreated" in stated:
            _keep(facts.dates_stated, element)
        return
    if "author" in stated and "articlesection" not in stated:
        _keep(facts.bylines, element)
    elif "datepublished" in stated or "datemodified" in stated or "datecreated" in stated:
        _keep(facts.dates_stated, element)
    elif "alternativeheadline" in stated:
        _keep(facts.subtitles, element)


def _keep(kept: list[HtmlElement], element: HtmlElement) -> None:
    if len(kept) < MAX_KEPT:
        kept.append(element)


def _note_meta(facts: Facts, element: HtmlElement) -> None:
    name = element.get("property") or element.get("name") or element.get("itemprop")
    content = element.get("content")
    if name and content:
        values = facts.metas.setdefault(name.strip().lower()[:80], [])
        if len(values) < 40:
            values.append(" ".join(content[:4000].split()))


def _note_link(facts: Facts, element: HtmlElement) -> None:
    href = element.get("href")
    for rel in (element.get("rel") or "").lower().split():
        if href:
            facts.links.setdefault(rel, href.strip())


def _note_base(facts: Facts, element: HtmlElement) -> None:
    facts.base = facts.base or element.get("href")


def _note_title(facts: Facts, element: HtmlElement) -> None:
    if facts.head_title is None and element.text:
        facts.head_title = " ".join(element.text.split()) or None


def _note_input(facts: Facts, element: HtmlElement) -> None:
    if (element.get("type") or "").lower() == "password":
        facts.asks_password = True


def _note_block(facts: Facts, element: HtmlElement) -> None:
    facts.blocks += 1


def _note_paragraph(facts: Facts, element: HtmlElement) -> None:
    facts.blocks += 1
    facts.paragraph_chars += len(element.text or "")


def _note_cell(facts: Facts, element: HtmlElement) -> None:
    facts.blocks += 1
    for name in ("colspan", "rowspan"):  # a table extractor multiplies them out
        element.attrib.pop(name, None)


def _note_heading(facts: Facts, element: HtmlElement) -> None:
    parent = element.getparent()
    if element.find("a") is not None or (parent is not None and parent.tag == "a"):
        _keep(facts.linked_headings, element)


def _note_anchor(facts: Facts, element: HtmlElement) -> None:
    """The first link to the front page that bears a name of two words or more is the site's."""
    if facts.home is None and element.get("href") in ("/", "./", "/index.html"):
        text = words(element, 60)
        if 5 <= len(text) <= 50 and " " in text and text.casefold() not in _HOME_WORDS:
            facts.home = text


_NOTES: dict[str, Callable[[Facts, HtmlElement], None]] = {
    "a": _note_anchor,
    "h2": _note_heading,
    "h3": _note_heading,
    "h4": _note_heading,
    "meta": _note_meta,
    "link": _note_link,
    "base": _note_base,
    "title": _note_title,
    "input": _note_input,
    "p": _note_paragraph,
    "li": _note_block,
    "br": _note_block,
    "tr": _note_block,
    "td": _note_cell,
    "th": _note_cell,
    "h1": lambda facts, element: _keep(facts.headings, element),
    "time": lambda facts, element: _keep(facts.times, element),
    "figure": lambda facts, element: _keep(facts.figures, element),
    "figcaption": lambda facts, element: _keep(facts.captions, element),
    "img": lambda facts, element: _keep(facts.pictures, element),
    "amp-img": lambda facts, element: _keep(facts.pictures, element),
    "article": lambda facts, element: _keep(facts.articles, element),
}


def remove(element: HtmlElement) -> None:
    """Take an element out of its tree and leave the text that follows it."""
    parent = element.getparent()
    if parent is None:
        return
    if element.tail:
        previous = element.getprevious()
        if previous is not None:
            previous.tail = (previous.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def _holds_text(element: HtmlElement) -> bool:
    """Whether an unclosed ``noscript`` swallowed part of the article."""
    return next(element.iter("p"), None) is not None


def words(element: HtmlElement, limit: int = 2_000, between: str = "") -> str:
    """The text of an element on one line, read no further than ``limit`` characters.

    ``between`` stands between the texts of its parts: a space where a theme parts them by layout.
    """
    parts: list[str] = []
    size = 0
    for part in element.itertext():
        parts.append(part)
        size += len(part)
        if size > limit:
            break
    return " ".join(between.join(parts).split())
