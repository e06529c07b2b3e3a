"""When it was published: fields, then what the page shows by its headline, then its address."""

from __future__ import annotations

from typing import Any

from newsmill.extractor.core import moments
from unit.extractor.sheets import URL, chosen, page, sheet

TEXT = "<p>The bridge opened on Friday, nine years late, to the sound of a brass band.</p>"
PLAIN = "https://www.paper.example/bridge"


def when(
    body: str, head: str = "", ld: dict[str, Any] | None = None, url: str = PLAIN, lang: str = "en"
) -> tuple[str | None, str | None, str | None]:
    read = sheet(f"<h1>Harbour bridge opens</h1>{body}{TEXT}", head, ld, lang)
    return moments.published(chosen(read, url), read, page(url))


def test_a_field_comes_before_what_is_shown() -> None:
    head = '<meta property="article:published_time" content="2024-05-03T10:00:00+02:00">'
    assert when("<p>4 May 2024</p>", head)[:2] == ("2024-05-03T10:00:00+02:00", "meta")


def test_a_time_in_utc_is_told_by_the_clock_that_the_page_shows() -> None:
    ld = {"@type": "NewsArticle", "datePublished": "2024-02-25T02:25:54Z"}
    assert when('<p class="date">February 24, 2024 | 9:25pm</p>', ld=ld)[0] == (
        "2024-02-24T21:25:54-05:00"
    )


def test_a_clock_that_agrees_by_chance_on_the_hour_tells_nothing() -> None:
    ld = {"@type": "NewsArticle", "datePublished": "2024-02-25T03:00:00Z"}
    assert when('<p class="date">24 February 2024, 20:00</p>', ld=ld)[0] == (
        "2024-02-25T03:00:00+00:00"
    )


def test_a_time_element_far_from_the_headline_loses_to_a_line_below_it() -> None:
    body = "<p>31 May 2024</p>" + TEXT * 20 + "<p><time>4 April 2023</time></p>"
    assert when(body)[:2] == ("2024-05-31", "shown")


def test_an_update_is_no_publication_where_the_page_has_one() -> None:
    body = "<p>Last updated on: May 29, 2024</p><p>Published: May 3, 2024</p>"
    assert when(body)[0] == "2024-05-03"


def test_an_update_stands_for_it_where_there_is_nothing_else() -> None:
    assert when("<p>Updated on May 27, 2024</p>")[:2] == ("2024-05-27", "modified")


def test_a_day_in_the_address_is_read() -> None:
    assert when("", url="https://www.paper.example/2024/05/03/bridge")[:2] == ("2024-05-03", "url")


def test_a_date_of_another_story_is_not_taken() -> None:
    body = '<aside class="related"><time datetime="2023-01-02">2 January 2023</time></aside>'
    assert when(body + TEXT * 120)[0] is None or when(body)[1] != "time"


def test_a_copyright_line_dates_nothing() -> None:
    assert when("<footer><p>© 3 May 2024 The Paper</p></footer>")[0] is None


def test_a_shown_date_is_not_older_than_the_web() -> None:
    assert when('<p class="date">3 May 1912</p>')[0] is None


def test_what_a_field_says_and_cannot_be_read_is_kept_raw() -> None:
    head = '<meta property="article:published_time" content="soon">'
    assert when("", head) == (None, None, "soon")


def test_a_date_of_the_future_is_not_believed() -> None:
    assert when("<p>3 May 2031</p>")[0] is None


def test_the_time_of_change_is_read_beside_the_byline() -> None:
    read = sheet("<h1>Bridge</h1><p>Stand: 07.05.2024, 07:30 Uhr</p>" + TEXT, lang="de")
    assert moments.modified(chosen(read, URL), read, page())[0] == "2024-05-07T07:30:00+00:00"
