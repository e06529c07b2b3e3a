"""Page bytes to article: identity, metadata, refusals, and what always holds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsmill import urls
from newsmill.errors import BadRecord
from newsmill.extractor.core import VERSION, extract
from newsmill.records import Article, Entry, decode, encode
from unit.extractor.pages import PROSE, URL, article, html, page, paragraphs

HEAD = "<h1>Lighthouse on Gannet Rock sold</h1>"
BODY = f"<article>{HEAD}{paragraphs()}</article>"


def ld(**fields: Any) -> str:
    return (
        f"<script "
        f'type="application/ld+json">{json.dumps({"@type": "NewsArticle", **fields})}</script>'
    )


def reason(body: bytes, **more: Any) -> str:
    with pytest.raises(BadRecord) as caught:
        extract(body, page(**more))
    return caught.value.reason


def test_an_article_carries_its_page_and_its_own_identity() -> None:
    found = article(BODY, '<link rel="canonical" href="/2024/news/sold?utm_source=x">')
    assert found.page_id == urls.identity(URL)
    assert found.canonical_url == "https://www.harbour-post.example/2024/news/sold"
    assert found.id == urls.identity(found.canonical_url)
    assert found.extractor == VERSION
    assert found.quality is not None
    assert 0 < found.quality.score <= 1


def test_a_file_is_from_where_it_says_that_it_is() -> None:
    head = '<link rel="canonical" href="https://post.example/news/lamp"><title>The lamp</title>'
    body = html(
        "<h1>The lamp</h1>" + paragraphs(*PROSE) + "<img src='/lamp.jpg' alt='The lamp'>", head
    )
    article = extract(body, page("http://file.invalid/page.html"))
    assert article.canonical_url == "https://post.example/news/lamp"
    other = extract(body, page("https://elsewhere.example/copy"))
    assert other.canonical_url == "https://elsewhere.example/copy"


@pytest.mark.parametrize(
    "stated",
    [
        "https://elsewhere.example/story",
        "/",
        "https://www.harbour-post.example/index.html",
        "http://[bad",
        "javascript:1",
    ],
)
def test_a_canonical_address_elsewhere_or_at_home_is_not_believed(stated: str) -> None:
    assert article(BODY, f'<link rel="canonical" href="{stated}">').canonical_url == URL


def test_the_amp_page_and_the_desktop_page_are_one_article() -> None:
    link = f'<link rel="canonical" href="{URL}">'
    amp = extract(html(BODY, link), page(URL + "/amp"))
    assert amp.id == article(BODY).id
    assert amp.page_id != article(BODY).page_id


def test_the_revision_is_of_the_content_only() -> None:
    first = article(BODY)
    moved = extract(
        html(BODY.replace("</p>", " \n </p>") + "<aside>new box</aside>"),
        page("https://www.harbour-post.example/other", fetched="2024-05-05T00:00:00Z"),
    )
    assert moved.revision == first.revision
    assert article(BODY.replace("glass blower", "glass cutter")).revision != first.revision


@pytest.mark.parametrize(
    ("head", "want"),
    [
        (
            "<title>Lighthouse on Gannet Rock sold | Harbour Post</title>",
            "Lighthouse on Gannet Rock sold",
        ),
        (
            '<meta property="og:title" content="Lighthouse on Gannet Rock sold - Harbour Post">',
            "Lighthouse on Gannet Rock sold",
        ),
        (ld(headline="Lighthouse on Gannet Rock so…"), "Lighthouse on Gannet Rock sold"),
        (ld(headline="Lighthouse sold &amp; staying lit"), "Lighthouse sold & staying lit"),
    ],
)
def test_the_title_is_whole_and_without_the_site(head: str, want: str) -> None:
    assert article(BODY, head).title == want


@pytest.mark.parametrize(
    ("head", "want"),
    [
        ('<meta property="og:site_name" content="The Harbour Post">', "The Harbour Post"),
        (ld(publisher={"name": "Harbour Post"}), "Harbour Post"),
        ("<title>Lighthouse sold – Harbour Post</title>", "Harbour Post"),
        ("", "harbour-post.example"),
    ],
)
def test_the_site_is_named_by_the_page_or_by_its_host(head: str, want: str) -> None:
    assert article(BODY, head).site == want


def test_times_keep_their_offset_and_what_cannot_be_read_is_kept_raw() -> None:
    good = article(BODY, ld(datePublished="2024-03-03T08:00:00+09:00", dateModified="2024-03-04"))
    assert (good.published, good.modified) == ("2024-03-03T08:00:00+09:00", "2024-03-04")
    bad = article(BODY, ld(datePublished="03rd of Brumaire"))
    assert bad.published is None
    assert bad.provenance["published_raw"] == "03rd of Brumaire"


def test_the_feed_speaks_only_where_the_page_is_silent() -> None:
    entry = Entry(
        url=URL,
        page_id="p",
        title="From the feed",
        published="2024-03-02T01:00:00Z",
        authors=("Bo Chen",),
    )
    silent = extract(html(f"<article>{paragraphs()}</article>"), page(entry=entry))
    assert (silent.title, silent.authors, silent.published) == (
        "From the feed",
        ("Bo Chen",),
        "2024-03-02T01:00:00+00:00",
    )
    spoken = extract(
        html(BODY, ld(author={"name": "Ann Lee"}, datePublished="2024-03-03")), page(entry=entry)
    )
    assert (spoken.authors, spoken.published) == (("Ann Lee",), "2024-03-03")


def test_a_person_outranks_the_site_as_author() -> None:
    head = '<meta property="og:site_name" content="Harbour Post">' + ld(
        author={"name": "Harbour Post"}
    )
    assert article(f'<a rel="author" href="/a">Ann Lee</a>{BODY}', head).authors == ("Ann Lee",)
    assert article(BODY, head).authors == ("Harbour Post",)


def test_flags_say_what_kind_it_is() -> None:
    assert article(BODY, ld(isAccessibleForFree=False)).flags == ("paywalled",)
    live = ld().replace("NewsArticle", "LiveBlogPosting")
    assert article(BODY, live).flags == ("live_blog",)


def test_plain_text_has_a_title_and_paragraphs_and_nothing_invented() -> None:
    body = "\r\n\r\n".join(["Lighthouse sold", *PROSE, PROSE[0]]).encode()
    found = extract(body, page(content_type="text/plain"))
    assert (found.title, found.text) == ("Lighthouse sold", "\n".join(PROSE))
    assert (found.authors, found.published, found.site) == ((), None, None)


def test_plain_text_whose_lines_were_broken_is_put_together() -> None:
    wrapped = "The title\n\n" + "\n\n".join(
        "The county paid for the new piles of the harbour and for a ramp that\n"
        "everybody can use at low tide, which the fishermen had asked for since\n"
        "the spring of the year before, when the old one broke under a cart and\n"
        f"nobody came to mend it. Part {i}."
        for i in range(3)
    )
    found = extract(wrapped.encode(), page(content_type="text/plain"))
    assert len(found.text.split("\n")) == 3


def test_a_short_brief_and_a_short_cjk_article_survive() -> None:
    brief = paragraphs("The lighthouse was sold on Tuesday. The buyer is a glass blower.")
    when = "<time datetime='2024-03-03'>3 March</time>"
    assert article(f"<article>{HEAD}{when}{brief}</article>").text.endswith("glass blower.")
    cjk = "<h1>灯台売却</h1><p>岩の上の古い灯台が火曜日に売却された。灯りは残るという。</p>"
    assert article(cjk).text.startswith("岩の上の")


TEASERS = "".join(
    f'<article><h2><a href="/s{i}">Story number {i} of the coast</a></h2><p>A short teaser of '
    f"what story {i} says.</p></article>"
    for i in range(12)
)


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (
            html(TEASERS, "<title>Harbour Post</title>"),
            {"url": "https://www.harbour-post.example/"},
        ),
        (html(f"<h1>Coast</h1>{TEASERS}"), {"url": "https://www.harbour-post.example/tag/coast"}),
        (
            html(f"<h1>Search results for lamp</h1>{TEASERS}"),
            {"url": "https://www.harbour-post.example/?s=lamp"},
        ),
        (
            html(
                "<h1>404 Not Found</h1><p>The page you are looking for has been moved or never "
                "was here.</p>",
                "<title>Page not found</title>",
            ),
            {},
        ),
        (html(BODY), {"status": 404}),
        (
            html(
                "<h1>Before you continue</h1><p>We and our 412 partners use cookies. Accept all "
                "or manage your preferences to go on.</p>",
                "<title>Before you continue</title>",
            ),
            {},
        ),
        (
            html(
                "<h1>Just a moment...</h1><p>Checking your browser before you go on. Enable "
                "JavaScript.</p>",
                "<title>Just a moment...</title>",
            ),
            {},
        ),
        (
            html(
                "<h1>Sign in</h1><p>Readers of the Harbour Post sign in here with their name and "
                "password to go on reading.</p><form><input name='name'><input type='password'>"
                "</form><p>Forgotten it? Ask for a new one.</p>",
                "<title>Sign in</title>",
            ),
            {},
        ),
        (html("<h1>Hello</h1>"), {}),
        (html("<div></div>"), {}),
        (b"only a title\n", {"content_type": "text/plain"}),
    ],
)
def test_what_is_no_article_is_refused(body: bytes, more: dict[str, object]) -> None:
    assert reason(body, **more) == "no_article"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"%PDF-1.7 ...", "application/pdf"),
        (b"\x89PNG\r\n\x1a\n....", "text/html"),
        (b'{"a": [1, 2]}', "application/json"),
        (b'{"a": "<p>x</p>"}', "text/html"),
        (b'<?xml version="1.0"?><rss version="2.0"><channel></channel></rss>', "text/html"),
        (
            b'<?xml version="1.0"?>\n<!-- x --><feed xmlns="http://www.w3.org/2005/Atom"></feed>',
            None,
        ),
        (b"just some words", "text/html"),
        (b"body { color: red }", "text/css"),
        (b"   ", "text/html"),
        (b"", None),
    ],
)
def test_what_is_no_page_is_refused(body: bytes, content_type: str | None) -> None:
    assert reason(body, content_type=content_type) == "not_html"


def test_an_xhtml_page_with_its_declaration_is_a_page() -> None:
    body = b'<?xml version="1.0" encoding="utf-8"?><!DOCTYPE html>' + html(BODY)[15:]
    assert extract(body, page(content_type="application/xhtml+xml")).text.startswith(PROSE[0])


def test_a_page_without_a_content_type_is_read() -> None:
    assert extract(html(BODY), page(content_type=None)).text == "\n".join(PROSE)


def test_a_json_ld_body_rescues_a_page_that_shows_nothing() -> None:
    found = article(f"<div id=app>{HEAD}</div>", ld(articleBody="\n\n".join(PROSE)))
    assert found.text == "\n".join(PROSE)
    assert found.quality is not None
    assert found.quality.tier == "json-ld"


def test_a_page_of_very_many_paragraphs_is_read_whole() -> None:
    many = [f"Paragraph {i} tells of day {i} of the long voyage home." for i in range(21_000)]
    found = article(f"<article>{HEAD}{paragraphs(*many)}</article>")
    assert found.text == "\n".join(many)
    assert found.quality is not None
    assert found.quality.tier == "sheet"


def test_more_lines_than_a_record_holds_are_refused_by_name() -> None:
    many = (f"Paragraph {i} tells of day {i}." for i in range(31_000))
    assert reason(html(f"<article>{HEAD}{paragraphs(*many)}</article>")) == "too_large"


def test_an_article_whose_end_was_swallowed_is_marked() -> None:
    cut = article(f"<article>{HEAD}{paragraphs(*PROSE[:2])}<!-- <p>{PROSE[2]}</p></article>")
    assert "text_suspect" in cut.provenance
    assert "text_suspect" not in article(BODY).provenance


def test_the_probe_hears_every_step_in_order() -> None:
    steps: list[str] = []
    extract(html(BODY), page(), probe=steps.append)
    assert steps == ["decode", "parse", "read", "furniture", "metadata", "body", "clean"]


def test_the_same_bytes_give_the_same_article() -> None:
    assert encode(article(BODY, ld(keywords=["a", "b"]))) == encode(
        article(BODY, ld(keywords=["a", "b"]))
    )


FRAGMENTS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<div class=byline>",
        "</div>",
        "<table><tr><td>",
        "</table>",
        "<figure><img src=x><figcaption>",
        "</figure>",
        "<h2>",
        "<a href='/x'>",
        "</a>",
        "<ul><li>",
        "</ul>",
        "<blockquote>",
        "<br>",
        "<noscript>",
        "<button>",
        "<textarea>",
        "See also: ",
        "By Ann Lee",
        "&#xD800;",
        "&#x1;",
        "<time datetime='2024-01-01'>",
        "</time>",
        "<!--",
        "-->",
        '<script type=\'application/ld+json\'>{"@type":"Article"}</script>',
        "<select><option>",
        "<svg>",
        "</body>",
        *PROSE,
    ]
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(FRAGMENTS, st.text(max_size=30)), max_size=40).map("".join))
def test_every_article_that_comes_out_encodes_and_decodes(body: str) -> None:
    whole = html("").replace(b"</body>", body.encode("utf-8", "replace") + b"</body>")
    found, refusal = None, None
    try:
        found = extract(whole, page())
    except BadRecord as error:
        refusal = error.reason
    assert refusal in (None, "no_article", "not_html", "unparsable")
    if found is None:
        return
    assert decode(Article, encode(found)) == found
    assert "\x00" not in found.text


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=500),
    st.sampled_from(["text/html", "text/plain", None, "text/html; charset=utf-16"]),
)
def test_any_bytes_give_an_article_or_a_named_refusal(
    body: bytes, content_type: str | None
) -> None:
    try:
        found = extract(body, page(content_type=content_type))
    except BadRecord:
        return
    assert decode(Article, encode(found)) == found
