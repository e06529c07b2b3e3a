"""Who wrote it: fields and what the page shows, weighed against each other."""

from __future__ import annotations

from typing import Any

import pytest

from newsmill.extractor.core import authors, byline
from unit.extractor.sheets import chosen, page, sheet

HEAD = "<title>Harbour bridge opens</title><meta property='og:site_name' content='The Paper'>"
TEXT = "<p>The bridge opened on Friday, nine years late, to the sound of a brass band.</p>"


def who(body: str, head: str = "", ld: dict[str, Any] | None = None) -> tuple[str, ...]:
    read = sheet(f"<h1>Harbour bridge opens</h1>{body}{TEXT}", HEAD + head, ld)
    return authors.choose(chosen(read), read, page())[0]


def article(author: Any) -> dict[str, Any]:
    return {"@type": "NewsArticle", "headline": "Harbour bridge opens", "author": author}


def test_a_person_of_json_ld_is_the_author() -> None:
    assert who("", ld=article({"@type": "Person", "name": "Ann Lee"})) == ("Ann Lee",)


def test_a_given_and_a_family_name_are_one_person() -> None:
    parts = {"@type": "Person", "givenName": "Ann", "familyName": "Lee"}
    assert who("", ld=article(parts)) == ("Ann Lee",)


def test_two_persons_in_one_name_are_two() -> None:
    assert who("", ld=article({"@type": "Person", "name": "Ann Lee og Bo Chen"})) == (
        "Ann Lee",
        "Bo Chen",
    )


def test_a_person_on_the_page_beats_an_organisation_in_a_field() -> None:
    ld = article({"@type": "Organization", "name": "The Paper"})
    assert who('<p class="byline">By Ann Lee</p>', ld=ld) == ("Ann Lee",)


def test_an_organisation_is_kept_where_nobody_else_is() -> None:
    assert who("", ld=article({"@type": "Organization", "name": "dpa"})) == ("dpa",)


def test_initials_do_not_beat_an_organisation() -> None:
    ld = article({"@type": "Organization", "name": "dpa"})
    assert who('<p class="author">amw</p>', ld=ld) == ("dpa",)


def test_a_list_on_the_page_completes_a_field() -> None:
    body = (
        '<div class="bylines"><div class="byline">Bo Chen</div>'
        '<div class="byline">Ann Lee</div></div>'
    )
    ld = article({"@type": "Person", "name": "Ann Lee"})
    assert who(body, ld=ld) == ("Bo Chen", "Ann Lee")


def test_a_link_to_an_author_by_the_headline_names_one() -> None:
    assert who('<p>from <a href="/authors/ann-lee">Ann Lee</a></p>') == ("Ann Lee",)


def test_a_byline_in_a_box_of_other_stories_is_not_read() -> None:
    assert who('<aside class="related"><p class="byline">By Bo Chen</p></aside>') == ()


def test_a_line_that_begins_with_by_is_a_byline_by_its_look() -> None:
    assert who("<p>10 March 2024 / By Ann Lee</p>") == ("Ann Lee",)


def test_what_names_nobody_is_kept_raw() -> None:
    read = sheet("<h1>Harbour bridge opens</h1>", HEAD + '<meta name="author" content="admin">')
    assert authors.choose(chosen(read), read, page()) == ((), None, "admin")


@pytest.mark.parametrize(
    ("raw", "want"),
    [
        ("Posted on September 21, 2020 by Ann Lee", ("Ann Lee",)),
        ("Howard LeeStaff Writer", ("Howard Lee",)),
        ("ByAnn Lee", ("Ann Lee",)),
        ("Ann Lee Chefredakteurin", ("Ann Lee",)),
        ("Ann Lee1", ("Ann Lee",)),
        ("Joe S.", ("Joe S.",)),
        ("erstellt von Ann Lee — veröffentlicht 28.01.2022", ("Ann Lee",)),
        ("Von Ann Lee 5. November 2024", ("Ann Lee",)),
    ],
)
def test_a_byline_is_read_as_it_is_laid_out(raw: str, want: tuple[str, ...]) -> None:
    assert byline.names(raw) == want


def test_a_person_has_two_words_and_none_of_an_organisation() -> None:
    assert byline.is_person("Ann van der Lee")
    assert byline.is_person("박준석")
    assert not byline.is_person("City News Agency")
    assert not byline.is_person("dpa")
