"""What an extraction costs, step by step, and why its article is what it is."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator

import pytest

from newsmill import urls
from newsmill.extractor import explain
from newsmill.extractor.core import extract
from newsmill.extractor.core.trace import Trace
from newsmill.extractor.cost import TAIL, Cost, Step, counted, rows_of, timed
from newsmill.records import Article, Page, compress, decode, page_header
from quality.variants import PARAGRAPHS, VARIANTS

VARIANT = VARIANTS[0]


def page(url: str = VARIANT.url, content_type: str = VARIANT.content_type) -> Page:
    return Page(page_id=urls.identity(url), url=url, content_type=content_type)


@pytest.fixture(name="traced")
def _traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_every_step_is_timed_and_the_last_one_ends_the_page() -> None:
    cost = timed("a", page(), VARIANT.body)
    assert cost.tier == "sheet"
    names = [step.name for step in cost.steps]
    assert len(set(names)) == len(names) > 4
    assert names[-1] == TAIL
    assert all(step.value >= 0 for step in cost.steps)


def test_a_refused_page_has_a_cost_too() -> None:
    cost = timed("a", page(), b"%PDF-1.7 " + bytes(200))
    assert cost.tier == "refused: not_html"
    assert [step.name for step in cost.steps] == [TAIL]


@pytest.mark.usefixtures("traced")
def test_allocations_are_the_same_on_every_run() -> None:
    counted("warm", page(), VARIANT.body)
    first, second = (counted("a", page(), VARIANT.body) for _ in range(2))
    assert [step.name for step in first.steps] == [step.name for step in second.steps]
    assert abs(first.total - second.total) < 50  # blocks; caches may grow
    assert first.peak == pytest.approx(second.peak, rel=0.05)
    assert first.peak > len(VARIANT.body)


def test_rows_are_of_tiers_and_their_steps() -> None:
    costs = [
        Cost("a", "sheet", [Step("parse", 1.0, 1024), Step("body", 3.0, 2048)]),
        Cost("b", "sheet", [Step("parse", 2.0, 3072), Step("body", 4.0, 1024)]),
        Cost("c", "plain", [Step("plain", 1.0)]),
    ]
    (sheet, rows), (plain, _) = rows_of(costs)
    assert (sheet, plain) == ("sheet", "plain")
    assert [(row.name, row.pages, row.mean, row.most) for row in rows] == [
        ("all", 2, 5.0, 6.0),
        ("parse", 2, 1.5, 2.0),
        ("body", 2, 3.5, 4.0),
    ]
    assert rows[0].peak_kib == 2.5


def explained() -> tuple[Article, explain.Explanation]:
    trace = Trace()
    article = extract(VARIANT.body, page(), trace=trace)
    return article, explain.explain(article, trace)


def test_a_trace_changes_nothing_of_the_article() -> None:
    assert explained()[0] == extract(VARIANT.body, page())


def test_every_paragraph_is_told_as_kept_and_what_is_cut_has_a_reason() -> None:
    _, told = explained()
    kept = [fate.text for fate in told.blocks if not fate.why]
    assert kept == list(PARAGRAPHS)
    assert {fate.why for fate in told.blocks if fate.why} <= {
        *explain.NAMES, "unlikely", "cleaned", "repeated",
    }  # fmt: skip
    assert all(0.0 <= fate.likely <= 1.0 for fate in told.blocks)


def test_the_way_to_the_container_narrows() -> None:
    _, told = explained()
    shares = [step.share for step in told.steps]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] == told.text_share > 0.3
    assert told.steps[0].box.startswith("html")


def test_a_plain_text_has_no_container() -> None:
    trace = Trace()
    text = "\n".join(["A title of a few words", *PARAGRAPHS]).encode()
    article = extract(text, page(content_type="text/plain; charset=utf-8"), trace=trace)
    told = explain.explain(article, trace)
    assert (told.tier, told.steps, told.blocks) == ("plain", (), ())


def test_a_child_answers_with_article_explanation_and_yardstick() -> None:
    article, told, other = explain.handle([page_header(page()), compress(VARIANT.body)])
    assert decode(Article, article) == explained()[0]
    assert explain.read(told) == explained()[1]
    assert PARAGRAPHS[0][:40] in other.decode()
