"""The title is chosen by evidence, and bears no site's name."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core import titles
from unit.extractor.sheets import chosen, sheet

HEADLINE = "Harbour bridge opens after nine years"
TEXT = "<p>The bridge opened on Friday, nine years late, to the sound of a brass band.</p>"
SETTING = titles.Setting(site="The Paper", host="paper.example", url="https://paper.example/a")


def test_the_site_is_cut_from_a_title() -> None:
    read = sheet(TEXT, f"<title>{HEADLINE} | The Paper</title>")
    assert chosen(read, "https://paper.example/a").title == HEADLINE


def test_a_section_before_the_site_is_cut_with_it_where_the_page_shows_the_headline() -> None:
    read = sheet(f"<h1>{HEADLINE}</h1>{TEXT}", f"<title>{HEADLINE} - World - The Paper</title>")
    assert chosen(read).title == HEADLINE


def test_a_heading_that_is_the_masthead_is_no_title() -> None:
    head = (
        f'<title>{HEADLINE} | The Paper</title><meta property="og:site_name" content="The Paper">'
    )
    read = sheet(f"<h1>The Paper</h1><h1>{HEADLINE}</h1>{TEXT}", head)
    assert chosen(read).title == HEADLINE


def test_a_heading_of_two_lines_is_one_title() -> None:
    read = sheet(f"<h1>Harbour bridge opens<br>after nine years</h1>{TEXT}")
    assert chosen(read).title == HEADLINE


def test_entities_escaped_twice_are_read() -> None:
    ld = {"@type": "NewsArticle", "headline": "Fish &amp;amp; chips return to the pier"}
    read = sheet(TEXT, ld=ld)
    assert chosen(read).title == "Fish & chips return to the pier"


def test_a_page_that_says_no_title_has_none() -> None:
    read = sheet(TEXT)
    assert chosen(read).title is None


def test_the_source_is_told() -> None:
    read = sheet(f"<h1>{HEADLINE}</h1>{TEXT}")
    assert chosen(read).provenance["title"] == "h1"


def test_every_form_of_the_title_is_kept_for_the_text_to_be_cleared_of() -> None:
    other = "Nine years late, the bridge"
    read = sheet(f"<h1>{HEADLINE}</h1>{TEXT}", f'<meta property="og:title" content="{other}">')
    assert {HEADLINE, other} <= set(chosen(read).titles)


_SOURCE = st.sampled_from(titles.SOURCES)
_SAID = st.lists(st.tuples(_SOURCE, st.text(max_size=80)), max_size=12)


@given(_SAID)
def test_a_chosen_title_is_part_of_what_a_source_said(pairs: list[tuple[str, str]]) -> None:
    said = titles.spoken(pairs)
    found = titles.choose(said, SETTING)
    if found is not None:
        assert found.text
        assert any(found.text in item.text for item in said)


@given(_SAID)
def test_the_choice_does_not_depend_on_what_was_chosen_before(pairs: list[tuple[str, str]]) -> None:
    said = titles.spoken(pairs)
    assert titles.choose(said, SETTING) == titles.choose(list(said), SETTING)
