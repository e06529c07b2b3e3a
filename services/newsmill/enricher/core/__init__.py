"""Pure: annotators, from article to annotations."""

from __future__ import annotations

from newsmill.enricher.core.annotate import Annotations, annotate, versions

__all__ = ["Annotations", "annotate", "versions"]
