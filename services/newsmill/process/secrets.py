"""The secrets that a process was told, so that its last words can be written without them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from urllib.parse import unquote

from newsmill.bus import environment as of_kafka
from newsmill.errors import Misconfigured
from newsmill.process.settings import FILES

_USERINFO = re.compile(r"://[^/?#\s:@]*:([^/?#\s]*)@")
_OPTION = re.compile(r"[?&](?:ssl)?password=([^&#\s]+)")
HIDDEN = "***"


def secrets_in(texts: Iterable[str], environment: Mapping[str, str] = os.environ) -> list[str]:
    """Every password in the texts and the environment, as it stands there and as it is meant."""
    found = set()
    with suppress(Misconfigured):  # what cannot be read was told to nobody
        found.add(of_kafka.told(environment).get("password", ""))
    for text in (*texts, *(environment.get(name, "") for name in FILES.values())):
        for pattern in (_USERINFO, _OPTION):
            found |= {each for told in pattern.findall(text) for each in (told, unquote(told))}
    return sorted(filter(None, found), key=len, reverse=True)


def without(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret hidden, wherever it stands in it."""
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
    return text
