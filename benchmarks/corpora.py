"""Corpora of pages with gold, as the benchmarks of extraction read them.

A corpus is a folder with ``gold.jsonl`` (an object a page: ``id``, ``file``, ``url`` and any of
``text``, ``with`` and ``without``, ``title``, ``authors``, ``date``) and the pages, gzipped, in
``html/``.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOWHERE = "https://page.invalid/"


@dataclass(frozen=True, slots=True)
class Sample:
    """A page of a corpus, and what is known of its article."""

    corpus: str
    gold: dict[str, Any]
    path: Path

    @property
    def url(self) -> str:
        """The page's address, or one that stands for it."""
        return self.gold.get("url") or NOWHERE

    def body(self) -> bytes:
        """The page's bytes."""
        return gzip.decompress(self.path.read_bytes())


def folders(roots: Iterable[Path]) -> list[Path]:
    """The corpora that the paths are or hold, sorted by name."""
    found: set[Path] = set()
    for root in roots:
        found |= {path.parent for path in (*root.glob("gold.jsonl"), *root.glob("*/gold.jsonl"))}
    return sorted(found)


def samples(folder: Path, at_most: int | None = None) -> list[Sample]:
    """The pages of a corpus in its order; of more than ``at_most``, that many evenly spread."""
    with (folder / "gold.jsonl").open("rb") as lines:
        golds = [json.loads(line) for line in lines if line.strip()]
    if at_most is not None and len(golds) > at_most:
        golds = [golds[i * len(golds) // at_most] for i in range(at_most)]
    return [Sample(folder.name, gold, folder / "html" / gold["file"]) for gold in golds]
