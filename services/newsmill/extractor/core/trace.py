"""What an extraction saw on its way, for whoever asks why; filled in only where it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from newsmill.extractor.core.about import Choice
    from newsmill.extractor.core.container import Layout
    from newsmill.extractor.core.furniture import Furniture
    from newsmill.extractor.core.sheet import Sheet


@dataclass(slots=True)
class Seen:
    """The page laid flat, and what was decided about it before its body was."""

    sheet: Sheet
    choice: Choice
    layout: Layout
    marked: Furniture


@dataclass(slots=True)
class Trace:
    """To be given to ``extract``; ``seen`` stays None where the page is a plain text."""

    seen: Seen | None = None
