"""Pure: ``extract`` turns the bytes of a page into an article."""

from __future__ import annotations

from newsmill.extractor.core.extract import VERSION, extract

__all__ = ["VERSION", "extract"]
