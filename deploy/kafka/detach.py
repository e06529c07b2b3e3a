"""Starts a command that outlives its starter: ``detach.py LOG COMMAND…`` prints its process id."""

import subprocess
import sys

with open(sys.argv[1], "ab") as log:  # noqa: PTH123 - as few imports as can be
    process = subprocess.Popen(
        sys.argv[2:], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
    )
sys.stdout.write(f"{process.pid}\n")
process.returncode = 0  # not ours to wait for
