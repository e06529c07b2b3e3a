"""A real browser for tests of pages: Chromium without a window, driven by its own protocol.

The first of ``NEWSMILL_CHROMIUM``, ``chromium``, ``chromium-browser`` and ``google-chrome`` that is
there. Where none is, tests are skipped with that reason; under ``NEWSMILL_REQUIRE_BROWSER=1`` they
fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
START_S = 30.0
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--remote-debugging-port=0",
)  # fmt: skip


def chromium() -> str:
    """Its path; skips the test where there is none."""
    found = os.environ.get("NEWSMILL_CHROMIUM") or next(
        filter(None, map(shutil.which, NAMES)), None
    )
    if found is not None:
        return found
    why = f"no browser: none of {', '.join(NAMES)} on PATH, and NEWSMILL_CHROMIUM names none"
    if os.environ.get("NEWSMILL_REQUIRE_BROWSER"):
        pytest.fail(why)
    pytest.skip(why)


class Tab:
    """One page, its faults, and what it can be asked."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._ids = count(1)
        self.faults: list[str] = []  # what its console says: refused by the policy, not found
        self.asked: list[str] = []  # URLs that it asked for
        self._loaded = False

    async def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        await self._socket.send_json({"id": number, "method": method, "params": params})
        while True:
            said = await self._socket.receive_json(timeout=START_S)
            self._heard(said)
            if said.get("id") == number:
                assert "error" not in said, said
                return said["result"]

    def _heard(self, said: dict[str, Any]) -> None:
        params = said.get("params", {})
        match said.get("method"):
            case "Log.entryAdded":
                self.faults.append(params["entry"]["text"])
            case "Runtime.exceptionThrown":
                self.faults.append(params["exceptionDetails"]["text"])
            case "Network.requestWillBeSent":
                self.asked.append(params["request"]["url"])
            case "Page.loadEventFired":
                self._loaded = True

    async def open(self, page: Path, width: int, height: int = 900) -> None:
        for room in ("Page", "Log", "Runtime", "Network"):
            await self.call(f"{room}.enable")
        await self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 600,
        )  # fmt: skip
        self._loaded = False
        await self.call("Page.navigate", url=page.resolve().as_uri())
        while not self._loaded:
            self._heard(await self._socket.receive_json(timeout=START_S))

    async def ask(self, expression: str) -> Any:
        """The value of an expression of JavaScript in the page."""
        said = await self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        return said["result"].get("value")


@contextlib.asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A browser with one empty page; ``folder`` is its own."""
    told = folder / "DevToolsActivePort"
    command = [chromium(), *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + START_S
        while not (told.exists() and told.read_text().count("\n")):
            assert process.poll() is None, "it ended at once"
            assert time.monotonic() < deadline, "it did not start"
            await asyncio.sleep(0.05)
        port = told.read_text().split("\n")[0]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            async with session.ws_connect(pages[0]["webSocketDebuggerUrl"], max_msg_size=0) as ws:
                yield Tab(ws)
    finally:
        process.kill()
        process.wait(10)


def looked_at(page: Path, folder: Path, width: int, *questions: str) -> tuple[Tab, list[Any]]:
    """A page opened at a width in pixels, and the answers to questions in JavaScript."""

    async def look() -> tuple[Tab, list[Any]]:
        async with tab(folder) as opened:
            await opened.open(page, width)
            return opened, [await opened.ask(question) for question in questions]

    return asyncio.run(look())
