"""What shapes the values of a record beside its page: our own code, and the libraries under it."""

from __future__ import annotations

import hashlib
import platform
import unicodedata
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable

from newsmill import __version__

# Those that take part in making an enriched record of a source; the web's and the bus's do not.
LIBRARIES = (
    "charset-normalizer", "dateparser", "fastwarc", "htmldate", "idna", "lxml", "lxml_html_clean",
    "msgspec", "orjson", "pyarrow", "pycld2", "python-dateutil", "tld", "trafilatura",
)  # fmt: skip
ROOMS = ("extractor", "enricher", "producer", "records.py", "urls.py", "process/pages.py")


def versions(stages: dict[str, str]) -> dict[str, str]:
    """Every version that may change a value; ``stages`` are those that our stages state.

    ``code`` is the digest of the code itself, which changes with every edit of the rooms that make
    records, whether somebody thought of a version number or not.
    """
    found = {
        "newsmill": __version__,
        "code": code_digest(),
        **stages,
        "python": platform.python_version(),
        "unicode": unicodedata.unidata_version,
    }
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def code_digest() -> str:
    """BLAKE2b-64 over the files of the rooms that make records."""
    state = hashlib.blake2b(digest_size=8)
    root = files("newsmill")
    for room in ROOMS:
        _take(state, root.joinpath(room), room)
    return state.hexdigest()


def _take(state: hashlib.blake2b, found: Traversable, name: str) -> None:
    if found.is_file():
        state.update(f"{name}\0".encode())
        state.update(found.read_bytes())
        return
    for child in sorted(found.iterdir(), key=lambda each: each.name):
        if child.name != "__pycache__":
            _take(state, child, f"{name}/{child.name}")
