"""What of a page is no prose: roles on the blocks of its sheet, and what those blocks say."""

from __future__ import annotations

import pytest

from newsmill.extractor.core import about, container, furniture, markup, reading, roles
from newsmill.extractor.core.furniture import Furniture
from newsmill.extractor.core.sheet import Sheet
from newsmill.records import Image, Related
from unit.extractor.pages import PROSE, html, page, paragraphs

HOST = "https://www.harbour-post.example"
TITLE = "Lighthouse on Gannet Rock sold"
HEAD = f"<h1>{TITLE}</h1>"
CAPTION = "The tower seen from the eastern shore"


def furnished(body: str, head: str = f"<title>{TITLE}</title>") -> tuple[Sheet, Furniture]:
    sheet = reading.read(markup.parse(markup.tame(html(body, head).decode())))
    choice = about.choose(sheet, page())
    found = furniture.mark(sheet, choice, container.lay_out(sheet), choice.canonical_url)
    return sheet, found


def marked(sheet: Sheet, found: Furniture, name: str) -> list[str]:
    role = roles.NAMES.index(name)
    return [block.text for block, r in zip(sheet.blocks, found.roles, strict=True) if r == role]


def prose(sheet: Sheet, found: Furniture) -> list[str]:
    return [text for text in marked(sheet, found, "none") if text != TITLE]


@pytest.mark.parametrize(
    "figure",
    [
        "<figure><img src='/p.jpg'><figcaption>{caption} (Photo: Ann Lee)</figcaption></figure>",
        "<figure><img data-src='/p.jpg' src='/empty.gif'><figcaption>{caption} <span class="
        "'credit'>Photo: Ann Lee</span></figcaption></figure>",
        "<figure><div><img src='/p.jpg'></div><p>{caption}. Photo: Ann Lee</p></figure>",
        "<div class='wp-caption'><img src='/p.jpg'><p class='wp-caption-text'>{caption} (Photo: "
        "Ann Lee)</p></div>",
        "<div><img src='/p.jpg'><div class='img-caption'>{caption}</div><div class='img-credit'>"
        "Photo: Ann Lee</div></div>",
        "<p><img src='/p.jpg'><br>{caption} (Photo: Ann Lee)</p>",
        "<div><img src='/p.jpg'><i>{caption} (Photo: Ann Lee)</i></div>",
        "<table><tr><td><img src='/p.jpg'></td></tr><tr><td class='caption'>{caption} (Photo: Ann "
        "Lee)</td></tr></table>",
    ],
)
def test_a_caption_is_of_its_picture_and_no_prose(figure: str) -> None:
    shown = figure.format(caption=CAPTION)
    sheet, found = furnished(
        f"<article>{HEAD}{paragraphs(PROSE[0])}{shown}{paragraphs(*PROSE[1:])}"
    )
    assert prose(sheet, found) == list(PROSE)
    (image,) = found.images
    assert image.url == f"{HOST}/p.jpg"
    assert (image.caption or "").rstrip(".") == CAPTION
    assert image.credit == "Ann Lee"


def test_a_picture_without_a_caption_takes_no_paragraph() -> None:
    sheet, found = furnished(f"<article>{HEAD}<p><img src='/p.jpg'></p>{paragraphs()}</article>")
    assert prose(sheet, found) == list(PROSE)
    assert found.images == [Image(url=f"{HOST}/p.jpg")]


def test_an_article_that_a_theme_calls_a_caption_stays() -> None:
    body = "".join(f"<p>{text}</p>" for text in PROSE * 3)
    sheet, found = furnished(f"<div class='caption'><img src='/p.jpg'>{HEAD}{body}</div>")
    assert prose(sheet, found) == list(PROSE * 3)


def test_icons_are_no_pictures_and_the_stated_one_leads() -> None:
    _, found = furnished(
        f"<article>{HEAD}<img src='/i.png' width='16'>{paragraphs()}</article>",
        "<meta property='og:image' content='/lead.jpg'>",
    )
    assert found.images == [Image(url=f"{HOST}/lead.jpg")]


def test_standfirst_and_signature_stand_between_headline_and_text() -> None:
    told = "The buyer of the lighthouse wants to blow glass by the light of it"
    sheet, found = furnished(
        f"<article>{HEAD}<div>{told}</div><p>By Ann Lee</p><p>12 March 2024</p>{paragraphs()}"
    )
    assert found.subtitle == told
    assert found.signatures == ["By Ann Lee", "12 March 2024"]
    assert prose(sheet, found) == list(PROSE)


