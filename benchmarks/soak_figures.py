"""What a soak came to: exact or not, flat or not, how late, and at what cost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any

ROLES = ("producer", "fetcher", "extractor", "enricher", "archiver")
GROWTH_MB = 12.0  # from the second quarter to the last: what a heap and a page cache may breathe
GROWTH_FDS = 3
MADE_BY = {"producer": "entry", "fetcher": "page", "extractor": "article", "enricher": "enriched"}


def figures_of(
    folder: Path,
    samples: Sequence[dict[str, Any]],
    topics: Sequence[dict[str, Any]],
    *,
    rate: float,
    took_s: float,
    drain_s: float,
    told: dict[str, float],
    is_ours: bool,
) -> dict[str, Any]:
    """All of it; ``is_ours`` where every page is one of an article, so that none may be missing."""
    growth = {role: _growth(samples, role) for role in ROLES}
    summary = _summary(folder)
    stages = {stage["stage"]: stage for stage in summary["stages"]}
    stored = _stored(folder)
    exact = summary["balanced"] and (stored == told["stories"] or not is_ours)
    flat = all(
        each["rss_mb"] <= GROWTH_MB and each["fds"] <= GROWTH_FDS for each in growth.values()
    )
    done = stages["enricher"]["outcomes"]["published"]
    cpu = {
        role: beat["cpu_s"] + samples[-1]["roles"][role]["children_cpu_s"]
        for role, beat in _last_beats(folder).items()
    }
    return {
        "ok": bool(exact and flat and not summary["processes"]["crashed"]),
        "minutes": round(took_s / 60, 1),
        "rate_wanted": round(rate, 1),
        "rate": round(done / took_s, 2),
        "stories": int(told["stories"]),
        "stored": stored,
        "balanced": summary["balanced"],
        "unexplained": sum(stage["unexplained"] for stage in summary["stages"]),
        "dead": sum(stage["outcomes"]["dead"] for stage in summary["stages"]),
        "drain_s": round(drain_s, 1),
        "flat": flat,
        "growth": growth,
        "latency_s": _latencies(folder),
        "cpu_s": cpu,
        "cpu_s_of_site": told["cpu_s"],
        "cores_busy": {role: round(used / took_s, 3) for role, used in cpu.items()},
        "cores": os.cpu_count(),
        "polls": summary["feeds"]["polls"] + summary["feeds"]["quiet_polls"],
        "pages_mb": round(_bytes_of_pages(folder) / 1e6, 1),
        "per_1000": _per_thousand(folder, topics, cpu, done),
    }


def _growth(samples: Sequence[dict[str, Any]], role: str) -> dict[str, float]:
    """Medians of the last quarter less those of the second, and where they ended."""
    quarter = max(1, len(samples) // 4)
    early, late = samples[quarter : 2 * quarter], samples[-quarter:]
    told: dict[str, float] = {}
    for what in ("rss_mb", "fds"):
        before, after = (
            median(sample["roles"][role][what] for sample in part)
            for part in (early or samples, late)
        )
        told |= {what: round(after - before, 1), f"{what}_now": round(after, 1)}
    told["children_mb_most"] = round(max(s["roles"][role]["children_mb"] for s in samples), 1)
    return told


def _summary(folder: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "newsmill", "ops", "summary", "--json", folder / "logs"],
        stdout=subprocess.PIPE,
        check=False,  # 1: the books do not balance, which is told as all else
    )
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def _stored(folder: Path) -> int:
    with closing(sqlite3.connect(folder / "stores" / "live.db")) as db:
        return int(db.execute("SELECT count(*) FROM pages").fetchone()[0])


def _lines(folder: Path, role: str) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / "logs").glob(f"{role}-0.jsonl*"), reverse=True):
        with path.open("rb") as lines:
            for line in lines:
                yield json.loads(line)


def _last_beats(folder: Path) -> dict[str, dict[str, Any]]:
    """The last heartbeat of each role: its CPU is its own and that of children that have ended."""
    return {
        role: next(
            line
            for line in reversed([*_lines(folder, role)])
            if line["event"] == "worker.heartbeat"
        )
        for role in ROLES
    }


def _latencies(folder: Path) -> dict[str, dict[str, float]]:
    """Seconds between the lines of two stages about a page, and from the first to the last."""
    seen: dict[str, dict[str, float]] = {}
    for role, what in MADE_BY.items():
        for line in _lines(folder, role):
            if line["event"] == "record" and line.get("outcome") == "published":
                at = datetime.fromisoformat(line["ts"]).timestamp()
                seen.setdefault(line.get("page_id", ""), {})[what] = at
    waits: dict[str, list[float]] = {}
    for times in seen.values():
        names = [name for name in MADE_BY.values() if name in times]
        for a, b in pairwise(names):
            waits.setdefault(f"{a} to {b}", []).append(times[b] - times[a])
        if {"entry", "enriched"} <= times.keys():
            waits.setdefault("entry to enriched", []).append(times["enriched"] - times["entry"])
    return {name: _quantiles(values) for name, values in waits.items()}


def _quantiles(values: list[float]) -> dict[str, float]:
    values.sort()
    at = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = {name: round(values[int((len(values) - 1) * q)], 2) for name, q in at.items()}
    return found | {"most": round(values[-1], 2)}


def _bytes_of_pages(folder: Path) -> int:
    """Of all pages as they were fetched, decompressed."""
    return sum(
        line.get("bytes", 0)
        for line in _lines(folder, "fetcher")
        if line["event"] == "record" and line.get("outcome") == "published"
    )


def _per_thousand(
    folder: Path, topics: Sequence[dict[str, Any]], cpu: dict[str, float], articles: int
) -> dict[str, Any]:
    """What a thousand articles cost: CPU seconds by role, megabytes by topic, log and store."""
    thousands = max(1, articles) / 1000
    logs = {
        role: sum(path.stat().st_size for path in (folder / "logs").glob(f"{role}-0.jsonl*"))
        for role in ROLES
    }
    store = sum(path.stat().st_size for path in (folder / "stores").glob("live.db*"))
    return {
        "cpu_s": {role: round(used / thousands, 2) for role, used in cpu.items()},
        "topics_mb": {
            topic["topic"]: round(topic["bytes"] / 1e6 / thousands, 2)
            for topic in topics
            if topic["bytes"]
        },
        "logs_mb": {role: round(size / 1e6 / thousands, 2) for role, size in logs.items()},
        "store_mb": round(store / 1e6 / thousands, 2),
    }


def render(figures: dict[str, Any]) -> str:
    """For people."""
    most = figures["capacity"]
    share = f", {figures['rate'] / most:.0%} of the {most:.0f} measured before" if most else ""
    lines = [
        f"{figures['minutes']} minutes at {figures['rate']} articles a second{share}",
        f"stories {figures['stories']:,}, stored {figures['stored']:,}, dead {figures['dead']},"
        f" unexplained {figures['unexplained']}; drained in {figures['drain_s']} s",
        "",
        f"{'':<10} {'cores':>6} {'MB':>8} {'grew':>7} {'fds':>5} {'grew':>5} {'children MB':>12}",
    ]
    for role, grown in figures["growth"].items():
        lines.append(
            f"{role:<10} {figures['cores_busy'][role]:>6.2f} {grown['rss_mb_now']:>8.1f}"
            f" {grown['rss_mb']:>+7.1f} {grown['fds_now']:>5.0f} {grown['fds']:>+5.0f}"
            f" {grown['children_mb_most']:>12.0f}"
        )
    lines += ["", f"{'seconds':<22} {'p50':>7} {'p95':>7} {'p99':>7} {'most':>7}"]
    for name, of in figures["latency_s"].items():
        lines.append(f"{name:<22} {of['p50']:>7} {of['p95']:>7} {of['p99']:>7} {of['most']:>7}")
    verdict = "flat and exact" if figures["ok"] else "NOT flat and exact"
    return "\n".join([*lines, "", verdict])
