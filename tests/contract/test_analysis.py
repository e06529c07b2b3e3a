"""docs/analysis.md is true: its queries run, its columns are those that are written."""

from __future__ import annotations

import re
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from newsmill.archiver.parquet import SCHEMA, write_days
from newsmill.records import Entity, Image, Quality, Quote, Related
from unit.archiver.rows import record

PAGE = Path(__file__).parents[2] / "docs" / "analysis.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.S | re.M)


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    full = record(
        "a",
        published="2026-09-02T23:30:00-05:00",
        authors=("Ada Okafor",),
        images=(Image(url="https://gazette.example/1.jpg", caption="The bridge"),),
        related=(Related(title="Only named"),),
        entities=(Entity(name="Harbour Board", type="ORG", spans=((4, 17),)),),
        quotes=(Quote(text="“Open.”", speaker="Okafor", verb="said", span=(3, 10)),),
        quality=Quality(score=0.75, tier="sheet"),
    )
    days = [("2026-09-02", [full]), ("2026-09-03", [record("b"), record("c")])]
    assert write_days(days, tmp_path / "articles") == 3
    return tmp_path


@pytest.mark.parametrize("query", blocks("sql"))
def test_every_query_of_the_page_finds_something(folder: Path, query: str) -> None:
    with duckdb.connect() as db:
        db.execute(f"SET file_search_path = '{folder}'")
        assert db.execute(query).fetchall()


@pytest.mark.parametrize("code", blocks("python"))
def test_every_line_of_pandas_runs(
    folder: Path, code: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    exec(compile(code, str(PAGE), "exec"), {})
    said = capsys.readouterr().out
    assert "2026-09-0" in said or "Harbour Board" in said


def test_the_columns_are_told() -> None:
    rows = "\n".join(f"| `{field.name}` | {field.type} |" for field in SCHEMA)
    wanted = f"<!-- columns -->\n\n| column | type |\n|---|---|\n{rows}\n\n<!-- /columns -->"
    assert wanted in PAGE.read_text(), wanted


def test_a_day_is_one_file_and_one_that_is_no_more_is_removed(folder: Path) -> None:
    articles = folder / "articles"
    (articles / "day=2026-09-03" / "mine.txt").write_text("kept")
    names = [str(path.relative_to(articles)) for path in sorted(articles.rglob("*.parquet"))]
    assert names == [f"day=2026-09-0{day}/part-0.parquet" for day in (2, 3)]
    assert pq.read_schema(articles / names[0]).equals(SCHEMA)
    assert write_days([("unknown", [record("d")])], articles) == 1
    left = sorted(str(path.relative_to(articles)) for path in articles.rglob("*") if path.is_file())
    assert left == ["day=2026-09-03/mine.txt", "day=unknown/part-0.parquet"]
