"""What two runs made of the same pages, told so that somebody can act on it."""

from __future__ import annotations

import json
from collections import Counter
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from newsmill.replay.diff import Tally, compare
from newsmill.replay.page import html
from newsmill.replay.summary import as_json, summary


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
    assert (found.same, found.changed, found.alike, found.new, found.gone) == (
        1,
        1,
        1,
        1,
        1,
    )
    assert found.fields == {"title": 1, "text": 1}
    assert [(s.before, s.after) for s in found.samples.of("title")] == [("T", "U")]
    assert not found.is_empty


def test_the_summary_names_the_site_and_how_many_of_its_pages():
    sides = [[record(f"{n:03}", title=title) for n in range(20)] for title in ("A", "B")]
    found = compare(*sides)
    assert "title changed on 20 of 20 pages of a.example" in summary(found)


def test_a_field_that_vanished_comes_first():
    found = compare([record("1", authors=["Ann"])], [record("1", authors=[])])
    assert summary(found)[0] == "authors is gone from 1 page that had it"
    assert as_json(found)["vanished"] == {"authors": 1}


def test_long_texts_are_shown_from_where_they_part():
    same = "word " * 500
    found = compare([record("1", text=same + "old end")], [record("1", text=same + "new end")])
    (sample,) = found.samples.of("text")
    assert sample.before.endswith("old end")
    assert sample.after.endswith("new end")
    assert len(sample.after) < 200


def test_the_same_pages_of_a_site_count_too():
    same = [record(f"{n:03}") for n in range(17)]
    sides = [[*same, *(record(f"{n:03}", title=t) for n in range(17, 20))] for t in ("A", "B")]
    assert "title changed on 3 of 20 pages of a.example" in summary(compare(*sides))


def test_what_only_says_how_it_was_found_is_no_change():
    how = {"provenance": {"title": "meta"}, "quality": {"score": 0.9, "tier": "x"}}
    found = compare([record("1")], [record("1", extractor="2", **how)])
    assert (found.alike, found.changed) == (1, 0)
    assert found.is_empty


def test_places_in_a_text_that_moved_with_it_are_no_change_of_their_own():
    entity = {"name": "Oslo", "type": "GPE"}
    before = record("1", text="Oslo.", entities=[entity | {"spans": [[0, 4]]}])
    after = record("1", text="In Oslo.", entities=[entity | {"spans": [[3, 7]]}])
    assert compare([before], [after]).fields == {"text": 1}
    moved = record("1", text="Oslo.", entities=[entity | {"spans": [[1, 4]]}])
    assert compare([before], [moved]).fields == {"entities": 1}


def test_a_line_that_many_pages_of_a_site_lost_is_named():
    texts = [f"Story {n}.\nRead our newsletter" for n in range(5)]
    before = [record(str(n), text=text) for n, text in enumerate(texts)]
    after = [record(str(n), text=text.split("\n")[0]) for n, text in enumerate(texts)]
    found = compare(before, after)
    assert "text lost the line “Read our newsletter” on 5 pages of a.example" in summary(found)
    assert as_json(found)["lines_gone"] == [
        {"text": "Read our newsletter", "site": "a.example", "pages": 5}
    ]


def test_pages_that_are_gone_are_told_with_their_site_and_why():
    found = compare([record(str(n)) for n in range(4)], [record("0")])
    found.why["gone"] = Counter(no_article=2, timeout=1)
    told = "3 pages of a.example are gone (now: 2 no_article, 1 timeout)"
    assert summary(found)[0] == told
    assert found.missing_ids["gone"] == ["1", "2", "3"]


def test_samples_are_of_many_sites():
    pages = [(f"{n:03}", f"http://site{n // 10}.example/{n}") for n in range(100)]
    sides = [[record(page, url=url, title=t) for page, url in pages] for t in ("A", "B")]
    hosts = [s.url.split("/")[2] for s in compare(*sides).samples.of("title")]
    assert len(hosts) == 10
    assert max(map(hosts.count, hosts)) == 2


@given(st.lists(st.integers(0, 400), max_size=800))
def test_a_count_by_site_stays_small_and_keeps_what_is_frequent(numbers):
    tally = Tally(most=50)
    for number in [*numbers, *[999] * 900]:
        tally.take("line", str(number))
    assert len(tally) <= 50
    assert tally.most_first()[0] == ("line", "999", 900)


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
    assert not any(name in attrs for _, attrs in reader.tags for name in ("src", "onerror"))
    links = {attrs["href"] for _, attrs in reader.tags if "href" in attrs}
    assert links <= {f"#{attrs['id']}" for _, attrs in reader.tags if "id" in attrs}
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
