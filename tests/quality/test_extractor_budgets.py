"""What a page may allocate: counts, not times, kept below the budgets of ``benchmarks``."""

from __future__ import annotations

import importlib.util
import sys
import tomllib
from functools import partial
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

from newsmill import urls
from newsmill.extractor.core import extract
from newsmill.records import Page
from quality.languages import STORIES
from quality.variants import URL, VARIANTS

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def benchmark(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", BENCHMARKS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def pages() -> list[partial[object]]:
    html = "text/html; charset=utf-8"
    given = [(v.body, v.url, v.content_type) for v in VARIANTS]
    given += [(story.html(), URL, html) for story in STORIES]
    return [
        partial(extract, body, Page(page_id=urls.identity(url), url=url, content_type=kind))
        for body, url, kind in given
    ]


def cyclic(page: partial[object], counted: Any) -> int:
    """What the page leaves every time: a thread of an earlier test may leave something once."""
    again = (benchmark("counting").count(page).cyclic for _ in range(4))
    return counted.cyclic and min(counted.cyclic, *again)


def test_pages_allocate_no_more_than_their_budget() -> None:
    budget = tomllib.loads((BENCHMARKS / "budgets.toml").read_text())["fixtures"]
    counts = [benchmark("counting").count(page) for page in pages()]
    assert sum(map(cyclic, pages(), counts)) <= budget["cyclic"]
    assert fmean(c.peak_kib for c in counts) <= budget["peak_kib"]
    assert max(c.peak_kib for c in counts) <= budget["most_kib"]


def test_a_call_is_counted_by_what_it_holds_and_what_only_the_collector_frees() -> None:
    def circle() -> None:
        held: list[object] = [bytes(1 << 20)]
        held.append(held)

    counted = benchmark("counting").count(circle)
    assert 1024 <= counted.peak_kib < 1100
    assert counted.cyclic >= 1
    assert benchmark("counting").count(lambda: [bytes(64)]).cyclic == 0
