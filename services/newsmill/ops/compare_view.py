"""A comparison as a person reads it, and as JSON: what got worse first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from newsmill.ops.compare import Row
from newsmill.ops.journey import milliseconds
from newsmill.ops.words import table
from newsmill.process.telemetry import clean


def render_comparison(names: tuple[str, str], rows: Sequence[Row]) -> str:
    """The comparison as plain text; no newline at its end."""
    worse = [row for row in rows if row.is_worse]
    better = [row for row in rows if row.is_better]
    other = [
        row for row in rows
        if row not in worse and row not in better and (row.is_sure or row.kind == "duration")
    ]  # fmt: skip
    lines = [f"{names[0]} → {names[1]}", ""]
    lines += [f"WORSE   {sentence(row)}" for row in worse]
    lines += [f"BETTER  {sentence(row)}" for row in better]
    if not worse and not better:
        lines.append("Nothing differs by more than chance and by enough to matter.")
    if other:
        lines += ["", *table([["", "", "median", "", "p95", ""], *map(_row, other)], left=(0, 1))]
    return "\n".join(map(clean, lines))


def sentence(row: Row) -> str:
    """One difference, in one line."""
    if row.kind == "share":
        told = f"{_percent(row.before)} → {_percent(row.after)} of {row.counts[1]:,}"
    else:
        told = f"median {milliseconds(row.before)} → {milliseconds(row.after)}"
        told += f", p95 {milliseconds(row.before_p95)} → {milliseconds(row.after_p95)}"
        if row.p95_range is not None:
            low, high = row.p95_range
            told += f" ({milliseconds(low)} … {milliseconds(high)})"
    return f"{row.stage}: {row.what}: {told}  [p {row.p:.2g}]"


def _percent(share: float | None) -> str:
    return "?" if share is None else f"{100 * share:.1f} %"


def _row(row: Row) -> list[str]:
    if row.kind == "share":
        return [row.stage, row.what, _percent(row.before), _percent(row.after), "", ""]
    values = (row.before, row.after, row.before_p95, row.after_p95)
    return [row.stage, row.what, *map(milliseconds, values)]


def comparison_json(names: tuple[str, str], rows: Sequence[Row]) -> bytes:
    """The comparison as one JSON object, for programs."""

    def rows_of() -> Iterator[dict[str, Any]]:
        for row in rows:
            yield {
                "kind": row.kind,
                "stage": row.stage,
                "what": row.what,
                "before": row.before,
                "after": row.after,
                "before_p95": row.before_p95,
                "after_p95": row.after_p95,
                "after_p95_range": row.p95_range,
                "counts": row.counts,
                "p": row.p,
                "worse": row.is_worse,
                "better": row.is_better,
            }

    is_worse = any(row.is_worse for row in rows)
    return orjson.dumps(
        {
            "version": 1,
            "before": names[0],
            "after": names[1],
            "worse": is_worse,
            "rows": list(rows_of()),
        }
    )
