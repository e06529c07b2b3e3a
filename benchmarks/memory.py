"""Resident memory of one process that extracts page after page, the corpora cycled.

    python benchmarks/memory.py CORPORA... [--pages 100000] [--plot docs/memory.svg]

Pages are held gzipped, so that the reader's own memory stays the same; nothing is recycled here,
while a worker replaces its children every 2,000 pages.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import sys
import time
from itertools import cycle, islice
from pathlib import Path

from charts import Axis, Line, chart
from corpora import folders, samples
from extractors import ours
from tables import between_marks

EVERY = 500  # pages between two samples


def rss_mb() -> float:
    """Resident memory of this process, in millions of bytes."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--pages", type=int, default=100_000)
    parser.add_argument("--quick", type=int, metavar="N", help="at most N pages of each corpus")
    parser.add_argument("--plot", type=Path, metavar="SVG")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the line into a document")
    parser.add_argument("--json", type=Path, metavar="OUT", help="the samples: pages, MB")
    options = parser.parse_args()
    chosen = [s for folder in folders(options.corpora) for s in samples(folder, options.quick)]
    held = [(sample.path.read_bytes(), sample.url) for sample in chosen]
    points: list[tuple[float, float]] = []
    started = time.monotonic()
    for number, (packed, url) in enumerate(islice(cycle(held), options.pages), 1):
        ours(gzip.decompress(packed), url)
        if number % EVERY == 0 or number == options.pages:
            points.append((float(number), rss_mb()))
            if options.json:
                options.json.write_text(json.dumps(points))
    sizes = [size for _, size in points]
    first = sizes[min(len(sizes) - 1, len(held) // EVERY)]  # every page was seen once
    text = (
        f"{options.pages} pages of {len(held)}, {time.monotonic() - started:.0f} s:"
        f" {first:.0f} MB after one round, at most {max(sizes):.0f}, {sizes[-1]:.0f} at the end."
    )
    print(text)
    if options.write:
        between_marks(options.write, "memory", text)
    if options.plot:
        top = max(sizes) * 1.2
        axes = Axis("pages", 0.0, float(options.pages)), Axis("resident MB", 0.0, top)
        line = Line(f"one process, {len(held)} pages cycled", "#2a6fb5", points)
        options.plot.write_text(chart("Memory of extraction", *axes, [line]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
