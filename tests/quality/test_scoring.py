"""The scorer that benchmarks and the gate share: what its numbers mean."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from quality.test_extractor_budgets import benchmark

scoring = benchmark("scoring")
Found, Tally, match = scoring.Found, scoring.Tally, scoring.match


def test_texts_are_compared_by_runs_of_four_words() -> None:
    found = match("a b c d e", "a b c d x")
    assert (found.precision, found.recall, found.f1, found.exact) == (0.5, 0.5, 0.5, False)
    assert match("a, b", "a b").exact
    assert match("A b", "a b").f1 == 0.0


def test_nothing_found_has_no_precision_and_costs_recall() -> None:
    tally = Tally()
    tally.add({"text": "one two three four"}, Found("one two three four"))
    tally.add({"text": "five six seven eight"}, Found(""))
    scores = tally.scores()
    assert (scores["precision"], scores["recall"], scores["page F1"]) == (1.0, 0.5, 0.5)


def test_segments_count_what_must_stand_and_what_must_not() -> None:
    tally = Tally()
    tally.add({"with": ["a  b", "c"], "without": ["d", "e"]}, Found("a\nb d"))
    assert tally.scores() == {"segments": 2 / 4}


def test_fields_are_compared_folded_names_as_sets_and_dates_by_day() -> None:
    tally = Tally()
    gold = {"title": "“It’s here” – Mayor", "authors": ["A. Bee", "C Dee"], "date": "2024-03-04"}
    found = Found("", '"it\'s here" - mayor', ("C  DEE", "a. bee", ""), "2024-03-04T23:59:00+01:00")
    tally.add(gold, found)
    assert tally.scores() == {"title": 1.0, "authors": 1.0, "date": 1.0}
    tally.add(gold, Found())
    assert tally.scores() == {"title": 0.5, "authors": 0.5, "date": 0.5}


@given(st.text("ab c.", max_size=60), st.text("ab c.", max_size=60))
def test_a_match_is_symmetric_and_whole_on_itself(one: str, other: str) -> None:
    there, back = match(one, other), match(other, one)
    assert (there.precision, there.f1, there.exact) == (back.recall, back.f1, back.exact)
    assert match(one, one).f1 == 1.0
