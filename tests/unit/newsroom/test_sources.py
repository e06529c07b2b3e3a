"""The sources of the sample newsroom: how they are read, and that pages and truth agree."""

from __future__ import annotations

import json
import re
import string
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import html
from protego import Protego

from newsmill.newsroom import (
    ARTICLES,
    BAD_FEEDS,
    CORRECTED,
    EXPECTED,
    FEEDS,
    HOSTS,
    PAGES,
    opml,
)
from newsmill.newsroom.hosts import hosts, printed
from newsmill.newsroom.markup import fill, inline
from newsmill.newsroom.stories import Block
from newsmill.newsroom.styles import STYLES
from newsmill.urls import domain_of, normalise

STORIES = [page for host in hosts().values() for page in host.pages.values()]
ARTICLE_LINES = [line for line in EXPECTED if line.kind == "article"]


@given(st.lists(st.text(string.ascii_letters + " &<>\"'éß漢", min_size=1), min_size=1, max_size=4))
def test_inline_marks_show_the_same_words_as_the_plain_text(words: list[str]) -> None:
    marked = [(w, f"*{w}*", f"**{w}**", f"[{w}](/x)")[n % 4] for n, w in enumerate(words)]
    block = Block(kind="paragraph", text="·".join(marked))
    assert block.plain() == "·".join(words)
    assert html.fromstring(f"<p>{inline(block.text)}</p>").text_content() == "·".join(words)


def test_a_template_line_whose_name_has_no_value_is_left_out() -> None:
    values = {"a": "1", "b": "", "c": "3"}
    assert fill("x{{a}}\ny{{b}}{{c}}\nz{{c}}", values.__getitem__) == "x1\nz3\n"


def test_the_newsroom_has_the_size_that_it_claims() -> None:
    assert 38 <= PAGES <= 46
    assert PAGES - ARTICLES == 1  # an AMP twin; copies on another site are articles of their own
    assert len(HOSTS) == 10
    assert len({domain_of(f"http://{host}/") for host in HOSTS}) == len(HOSTS)
    assert max(len(host.pages) + len(host.others) for host in hosts().values()) <= 9


def test_every_link_is_expected_once_and_in_normal_form() -> None:
    urls = [line.url for line in EXPECTED]
    assert len(set(urls)) == len(urls)
    assert [normalise(url) for url in urls] == urls
    assert {line.kind for line in EXPECTED} == {"article", "refused", "dead"}


def test_every_article_has_all_that_a_reader_asks_for() -> None:
    for line in ARTICLE_LINES:
        assert line.title
        assert line.authors
        assert line.published
        assert line.published.startswith("2026-")
        assert line.language
        assert len(line.must) >= 3, line.url
        assert not set(line.must) & set(line.must_not), line.url


def test_the_day_of_an_article_is_the_same_in_utc() -> None:
    for page in STORIES:
        when = datetime.fromisoformat(page.story.published)
        assert when.astimezone(UTC).date() == when.date(), page.url
        assert when.date() < datetime(2026, 11, 1, tzinfo=UTC).date()


def test_languages_and_markup_are_as_many_as_promised() -> None:
    assert {line.language for line in ARTICLE_LINES} == {
        "ar", "de", "en", "es", "fr", "it", "ja", "nl", "pt", "ru", "zh",
    }  # fmt: skip
    assert {page.template for page in STORIES} >= {
        "amp", "application", "bare", "divs", "graph", "heavy", "microdata", "opengraph", "soup",
        "spans", "table", "tangled", "unclosed", "wordpress",
    }  # fmt: skip
    assert {page.encoding for page in STORIES} == {
        "utf-8", "iso-8859-1", "cp1252", "cp1251", "cp932", "utf-16-le",
    }  # fmt: skip


@pytest.mark.parametrize("page", STORIES, ids=lambda page: page.url)
def test_a_page_shows_its_whole_story_and_its_noise(page) -> None:
    sheet = printed(page)
    assert "{{" not in sheet.html
    root = html.document_fromstring(sheet.html)
    shown = _joined(root.text_content())
    for block in page.story.blocks:
        if block.kind != "row":
            assert _joined(block.plain()) in shown
    assert _joined(page.story.title) in shown
    for phrase in (*sheet.noise, *sheet.murmur):
        assert _joined(phrase) in shown
    for name in page.story.authors:
        assert name in sheet.html
    assert sheet.timed == (page.story.published in sheet.html)
    if page.story.modified:
        assert sheet.modified == (page.story.modified in sheet.html)


@pytest.mark.parametrize("page", STORIES, ids=lambda page: page.url)
def test_metadata_in_scripts_is_json(page) -> None:
    for script in html.document_fromstring(printed(page).html).iter("script"):
        if script.get("type") == "application/ld+json":
            assert json.loads(script.text)["@context"] == "https://schema.org"


def test_every_style_can_print_every_kind_of_block() -> None:
    kinds = {"paragraph", "heading", "quote", "item", "row", "image", "related", "box", "echo"}
    for style in STYLES.values():
        assert kinds <= style.forms.keys()


def test_some_pages_tell_a_paragraph_twice_and_the_truth_tells_it_once() -> None:
    echoing = [page for page in STORIES if any(b.kind == "echo" for b in page.story.blocks)]
    assert len(echoing) >= 3
    for page in echoing:
        [line] = [line for line in EXPECTED if line.url == page.link]
        assert len(set(line.text)) == len(line.text)


def test_robots_forbid_exactly_what_is_expected_to_be_refused() -> None:
    refused = {line.url for line in EXPECTED if line.reason == "robots"}
    forbidden = set()
    for host in hosts().values():
        robots = Protego.parse(host.robots or "")
        assert all(robots.can_fetch(f.url, "newsmill") for f in host.feeds.values())
        links = [page.link for page in host.pages.values()]
        links += [other.url for other in host.others.values()]
        forbidden |= {link for link in links if not robots.can_fetch(link, "newsmill")}
    assert forbidden == refused
    assert {domain_of(url) for url in refused} == {
        "kurier-eisenthal.example",
        "sealed-gazette.example",
    }


def test_the_corrected_story_is_expected_in_its_newer_version() -> None:
    [line] = [line for line in EXPECTED if line.url == CORRECTED]
    assert line.title == f"Corrected: {line.earlier_title}".replace("40", "14")
    assert any("40 cracks" in text for text in line.must_not)


def test_the_opml_names_every_feed() -> None:
    outlines = ElementTree.fromstring(opml()).iter("outline")
    assert tuple(outline.get("xmlUrl") for outline in outlines) == FEEDS
    assert set(BAD_FEEDS) < set(FEEDS)


def _joined(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()
