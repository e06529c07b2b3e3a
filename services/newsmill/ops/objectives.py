"""What is asked of a running newsmill: objectives with a budget, and limits; from TOML.

An objective says which share of events must be good; a limit is a number that must not be passed.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

import msgspec

from newsmill.errors import Misconfigured
from newsmill.process.events import Stage

Measure = Literal["end_to_end_s", "age_s", "took_s", "alive"]


class Objective(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A share of events that must be good.

    ``end_to_end_s``: an article is in the store within ``most`` seconds of its discovery.
    ``age_s``: a stage finishes a record within ``most`` seconds of its being written; ``took_s``:
    it works on it for at most so long. ``alive``: a record does not die at the stage.
    """

    name: str
    measure: Measure
    target: float  # the share that must be good, below 1
    stage: Stage | None = None
    most: float | None = None  # seconds

    def check(self) -> None:
        """Raises ValueError for an objective that makes no sense."""
        if not 0 < self.target < 1:
            raise ValueError(f"{self.name}: target must lie between 0 and 1")
        if (self.most is None) != (self.measure == "alive"):
            raise ValueError(f"{self.name}: {self.measure} takes {self._most_or_not} `most`")
        if (self.stage is None) != (self.measure == "end_to_end_s"):
            raise ValueError(f"{self.name}: {self.measure} takes {self._stage_or_not} `stage`")

    @property
    def _most_or_not(self) -> str:
        return "no" if self.measure == "alive" else "a"

    @property
    def _stage_or_not(self) -> str:
        return "no" if self.measure == "end_to_end_s" else "a"


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Numbers that must not be passed; None leaves one out."""

    unexplained: int | None = 0  # records that the logs cannot explain
    missing_lines: int | None = 0  # numbers of lines that are nowhere
    unread_files: int | None = 0
    lag_s: float | None = 900.0  # how long a record may wait before a stage
    held_s: float | None = 600.0  # how long a partition may be held
    silent_worker_s: float | None = 120.0
    gone_worker_s: float | None = 86_400.0  # one silent for longer was taken away
    crashes: int | None = 2  # of one worker within an hour
    silent_feeds: int | None = 0
    failing_feeds: float | None = 0.25  # the share that may fail at their last poll
    stale_feeds: int | None = None
    changed_sites: int | None = 0
    changed_site_s: float = 86_400.0  # how long a change is news
    growing_workers: int | None = 0  # whose memory grows
    clock_jumps: int | None = 0
    alarms: tuple[str, ...] = ("bus.damaged", "bus.full", "disk.low", "fuse.blown", "network.down")
    alarm_s: float = 3600.0  # how long one of them, a jump or a growth is held against us


class Burn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Fails when the budget of failures is used up so many times too fast, over both windows."""

    times: float
    long_s: float
    short_s: float


BURNS = (  # of the SRE Workbook, chapter 5
    Burn(times=14.4, long_s=3600, short_s=300),
    Burn(times=6.0, long_s=6 * 3600, short_s=1800),
    Burn(times=1.0, long_s=3 * 86_400, short_s=6 * 3600),
)


class Objectives(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All that is asked."""

    objectives: tuple[Objective, ...] = ()
    limits: Limits = Limits()
    burns: tuple[Burn, ...] = BURNS
    least_events: int = 20  # in a window, to judge it


DEFAULT = Objectives(
    objectives=(
        Objective("in the store within 15 minutes", "end_to_end_s", 0.95, most=900.0),
        Objective("pages are fetched", "alive", 0.9, stage="fetcher"),
        Objective("articles are extracted", "alive", 0.9, stage="extractor"),
        Objective("articles are annotated", "alive", 0.999, stage="enricher"),
        Objective("articles are stored", "alive", 0.999, stage="archiver"),
        Objective("a page is extracted within 5 s", "took_s", 0.99, stage="extractor", most=5.0),
    )
)
"""What is asked where nobody says otherwise."""


def read_objectives(path: Path) -> Objectives:
    """The objectives of a TOML file; raises Misconfigured, with what is wrong in it."""
    try:
        with path.open("rb") as file:
            found = msgspec.convert(tomllib.load(file), Objectives)
        for objective in found.objectives:
            objective.check()
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, ValueError) as error:
        raise Misconfigured(f"{path}: {error}") from None
    return found
