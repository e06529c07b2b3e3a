"""What is asked of the web client, what it gives back, and what each HTTP status means for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from newsmill.errors import BadRecord, Reason, TryLater

LATER_S = 60.0  # after a failure that names no time of its own
Meaning = Literal["whole", "unchanged", "moved", "later", "final"]

_WHOLE = frozenset((200, 203, 226))
_MOVED = frozenset((301, 302, 303, 307, 308))
_PERMANENT = frozenset((301, 308))
_LATER = frozenset((408, 425, 429))
_CONDITIONS = frozenset(("if-modified-since", "if-none-match"))
_NEVER = frozenset((501, 505))  # of the 5xx: the server cannot do it, now or later


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One URL to ask for. ``headers`` are conditions and the like, sent verbatim."""

    url: str
    headers: tuple[tuple[str, str], ...] = ()
    max_bytes: int | None = None  # None: as the settings say
    robots: bool = True  # ask robots.txt first
    accept: str = "text/html,application/xhtml+xml,*/*;q=0.8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer that holds a body (200, 203, 226), or says that nothing changed (304)."""

    url: str  # as asked for
    final_url: str  # after redirects, in normal form
    status: int
    headers: dict[str, str]  # names in lower case, several of one name joined by a comma
    body: bytes
    redirects: tuple[str, ...] = ()  # where each one led, in normal form
    moved_to: str | None = None  # how far permanent redirects alone led, where they led anywhere
    crawl_delay_s: float | None = None  # what robots.txt asks for, at most 60 s
    wire_bytes: int = 0  # of the body, before it was unpacked
    took_ms: float = 0.0  # on the network; waiting out of politeness is not counted


class Refused(BadRecord):
    """A final no; ``status`` is the server's, None where it is ours."""

    def __init__(self, reason: Reason, detail: str, status: int | None = None) -> None:
        super().__init__(reason, detail)
        self.status = status


class Later(TryLater):
    """Not now; ``status`` is the server's, None where there was no answer.

    ``asked`` says whether ``after_s`` is the server's own wish: otherwise a back-off may be longer.
    """

    def __init__(
        self,
        why: str,
        after_s: float = LATER_S,
        status: int | None = None,
        *,
        asked: bool = False,
    ) -> None:
        super().__init__(why, after_s)
        self.status = status
        self.asked = asked


def meaning(status: int) -> Meaning:
    """What becomes of a record whose answer has this status.

    408, 425, 429 and 5xx but 501 and 505 are asked again; 204 and 206 are no whole answer to a
    question for the whole; all the rest, unknown ones included, is a final no.
    """
    if status in _WHOLE:
        return "whole"
    if status == 304:
        return "unchanged"
    if status in _MOVED:
        return "moved"
    if status in _LATER or (500 <= status < 600 and status not in _NEVER):
        return "later"
    return "final"


def is_permanent(status: int) -> bool:
    """Whether a redirect says that the old URL is not to be used again."""
    return status in _PERMANENT


def is_conditional(request: Request) -> bool:
    """Whether the answer may be that nothing changed."""
    return any(name.lower() in _CONDITIONS for name, _ in request.headers)
