"""Our own body walk: linear and iterative, for pages that a heavier tier cannot take."""

from __future__ import annotations

import re

from lxml.html import HtmlElement

from newsmill.extractor.core.blocks import Line

MAX_LINK_SHARE = 0.6  # of a line's characters; a line with more is navigation
LONG_LINE = 400  # characters; a longer one is prose however much of it is linked

_SPACE = re.compile(r"\s+")
_BLOCKS = frozenset(
    (
        "p", "div", "section", "article", "main", "body", "ul", "ol", "li", "dl", "dt", "dd",
        "blockquote", "table", "tbody", "thead", "tr", "td", "th", "h1", "h2", "h3", "h4", "h5",
        "h6", "pre", "figure", "figcaption", "header", "footer", "aside", "nav", "form", "fieldset",
        "address", "center", "details", "summary", "hr", "br",
    )
)  # fmt: skip
_SKIPPED = frozenset(
    ("nav", "aside", "footer", "form", "figcaption", "option", "label", "iframe", "h1", "head")
)
_LEAVES = frozenset(("p", "ul", "ol", "li", "blockquote", "td", "a", "span"))
_INLINE = frozenset(("p", "em", "strong", "b", "i", "span"))


def walk(tree: HtmlElement) -> list[Line]:
    """The prose of the element that holds most of it."""
    return _Reader().read(_container(tree))


def _container(tree: HtmlElement) -> HtmlElement:
    """Descend from the body while one child holds four fifths of its parent's weight of prose.

    Keeping the parent of a split body keeps its halves. Weights are summed bottom-up in one pass.
    """
    body = tree.find("body")
    top = body if body is not None else tree
    weights: dict[HtmlElement, float] = {}
    for element in reversed(list(top.iter("*"))):
        if element.tag in _SKIPPED:
            continue
        total = weights.get(element, 0.0) + _own_weight(element)
        if element.tag == "a":
            total *= 0.1
        if not total:
            continue
        weights[element] = total
        parent = element.getparent()
        if parent is not None and element is not top:
            weights[parent] = weights.get(parent, 0.0) + total
    chosen = top
    while True:
        best = max(chosen, key=lambda child: weights.get(child, 0.0), default=None)
        if best is None or best.tag in _LEAVES:
            return chosen
        if weights.get(best, 0.0) < 0.8 * weights.get(chosen, 1.0):
            return chosen
        chosen = best


def _own_weight(element: HtmlElement) -> float:
    """The weight of the text directly in an element and after its inline children."""
    size = len((element.text or "").strip())
    for child in element:
        if child.tail and (child.tag not in _BLOCKS or child.tag == "br"):
            size += len(child.tail.strip())
    return float(size) if size > 20 or element.tag in _INLINE else 0.0


class _Reader:
    """Collects the lines of a container, without those that are mostly links."""

    def __init__(self) -> None:
        self._found: list[Line] = []
        self._text: list[str] = []
        self._linked = 0
        self._open = ["p"]

    def read(self, container: HtmlElement) -> list[Line]:
        """The lines under ``container``, in document order."""
        stack: list[tuple[HtmlElement, bool]] = [(container, True)]
        while stack:
            element, entering = stack.pop()
            if not entering:
                self._leave(element, element is container)
            elif element.tag in _SKIPPED and element is not container:
                self._text.append(element.tail or "")
            else:
                self._enter(element)
                stack.append((element, False))
                stack.extend((child, True) for child in reversed(element))
        self._flush()
        return self._found

    def _enter(self, element: HtmlElement) -> None:
        if element.tag in _BLOCKS:
            self._flush()
            if element.tag != "br":
                self._open.append(element.tag)
        if element.tag == "a":
            self._linked += len("".join(element.itertext()).strip())
        self._text.append(element.text or "")

    def _leave(self, element: HtmlElement, is_container: bool) -> None:
        if element.tag in _BLOCKS and element.tag != "br":
            self._flush()
            self._open.pop()
        if not is_container:
            self._text.append(element.tail or "")

    def _flush(self) -> None:
        line = _SPACE.sub(" ", "".join(self._text)).strip()
        linked, self._linked = self._linked, 0
        self._text.clear()
        if not line or (linked >= MAX_LINK_SHARE * len(line) and len(line) <= LONG_LINE):
            return
        tag = self._open[-1]
        if tag[0] == "h" and tag[1:].isdigit():
            self._found.append(Line("heading", line, max(2, int(tag[1:]))))
        elif tag in ("li", "blockquote"):
            self._found.append(Line("list" if tag == "li" else "quote", line))
        else:
            self._found.append(Line("paragraph", line))
