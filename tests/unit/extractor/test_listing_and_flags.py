"""What a page is: a list of others or one article; a live blog, a walled stub, a video."""

from __future__ import annotations

import pytest

from newsmill.extractor.core import (
    about,
    container,
    flags,
    furniture,
    lines,
    listing,
    markup,
    reading,
)
from newsmill.extractor.core.blocks import Line
from newsmill.records import Flag
from unit.extractor.pages import PROSE, html, page, paragraphs

TITLE = "<h1>Lighthouse on Gannet Rock sold</h1>"
LONG = " ".join(PROSE)
TEASERS = "".join(
    f'<div><h2><a href="/s{n}">Story number {n} of the coast</a></h2>'
    f"<p>A teaser of story {n}.</p></div>"
    for n in range(8)
)
TAG_PAGE = "https://www.harbour-post.example/tag/coast"
HOME = "https://www.harbour-post.example/"


def read(body: str, head: str = "", url: str | None = None) -> tuple[str, tuple[Flag, ...]]:
    """Why the page is a listing, and its flags, where every block without a role is kept."""
    sheet = reading.read(markup.parse(markup.tame(html(body, head).decode())))
    choice = about.choose(sheet, page(url) if url else page())
    layout = container.lay_out(sheet)
    found = furniture.mark(sheet, choice, layout, choice.canonical_url)
    box = sheet.boxes[layout.container]
    kept = [index for index in range(box.first, box.last) if found.roles[index] == 0]
    shown: list[Line] = lines.of(sheet, kept, found.tables)
    said = choice.article is not None
    why = listing.why(sheet, choice, shown, [float(len(line.text)) for line in shown], said)
    return why, flags.of(sheet, choice, found.area, shown, bool(why))


@pytest.mark.parametrize("url", [TAG_PAGE, HOME, "https://www.harbour-post.example/?s=lamp"])
def test_teasers_under_linked_headings_are_a_listing(url: str) -> None:
    why, flagged = read(f"<h1>Coast</h1>{TEASERS}", url=url)
    assert why
    assert flagged == ("listing",)


@pytest.mark.parametrize("where", ["{body}{teasers}", "{teasers}{body}"])
def test_a_page_with_a_body_of_its_own_is_no_listing(where: str) -> None:
    body = TITLE + paragraphs(LONG, LONG[::-1], LONG.upper())
    assert read(where.format(body=body, teasers=TEASERS), url=TAG_PAGE)[0] == ""


def test_a_short_article_above_links_to_others_is_no_listing() -> None:
    assert read(f"<article>{TITLE}{paragraphs()}</article>{TEASERS}")[0] == ""


def test_headings_that_lead_to_other_sites_are_a_review_of_them() -> None:
    away = TEASERS.replace('href="/', 'href="https://elsewhere.example/')
    assert read(f"<h1>Coast</h1>{away}", url="https://www.harbour-post.example/week-12")[0] == ""


@pytest.mark.parametrize(
    ("body", "head", "want"),
    [
        ("", '"@type":"LiveBlogPosting","headline":"Lighthouse on Gannet Rock sold"', "live_blog"),
        ("", '"@type":"NewsArticle","isAccessibleForFree":"False"', "paywalled"),
        ("", '"@type":"NewsArticle","isAccessibleForFree":false', "paywalled"),
        ("<p>Subscribe now to continue reading this story</p>", "", "paywalled"),
        ("<p>Article réservé aux abonnés</p>", "", "paywalled"),
        (
            "<div class='paywall-box'>This is for those who pay us every month.</div>",
            "",
            "paywalled",
        ),
        ("", '"@type":"VideoObject","name":"The lamp"', "video"),
    ],
)
def test_an_article_is_flagged_by_what_it_states_and_shows(body: str, head: str, want: str) -> None:
    stated = f'<script type="application/ld+json">{{{head}}}</script>' if head else ""
    assert read(f"<article>{TITLE}{paragraphs()}{body}</article>", stated)[1] == (want,)


def test_stamped_posts_in_a_live_class_are_a_live_blog() -> None:
    posts = "".join(
        f"<div><time datetime='2024-03-03T1{n}:00'>1{n}:00</time><p>{text}</p></div>"
        for n, text in enumerate(PROSE * 2)
    )
    body = f"<article>{TITLE}<div class='live-blog'>{posts}</div></article>"
    assert read(body)[1] == ("live_blog",)
    assert read(body.replace("live-blog", "body"))[1] == ()


def test_an_article_with_a_video_in_it_and_an_offer_under_it_has_no_flag() -> None:
    stated = (
        '<script type="application/ld+json">[{"@type":"NewsArticle","headline":"Lighthouse on '
        'Gannet Rock sold"},{"@type":"VideoObject","name":"The lamp"}]</script>'
    )
    many = paragraphs(*(f"{LONG} {n}" for n in range(6)))
    offer = "<p>Subscribe now to continue reading stories of the coast</p>"
    assert read(f"<article>{TITLE}{many}{offer}</article>", stated)[1] == ()
