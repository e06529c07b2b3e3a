"""What two runs made of the same pages, told so that somebody can act on it."""

from __future__ import annotations

import json
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from newsmill.replay.diff import as_json, compare, summary
from newsmill.replay.page import html


def record(page_id, **fields):
    base = {
        "page_id": page_id,
        "url": f"http://a.example/{page_id}",
        "title": "T",
        "text": "Text.",
        "extractor": "1",
    }
    return page_id, json.dumps(base | fields).encode()


def test_new_gone_changed_and_the_same_are_counted_by_page():
    found = compare(
        [record("1"), record("2"), record("3"), record("4")],
        [
            record("1"),
            record("2", title="U", text="Text. More."),
            record("4", extractor="2"),
            record("5"),
        ],
    )
    assert (found.same, found.changed, found.versions_only, found.new, found.gone) == (
        1,
        1,
        1,
        1,
        1,
    )
    assert found.fields == {"title": 1, "text": 1}
    assert [(s.before, s.after) for s in found.samples["title"]] == [("T", "U")]
    assert not found.is_empty


def test_the_summary_names_the_site_and_how_many_of_its_pages():
    sides = [[record(f"{n:03}", title=title) for n in range(20)] for title in ("A", "B")]
    found = compare(*sides)
    assert "title changed on 20 of 20 differing pages of a.example" in summary(found)


def test_a_field_that_vanished_comes_first():
    found = compare([record("1", authors=["Ann"])], [record("1", authors=[])])
    assert summary(found)[0] == "authors is gone from 1 pages that had it"
    assert as_json(found)["vanished"] == {"authors": 1}


def test_long_texts_are_shown_from_where_they_part():
    same = "word " * 500
    found = compare([record("1", text=same + "old end")], [record("1", text=same + "new end")])
    (sample,) = found.samples["text"]
    assert sample.before.endswith("old end")
    assert sample.after.endswith("new end")
    assert len(sample.after) < 200


class Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_the_page_runs_nothing_and_loads_nothing_whatever_a_record_holds():
    evil = "<script>alert(1)</script><img src=x onerror=y>\"'&"
    page = html(compare([record("1", title=evil)], [record("1", title="ok", url=evil)]), evil, "b")
    reader = Reader()
    reader.feed(page)
    assert {tag for tag, _ in reader.tags}.isdisjoint({"script", "img", "link", "iframe"})
    assert not any(name in attrs for _, attrs in reader.tags for name in ("src", "onerror", "href"))
    assert "default-src 'none'" in page


PAGES = st.dictionaries(
    st.text("abcd", min_size=1, max_size=3),
    st.fixed_dictionaries({"title": st.sampled_from(["A", "B", None])}),
    max_size=8,
)


@given(PAGES, PAGES)
def test_every_page_of_either_side_is_counted_once(before, after):
    one = sorted(record(page, **fields) for page, fields in before.items())
    other = sorted(record(page, **fields) for page, fields in after.items())
    found = compare(one, other)
    assert found.both + found.gone == len(before)
    assert found.both + found.new == len(after)
    assert found.is_empty == (before == after)
