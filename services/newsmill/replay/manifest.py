"""The manifest of a replay: what went in, what shaped it, what came out; small enough to be cited.

Two manifests of the same sources, versions and configuration have the same counts and the same
digest of the output, whatever machine, transport, number of workers or kills lie between them.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import orjson

from newsmill.errors import Misconfigured

FILE = "manifest.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file that was read, or a topic's past, which has no size."""

    name: str  # by which the replay knows it: the path below the folder that was given
    path: str
    size: int | None = None  # bytes
    digest: str | None = None  # BLAKE2b-256 of them; of a topic's past the name of its log


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One replay command: a lane may be filled by several, in this order."""

    given: tuple[str, ...]  # sources as they were named
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """All records that came out; see ``process.fingerprint.output_of``."""

    records: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """See the module. ``made`` and ``lane`` are for people, and are not compared."""

    newsmill_manifest: int = 1
    lane: str
    made: str  # when it was written
    runs: tuple[Run, ...]
    versions: dict[str, str]  # of newsmill, its parts, and the libraries that shape values
    configuration: dict[str, Any]  # the settings that shape values
    configuration_digest: str
    counts: dict[str, dict[str, int]]  # stage → outcome → records
    reasons: dict[str, dict[str, int]]  # stage → "refused no_article" → records
    counted: bool = True  # False: logs were lost, so that counts may fall short
    output: Made = field(default_factory=lambda: Made(records=0, digest=""))


_DECODER = msgspec.json.Decoder(Manifest)


def read(path: Path) -> Manifest:
    """The manifest in a file; raises Misconfigured where there is none."""
    try:
        found = _DECODER.decode(path.read_bytes())
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: no manifest of a replay: {error}") from None
    if found.newsmill_manifest != 1:
        raise Misconfigured(f"{path}: of a newer newsmill; install one")
    return found


def write(manifest: Manifest, path: Path) -> None:
    """Write it whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.name}.new")
    with beside.open("wb") as file:
        file.write(orjson.dumps(manifest, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def with_run(earlier: Manifest | None, run: Run) -> tuple[Run, ...]:
    """The runs of a lane with this one: in its old place where it is the same command again."""
    runs = list(earlier.runs) if earlier is not None else []
    for number, one in enumerate(runs):
        if one.given == run.given:
            runs[number] = run
            return tuple(runs)
    return (*runs, run)


def digest_of(values: dict[str, Any]) -> str:
    """BLAKE2b-128 of plain values, whatever the order of their names."""
    return hashlib.blake2b(
        orjson.dumps(values, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).hexdigest()


class Digests:
    """Reads the sources for their digests, beside the replay and one after the other."""

    def __init__(self, sources: Iterable[tuple[Path, str]]) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="digests")
        self._found = [self._pool.submit(source_at, path, name) for path, name in sources]

    def result(self) -> tuple[Source, ...]:
        """All of them, when they are done; raises Misconfigured where one cannot be read."""
        try:
            return tuple(map(Future.result, self._found))
        except OSError as error:
            raise Misconfigured(f"{error.filename}: {error.strerror}") from None

    def close(self) -> None:
        """Leave off."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def source_at(path: Path, name: str) -> Source:
    """A source as the manifest states it; raises OSError."""
    if name.startswith("topic:"):  # its name says from where to where, and what was written stays
        return Source(name=name, path=name)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=32)).hexdigest()
        return Source(name=name, path=str(path), size=file.tell(), digest=digest)


def other_sources(before: Manifest, after: Manifest) -> list[str]:
    """What differs between the sources of two manifests, one line each."""
    one, other = _by_name(before), _by_name(after)
    lines = [f"source {name}: not there any more" for name in one if name not in other]
    lines += [f"source {name}: it was not there" for name in other if name not in one]
    for name in one:
        was, now = one[name], other.get(name)
        if now is not None and (was.size, was.digest) != (now.size, now.digest):
            how = "other bytes" if was.size == now.size else f"{was.size} bytes, now {now.size}"
            lines.append(f"source {name}: it was changed ({how})")
    return lines


def _by_name(manifest: Manifest) -> dict[str, Source]:
    """The sources by name; those that share one, by path: a folder may have moved, if it can."""
    sources = [source for run in manifest.runs for source in run.sources]
    times = Counter(source.name for source in sources)
    return {(one.name if times[one.name] == 1 else one.path): one for one in sources}


def other_shape(before: Manifest, after: Manifest) -> list[str]:
    """What else shapes values and differs: versions and settings, one line each."""
    return [
        *_unlike("version of ", before.versions, after.versions),
        *_unlike("setting ", before.configuration, after.configuration),
    ]


def other_results(before: Manifest, after: Manifest) -> list[str]:
    """What differs in the results, one line each; nothing where they are the same."""
    lines = []
    if before.counted and after.counted:
        for stage in before.counts.keys() | after.counts.keys():
            was, now = before.counts.get(stage, {}), after.counts.get(stage, {})
            lines += _unlike(f"{stage} ", was, now)
            was, now = before.reasons.get(stage, {}), after.reasons.get(stage, {})
            lines += _unlike(f"{stage} ", was, now)
        lines.sort()
    if before.output.records != after.output.records:
        lines.append(f"records: {before.output.records:,}, now {after.output.records:,}")
    if before.output.digest != after.output.digest:
        lines.append(f"digest of the output: {before.output.digest}, now {after.output.digest}")
    return lines


def _unlike(what: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    return [
        f"{what}{name}: {before.get(name, 'none')}, now {after.get(name, 'none')}"
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    ]
