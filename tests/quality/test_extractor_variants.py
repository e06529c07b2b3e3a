"""One story in many kinds of markup: every field that a page states comes out of each, exactly."""

from __future__ import annotations

import pytest

from newsmill import urls
from newsmill.extractor.core import extract
from newsmill.records import Article, Page
from quality import variants
from quality.variants import VARIANTS, Variant

ids = [variant.name for variant in VARIANTS]


def article_of(variant: Variant) -> Article:
    page = Page(
        page_id=urls.identity(variant.url), url=variant.url, content_type=variant.content_type
    )
    return extract(variant.body, page)


@pytest.mark.parametrize("variant", VARIANTS, ids=ids)
def test_each_paragraph_stands_once_in_order_and_nothing_else(variant: Variant) -> None:
    assert article_of(variant).text.split("\n") == list(variants.PARAGRAPHS)


@pytest.mark.parametrize("variant", VARIANTS, ids=ids)
def test_title_site_authors_and_date_are_found(variant: Variant) -> None:
    found = article_of(variant)
    assert found.title == variants.TITLE
    assert found.site == variants.SITE
    assert found.authors == variants.AUTHORS
    assert found.published == variants.PUBLISHED
    assert found.canonical_url == variants.URL


@pytest.mark.parametrize("variant", VARIANTS, ids=ids)
def test_see_also_links_are_data_with_their_addresses(variant: Variant) -> None:
    found = [(link.title, link.url) for link in article_of(variant).related]
    host = "https://www.tidewater-courier.example"
    for title, path in variants.RELATED:
        assert (title, host + path) in found


@pytest.mark.parametrize("variant", VARIANTS, ids=ids)
def test_the_caption_is_there_once_with_its_credit(variant: Variant) -> None:
    found = [(i.caption, i.credit) for i in article_of(variant).images if i.caption]
    assert found == [(variants.CAPTION, variants.CREDIT)]
