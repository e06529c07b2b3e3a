"""What the environment says of a Kafka bus: every option of its URL, and the credentials.

``NEWSMILL_KAFKA_X`` is the option ``x`` of the URL, which goes before it. A password is better kept
here, or in a file that ``NEWSMILL_KAFKA_PASSWORD_FILE`` names, than in a URL, which command lines
show.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from newsmill.errors import Misconfigured

PREFIX = "NEWSMILL_KAFKA_"
PATIENCE_MS = 60_000
OPTIONS = (
    "sasl", "tls", "ca", "cert", "key",
    "replicas", "wait_ms", "session_ms", "stall_ms", "transaction_ms",
)  # fmt: skip
LOGIN = ("user", "password", "password_file")
NAMES = frozenset(PREFIX + name.upper() for name in (*LOGIN, *OPTIONS))


def refuse_unknown(environment: Mapping[str, str]) -> None:
    """Raise Misconfigured for a variable with our prefix that means nothing."""
    for variable in environment:
        if variable.startswith(PREFIX) and variable not in NAMES:
            near = difflib.get_close_matches(variable, sorted(NAMES), n=1)
            more = f"; did you mean {near[0]}?" if near else ""
            raise Misconfigured(f"environment: unknown setting {variable}{more}")


def told(environment: Mapping[str, str]) -> dict[str, str]:
    """Option to value of what is set; the password's file is read, less the newline at its end.

    Empty variables count as not set. Raises Misconfigured, without the value of anything.
    """
    refuse_unknown(environment)
    found = {
        name: environment[variable]
        for name in (*LOGIN, *OPTIONS)
        if environment.get(variable := PREFIX + name.upper())
    }
    file = found.pop("password_file", None)
    if file is not None:
        if "password" in found:
            raise Misconfigured(
                f"environment: {PREFIX}PASSWORD and {PREFIX}PASSWORD_FILE; set one of them"
            )
        found["password"] = secret_of(f"{PREFIX}PASSWORD_FILE", Path(file))
    return found


def told_on(environment: Mapping[str, str]) -> dict[str, str]:
    """What a supervisor hands to its workers: the same, and patience.

    It has been let in itself, so brokers that refuse one of its workers are only away for a while.
    """
    patience = {f"{PREFIX}WAIT_MS": str(PATIENCE_MS)}
    return patience | {name: environment[name] for name in NAMES & environment.keys()}


def secret_of(variable: str, file: Path) -> str:
    """The text of the file that a variable names, less its last newline; raises Misconfigured."""
    try:
        secret = file.read_text(encoding="utf-8").removesuffix("\n").removesuffix("\r")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "not UTF-8"
        raise Misconfigured(f"environment: {variable} {file}: {why}") from None
    if not secret:
        raise Misconfigured(f"environment: {variable} {file}: it is empty")
    return secret
