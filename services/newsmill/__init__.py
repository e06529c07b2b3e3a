"""A streaming news-ingest pipeline: feeds in, clean deduplicated article records out."""

__version__ = "0.1.0"
