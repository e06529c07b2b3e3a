"""The programs that measure extraction run, on a corpus of our own fixtures."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from quality import variants
from quality.test_extractor_budgets import BENCHMARKS, benchmark
from quality.variants import VARIANTS

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(name="corpus", scope="module")
def _corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora") / "ours"
    (folder / "html").mkdir(parents=True)
    lines = []
    for variant in VARIANTS[:3]:
        name = f"{variant.name}.html.gz"
        (folder / "html" / name).write_bytes(gzip.compress(variant.body))
        gold = {
            "id": variant.name, "file": name, "url": variant.url, "title": variants.TITLE,
            "text": "\n".join(variants.PARAGRAPHS), "authors": variants.AUTHORS,
            "date": variants.DAY, "with": [variants.PARAGRAPHS[0]], "without": [variants.CAPTION],
        }  # fmt: skip
        lines.append(json.dumps(gold))
    (folder / "gold.jsonl").write_text("\n".join(lines) + "\n")
    return folder.parent


def run(program: str, *words: object) -> str:
    command = [sys.executable, str(BENCHMARKS / program), *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_table_stands_where_a_document_is_marked_for_it(corpus: Path, tmp_path: Path) -> None:
    document, pins = tmp_path / "page.md", tmp_path / "pins.json"
    document.write_text("before\n<!-- bench-extract -->\nold\n<!-- /bench-extract -->\nafter\n")
    words = ("--only", "with metadata,floor: lxml", "--write", document, "--pin", pins)
    told = run("bench_extract.py", corpus, *words)
    assert "Our tiers: sheet 100.0%." in told
    assert "| floor: lxml parse, one Python pass |" in told
    written = document.read_text()
    assert told.strip() in written
    assert written.startswith("before\n<!-- bench-extract -->\n")
    assert written.endswith("<!-- /bench-extract -->\nafter\n")
    assert "old" not in written.split("\n")
    scores = json.loads(pins.read_bytes())["ours"]
    assert {name: scores[name] for name in ("F1", "segments", "title", "authors", "date")} == {
        "F1": 1.0, "segments": 1.0, "title": 1.0, "authors": 1.0, "date": 1.0,
    }  # fmt: skip


def test_a_document_without_marks_is_left_alone(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("text\n")
    with pytest.raises(ValueError, match="no place marked"):
        benchmark("tables").between_marks(document, "bench-extract", "table")
    assert document.read_text() == "text\n"


def test_allocations_are_told_by_tier_beside_those_of_trafilatura(corpus: Path) -> None:
    told = run("allocations.py", corpus, "--quick", 1)
    assert "| newsmill, sheet | 1 | " in told
    assert "| trafilatura, with metadata | 1 | " in told


def test_memory_is_sampled_and_drawn(corpus: Path, tmp_path: Path) -> None:
    plot = tmp_path / "memory.svg"
    told = run("memory.py", corpus, "--pages", 20, "--plot", plot)
    assert told.startswith("20 pages of 3, ")
    ElementTree.parse(plot)


def test_quality_is_held_against_what_came_true(tmp_path: Path) -> None:
    pages, plot = tmp_path / "pages.json", tmp_path / "plot.svg"
    made = [{"quality": 0.95, "f1": 1.0}] * 19 + [{"quality": 0.95, "f1": 0.5}]
    pages.write_text(json.dumps(made))
    told = run("reliability.py", pages, "--plot", plot)
    assert "of the 20 pages of quality 0.9 or more, 95.0% are right" in told
    ElementTree.parse(plot)
