"""The process that a smoke test kills: told by standard input what to do, it dies of it."""

from __future__ import annotations

import json
import sys

from newsmill.bus import connect
from newsmill.bus.smoke import stages
from newsmill.errors import NewsmillError

STEPS_BEFORE = 1  # done, so that there is something to go on from


def main() -> None:
    """Carry records from pages to articles until the step in which it is killed."""
    told = json.load(sys.stdin)
    try:
        stages.carry(connect(told["url"], told["lane"]), stages.EXTRACT, die_in=STEPS_BEFORE)
    except NewsmillError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
