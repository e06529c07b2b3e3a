"""Machines for so many articles a day, worked out from what a run of soak.py measured.

The run must serve pages of the weight of the web's (``--corpora``); its figures are kept beside
this file. Prints the tables of docs/sizing.md, or writes them into it.

Run: python benchmarks/soak.py --minutes 4 --rate 12 --corpora DIR --out benchmarks/sizing.json
     python benchmarks/sizing.py [--write docs/sizing.md]
"""

from __future__ import annotations

import argparse
import json
import sys
from math import ceil
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).with_name("sizing.json")
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"
DAYS = (10_000, 100_000, 1_000_000, 10_000_000)
DAY_S = 86_400
PEAK = 4.0  # of the busiest quarter of an hour over the mean of a day
BUSY = 0.6  # of a core at that peak: the rest is for catching up
POLLS = 5.0  # of a feed for every article that it brings
KEPT_DAYS = 7  # of the streams on Kafka
COPIES = 3
PARTITIONS = 8
STREAMS = ("entries", "pages", "articles", "enriched")
STAGES = ("producer", "fetcher", "extractor", "enricher", "archiver")


def per_thousand(figures: dict[str, Any]) -> dict[str, float]:
    """CPU seconds by stage for a thousand articles; the producer's for the polls behind them."""
    thousands = figures["rate"] * figures["minutes"] * 60 / 1000
    cpu = {role: figures["cpu_s"][role] / thousands for role in STAGES}
    cpu["producer"] = figures["cpu_s"]["producer"] / figures["polls"] * POLLS * 1000
    return cpu | {"Kafka": figures["cpu_s_of_kafka"] / thousands}


def megabytes(figures: dict[str, Any]) -> dict[str, float]:
    """Megabytes for a thousand articles, by where they go."""
    told = figures["per_1000"]
    thousands = figures["rate"] * figures["minutes"] * 60 / 1000
    return {
        "fetched, decompressed": figures["pages_mb"] / thousands,
        **{f"topic {name}": told["topics_mb"].get(name, 0.0) for name in STREAMS},
        "logs, all stages": sum(told["logs_mb"].values()),
        "SQLite store": told["store_mb"],
    }


def cores(cpu_s: float, articles: int, peak: float = PEAK) -> float:
    """Cores that a stage needs at the peak of a day."""
    return cpu_s * articles / 1000 / DAY_S * peak / BUSY


def of_stages(cpu: dict[str, float], articles: int) -> dict[str, float]:
    """Cores by stage; feeds are polled all day long, so that the producer has no peak."""
    return {
        role: cores(cpu[role], articles, 1.0 if role == "producer" else PEAK) for role in STAGES
    }


def tables(figures: dict[str, Any]) -> str:
    """Both tables and what they rest on."""
    cpu, size = per_thousand(figures), megabytes(figures)
    lines = ["| per 1,000 articles | CPU seconds |", "|---|---|"]
    lines += [f"| {name} | {seconds:.1f} |" for name, seconds in cpu.items()]
    lines += ["", "| per 1,000 articles | MB |", "|---|---|"]
    lines += [f"| {name} | {mb:.1f} |" for name, mb in size.items()]
    lines += ["", "| articles a day | " + " | ".join(f"{n:,}" for n in DAYS) + " |"]
    lines += ["|---" * (len(DAYS) + 1) + "|"]
    for name, told in _rows(cpu, size).items():
        lines.append(f"| {name} | " + " | ".join(told) + " |")
    return "\n".join(lines)


def _rows(cpu: dict[str, float], size: dict[str, float]) -> dict[str, list[str]]:
    streams = sum(size[f"topic {name}"] for name in STREAMS)
    rows: dict[str, list[str]] = {
        "mean a second, at the peak": [f"{n / DAY_S:.1f}, {n / DAY_S * PEAK:.0f}" for n in DAYS]
    }
    for role in STAGES:
        rows[f"{role}: cores (pods)"] = [_pods(of_stages(cpu, n)[role], role) for n in DAYS]
    rows["Kafka: cores, of all brokers"] = [f"{COPIES * cores(cpu['Kafka'], n):.1f}" for n in DAYS]
    rows["all cores"] = [
        f"{sum(of_stages(cpu, n).values()) + COPIES * cores(cpu['Kafka'], n):.1f}" for n in DAYS
    ]
    rows[f"Kafka: disk of all brokers, {KEPT_DAYS} days, {COPIES} copies"] = [
        _size(streams * n / 1000 * KEPT_DAYS * COPIES) for n in DAYS
    ]
    rows["Kafka: in at the peak, MB/s"] = [f"{streams * n / 1000 / DAY_S * PEAK:.1f}" for n in DAYS]
    rows["fetched at the peak, Mbit/s, uncompressed"] = [
        f"{size['fetched, decompressed'] * n / 1000 / DAY_S * PEAK * 8:.0f}" for n in DAYS
    ]
    rows["store, a year"] = [_size(size["SQLite store"] * n / 1000 * 365) for n in DAYS]
    rows["logs a day"] = [_size(size["logs, all stages"] * n / 1000) for n in DAYS]
    return rows


def _pods(wanted: float, role: str) -> str:
    """Processes of a core each; the extractor's children take as many as there are."""
    most = PARTITIONS
    pods = max(1, ceil(wanted))
    if pods <= most:
        return f"{wanted:.1f} ({pods})"
    if role == "extractor":
        return f"{wanted:.1f} ({most} of {ceil(wanted / most)} cores)"
    return f"{wanted:.1f} ({pods}: more partitions)"


def _size(megabytes_: float) -> str:
    if megabytes_ >= 1e6:
        return f"{megabytes_ / 1e6:.1f} TB"
    return f"{megabytes_ / 1e3:.1f} GB"


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("figures", nargs="?", type=Path, default=FIGURES)
    parser.add_argument("--write", type=Path, help="put the tables into this page")
    given = parser.parse_args()
    told = tables(json.loads(given.figures.read_bytes()))
    if given.write is None:
        print(told)
        return 0
    head, _, rest = given.write.read_text("utf-8").partition(BEGIN)
    tail = rest.partition(END)[2]
    given.write.write_text(f"{head}{BEGIN}\n{told}\n{END}{tail}", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
