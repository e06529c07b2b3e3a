"""The "see also" links of a body: taken out of the tree as data, with the lines that hold them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from lxml.html import HtmlElement

from newsmill import urls
from newsmill.extractor.core.facts import Facts, remove, words
from newsmill.extractor.core.labels import SEE_ALSO
from newsmill.extractor.core.media import fold
from newsmill.records import Related

MAX_RELATED = 60
MAX_LABELS = 400  # elements that begin like a label, of a page
MAX_RELATED_CHARS = 600  # of a block that is one "see also" line
MAX_BOX_CHARS = 4_000  # of a box of links under a label
MIN_TITLE = 12  # characters of a title in ASCII; less is a button or a name
MAX_TITLE = 300

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


def take(tree: HtmlElement, facts: Facts) -> list[Related]:
    """The "see also" links of the page's body; what holds them leaves the tree."""
    found: list[Related] = []
    gone: set[HtmlElement] = set()
    for element in list(islice(_labels(tree), MAX_LABELS)):
        if len(found) >= MAX_RELATED:
            break
        if element in gone or any(ancestor in gone for ancestor in element.iterancestors()):
            continue
        if any(ancestor.tag in _AROUND for ancestor in element.iterancestors()):
            continue
        block = _block_of(element)
        if block is None:
            taken = _inline(element, facts)
        else:
            taken = _line(block, facts) or _box(block, facts)
        if taken is not None:
            links, elements = taken
            found.extend(links)
            for item in elements:
                gone.add(item)
                remove(item)
    found.extend(_bare(tree, facts))
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
    if sum(1 for _ in islice(block.iter("p", "li"), 13)) > 12:
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


def _inline(element: HtmlElement, facts: Facts) -> Taken | None:
    """A label in bold or the like where line breaks are all that part the lines."""
    top = element
    while (parent := top.getparent()) is not None and parent.tag not in _BLOCKS:
        if (parent.text or "").strip() or len(parent) > 1:
            break
        top = parent
    if not _begins_line(top):
        return None
    taken = _line(top, facts)
    if taken is not None:
        return taken
    label = SEE_ALSO.match(words(top, MAX_RELATED_CHARS))
    anchor = top.getnext()
    if label is None or anchor is None or anchor.tag != "a" or (top.tail or "").strip(" :|\n"):
        return None
    link = _related(anchor, facts)
    if link is None or words(top, MAX_RELATED_CHARS)[label.end() :].strip():
        return None
    top.tail = None
    return [link], [top, anchor]


def _begins_line(element: HtmlElement) -> bool:
    previous = element.getprevious()
    if previous is None:
        parent = element.getparent()
        return parent is None or not (parent.text or "").strip()
    return (previous.tag == "br" or previous.tag in _BLOCKS) and not (previous.tail or "").strip()


def _bare(tree: HtmlElement, facts: Facts) -> list[Related]:
    """Links after a label that is bare text between line breaks: both leave the tree."""
    found: list[Related] = []
    for anchor in list(tree.iter("a")):
        previous, parent = anchor.getprevious(), anchor.getparent()
        if parent is None or (previous is not None and previous.tag != "br"):
            continue
        before = (previous.tail if previous is not None else parent.text) or ""
        label = SEE_ALSO.match(before.lstrip()[:80])
        if label is None or not label["mark"] or label[0].strip() != before.strip():
            continue
        link = _related(anchor, facts)
        if link is None or len(found) >= MAX_RELATED:
            continue
        found.append(link)
        if previous is not None:
            previous.tail = None
        else:
            parent.text = None
        remove(anchor)
    return found


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
        size = len(words(following, MAX_BOX_CHARS))
        if size >= MAX_BOX_CHARS:
            break
        here = [link for a in following.iter("a") if (link := _related(a, facts)) is not None]
        linked = sum(len(link.title or "") for link in here)
        if size and (not here or linked < 0.6 * size):
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
