"""Waits of the loops, cut short so that a test need not wait them out."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _in_short(monkeypatch: pytest.MonkeyPatch) -> None:
    for loop in ("drain", "tend"):
        monkeypatch.setattr(f"newsmill.process.{loop}.FIRST_FULL_WAIT_S", 0.4)
        monkeypatch.setattr(f"newsmill.process.{loop}.FENCE_WAIT_S", 0.3)
