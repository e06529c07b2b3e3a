"""``lane promote``: the records of a lane become those of live."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

from newsmill.archiver.core.fold import row_of
from newsmill.archiver.lanes import article_stores, open_lane
from newsmill.archiver.store import Adopted
from newsmill.archiver.stores import open_wanted
from newsmill.process.settings import Settings
from newsmill.replay.lanes import LIVE


def promote(settings: Settings) -> dict[str, Adopted]:
    """Take the lane's newest record of every page over into each of live's stores.

    One transaction a store: killed in the middle, a store has all of it or nothing, and the same
    call does what is left. Raises TryLater where a store is away, Misconfigured where there is no
    such lane.
    """
    done = {}
    for wanted in article_stores(settings):
        live = open_wanted(wanted, replace(settings, lane=LIVE))
        with closing(open_lane(settings)) as lane, closing(live):
            done[wanted.name] = live.adopt(row_of(record) for _, record in lane.newest())
    return done
