"""How often an article's ``quality`` is right: the share it promises beside the share it keeps.

    python benchmarks/reliability.py OUT_OF_FOLD.json [--plot SVG] [--write DOCUMENT]

The file is a list of ``{"quality": q, "f1": f}``, a page each, scored by a model that was not
trained on the page's site, as ``train_extractor.py`` writes it. A page is right where F1 >= 0.9.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from charts import Axis, Line, chart
from tables import between_marks, table

RIGHT_F1 = 0.9
BINS = 10


class Bin(NamedTuple):
    """Pages of alike quality: what was promised, what was kept."""

    pages: int
    promised: float
    kept: float


def bins(pages: Sequence[tuple[float, bool]], number: int = BINS) -> list[Bin]:
    """Pages in order of quality in so many bins of equal size; the fewer where pages are few."""
    ranked = sorted(pages)
    number = min(number, len(ranked))
    cuts = [len(ranked) * at // number for at in range(number + 1)]
    return [
        Bin(end - start, fmean(q for q, _ in part), fmean(float(right) for _, right in part))
        for start, end in pairwise(cuts)
        if (part := ranked[start:end])
    ]


def error(found: Sequence[Bin]) -> float:
    """The expected calibration error: the mean gap between promised and kept, by pages."""
    return sum(b.pages * abs(b.promised - b.kept) for b in found) / sum(b.pages for b in found)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pages", type=Path)
    parser.add_argument("--plot", type=Path, metavar="SVG")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into a document")
    options = parser.parse_args()
    pages = [(p["quality"], p["f1"] >= RIGHT_F1) for p in json.loads(options.pages.read_bytes())]
    found = bins(pages)
    lines = [[str(b.pages), f"{b.promised:.3f}", f"{b.kept:.3f}"] for b in found]
    sure = [right for quality, right in pages if quality >= RIGHT_F1]
    text = (
        f"{table(('pages', 'quality, mean', 'share with F1 ≥ 0.9'), lines)}\n\n"
        f"{len(pages)} pages, expected calibration error {error(found):.3f}; of the {len(sure)}"
        f" pages of quality 0.9 or more, {fmean(map(float, sure)) if sure else 0:.1%} are right."
    )
    print(text)
    if options.plot:
        dots = [(b.promised, b.kept) for b in found]
        sizes = [2 + math.sqrt(b.pages) / 2 for b in found]
        ideal = Line("as promised", "#999", ((0.0, 0.0), (1.0, 1.0)))
        kept = Line("pages whose site no training saw", "#b5482a", dots, sizes)
        axes = Axis("quality", 0.0, 1.0), Axis("share with F1 ≥ 0.9", 0.0, 1.0)
        options.plot.write_text(chart("Is quality kept?", *axes, [ideal, kept]))
    if options.write:
        between_marks(options.write, "reliability", text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
