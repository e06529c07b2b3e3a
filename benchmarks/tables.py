"""Tables of Markdown, and the marked places of documents that benchmarks write them into."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path


def table(head: Sequence[str], lines: Iterable[Sequence[str]]) -> str:
    """The rows as a table of Markdown."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def between_marks(document: Path, name: str, text: str) -> None:
    """Replace what stands between ``<!-- NAME -->`` and ``<!-- /NAME -->`` in a document.

    Raises ValueError where the document has no such marks.
    """
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    whole = document.read_text()
    if whole.count(start) != 1 or whole.count(end) != 1:
        raise ValueError(f"{document}: no place marked {start}")
    pattern = re.compile(re.escape(start) + ".*?" + re.escape(end), re.S)
    document.write_text(pattern.sub(lambda _: f"{start}\n\n{text}\n\n{end}", whole))
