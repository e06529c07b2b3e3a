"""What passes from stage to stage: the arrows between the accounts of a lane."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from newsmill.ops.ledger import Ledger

PAGES_STORE = "warc"  # the raw archive takes what the extractor takes
STAGES = ("producer", "fetcher", "extractor", "enricher", "archiver", "retrier")
FLOW = STAGES[:5]


@dataclass(frozen=True, slots=True)
class Arrow:
    """From one stage to the next: what was published, and what was taken in."""

    lane: str
    source: str
    target: Ledger
    published: int

    @property
    def taken_in(self) -> int:
        """What the next stage took in."""
        return self.target.taken_in

    @property
    def on_the_way(self) -> int:
        """Published and not yet taken in; below 0 where more came from elsewhere."""
        return self.published - self.taken_in


def arrows(ledgers: Iterable[Ledger]) -> Iterator[Arrow]:
    """What passes between the stages of each lane that the logs know."""
    lanes: dict[str, dict[str, list[Ledger]]] = {}
    for ledger in ledgers:
        lanes.setdefault(ledger.lane, {}).setdefault(ledger.stage, []).append(ledger)
    for lane, stages in lanes.items():
        known = [stage for stage in FLOW if stage in stages]
        while len(known) > 2 and (idle := _passed_by(known, stages)) is not None:
            known.remove(idle)
        made = {name: sum(each.outcomes["published"] for each in stages[name]) for name in known}
        before = dict(zip(known[1:], known, strict=False))
        for target, source in before.items():
            for ledger in stages[target]:
                if ledger.store == PAGES_STORE:
                    source = before.get("extractor", source)
                yield Arrow(lane, source, ledger, made[source])


def _passed_by(known: list[str], stages: dict[str, list[Ledger]]) -> str | None:
    """A stage between others that took in nothing while the next one did: a replay of pages."""
    for stage, target in pairwise(known[1:]):
        if _taken_in(stages[stage]) == 0 < _taken_in(stages[target]):
            return stage
    return None


def _taken_in(ledgers: list[Ledger]) -> int:
    return sum(ledger.taken_in for ledger in ledgers)


def in_order(ledgers: Iterable[Ledger]) -> list[Ledger]:
    """The accounts in the order of the pipeline, lane by lane."""
    return sorted(
        ledgers,
        key=lambda one: (
            one.lane,
            STAGES.index(one.stage) if one.stage in STAGES else len(STAGES),
            one.stage,
            one.store or "",
        ),
    )


def name_of(ledger: Ledger) -> str:
    """The stage, and its store where it has several."""
    return f"{ledger.stage}:{ledger.store}" if ledger.store else ledger.stage
