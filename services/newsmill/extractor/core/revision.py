"""What a reader would call the content of an article, as one hash.

A re-fetch that only moved furniture, counters or spacing has the same one.
"""

from __future__ import annotations

from collections.abc import Iterable

from newsmill.records import Image, digest


def of(title: str | None, subtitle: str | None, text: str, images: Iterable[Image]) -> str:
    """BLAKE2b-128, hex, of title, subtitle, text and captions; never of an address or a time."""
    captions = (image.caption for image in images if image.caption)
    parts = (title or "", subtitle or "", text, *captions)
    return digest("r1", *map(_flat, parts))


def _flat(text: str) -> str:
    """Text with its spacing folded; that of a record nearly always is, but for its lines."""
    flat = text.replace("\n", " ")
    if flat.isprintable() and "  " not in flat:
        return flat.strip()
    return " ".join(text.split())
