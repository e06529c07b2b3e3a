"""Settings of all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import settings

from running import end_all

# Property tests are the same on every machine: no deadline on a loaded one, no luck in examples.
settings.register_profile("newsmill", deadline=None, derandomize=True)
settings.load_profile("newsmill")


@pytest.fixture(autouse=True)
def _no_command_outlives_its_test() -> Iterator[None]:
    yield
    end_all()
