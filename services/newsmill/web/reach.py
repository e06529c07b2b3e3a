"""What tells a host that is away from a network that is: ours.

Pure: moments are seconds of the caller's monotonic clock. A host that does not answer says little;
many that fail one after the other, with no answer from anybody in between, say that it is not them.
Hosts that answered lately are *witnesses*: before anything is concluded, some of them are asked.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

MANY = 5  # registrable domains in a row that gave no answer: it may be our network
KNOWN = 2  # so many are enough of those that answered before
MAX_WITNESSES = 32
REMEMBER_S = 3600.0  # who answered longer ago is no witness
FORGET_S = 600.0  # a silence so long ago is of another time
ASKED = 2  # witnesses asked at once
FIRST_PROBE_S = 2.0
LONGEST_PROBE_S = 60.0
GIVE_UP_S = 3600.0  # without a witness nobody can tell for ever that it is not them


class _Heard(NamedTuple):
    at: float
    origin: str


class Reach:
    """Who answered lately, and who did not answer since anybody last did."""

    def __init__(self) -> None:
        self._heard: OrderedDict[str, _Heard] = OrderedDict()  # by domain, the latest last
        self._silent: OrderedDict[str, float] = OrderedDict()
        self._next_witness = 0

    def heard(self, domain: str, origin: str, now: float) -> None:
        """The domain answered, whatever it said: the network is there."""
        self._silent.clear()
        self._heard[domain] = _Heard(now, origin)
        self._heard.move_to_end(domain)
        if len(self._heard) > MAX_WITNESSES:
            self._heard.popitem(last=False)

    def missed(self, domain: str, now: float) -> None:
        """The domain gave no answer."""
        self._silent[domain] = now
        self._silent.move_to_end(domain)
        while now - next(iter(self._silent.values())) > FORGET_S:
            self._silent.popitem(last=False)

    def is_suspicious(self, now: float) -> bool:
        """Whether so many did not answer that it may not be them."""
        known = sum(domain in self._known(now) for domain in self._silent)
        return len(self._silent) >= MANY or known >= KNOWN

    @property
    def silent(self) -> int:
        """How many domains did not answer since anybody last did."""
        return len(self._silent)

    def witnesses(self, now: float) -> list[tuple[str, str]]:
        """Domains and origins to ask whether the network is there; in turn, from call to call."""
        known = [(domain, heard.origin) for domain, heard in self._known(now).items()]
        if not known:
            return []
        # Those that are not known to be silent come first.
        known.sort(key=lambda one: one[0] in self._silent)
        fresh = sum(domain not in self._silent for domain, _ in known)
        pool = known[:fresh] if fresh else known
        first = self._next_witness % len(pool)
        self._next_witness += ASKED
        return [*pool[first:], *pool[:first]][:ASKED]

    def _known(self, now: float) -> dict[str, _Heard]:
        return {d: heard for d, heard in self._heard.items() if now - heard.at < REMEMBER_S}
