"""Hostile pages: the small ones of the set that ``benchmarks/hostile.py`` runs whole."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "benchmarks" / "hostile.py"


def test_no_small_hostile_page_is_cut_or_slow() -> None:
    done = subprocess.run(
        [sys.executable, str(PROGRAM), "--quick"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
