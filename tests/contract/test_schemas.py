"""The schemas are drawn from the types, and every sample that was ever a record still is one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, ValidationError

from newsmill.bus.base import Record
from newsmill.errors import DEATHS, BadRecord
from newsmill.process.schemas import DEAD_HEADERS, draw
from newsmill.process.steps import dead_letter
from newsmill.records import VERSIONED, Article, Enriched, PageLine, decode, encode
from newsmill.urls import identity

SCHEMAS = Path(__file__).parents[2] / "schemas"
KINDS: dict[str, type] = {kind.__name__.lower(): kind for kind in VERSIONED} | {
    "page_line": PageLine
}


def validator(name: str) -> Draft202012Validator:
    schema = orjson.loads(draw()[f"{name}.v1.json"])
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def samples(name: str) -> list[bytes]:
    return (SCHEMAS / "samples" / f"{name}.v1.jsonl").read_bytes().splitlines()


def every(*names: str) -> list[Any]:
    return [
        pytest.param(name, line, id=f"{name}-{number}")
        for name in names
        for number, line in enumerate(samples(name))
    ]


def kept(given: Any, read: Any) -> bool:
    """Whether what was read holds all that was given, but for fields that it does not know."""
    if isinstance(given, dict):
        return all(kept(value, read[name]) for name, value in given.items() if name in read)
    if isinstance(given, list):
        return len(given) == len(read) and all(map(kept, given, read))
    return bool(given == read)


def test_drawing_twice_gives_the_same_bytes() -> None:
    assert draw() == draw()


@pytest.mark.parametrize("name", draw())
def test_a_committed_schema_is_the_drawn_one(name: str) -> None:
    assert (SCHEMAS / name).read_bytes() == draw()[name], f"newsmill schema {name} > schemas/{name}"


def test_no_schema_is_left_of_a_type_that_is_gone() -> None:
    assert {path.name for path in SCHEMAS.glob("*.v*.json")} == set(draw())


def test_every_schema_has_its_samples() -> None:
    names = {name.removesuffix(".json") for name in draw()}
    assert {path.stem for path in (SCHEMAS / "samples").glob("*.jsonl")} == names


@pytest.mark.parametrize(("name", "line"), every(*KINDS, "dead"))
def test_a_sample_is_as_its_schema_says(name: str, line: bytes) -> None:
    validator(name).validate(orjson.loads(line))


@pytest.mark.parametrize(("name", "line"), every(*KINDS))
def test_a_sample_is_read_for_ever(name: str, line: bytes) -> None:
    kind = KINDS[name]
    record = decode(kind, line)
    if kind is not PageLine:  # read only: nothing writes one from its type
        written = encode(record)
        assert decode(kind, written) == record
        validator(name).validate(orjson.loads(written))
        assert kept(orjson.loads(line), orjson.loads(written))


@pytest.mark.parametrize("line", samples("enriched"))
def test_an_enriched_record_is_an_article_too(line: bytes) -> None:
    decode(Article, line)
    validator("article").validate(orjson.loads(line))


@pytest.mark.parametrize("line", samples("enriched"))
def test_the_samples_hold_what_the_types_promise(line: bytes) -> None:
    record = decode(Enriched, line)
    assert record.page_id == identity(record.url)
    assert record.id == identity(record.canonical_url)
    for entity in record.entities:
        assert {record.text[start:end] for start, end in entity.spans} == {entity.name}
    for quote in record.quotes:
        assert quote.span is None or record.text[slice(*quote.span)] == quote.text


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("entry", b'{"url":"x"}'),
        ("entry", b'{"v":2,"url":"x","page_id":"y"}'),
        ("entry", b'{"url":"x","page_id":"y","tags":null}'),
        ("page", b'{"url":"x","page_id":"y","status":"200"}'),
        ("page", b'{"url":"x","page_id":"y","entry":{}}'),
        ("feed", b'{"url":"x","interval_s":1.5}'),
        ("article", b'{"id":"x","page_id":"x","revision":"x","url":"x"}'),
        ("enriched", samples("enriched")[0].replace(b'"PERSON"', b"null")),
        ("enriched", samples("enriched")[0].replace(b'"kind":"list"', b'"kind":"poem"')),
    ],
)
def test_the_schema_and_the_reader_refuse_alike(name: str, line: bytes) -> None:
    with pytest.raises(ValidationError):
        validator(name).validate(orjson.loads(line))
    with pytest.raises(Exception, match=r"decode|version 2"):
        decode(KINDS[name], line)


def test_a_page_line_needs_a_body_in_one_of_its_forms() -> None:
    with pytest.raises(ValidationError):
        validator("page_line").validate({"url": "http://a.example/"})


@pytest.mark.parametrize("reason", sorted(DEATHS))
def test_the_headers_of_a_dead_letter_are_the_documented_ones(reason: Any) -> None:
    record = Record("pages", 3, 7, 8, b"key", b"value", (("page", b"{}"),), 0)
    error = BadRecord(reason, "why")
    letter = dead_letter(record, "extractor", error, attempts=2, trace="Traceback")
    headers = {name: value.decode() for name, value in letter.headers}
    assert {name for name in headers if name.startswith("dead-")} == set(DEAD_HEADERS)
    validator("dead").validate(headers)
    bare = dead_letter(record, "extractor", error, attempts=1, trace="")
    validator("dead").validate({name: value.decode() for name, value in bare.headers})
