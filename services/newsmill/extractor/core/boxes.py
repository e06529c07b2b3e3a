"""What stands in or around an article and is none of it, taken out of the tree before it is read.

"See also" lines (kept as data), newsletter and share boxes, comments, cookie notes.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml.html import HtmlElement

from newsmill import urls
from newsmill.extractor.core.facts import Facts, remove, words
from newsmill.extractor.core.labels import BOX_CLASS, SEE_ALSO
from newsmill.extractor.core.media import fold
from newsmill.records import Related

MAX_RELATED = 60
MAX_RELATED_CHARS = 600  # of a block that is one "see also" line
MAX_BOX_CHARS = 4_000  # of a box of links under a label
MIN_TITLE = 12  # characters of a title in ASCII; less is a button or a name
MAX_TITLE = 300
MAX_BOX_SHARE = 0.3  # of the page's paragraph text; a box with more holds the article

_LABELLED = (
    "p", "div", "li", "blockquote", "aside", "section", "h2", "h3", "h4", "h5", "h6", "span",
    "strong", "b", "em", "i", "a", "td", "u", "font", "dt", "figcaption",
)  # fmt: skip
_BLOCKS = frozenset(
    (
        "p",
        "div",
        "li",
        "blockquote",
        "aside",
        "section",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "td",
        "ul",
        "ol",
        "dl",
        "dt",
        "dd",
        "figure",
        "table",
        "article",
        "main",
        "body",
    )
)
_LISTS = frozenset(("ul", "ol", "div", "dl", "section"))
_AROUND = frozenset(("nav", "footer", "header"))
_BOXES = ("div", "section", "aside", "ul", "form", "p", "span", "nav")


def take_related(tree: HtmlElement, facts: Facts) -> list[Related]:
    """The "see also" links of the page's body; what holds them leaves the tree."""
    found: list[Related] = []
    gone: set[HtmlElement] = set()
    for element in list(_labels(tree)):
        if len(found) >= MAX_RELATED:
            break
        if element in gone or any(ancestor in gone for ancestor in element.iterancestors()):
            continue
        block = _block_of(element)
        if block is None or any(ancestor.tag in _AROUND for ancestor in block.iterancestors()):
            continue
        taken = _line(block, facts) or _box(block, facts)
        if taken is not None:
            links, elements = taken
            found.extend(links)
            for item in elements:
                gone.add(item)
                remove(item)
    return unique(found)


def unique(links: list[Related]) -> list[Related]:
    """Links in order, each once by its address or title."""
    seen: set[str] = set()
    kept = []
    for link in links:
        key = fold(link.title) if link.title else link.url or ""
        if key and key not in seen:
            seen.add(key)
            kept.append(link)
    return kept[:MAX_RELATED]


def _labels(tree: HtmlElement) -> Iterator[HtmlElement]:
    for element in tree.iter(*_LABELLED):
        text = element.text
        if text and (head := text.lstrip()[:80]) and SEE_ALSO.match(head):
            yield element


def _block_of(element: HtmlElement) -> HtmlElement | None:
    """The widest block whose text begins with the label and is no longer than such a line."""
    block = element
    while block.tag not in _BLOCKS:
        parent = block.getparent()
        if parent is None or (parent.text or "").strip():
            return None
        previous = block.getprevious()
        if previous is not None and (words(previous, 1) or (previous.tail or "").strip()):
            return None
        block = parent
    while True:
        parent = block.getparent()
        if parent is None or parent.tag in ("body", "main", "article", "html", "tr", "td", "table"):
            return block
        if (parent.text or "").strip() or len(parent) > 1 or (block.tail or "").strip():
            return block
        block = parent


Taken = tuple[list[Related], list[HtmlElement]]


def _line(block: HtmlElement, facts: Facts) -> Taken | None:
    """A label and what it points to in one block."""
    if sum(1 for _ in block.iter("p", "li")) > 12:
        return None
    text = words(block, MAX_RELATED_CHARS + 1)
    label = SEE_ALSO.match(text)
    if label is None or len(text) > MAX_RELATED_CHARS:
        return None
    rest = text[label.end() :].strip()
    if not rest:
        return None
    links = [link for a in block.iter("a") if (link := _related(a, facts)) is not None]
    linked = sum(len(link.title or "") for link in links)
    if links and linked >= 0.6 * len(rest):
        return links, [block]
    if label["mark"] and len(rest) <= MAX_TITLE and label["mark"] in ":：|>»›→" and not links:
        return [Related(title=rest)], [block]
    return None


def _box(block: HtmlElement, facts: Facts) -> Taken | None:
    """A label alone, and the links under it: in the same block's siblings."""
    text = words(block, MAX_RELATED_CHARS)
    label = SEE_ALSO.match(text)
    if label is None or text[label.end() :].strip(" :."):
        return None
    links: list[Related] = []
    gone = [block]
    following = block.getnext()
    while following is not None and len(gone) < 20:
        here = [link for a in following.iter("a") if (link := _related(a, facts)) is not None]
        size = len(words(following, MAX_BOX_CHARS))
        linked = sum(len(link.title or "") for link in here)
        if size >= MAX_BOX_CHARS or (size and (not here or linked < 0.6 * size)):
            break
        links.extend(here)
        gone.append(following)
        if following.tag in _LISTS and here:
            break
        following = following.getnext()
    return (links, gone) if links else None


def _related(anchor: HtmlElement, facts: Facts) -> Related | None:
    title = words(anchor, MAX_TITLE)
    label = SEE_ALSO.match(title)
    if label is not None:
        rest = title[label.end() :].strip()
        if not rest:
            return None
        title = rest if label["mark"] else title
    if len(title) < MIN_TITLE and title.isascii():
        return None
    return Related(url=address(anchor.get("href"), facts.base_url), title=title)


def address(href: str | None, base: str) -> str | None:
    """The normal form of a link's target, or None where it is no page."""
    if not href or href.startswith("#"):
        return None
    try:
        return urls.normalise(href, base)
    except ValueError:
        return None


def drop_boxes(tree: HtmlElement, paragraph_chars: int) -> None:
    """Take boxes that are no article by class or tag out of the tree, unless they hold it."""
    limit = MAX_BOX_SHARE * max(paragraph_chars, 1)
    boxes: list[HtmlElement] = []
    for element in tree.iter(*_BOXES):
        if element.tag == "form":
            boxes.append(element)
            continue
        name = element.get("class") or element.get("id")
        if name and len(name) <= 300 and BOX_CLASS.search(f"{name} {element.get('id') or ''}"):
            boxes.append(element)
    gone: set[HtmlElement] = set()
    for element in boxes:
        parent = element.getparent()
        if parent is None or parent in gone:
            gone.add(element)
            continue
        if next(element.iter("h1"), None) is not None or _paragraphs(element, limit) > limit:
            continue
        gone.add(element)
        remove(element)


def _paragraphs(element: HtmlElement, limit: float) -> int:
    size = 0
    for paragraph in element.iter("p"):
        size += len(paragraph.text or "")
        if size > limit:
            break
    return size
