"""Extractors that stand beside ours in ``bench_extract.py``, and the floors that parsers set.

Each takes a page's bytes and address and answers what it found. They are called as their manuals
say, with their defaults but for what their names state; one that is not installed is left out, by
name. Where a library takes text, the time to decode the bytes is part of its own.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import lxml.html
import trafilatura
from corpora import NOWHERE
from scoring import Found

from newsmill import urls
from newsmill.errors import BadRecord
from newsmill.extractor.core import extract
from newsmill.records import Page

Extract = Callable[[bytes, str], Found]
_BLOCKS = (
    *("p", "div", "li", "blockquote", "td", "th", "br", "pre", "section", "article", "figcaption"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
)


@dataclass(frozen=True, slots=True)
class Extractor:
    """One row of the table."""

    name: str
    package: str  # whose version is stated
    run: Extract
    finds: frozenset[str]  # "text", "title", "authors", "date"; nothing of a floor


TEXT = frozenset({"text"})
ALL = frozenset({"text", "title", "authors", "date"})
OURS = "newsmill, whole record"
YARDSTICK = "trafilatura, with metadata"


def ours(body: bytes, url: str) -> Found:
    """The whole record; nothing for a page that is refused."""
    try:
        article = extract(body, _page(url))
    except BadRecord as error:
        return Found(tier=f"refused ({error.reason})")
    tier = article.quality.tier if article.quality else ""
    return Found(article.text, article.title, article.authors, article.published, tier)


def _page(url: str) -> Page:
    try:
        return Page(page_id=urls.identity(url), url=url)
    except ValueError:  # gold of a page without an address that a fetcher would take
        return Page(page_id=urls.identity(NOWHERE), url=NOWHERE)


def _trafilatura(**options: Any) -> Extract:
    def run(body: bytes, url: str) -> Found:
        document: Any = trafilatura.bare_extraction(body, url=url, **options)
        if document is None:
            return Found()
        authors = tuple(name.strip() for name in (document.author or "").split(";"))
        return Found(document.text or "", document.title, authors, document.date)

    return run


def _resiliparse(body: bytes, url: str) -> Found:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.encoding import bytes_to_str, detect_encoding

    html = bytes_to_str(body, detect_encoding(body) or "utf-8")
    return Found(extract_plain_text(html, main_content=True, alt_texts=False))


def _readability(body: bytes, url: str) -> Found:
    from readability import Document

    document = Document(body, url=url)
    tree = lxml.html.fragment_fromstring(document.summary(html_partial=True), create_parent="div")
    for element in tree.iter(*_BLOCKS):
        element.text = "\n" + (element.text or "")
        element.tail = "\n" + (element.tail or "")
    return Found(tree.text_content(), document.short_title())


def _newspaper(body: bytes, url: str) -> Found:
    import newspaper

    article = newspaper.Article(url, fetch_images=False)
    article.download(input_html=body.decode("utf-8", "replace"))
    article.parse()
    date = article.publish_date
    return Found(
        article.text,
        article.title,
        tuple(article.authors),
        date.isoformat() if hasattr(date, "isoformat") else None,
    )


def _parse(body: bytes, url: str) -> Found:
    lxml.html.document_fromstring(body)
    return Found()


def _parse_and_pass(body: bytes, url: str) -> Found:
    size = 0
    for element in lxml.html.document_fromstring(body).iter():
        size += len(element.text or "") + len(element.tail or "") + len(element.get("class") or "")
    return Found()


def _lexbor(body: bytes, url: str) -> Found:
    from selectolax.lexbor import LexborHTMLParser

    LexborHTMLParser(body)
    return Found()


ROWS = (
    Extractor(OURS, "newsmill", ours, ALL),
    Extractor(YARDSTICK, "trafilatura", _trafilatura(with_metadata=True), ALL),
    Extractor("trafilatura, text only", "trafilatura", _trafilatura(), TEXT),
    Extractor("trafilatura, fast", "trafilatura", _trafilatura(fast=True), TEXT),
    Extractor("trafilatura, precision", "trafilatura", _trafilatura(favor_precision=True), TEXT),
    Extractor("resiliparse", "resiliparse", _resiliparse, TEXT),
    Extractor("readability-lxml", "readability-lxml", _readability, TEXT | {"title"}),
    Extractor("newspaper4k", "newspaper4k", _newspaper, ALL),
    Extractor("floor: lxml parse", "lxml", _parse, frozenset()),
    Extractor("floor: lxml parse, one Python pass", "lxml", _parse_and_pass, frozenset()),
    Extractor("floor: lexbor parse", "selectolax", _lexbor, frozenset()),
)


def present() -> tuple[list[Extractor], list[str]]:
    """The extractors that can run here, and the names of those that are not installed."""
    logging.disable(logging.CRITICAL)  # what libraries think of pages is not of this table
    here = [row for row in ROWS if version(row.package)]
    return here, [row.name for row in ROWS if row not in here]


def version(package: str) -> str | None:
    """The installed version of a package, or None."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
