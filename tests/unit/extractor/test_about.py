"""What a page says of itself: address, site, language, section and tags, and who said so."""

from __future__ import annotations

import pytest

from newsmill.extractor.core import zones
from unit.extractor.sheets import URL, chosen, sheet

HEADLINE = "Harbour bridge opens after nine years"
TEXT = "<p>The bridge opened on Friday, nine years late, to the sound of a brass band.</p>"


def test_the_canonical_address_of_the_same_site_is_believed() -> None:
    read = sheet(TEXT, '<link rel="canonical" href="/bridge">')
    found = chosen(read)
    assert found.canonical_url == "https://www.paper.example/bridge"
    assert found.provenance["canonical_url"] == "rel=canonical"


@pytest.mark.parametrize("href", ["https://other.example/bridge", "https://www.paper.example/"])
def test_that_of_another_site_or_of_the_front_page_is_not(href: str) -> None:
    read = sheet(TEXT, f'<link rel="canonical" href="{href}">')
    found = chosen(read)
    assert found.canonical_url == URL
    assert found.provenance["canonical_url"] == "url"


def test_the_site_is_named_by_its_own_field() -> None:
    read = sheet(TEXT, '<meta property="og:site_name" content="The Paper">')
    assert chosen(read).site == "The Paper"


def test_without_one_it_is_the_part_of_the_title_that_the_host_says() -> None:
    read = sheet(TEXT, f"<title>{HEADLINE} | Paper</title>")
    found = chosen(read)
    assert (found.site, found.provenance["site"]) == ("Paper", "title")


def test_at_last_it_is_the_host() -> None:
    assert chosen(sheet(TEXT)).site == "paper.example"


def test_section_tags_and_language_are_fields() -> None:
    head = (
        '<meta property="article:section" content="Harbour">'
        '<meta name="keywords" content="bridge, harbour，brass band, bridge">'
    )
    found = chosen(sheet(TEXT, head, lang="pt_BR"))
    assert found.section == "Harbour"
    assert found.tags == ("bridge", "harbour", "brass band")
    assert found.declared_language == "pt-BR"


def test_a_language_that_is_none_is_not_declared() -> None:
    assert chosen(sheet(TEXT, lang="{{ lang }}")).declared_language is None


def test_a_theme_that_calls_its_wrapper_a_sidebar_does_not_hide_the_article() -> None:
    long = f"<p>{'The bridge opened late. ' * 12}</p>"
    read = sheet(f'<div class="with-sidebar"><h1>{HEADLINE}</h1>{long * 5}</div>{TEXT * 20}')
    heading = next(block for block in read.blocks if block.tag == "h1")
    assert not zones.is_foreign(read, heading.box)


def test_a_box_of_other_stories_is_foreign() -> None:
    read = sheet(f'<h1>{HEADLINE}</h1>{TEXT * 5}<div class="related">{TEXT}</div>')
    assert zones.is_foreign(read, read.blocks[-1].box)
