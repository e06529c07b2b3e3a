"""The chain of annotators: order, failures, budgets, and what holds for any text."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.enricher.core import annotate, versions
from newsmill.enricher.core.annotate import ANNOTATORS, Annotator, ordered, within
from newsmill.records import Enriched, decode, encode, splice
from unit.enricher.articles import article, fields

TEXT = "“The bridge will be open before winter,” Jane Holloway said in Oslo on Monday. " * 2


def annotator(name: str, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Annotator:
    return Annotator(name, "1", inputs, outputs, lambda *_: tuple(() for _ in outputs), 100)


def test_the_fields_make_an_enriched_record() -> None:
    made = annotate(article(TEXT))
    record = decode(Enriched, splice(encode(article(TEXT)), orjson.dumps(made.fields)))
    assert list(made.fields) == ["language", "entities", "quotes", "annotators"]
    assert record.language == "en"
    assert [entity.name for entity in record.entities] == ["Jane Holloway", "Oslo"]
    assert record.quotes[0].speaker == "Jane Holloway"
    assert record.annotators == versions()


def test_order_follows_from_what_each_reads() -> None:
    assert [a.name for a in ANNOTATORS] == ["language", "entities", "quotes"]
    assert [a.name for a in ordered(reversed(ANNOTATORS))] == ["language", "entities", "quotes"]


def test_annotators_that_wait_for_each_other_are_refused() -> None:
    circle = (
        annotator("a", ("quotes",), ("entities",)),
        annotator("b", ("entities",), ("quotes",)),
    )
    with pytest.raises(ValueError, match="wait for each other"):
        ordered(circle)


def test_two_writers_of_one_annotation_are_refused() -> None:
    with pytest.raises(ValueError, match="another's"):
        ordered((annotator("a", (), ("quotes",)), annotator("b", (), ("quotes",))))


def test_records_do_not_depend_on_the_hash_seed() -> None:
    program = (
        "import sys, orjson\n"
        "from newsmill.enricher.core import annotate\n"
        "from unit.enricher.articles import article\n"
        "from unit.enricher.test_entities import STORY\n"
        "sys.stdout.buffer.write(orjson.dumps(annotate(article(STORY * 3)).fields))\n"
    )
    made = {
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(made) == 1
    assert b"Jane Holloway" in made.pop()


def test_a_failure_costs_its_annotation_only() -> None:
    def fail(*_: Any) -> tuple[Any, ...]:
        raise RuntimeError("no names today")

    chain = tuple(replace(a, function=fail) if a.name == "entities" else a for a in ANNOTATORS)
    made = annotate(article(TEXT), chain)
    assert made.failures == (("entities", "RuntimeError: no names today"),)
    assert made.fields["language"] == "en"
    assert made.fields["entities"] == ()
    assert made.fields["quotes"][0].verb == "said"
    assert "entities" not in made.fields["annotators"]


def test_an_annotator_that_writes_too_little_has_failed() -> None:
    chain = tuple(replace(a, function=lambda *_: ()) for a in ANNOTATORS if a.name == "language")
    made = annotate(article(TEXT), chain)
    assert [name for name, _ in made.failures] == ["language"]
    assert made.fields["language"] == "und"


def test_a_budget_cuts_between_words() -> None:
    assert within("one two three", 9) == "one two"
    assert within("one two", 9) == "one two"
    assert within("x" * 20, 9) == "x" * 9


@pytest.mark.parametrize(
    "piece",
    [
        "Aaa Bbb ",
        "A",
        "“",
        '"a ',
        "« A. ",
        "A.A.",
        "The U.S. said “no” ",
        "a-A",
        "\n",
        "said ",
        "O’",
    ],
)
def test_work_is_bounded_whatever_the_text(piece: str) -> None:
    text = piece * (5_000_000 // len(piece))
    started = time.process_time()
    assert annotate(article(text, declared_language="en")).failures == ()
    assert time.process_time() - started < 2


PIECES = st.sampled_from(
    [
        *("Jane Holloway", "said", "“", "”", '"', "«", "»", "„", "「", "」", ".", ", ", "\n", " "),
        *("U.S.", "Mr.", "of", "the", "von der", "US-Präsident", "🇺🇸", "👩‍👧", "e\u0301", "\u202e"),
        *("שלום", "مصر", "中国", "İstanbul", "ǅ", "\0", "O’Brien", "AT&T", "-", "'", "New York"),
        *("Lake", "A", "\u00a0", "President", "Inc", "PRESIDENT", "Jane", "Holloway", "Mac", "Le"),
    ]
)
ANY_TEXT = st.text() | st.lists(PIECES, max_size=40).map("".join) | st.lists(PIECES).map(" ".join)


@given(ANY_TEXT, st.sampled_from(["en", "de", "fr", "es", "zh", "ar", "tr", "und"]))
def test_any_text_is_annotated_inside_itself_and_always_alike(text: str, language: str) -> None:
    made = fields(text, language)
    assert made == fields(text, language)
    for entity in made["entities"]:
        assert entity.name
        assert entity.spans == tuple(sorted(set(entity.spans)))
        assert all(0 <= start < end <= len(text) for start, end in entity.spans)
        read = {" ".join(text[start:end].split()) for start, end in entity.spans}
        assert entity.name in read or entity.name in text
    for quote in made["quotes"]:
        assert text[quote.span[0] : quote.span[1]] == quote.text
        assert quote.verb is None or quote.verb in text
        assert quote.speaker is None or quote.speaker in {e.name for e in made["entities"]}
    orjson.dumps(made)
