"""Between headline and text: the standfirst, and the line that says who and when.

Both are known by where they stand, in any markup: what follows the headline up to a byline or a
date is no part of the text. A class or a field may say "standfirst" too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from newsmill.extractor.core import byline, dates, structured
from newsmill.extractor.core.bylines import is_foreign
from newsmill.extractor.core.facts import Facts, remove, words
from newsmill.extractor.core.media import fold
from newsmill.extractor.core.metadata import Choice

MIN_CHARS = 15
MAX_CHARS = 600  # of a standfirst that says that it is one
MAX_UNIT = 320  # characters of one element between headline and text
MAX_UNITS = 8  # elements that are looked at
MAX_STANDFIRSTS = 2

_PARTS = re.compile(r"\s*[|/·•]\s*|\s+[–—-]\s+")
_BLOCKS = frozenset(("div", "p", "section", "header", "ul", "li", "h2", "h3", "span", "address"))


def take(tree: HtmlElement, facts: Facts, choice: Choice) -> None:
    """Set the subtitle and note the signature lines; the elements of both leave the tree.

    A description is no standfirst: it so often repeats the first paragraph.
    """
    heading = _heading(tree, facts, choice)
    if heading is not None:
        _take_between(heading, facts, choice)
    if choice.subtitle is None:
        _take_named(facts, choice)
    stated = structured.text((choice.article or {}).get("alternativeHeadline"))
    if choice.subtitle is None and stated and _is_standfirst(stated, choice):
        choice.subtitle, choice.provenance["subtitle"] = stated, "json-ld"


def _heading(tree: HtmlElement, facts: Facts, choice: Choice) -> HtmlElement | None:
    title = fold(choice.title or "")
    if not title:
        return None
    found = next((h for h in facts.headings if fold(words(h)) == title), None)
    if found is not None:
        return found
    return next((h for h in tree.iter("h2", "h3") if fold(words(h, 400)) == title), None)


def _take_between(heading: HtmlElement, facts: Facts, choice: Choice) -> None:
    """What stands between the headline and the last line of a signature."""
    between: list[tuple[HtmlElement, str]] = []
    signatures: list[tuple[HtmlElement, str]] = []
    for count, (element, text) in enumerate(_units(heading)):
        if count >= MAX_UNITS:
            break
        if is_signature(element, text, choice.declared_language):
            signatures.append((element, text))
        elif signatures:
            break
        else:
            between.append((element, text))
    if not signatures or len(between) > MAX_STANDFIRSTS:
        return
    facts.signatures = [text for _, text in signatures]
    fitting = [(e, t) for e, t in between if _is_standfirst(t, choice) and not _is_link(e)]
    if fitting:
        choice.subtitle = max((text for _, text in fitting), key=len)
        choice.provenance["subtitle"] = "shown"
    for element, _ in (*fitting, *signatures):
        remove(element)


def _units(heading: HtmlElement) -> Iterator[tuple[HtmlElement, str]]:
    """Elements after the headline that each hold a short text, until prose begins."""
    element = _next(heading)
    while element is not None:
        text = words(element, MAX_UNIT + 1, " ")
        inner = next((child for child in element if child.tag in _BLOCKS), None)
        if not text or (len(element) == 1 and element.tag in _BLOCKS and inner is not None):
            following = element[0] if text else _next(element)
        elif inner is not None and not (element.text or "").strip() and len(element) > 1:
            following = element[0]
        elif len(text) > MAX_UNIT:
            return
        else:
            following = _next(element)
            yield element, text
            if (element.tail or "").strip():
                return
        if element.tag == "br" and (element.tail or "").strip():
            return
        element = following


def _next(element: HtmlElement) -> HtmlElement | None:
    """The element after another in the document, its own children aside."""
    node: HtmlElement | None = element
    while node is not None and node.tag not in ("body", "html"):
        following = node.getnext()
        if following is not None:
            return following
        node = node.getparent()
    return None


def is_signature(element: HtmlElement, text: str, language: str | None) -> bool:
    """Whether an element says nothing but who or when."""
    if len(text) > MAX_UNIT or next(element.iter("img", "amp-img"), None) is not None:
        return False
    if element.tag == "time" or byline.is_byline(text) or dates.is_dateline(text, language):
        return True
    if len(text) > byline.MAX_VISIBLE or text[-1] in ".!?":
        return False
    parts = [part for part in _PARTS.split(text) if part]
    return len(parts) > 1 and any(
        byline.is_byline(part) or dates.is_dateline(part, language) for part in parts
    )


def _is_standfirst(text: str, choice: Choice) -> bool:
    return MIN_CHARS <= len(text) <= MAX_CHARS and fold(text) != fold(choice.title or "")


def _is_link(element: HtmlElement) -> bool:
    return sum(len(words(a)) for a in element.iter("a")) > 0.5 * len(words(element))


def _take_named(facts: Facts, choice: Choice) -> None:
    """A standfirst by its class or property, or an h2 right under the headline."""
    for element in facts.subtitles[:20]:
        if element.getparent() is None or is_foreign(element) or element.tag in ("h1", "a", "img"):
            continue
        text = words(element, MAX_CHARS + 1)
        if _is_standfirst(text, choice) and sum(1 for _ in element.iter("p")) <= 2:
            choice.subtitle, choice.provenance["subtitle"] = text, "shown"
            remove(element)
            return
    title = fold(choice.title or "")
    heading = next((h for h in facts.headings if fold(words(h)) == title), None)
    below = heading.getnext() if heading is not None else None
    if below is not None and below.tag == "h2" and _is_standfirst(words(below), choice):
        choice.subtitle, choice.provenance["subtitle"] = words(below), "h2"
        remove(below)
