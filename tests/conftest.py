"""Settings of all tests."""

from __future__ import annotations

from hypothesis import settings

# Property tests are the same on every machine: no deadline on a loaded one, no luck in examples.
settings.register_profile("newsmill", deadline=None, derandomize=True)
settings.load_profile("newsmill")
