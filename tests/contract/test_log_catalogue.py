"""The log contract: documents are drawn from the catalogue, lines outside it are found out."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest
from jsonschema import Draft202012Validator

from newsmill.process.catalogue import ADVICE, OTHER_NAMES, draw_docs, draw_schema
from newsmill.process.events import COMMON, EVENTS, FIELDS
from newsmill.process.telemetry import Telemetry

ROOT = Path(__file__).parents[2]
REDRAW = "draw them anew: python -m newsmill.process.catalogue"
EXAMPLES = {
    "string": "x", "integer": 1, "number": 1.5, "boolean": True, "object": {"a/0": 1},
    "array": ["a"],
}  # fmt: skip
SPECIAL = {
    "page_id": "0" * 32, "article_id": "f" * 32, "stage": "extractor", "outcome": "dead",
    "reason": "crash",
}  # fmt: skip


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    return Draft202012Validator(orjson.loads(draw_schema()))


def test_the_committed_schema_is_the_drawn_one() -> None:
    assert (ROOT / "schemas/log.schema.json").read_bytes() == draw_schema(), REDRAW


def test_the_committed_page_is_the_drawn_one() -> None:
    page = (ROOT / "docs/logs.md").read_text("utf-8")
    assert draw_docs(page) == page, REDRAW


def test_the_schema_is_a_schema(validator) -> None:
    Draft202012Validator.check_schema(validator.schema)


def test_the_catalogue_is_closed() -> None:
    named = {field for spec in EVENTS.values() for field in spec.fields} | set(COMMON)
    assert named == set(FIELDS)
    assert set(ADVICE) <= set(EVENTS)
    assert set(COMMON) <= set(OTHER_NAMES)
    assert set(OTHER_NAMES) <= set(FIELDS)
    assert not set(COMMON) & {field for spec in EVENTS.values() for field in spec.fields}


@pytest.mark.parametrize("event", sorted(EVENTS))
def test_an_event_with_every_field_it_may_carry_is_valid(event, validator, tmp_path) -> None:
    fields = {name: SPECIAL.get(name, EXAMPLES[FIELDS[name].type]) for name in EVENTS[event].fields}

    line = one_line(tmp_path, event, fields)

    assert list(validator.iter_errors(line)) == []


def one_line(directory: Path, event: str, fields: dict) -> dict:
    with Path(os.devnull).open("wb") as null:
        log = Telemetry("extractor", fd=null.fileno(), level="debug", directory=directory)
        log.event(event, **fields)
        log.close()
    return orjson.loads((directory / "extractor-0.jsonl").read_bytes())


@pytest.mark.parametrize(
    "change",
    [
        {"event": "record.unheard"},
        {"colour": "red"},
        {"outcome": "vanished"},
        {"reason": "mood"},
        {"page_id": "7"},
        {"offset": "3"},
        {"reason": None},
        {"run": None},
    ],
)
def test_a_line_outside_the_catalogue_is_found_out(change, validator, tmp_path) -> None:
    line = one_line(
        tmp_path,
        "record",
        {"stage": "extractor", "outcome": "dead", "reason": "crash", "offset": 3},
    )
    line |= change
    line = {name: value for name, value in line.items() if value is not None}

    assert list(validator.iter_errors(line))
