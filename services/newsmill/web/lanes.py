"""At most so many at once for each key, where keys come and go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Lanes:
    """A semaphore for each key, forgotten with its last user."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._lanes: dict[str, tuple[asyncio.Semaphore, int]] = {}

    def __len__(self) -> int:
        return len(self._lanes)

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncIterator[None]:
        """One of the key's places, first come, first served."""
        semaphore, users = self._lanes.get(key) or (asyncio.Semaphore(self._width), 0)
        self._lanes[key] = (semaphore, users + 1)
        try:
            async with semaphore:
                yield
        finally:
            _, users = self._lanes[key]
            if users == 1:
                del self._lanes[key]
            else:
                self._lanes[key] = (semaphore, users - 1)
