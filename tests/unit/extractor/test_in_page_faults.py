"""Faults within a page: what is no prose leaves the text, and what it says is kept as data."""

from __future__ import annotations

import pytest

from newsmill.extractor.core import blocks, clean, credit
from newsmill.extractor.core.blocks import Line
from newsmill.records import Image, Related
from unit.extractor.pages import PROSE, article, paragraphs

TEXT = "\n".join(PROSE)
HEAD = "<h1>Lighthouse on Gannet Rock sold</h1>"


def cleaned(*texts: str, images: tuple[Image, ...] = ()) -> clean.Cleaned:
    return clean.clean(
        [Line("paragraph", text) for text in texts], ("The title",), list(images), []
    )


@pytest.mark.parametrize(
    "label",
    [
        "SEE ALSO:",
        "Read more:",
        "READ ALSO |",
        "Related:",
        "Lesen Sie auch:",
        "Lire aussi :",
        "Lea también:",
        "Leggi anche:",
        "Leia também:",
        "Lees ook:",
        "Läs också:",
        "Les også:",
        "Lue myös:",
        "Czytaj także:",
        "Читайте также:",
        "İlgili haber:",
        "Baca juga:",
        "相关阅读：",
        "関連記事：",
        "관련기사:",
    ],
)
def test_a_see_also_line_is_data_in_every_language(label: str) -> None:
    title = "Old lamp of the lighthouse goes to the museum"
    found = article(
        f'<article>{HEAD}{paragraphs(PROSE[0])}<p><b>{label} <a href="/lamp">{title}</a></b></p>'
        f"{paragraphs(*PROSE[1:])}</article>"
    )
    assert found.text == TEXT
    assert found.related == (Related(url="https://www.harbour-post.example/lamp", title=title),)
    assert cleaned(PROSE[0], f"{label} {title}").related == [Related(title=title)]


def test_a_sentence_that_only_begins_like_a_label_stays() -> None:
    sentence = "Related costs rose to four million, the county said on Friday."
    assert [line.text for line in cleaned(PROSE[0], sentence).lines] == [PROSE[0], sentence]
    assert article(f"<article>{HEAD}{paragraphs(*PROSE, sentence)}</article>").text.endswith(
        sentence
    )


def test_a_label_over_a_list_of_links_takes_the_list() -> None:
    links = "".join(
        f'<li><a href="/s{i}">Story number {i} of the old harbour</a></li>' for i in (1, 2)
    )
    found = article(
        f"<article>{HEAD}{paragraphs(*PROSE[:2])}<h3>Related stories</h3><ul>{links}</ul>"
        f"{paragraphs(PROSE[2])}</article>"
    )
    assert found.text == TEXT
    assert [link.title for link in found.related] == [
        "Story number 1 of the old harbour",
        "Story number 2 of the old harbour",
    ]


@pytest.mark.parametrize(
    ("caption", "want"),
    [
        ("The tower at dusk (Source: @keeper/Mastodon)", ("The tower at dusk", "@keeper/Mastodon")),
        ("The tower at dusk (Photo: Ann Lee)", ("The tower at dusk", "Ann Lee")),
        ("The tower at dusk. Photo by Ann Lee", ("The tower at dusk.", "Ann Lee")),
        ("The tower at dusk. Foto: Ann Lee/dpa", ("The tower at dusk.", "Ann Lee/dpa")),
        ("The tower at dusk | © Ann Lee", ("The tower at dusk", "Ann Lee")),
        ("The tower at dusk (AP Photo/Ann Lee)", ("The tower at dusk", "AP Photo/Ann Lee")),
        ("La tour au crépuscule. Crédit photo : Ann Lee", ("La tour au crépuscule.", "Ann Lee")),
        ("夕暮れの灯台（写真：山田太郎）", ("夕暮れの灯台", "山田太郎")),
        ("Photo: Ann Lee", (None, "Ann Lee")),
        ("The tower at dusk", ("The tower at dusk", None)),
        (
            "The photo club (founded 1991) meets in the tower",
            ("The photo club (founded 1991) meets in the tower", None),
        ),
    ],
)
def test_a_credit_leaves_its_caption_without_its_label(
    caption: str, want: tuple[str | None, str | None]
) -> None:
    assert credit.split_credit(caption) == want


def test_a_caption_that_is_repeated_as_text_is_one_picture() -> None:
    line = "The tower at dusk (Source: @keeper/Mastodon)"
    found = article(
        f'<article>{HEAD}{paragraphs(PROSE[0])}<figure><img src="/t.jpg" '
        f'alt="{line}"><p>{line}</p><figcaption>'
        f"{line}</figcaption></figure><p>{line}</p>{paragraphs(*PROSE[1:])}</article>"
    )
    assert found.text == TEXT
    assert found.images == (
        Image(
            url="https://www.harbour-post.example/t.jpg",
            caption="The tower at dusk",
            credit="@keeper/Mastodon",
        ),
    )


def test_repeated_paragraphs_stand_once_and_short_answers_may_repeat() -> None:
    found = cleaned(PROSE[0], PROSE[1], PROSE[0], "No.", PROSE[2], "No.", PROSE[1])
    assert [line.text for line in found.lines] == [PROSE[0], PROSE[1], "No.", PROSE[2], "No."]


@pytest.mark.parametrize(
    "line",
    [
        "© 2024 The Harbour Post. All rights reserved.",
        "Sign up for our daily newsletter to get the best of the coast",
        "Share this article",
        "Facebook Twitter WhatsApp",
        "Leave a comment",
        "12 Comments",
        "We use cookies to improve your experience.",
        "ADVERTISEMENT",
        "Article continues below",
        "Wir verwenden Cookies, um die Seite zu verbessern.",
    ],
)
def test_furniture_is_no_prose(line: str) -> None:
    assert [found.text for found in cleaned(PROSE[0], line, PROSE[1]).lines] == list(PROSE[:2])


