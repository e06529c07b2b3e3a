"""The choice of the container and of the blocks in it, and how sure the choice is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.extractor.core import (
    about,
    body_model,
    container,
    features,
    furniture,
    markup,
    reading,
    roles,
    scoring,
    tiers,
    zones,
)
from newsmill.extractor.core.sheet import Sheet
from unit.extractor.pages import html, page
from unit.extractor.sheets import sheet

LONG = "The council met on Monday to vote on the new bridge, and after nine hours it agreed. "
BODY = "".join(f"<p>{LONG}It was vote number {n} of the year.</p>" for n in range(8))
MENU = "<nav><ul>" + "".join(f"<li><a href='/{n}'>Section {n}</a></li>" for n in range(20))
MENU += "</ul></nav>"


def held(read: Sheet) -> list[str]:
    box = read.boxes[container.lay_out(read).container]
    return [block.text for block in read.blocks[box.first : box.last]]


def kept(read: Sheet, title: str | None = None) -> list[str]:
    headline = zones.headline(read, title)
    scored = scoring.score(read, container.lay_out(read), None, headline, "")
    return [read.blocks[index].text for index in scoring.kept(read, scored, None)]


def test_the_container_holds_the_prose_and_not_the_menu() -> None:
    texts = held(sheet(f"{MENU}<div><div class='main'>{BODY}</div></div><footer>Imprint</footer>"))
    assert len(texts) == 8
    assert "Section 3" not in texts


def test_a_body_in_two_halves_keeps_the_box_around_both() -> None:
    half = len(BODY) // 2
    cut = BODY.index("<p>", half)
    assert (
        len(held(sheet(f"{MENU}<main><div>{BODY[:cut]}</div><div>{BODY[cut:]}</div></main>"))) == 8
    )


@pytest.mark.parametrize("name", ["sidebar-wrapper", "comments-off related", "widget nav-content"])
def test_a_class_name_is_no_reason_to_pass_over_what_holds_most_of_the_prose(name: str) -> None:
    assert len(held(sheet(f"{MENU}<div class='{name}'>{BODY}</div>"))) == 8


def test_the_article_is_kept_and_what_stands_around_it_is_not() -> None:
    related = "".join(
        f"<li><a href='/s{n}'>Another story of the day {n}</a></li>" for n in range(6)
    )
    texts = kept(
        sheet(f"{MENU}<article><h1>Bridge</h1>{BODY}</article><aside><ul>{related}</ul></aside>"),
        "Bridge",
    )
    assert sum(text.startswith("The council") for text in texts) == 8
    assert not any(text.startswith(("Section", "Another")) for text in texts)


def test_a_paragraph_that_is_told_twice_is_kept_once() -> None:
    assert len(kept(sheet(f"<article>{BODY}{BODY}</article>"))) == 8


def test_each_row_has_a_number_for_each_name() -> None:
    read = sheet(f"{MENU}<article>{BODY}</article>")
    layout = container.lay_out(read)
    rows = features.rows(read, layout, None, None, "")
    span = features.span(read, layout)
    assert len(rows) == span.last - span.first
    made = [row for row in rows if row is not None]
    assert {len(row) for row in made} == {len(features.NAMES)}
    assert all(isinstance(value, float) for row in made for value in row)


def test_links_around_the_article_and_blocks_with_a_role_need_no_row() -> None:
    read = sheet(f"{MENU}<article>{BODY}</article>")
    layout = container.lay_out(read)
    first = features.span(read, layout).first
    rows = features.rows(read, layout, None, None, "")
    texts = [read.blocks[first + at].text for at, row in enumerate(rows) if row is not None]
    assert len(texts) == 8
    assert all(text.startswith("The council") for text in texts)
    marked = bytearray([roles.CAPTION]) * len(read.blocks)
    assert not any(features.rows(read, layout, marked, None, ""))
    assert set(scoring.score(read, layout, marked, None, "").odds) == {scoring.NEVER}


def test_the_model_was_made_for_these_features() -> None:
    assert features.NAMES == body_model.FEATURES


def test_quality_is_a_probability_with_a_weight_for_each_fact() -> None:
    read = sheet(f"<article>{BODY}</article>")
    layout = container.lay_out(read)
    scored = scoring.score(read, layout, None, None, "")
    row = scoring.facts(read, layout, scored, scoring.kept(read, scored, None))
    assert len(row) + 1 == len(body_model.QUALITY)
    assert 0.0 <= scoring.quality(row) <= 1.0


def test_the_curve_of_quality_rises_within_what_a_share_can_be() -> None:
    places, heights = zip(*body_model.CALIBRATION, strict=True)
    assert list(places) == sorted(set(places))
    assert list(heights) == sorted(heights)
    assert 0.0 <= heights[0] < heights[-1] <= 1.0


@given(st.floats(-50, 50), st.floats(-50, 50))
def test_a_surer_page_is_never_said_to_be_less_sure(one: float, other: float) -> None:
    curve = ((-1.0, 0.2), (0.0, 0.5), (2.0, 0.5), (3.0, 0.9))
    low, high = sorted((one, other))
    assert 0.2 <= scoring.calibrated(low, curve) <= scoring.calibrated(high, curve) <= 0.9


def test_quality_is_straight_between_two_points_of_its_curve() -> None:
    assert scoring.calibrated(2.5, ((2.0, 0.5), (3.0, 0.9))) == pytest.approx(0.7)


def test_a_page_that_shows_next_to_nothing_gives_the_body_that_it_states() -> None:
    stated = "\\n".join([LONG.strip()] * 4)
    ld = f'{{"@type": "NewsArticle", "headline": "Bridge", "articleBody": "{stated}"}}'
    head = f'<title>Bridge</title><script type="application/ld+json">{ld}</script>'
    tree = markup.parse(markup.tame(html("<h1>Bridge</h1><p>Loading.</p>", head).decode()))
    read = reading.read(tree)
    choice = about.choose(read, page())
    layout = container.lay_out(read)
    marked = furniture.mark(read, choice, layout, choice.canonical_url)
    body = tiers.body_of(tree, read, choice, layout, marked)
    assert body.tier == "json-ld"
    assert len(body.lines) == 4
