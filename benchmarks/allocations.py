"""Allocations of a page by the tier that answered, beside trafilatura's on the same pages.

    python benchmarks/allocations.py CORPORA... [--quick N] [--write DOCUMENT]

The budgets that a rise breaks are in ``budgets.toml``; they are of our own fixtures, and
``tests/quality`` keeps them.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from functools import partial
from pathlib import Path
from statistics import median

from corpora import folders, samples
from counting import Counts, count
from extractors import YARDSTICK, ours, present
from tables import between_marks, table

HEAD = ("extractor", "pages", "peak KiB, median", "peak KiB, most", "blocks left", "cyclic objects")


def row(name: str, counts: list[Counts]) -> list[str]:
    """A line of the table: medians, and the most that a page held."""
    return [
        name,
        str(len(counts)),
        f"{median(c.peak_kib for c in counts):,.0f}",
        f"{max(c.peak_kib for c in counts):,.0f}",
        f"{median(c.left for c in counts):,.0f}",
        f"{median(c.cyclic for c in counts):,.0f}",
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("corpora", nargs="+", type=Path)
    parser.add_argument("--quick", type=int, metavar="N", default=40, help="pages of each corpus")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into a document")
    options = parser.parse_args()
    rows, _ = present()
    theirs = next(each for each in rows if each.name == YARDSTICK).run
    counts: dict[str, list[Counts]] = defaultdict(list)
    for folder in folders(options.corpora):
        for sample in samples(folder, options.quick):
            body, url = sample.body(), sample.url
            tier = ours(body, url).tier
            counts[f"newsmill, {tier}"].append(count(partial(ours, body, url)))
            counts[YARDSTICK].append(count(partial(theirs, body, url)))
    lines = [row(name, each) for name, each in sorted(counts.items())]
    text = table(HEAD, lines)
    print(text)
    if options.write:
        between_marks(options.write, "allocations", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