def test_a_signature_in_parts_is_known_by_their_classes() -> None:
    sheet, found = furnished(
        f"<article>{HEAD}<div class='byline'><div>By</div><div>Ann Lee</div></div>"
        f"<time>12 March 2024</time>{paragraphs()}"
    )
    assert prose(sheet, found) == list(PROSE)


def test_a_first_paragraph_without_a_signature_after_it_is_text() -> None:
    sheet, found = furnished(f"<article>{HEAD}<p>A short first paragraph.</p>{paragraphs()}")
    assert prose(sheet, found) == ["A short first paragraph.", *PROSE]
    assert found.subtitle is None


def test_see_also_lines_and_boxes_are_data() -> None:
    one, two = "Old lamp of the lighthouse goes to the museum", "What a tower costs to heat"
    sheet, found = furnished(
        f"<article>{HEAD}{paragraphs(PROSE[0])}<p><b>See also:</b> <a href='/lamp'>{one}</a></p>"
        f"{paragraphs(*PROSE[1:])}<h3>Related stories</h3>"
        f"<ul><li><a href='/heat'>{two}</a></li></ul>"
    )
    assert found.related == [
        Related(url=f"{HOST}/lamp", title=one),
        Related(url=f"{HOST}/heat", title=two),
    ]
    assert prose(sheet, found) == list(PROSE)


def test_a_sentence_that_begins_like_a_label_stays() -> None:
    text = "Related costs rose to four million, the county said on Friday."
    sheet, found = furnished(f"<article>{HEAD}{paragraphs(*PROSE, text)}</article>")
    assert prose(sheet, found) == [*PROSE, text]
    assert found.related == []


def test_a_box_of_another_purpose_is_marked() -> None:
    sheet, found = furnished(
        f"<article>{HEAD}{paragraphs(PROSE[0])}<div class='newsletter-signup'>"
        f"<p>Our letter</p></div>{paragraphs(*PROSE[1:])}</article>"
    )
    assert marked(sheet, found, "box") == ["Our letter"]


@pytest.mark.parametrize("name", ["widget share", "post comments-open subscribe", "consent"])
def test_a_class_that_holds_most_of_the_text_names_no_box(name: str) -> None:
    sheet, found = furnished(f"<div class='{name}'>{HEAD}{paragraphs()}</div>")
    assert prose(sheet, found) == list(PROSE)


@pytest.mark.parametrize(
    ("markup_", "platform", "url"),
    [
        ("<iframe src='//www.youtube.com/embed/x1'></iframe>", "youtube",
         "https://www.youtube.com/embed/x1"),
        ("<blockquote class='twitter-tweet'><p>A tower!</p>— Ann <a href='https://twitter.com/a/"
         "status/1'>12 May</a></blockquote>", "x", "https://twitter.com/a/status/1"),
        ("<video src='/v.mp4'></video>", "www.harbour-post.example", f"{HOST}/v.mp4"),
    ],
)  # fmt: skip
def test_what_others_made_is_an_embed(markup_: str, platform: str, url: str) -> None:
    sheet, found = furnished(f"<article>{HEAD}{paragraphs()}{markup_}{paragraphs(*PROSE)}")
    assert [(each.platform, each.url) for each in found.embeds] == [(platform, url)]
    assert found.embeds[0].text.startswith("A tower!") == ("blockquote" in markup_)
    assert prose(sheet, found) == [*PROSE, *PROSE]


@pytest.mark.parametrize(
    "src", ["https://ads.example/frame", "https://www.facebook.com/plugins/like.php?x=1"]
)
def test_frames_of_nobody_known_and_buttons_are_no_embeds(src: str) -> None:
    _, found = furnished(f"<article>{HEAD}{paragraphs()}<iframe src='{src}'></iframe></article>")
    assert found.embeds == []


def test_a_table_of_data_is_one_and_a_layout_is_none() -> None:
    rows = "<tr><th>Year</th><th>Price</th></tr><tr><td>1991</td><td>12,000</td></tr>"
    sheet, found = furnished(
        f"<article>{HEAD}{paragraphs()}<table>{rows}</table></article>",
    )
    assert [table.text for table in found.tables] == ["Year | Price\n1991 | 12,000"]
    assert prose(sheet, found) == list(PROSE)
    laid = f"<table><tr><td>{HEAD}{paragraphs()}</td><td>menu</td></tr></table>"
    assert furnished(laid)[1].tables == []
