"""``python -m newsmill``: the command line."""

from __future__ import annotations

from newsmill.cli import main

if __name__ == "__main__":
    main()