@pytest.mark.parametrize(
    "line",
    [
        "Share prices fell on Monday after the county published its figures for the spring.",
        "Comments by the minister had angered the fishermen, who blocked the harbour for a day.",
        "Copyright law is not on their side, says the lawyer of the glass blowers' guild.",
        "Subscribe to the theory or not, the tide came an hour early.",
        "“Follow us on foot,” the guide said.",
        "Advertising on the tower is forbidden.",
    ],
)
def test_prose_that_resembles_furniture_stays(line: str) -> None:
    assert cleaned(PROSE[0], line).lines[-1].text == line


def test_boxes_around_and_in_the_article_are_not_read() -> None:
    found = article(
        f'<div class="cookie-banner"><p>We use cookies. '
        f"Accept?</p></div><article>{HEAD}{paragraphs()}"
        '<div class="newsletter"><h3>Get our letters</h3><p>Every day before the tide, in your '
        "inbox.</p></div>"
        '</article><section class="comments"><p>I was there and the lamp is smaller than you '
        "think.</p></section>"
    )
    assert found.text == TEXT


def test_a_box_that_holds_the_article_is_not_dropped() -> None:
    assert article(f'<div class="subscription comments">{HEAD}{paragraphs()}</div>').text == TEXT


def test_title_standfirst_byline_and_date_are_not_in_the_text() -> None:
    found = article(
        f'<article>{HEAD}<p class="standfirst">The lamp will go on burning, says the buyer.</p><p '
        f'class="byline">By Ann Lee</p><p class="date">March 3, 2024</p>{paragraphs()}</article>'
    )
    assert found.text == TEXT
    assert found.subtitle == "The lamp will go on burning, says the buyer."
    assert found.authors == ("Ann Lee",)
    assert found.published == "2024-03-03"


@pytest.mark.parametrize(
    "between",
    [
        "<p>The lamp will go on burning, says the buyer.</p><p>By Ann Lee</p><p>March 3, 2024</p>",
        "<div><span>The lamp will go on burning, says the buyer.</span></div><section><span>By "
        "Ann Lee"
        "</span><span>3 March 2024</span></section>",
        "<div class=x1>The lamp will go on burning, says the buyer.</div><div>3 March 2024 / "
        "By Ann Lee</div>",
        "<i>The lamp will go on burning, says the buyer.</i><br><b>By Ann Lee</b><br><small>3 "
        "March 2024"
        "</small><br><br>",
    ],
)
def test_what_stands_between_headline_and_date_is_no_text_in_any_markup(between: str) -> None:
    found = article(f"<div>{HEAD}{between}{paragraphs()}</div>")
    assert found.text == TEXT
    assert found.subtitle == "The lamp will go on burning, says the buyer."
    assert found.authors == ("Ann Lee",)
    assert found.published == "2024-03-03"


def test_a_first_paragraph_with_a_date_in_it_is_text() -> None:
    first = "ARDEN – The tower was sold on 3 March 2024, the harbour board said on Tuesday."
    found = article(f"<div>{HEAD}{paragraphs(first, *PROSE)}</div>")
    assert found.text == f"{first}\n{TEXT}"


def test_a_caption_that_only_its_credit_gives_away_is_a_caption() -> None:
    found = article(
        f"<div>{HEAD}{paragraphs(PROSE[0])}<div class=q><img src=/t.jpg><div>The tower at "
        f"dusk</div>"
        f"<div>Photo: Bo Chen</div></div>{paragraphs(PROSE[1])}<img src=/u.jpg><br><i>The "
        f"stairs. Photo: Ann "
        f"Lee</i>{paragraphs(PROSE[2])}</div>"
    )
    assert found.text == TEXT
    assert [(image.caption, image.credit) for image in found.images] == [
        ("The tower at dusk", "Bo Chen"),
        ("The stairs.", "Ann Lee"),
    ]


def test_blocks_say_which_lines_are_what() -> None:
    found = article(
        f"<article>{HEAD}{paragraphs(*PROSE[:2])}<h2>What was in the tower</h2><ul><li>one "
        f"lamp of 1893</li>"
        f"<li>three chairs and a "
        f"stove</li></ul><blockquote><p>{PROSE[2]}</p></blockquote><table><tr><th>Year"
        "<th>Price</tr><tr><td>1991<td>none</tr><tr><td>2024<td>90,000</tr></table></article>"
    )
    lines = found.text.split("\n")
    by_kind = {
        block.kind: lines[slice(*block.lines)] for block in found.blocks if block.lines is not None
    }
    assert by_kind["heading"] == ["What was in the tower"]
    assert by_kind["list"] == ["one lamp of 1893", "three chairs and a stove"]
    assert by_kind["quote"] == [PROSE[2]]
    assert by_kind["table"] == ["Year | Price", "1991 | none", "2024 | 90,000"]


def test_block_lines_cover_the_text_once_and_in_order() -> None:
    kinds = ("paragraph", "list", "list", "quote", "heading", "table", "paragraph")
    text, found = blocks.record([Line(kind, f"line {i}") for i, kind in enumerate(kinds)])
    covered = [n for block in found if block.lines for n in range(*block.lines)]
    assert covered == list(range(len(text.split("\n"))))


def test_a_paragraph_that_stray_end_tags_part_from_the_others_stays() -> None:
    body = "".join(f'<p class="txt"><span>{text}</span></p></div></p>' for text in PROSE)
    assert article(f"<div><div><div><div>{HEAD}{body}<div>Made by hand.</div>").text == TEXT
