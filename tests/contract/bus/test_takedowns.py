"""A takedown is said once, on the live lane, and known in every lane, on every transport."""

from __future__ import annotations

import pytest

from contract.bus.conftest import Open
from newsmill.bus.base import Bus
from newsmill.cli import forget
from newsmill.process import denied
from newsmill.process.denied import Following
from newsmill.process.settings import Settings
from newsmill.records import Denial

AT = "2026-11-24T12:00:00Z"


def test_a_takedown_is_followed_live_and_looked_up_from_other_lanes(
    bus: Bus, open_bus: Open, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(denied, "FOLLOW_S", 0.0)
    monkeypatch.setattr(denied, "FOLLOW_REPLAY_S", 0.0)
    lanes = [Following(open_bus(lane), Settings(bus=url, lane=lane)) for lane in ("live", "y2024")]
    forget.publish(bus, [Denial(key="a.example", at=AT), Denial(key="b.example", at=AT)])
    for following in lanes:
        assert {denial.key for denial in following.fresh()} == {"a.example", "b.example"}
        assert following.fresh() == []
    forget.publish(bus, [Denial(key="c.example", at=AT)])
    for following in lanes:
        assert [denial.key for denial in following.fresh()] == ["c.example"]
        assert following.denied.find((), ("https://www.a.example/",)) is not None


def test_a_lane_asks_a_bus_without_a_live_lane_and_makes_none(open_bus: Open, url: str) -> None:
    following = Following(open_bus("y2024"), Settings(bus=url, lane="y2024"))
    assert following.fresh() == []
    assert "live" not in open_bus("y2024").lanes()
