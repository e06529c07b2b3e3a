"""``lane diff``: what two lanes made of the same pages, for a terminal, a program or a browser."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import orjson

from newsmill.archiver.lanes import open_lane
from newsmill.cli.bus import table
from newsmill.cli.people import harmless
from newsmill.errors import Misconfigured
from newsmill.ops.lines import parse
from newsmill.ops.read import Logs
from newsmill.process.settings import Settings
from newsmill.replay.diff import Diff, compare
from newsmill.replay.page import html
from newsmill.replay.samples import Sample
from newsmill.replay.summary import as_json, summary

SAMPLES = 2  # of a field, on a terminal
FIELDS = 6  # of which there are samples there
SHOWN = 160  # characters of a value there
UNKNOWN = "never came"  # to the lane that has no such page: its logs do not know it


def diff_lanes(settings: Settings, before: str, after: str) -> Diff:
    """Compare two lanes of a data folder, by page; raises Misconfigured where one is not there."""
    sides = [replace(settings, lane=lane) for lane in (before, after)]
    with ExitStack() as stack:
        one, other = (stack.enter_context(closing(open_lane(side))) for side in sides)
        found = compare(one.newest(), other.newest())
    for kind, side in (("gone", sides[1]), ("new", sides[0])):
        if ids := found.missing_ids[kind]:
            reasons = why_not(side.log_dir, ids)
            found.why[kind] = Counter(reasons.get(page_id, UNKNOWN) for page_id in ids)
    return found


def why_not(log_dir: Path, ids: Sequence[str]) -> dict[str, str]:
    """What became of pages in a lane that has no article of them, as far as its logs tell."""
    reasons: dict[str, str] = {}
    wanted = set(ids)
    for raw in Logs([log_dir]) if log_dir.is_dir() else ():
        if b'"page_id"' not in raw or b'"outcome":"published"' in raw:
            continue
        line = parse(raw)
        if line is not None and line.event == "record" and line.page_id in wanted:
            reasons[line.page_id] = line.reason or line.outcome or UNKNOWN
    return reasons


def tell(found: Diff, before: str, after: str) -> None:
    """Print the diff for people."""
    rows = [
        ("same bytes", found.same),
        ("same content", found.alike),
        ("changed", found.changed),
        ("new", found.new),
        ("gone", found.gone),
    ]
    click.echo(f"{before} → {after}\n")
    for name, number in rows:
        click.echo(f"  {name:<22}{number:>10,}")
    click.echo()
    for line in summary(found) or ["Nothing differs."]:
        click.echo(f"  {harmless(line)}")
    if not found.fields:
        return
    click.echo()
    ranked = sorted(found.fields.items(), key=lambda each: (-each[1], each[0]))
    table(
        ("field", "pages", "had none", "has none now"),
        [(n, f"{m:,}", found.appeared[n] or "-", found.vanished[n] or "-") for n, m in ranked],
    )
    for name, _ in ranked[:FIELDS]:
        click.echo()
        click.echo(click.style(name, bold=True))
        for sample in found.samples.of(name)[:SAMPLES]:
            _sample(sample)


def _sample(sample: Sample) -> None:
    click.echo(click.style(f"  {harmless(sample.url)}", dim=True))
    for sign, value, colour in (("-", sample.before, "red"), ("+", sample.after, "green")):
        if value is not None:
            text = harmless(value)
            text = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
            click.echo(click.style(f"  {sign} {text}", fg=colour))


def write_page(found: Diff, before: str, after: str, path: Path) -> None:
    """Write the diff as a page of HTML; raises Misconfigured where it cannot be written."""
    try:
        path.write_text(html(found, before, after), encoding="utf-8", errors="replace")
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from None


def write_json(found: Diff, before: str, after: str) -> None:
    """Print the diff for programs."""
    facts: dict[str, Any] = {"before": before, "after": after, **as_json(found)}
    click.echo(orjson.dumps(facts, option=orjson.OPT_INDENT_2).decode())
