"""The standfirst: the sentence under a headline, stated as such and kept out of the text."""

from __future__ import annotations

from newsmill.extractor.core import structured
from newsmill.extractor.core.bylines import is_foreign
from newsmill.extractor.core.facts import Facts, remove, words
from newsmill.extractor.core.media import fold
from newsmill.extractor.core.metadata import Choice

MIN_CHARS = 15
MAX_CHARS = 600


def take(facts: Facts, choice: Choice) -> None:
    """Set the subtitle and take its element from the tree.

    A description is none: it so often repeats the first paragraph.
    """
    heading = next((h for h in facts.headings if fold(words(h)) == fold(choice.title or "")), None)
    for element in facts.subtitles[:20]:
        if element.getparent() is None or is_foreign(element) or element.tag in ("h1", "a", "img"):
            continue
        text = words(element, MAX_CHARS + 1)
        if not MIN_CHARS <= len(text) <= MAX_CHARS or fold(text) == fold(choice.title or ""):
            continue
        if sum(1 for _ in element.iter("p")) > 2:
            continue
        choice.subtitle, choice.provenance["subtitle"] = text, "shown"
        remove(element)
        return
    below = heading.getnext() if heading is not None else None
    if below is not None and below.tag == "h2" and MIN_CHARS <= len(words(below)) <= MAX_CHARS:
        choice.subtitle, choice.provenance["subtitle"] = words(below), "h2"
        remove(below)
        return
    stated = structured.text((choice.article or {}).get("alternativeHeadline"))
    if (
        stated
        and fold(stated) != fold(choice.title or "")
        and MIN_CHARS <= len(stated) <= MAX_CHARS
    ):
        choice.subtitle, choice.provenance["subtitle"] = stated, "json-ld"
