"""The raw archive: every page that was fetched, as WARC files with an index; a store like others.

A process appends to a file of its own. What counts is what the index has committed: a tail that a
killed or replaced writer left behind is cut off at the next start, so that nothing is in the files
twice or in half.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from newsmill import __version__
from newsmill.archiver import capture
from newsmill.archiver.index import Capture, Index
from newsmill.archiver.store import check_expected, check_forward
from newsmill.archiver.takedown import take_down
from newsmill.bus import crash
from newsmill.bus.base import Place
from newsmill.errors import Misconfigured, TryLater
from newsmill.records import Denial, Page

MAX_FILE = 1 << 30  # bytes, after which a new file is begun
MAX_AGE_S = 86_400.0
RETRY_S = 30.0


@dataclass(frozen=True, slots=True)
class RawPage:
    """A page as the archive takes it."""

    page: Page
    held: bytes  # the metadata as it stood in the page record
    body: bytes


class WarcArchive:
    """A store of pages in ``folder``. Not thread-safe: one thread owns it."""

    def __init__(self, folder: Path, lane: str, *, max_file: int = MAX_FILE) -> None:
        self._folder = folder
        self._lane = lane
        self._max_file = max_file
        self._index = Index(folder)
        self._file: BinaryIO | None = None
        self._name = ""
        self._size = 0  # committed
        self._begun = 0.0
        self._cut_tails()

    def positions(self, log_identity: str) -> dict[Place, int]:
        """How far the archive is in the log of that name: all below is in it."""
        return self._index.positions(log_identity)

    def write(
        self,
        rows: Sequence[RawPage],
        log_identity: str,
        expected: Mapping[Place, int],
        reached: Mapping[Place, int],
    ) -> None:
        """Append the pages that are not there yet, and move the positions; see ``Store.write``."""
        check_forward(expected, reached)
        try:
            with self._index.step():
                present = self._index.positions(log_identity)
                check_expected(str(self._folder), present, expected, reached, {})
                size = self._append(rows)
                self._index.advance(log_identity, reached)
                crash.point("store.written")
            self._size = size
            crash.point("store.done")
        except OSError as error:
            self._give_up()
            why = f"archive {self._folder}: {error.strerror}"
            raise TryLater(why, RETRY_S) from None
        except BaseException:
            self._give_up()
            raise

    def forget(self, denials: Sequence[Denial]) -> int:
        """Take down what is denied, and take none of it ever again; gives how many captures."""
        return take_down(self._folder, self._index, denials)

    def _append(self, rows: Sequence[RawPage]) -> int:
        """Write records to the disk and the index; gives the file's new length."""
        if not rows:
            return self._size
        file = self._current()  # once a step: no step is of two files
        size = self._size
        for row in rows:
            page, digest = row.page, capture.payload_digest(row.body)
            known = self._index.has(page.page_id, page.fetched or "", digest)
            if known or self._index.is_denied(page):
                continue
            original = self._index.body(page.page_id, digest)
            if original is None:
                record = capture.response(page, row.held, row.body, digest)
            else:
                record = capture.revisit(page, row.held, len(row.body), digest, original)
            file.write(record)
            kind = "revisit" if original else "response"
            one = Capture(
                page.page_id,
                page.fetched or "",
                digest,
                page.url,
                capture.urn_of(kind, page, digest),
                self._name,
                size,
                len(record),
                original is not None,
                page.final_url,
            )
            self._index.add([one])
            size += len(record)
        if size > self._size:
            file.flush()
            os.fsync(file.fileno())
            self._index.grow(self._name, size)
        return size

    def _current(self) -> BinaryIO:
        """The file that is appended to; a new one where it is long or old enough."""
        if self._file is not None:
            is_old = time.monotonic() - self._begun > MAX_AGE_S
            if self._size < self._max_file and not is_old:
                return self._file
            self._file.close()
        self._file = self._begin()
        return self._file

    def _begin(self) -> BinaryIO:
        now = datetime.now(UTC)
        stem = f"newsmill-{self._lane}-{now:%Y%m%d%H%M%S}"
        for number in range(100_000):
            self._name = f"{stem}-{number:05}.warc.gz"
            with suppress(FileExistsError):
                file = (self._folder / self._name).open("xb")
                break
        else:
            raise Misconfigured(f"archive {self._folder}: no name left for a file")
        head = capture.warcinfo(self._lane, __version__, f"{now:%Y-%m-%dT%H:%M:%SZ}")
        file.write(head)
        _sync_folder(self._folder)  # a power cut must not take a file that the index speaks of
        self._size = len(head)
        self._begun = time.monotonic()
        return file

    def _give_up(self) -> None:
        """Forget what was appended and not committed."""
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # what is buffered finds no more room than what came before it
                file.close()
            _cut(self._folder / self._name, self._index.sizes().get(self._name, 0))

    def _cut_tails(self) -> None:
        """Take off what no step committed: of files of killed writers, and of replaced ones."""
        sizes = self._index.sizes()
        for path in sorted(self._folder.glob("newsmill-*.warc.gz")):
            _cut(path, sizes.get(path.name, 0))

    def close(self) -> None:
        """Let go of the files."""
        if self._file is not None:
            self._give_up()
        self._index.close()


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _cut(path: Path, size: int) -> None:
    if not path.exists():
        return
    if size == 0:
        path.unlink()
    elif path.stat().st_size > size:
        os.truncate(path, size)
