"""docs/replay-sources.md is what really comes of damaged files."""

from __future__ import annotations

from pathlib import Path

from corrupt_sources import document

PAGE = Path(__file__).parents[3] / "docs" / "replay-sources.md"


def test_the_table_of_damaged_sources_is_true() -> None:
    made = document()
    assert made == PAGE.read_text(), (
        "cd tests && python -m corrupt_sources > ../docs/replay-sources.md"
    )
