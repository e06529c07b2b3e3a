"""Plain text: what its entry says of it stands in for a page's metadata."""

from __future__ import annotations

from newsmill.extractor.core.extract import extract
from newsmill.records import Article, Entry, Page
from newsmill.urls import identity

URL = "http://text.invalid/a.txt"
BODY = (
    b"Lighthouse sold\n\nThe county has sold its last lighthouse to two sisters from inland.\n"
    b"They paid one euro, and have ten years to mend the roof.\n"
)


def plain(**said: object) -> Article:
    entry = Entry(url=URL, page_id=identity(URL), **said)
    return extract(
        BODY,
        Page(page_id=identity(URL), url=URL, content_type="text/plain; charset=utf-8", entry=entry),
    )


def test_authors_and_dates_of_the_entry_are_taken_and_said_to_be_of_it() -> None:
    found = plain(
        authors=("By Ann Lee", "Bo Li"), published="Fri, 01 May 2020 08:00:00 +0200",
        tags=("Coast", " Money "), language="en",
    )  # fmt: skip
    assert found.title == "Lighthouse sold"
    assert found.authors == ("Ann Lee", "Bo Li")
    assert found.published == "2020-05-01T08:00:00+02:00"
    assert (found.tags, found.declared_language) == (("Coast", "Money"), "en")
    assert found.provenance["published"] == found.provenance["authors"] == "entry"


def test_what_cannot_be_read_is_kept_raw_and_changes_no_revision() -> None:
    found = plain(authors=("https://a.example/staff",), published="a while ago")
    assert (found.authors, found.published) == ((), None)
    assert found.provenance["published_raw"] == "a while ago"
    assert found.revision == plain().revision
