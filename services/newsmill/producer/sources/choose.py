"""Which files a replay reads, and as what: by the name's ending alone, so that a folder is sure."""

from __future__ import annotations

from collections.abc import Iterable
from glob import has_magic
from pathlib import Path

from newsmill.errors import Misconfigured
from newsmill.producer.sources.base import Source
from newsmill.producer.sources.feeds import FeedSource
from newsmill.producer.sources.lines import LinesSource
from newsmill.producer.sources.past import PastSource, is_past
from newsmill.producer.sources.tables import TableSource
from newsmill.producer.sources.texts import TextSource
from newsmill.producer.sources.warc import WarcSource

_PACKED = (".gz", ".zst")
_LINES = (".jsonl", ".ndjson")
_TABLES = (".csv", ".tsv", ".parquet")
_TEXTS = (".txt", ".md", ".html", ".htm", ".xhtml")
_FEEDS = (".rss", ".atom", ".xml", ".rdf", ".json")
ENDINGS = (".warc", *_LINES, *_TABLES, *_TEXTS, *_FEEDS)


def expand(given: Iterable[str | Path]) -> list[tuple[Path, str]]:
    """The files of files, folders and globs, each once, sorted by path, with its name in a replay.

    In folders only files of a known ending are taken, hidden ones never. The name is the path below
    the folder, so that a folder may move; a topic's past is its own name. Raises Misconfigured.
    """
    found: dict[Path, str] = {}
    for word in given:
        text = str(word)
        if is_past(text):
            found[Path(text)] = text
            continue
        path = Path(text)
        if path.exists() or not has_magic(text):
            found |= _below(path)
            continue
        anchor = Path(path.anchor or ".")
        matches = list(anchor.glob(text.removeprefix(path.anchor)))
        if not matches:
            raise Misconfigured(f"{text}: no such file")
        for match in matches:
            found |= _below(match)
    return sorted(found.items())


def _below(path: Path) -> dict[Path, str]:
    if path.is_dir():
        files = [
            each
            for each in path.rglob("*")
            if each.is_file() and _ending(each) and not _is_hidden(each.relative_to(path))
        ]
        if not files:
            raise Misconfigured(f"{path}: no file in it that can be read; {_known()}")
        return {each.resolve(): str(each.relative_to(path)) for each in files}
    if not path.is_file():
        raise Misconfigured(f"{path}: no such file")
    if not _ending(path):
        raise Misconfigured(f"{path}: what kind of file is it? {_known()}")
    return {path.resolve(): path.name}


def source_of(path: Path, name: str, bus_url: str = "") -> Source:
    """The source that a file is, by its ending; a topic's past is read from the bus."""
    if is_past(str(path)):
        return PastSource(str(path), bus_url)
    ending = _ending(path)
    if ending == ".warc":
        return WarcSource(path)
    if ending in _LINES:
        return LinesSource(path)
    if ending in _TABLES:
        return TableSource(path)
    if ending in _TEXTS:
        return TextSource(path, name)
    return FeedSource(path, name)


def _ending(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _PACKED:
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in ENDINGS else ""


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _known() -> str:
    return f"known endings: {' '.join(ENDINGS)}, also with .gz or .zst"
