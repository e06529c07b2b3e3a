"""Exports: the same records, the same bytes; nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsmill.archiver.export import HEADER, write_csv, write_jsonl
from newsmill.errors import BadRecord
from newsmill.records import Entity, Image, Quality, Quote, Related, encode
from unit.archiver.rows import enriched, record


def as_csv(*records: bytes) -> list[dict[str, str]]:
    out = io.BytesIO()
    assert write_csv(records, out) == len(records)
    return list(csv.DictReader(io.StringIO(out.getvalue().decode(), newline=""), strict=True))


def test_json_lines_are_the_records_as_they_came() -> None:
    records = [record("a"), record("b", text="line\nbreak \u2028")]
    out = io.BytesIO()
    assert write_jsonl(iter(records), out) == 2
    assert out.getvalue() == records[0] + b"\n" + records[1] + b"\n"


def test_a_record_that_came_on_several_lines_is_one_line_of_the_same_content() -> None:
    value = orjson.dumps(enriched("a", text="x\r\ny"), option=orjson.OPT_INDENT_2)
    out = io.BytesIO()
    write_jsonl([value.replace(b"\n", b"\r\n")], out)
    assert out.getvalue().count(b"\n") == 1
    assert orjson.loads(out.getvalue()) == orjson.loads(value)


def test_no_records_are_an_empty_file_and_a_lone_header() -> None:
    out = io.BytesIO()
    assert write_jsonl([], out) == 0
    assert out.getvalue() == b""
    assert write_csv([], out) == 0
    assert out.getvalue() == ",".join(HEADER).encode() + b"\r\n"


def test_csv_flattens_lists() -> None:
    value = record(
        "a",
        authors=("Ada Okafor", "Jan Brückner"),
        tags=("bridges", "roads"),
        images=(Image(url="https://gazette.example/1.jpg"), Image(caption="no url")),
        related=(Related(url="https://gazette.example/b"), Related(title="Only named")),
        entities=(Entity(name="Ada Okafor", type="PERSON"), Entity(name="Harbour", type="LOC")),
        quotes=(Quote(text="“Open.”", speaker="Okafor"), Quote(text="“Shut.”")),
        quality=Quality(score=0.75, tier="markup"),
        text='First.\nSecond, “quoted” and "plain".',
    )
    (row,) = as_csv(value)
    assert tuple(row) == HEADER
    assert row["authors"] == "Ada Okafor; Jan Brückner"
    assert row["tags"] == "bridges; roads"
    assert row["images"] == "https://gazette.example/1.jpg"
    assert row["related"] == "https://gazette.example/b; Only named"
    assert row["entities"] == "Ada Okafor (PERSON); Harbour (LOC)"
    assert row["quotes"] == "Okafor: “Open.”; “Shut.”"
    assert (row["quality"], row["tier"]) == ("0.75", "markup")
    assert row["text"] == 'First.\nSecond, “quoted” and "plain".'
    assert row["subtitle"] == ""


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"])
def test_a_cell_that_would_be_a_formula_is_made_text(start: str) -> None:
    (row,) = as_csv(record("a", title=f"{start}1+1", authors=(f"{start}cmd", "x")))
    assert row["title"] == f"'{start}1+1"
    assert row["authors"] == f"'{start}cmd; x"


def test_what_only_looks_like_one_further_on_is_left() -> None:
    (row,) = as_csv(record("a", title="–3 °C, 1=1", text="Sum:\n=1+1"))
    assert (row["title"], row["text"]) == ("–3 °C, 1=1", "Sum:\n=1+1")


def test_a_record_that_is_none_stops_the_csv() -> None:
    with pytest.raises(BadRecord):
        as_csv(b"{}")


TEXT = st.text(max_size=20)


@given(
    st.lists(
        st.fixed_dictionaries({"title": st.none() | TEXT, "text": TEXT, "authors": st.tuples(TEXT)})
    )
)
def test_any_text_survives_the_csv_but_for_the_apostrophe(fields: list[dict[str, Any]]) -> None:
    rows = as_csv(*(encode(enriched("a", **one)) for one in fields))
    for row, one in zip(rows, fields, strict=True):
        for name, value in (("title", one["title"]), ("text", one["text"])):
            assert row[name] in (value or "", f"'{value}")
