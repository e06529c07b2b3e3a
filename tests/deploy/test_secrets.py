"""A password that we are told is used, and never written: not shown, not logged, not in a crash."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from newsmill.process.secrets import secrets_in, without
from running import environment, newsmill, start, stop

PLANTED = "pl4nted/s3cret"
ENCODED = "pl4nted%2Fs3cret"
BUS = f"kafka://me:{ENCODED}@127.0.0.1:1/newsmill"
STORE = f"postgresql://me:{ENCODED}@127.0.0.1:1/news"


def told(*words: object, **settings: str) -> str:
    """All that a command says; the exit code at its end."""
    done = newsmill(*words, **settings)
    return (done.stdout + done.stderr).decode() + f"\nexit {done.returncode}"


def is_kept(text: str) -> bool:
    return PLANTED not in text and ENCODED not in text and "s3cret" not in text


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Settings that name files with the secrets in them."""
    found = {}
    for name, value in {"bus_file": BUS, "store_file": STORE}.items():
        (tmp_path / name).write_text(f"{value}\n")
        found[name] = str(tmp_path / name)
    return found


def test_config_shows_where_and_not_the_password(files: dict[str, str]) -> None:
    for said in (
        told("config", bus=BUS, store=STORE),
        told("config", **files),
        told("config", "--json", "--bus", BUS, "--store", STORE),
        told("config", kafka_user="me", kafka_password=PLANTED),
    ):
        assert said.endswith("exit 0")
        assert is_kept(said)
    assert "kafka://***@127.0.0.1:1/newsmill" in told("config", **files)
    assert "postgresql://***@127.0.0.1:1/news" in told("config", **files)


def test_a_refusal_names_no_password(files: dict[str, str], tmp_path: Path) -> None:
    away = told("work", "archiver", data=str(tmp_path), kafka_wait_ms="0", **files)
    assert away.endswith("exit 76"), "a worker whose bus is away is started again"
    refused = (
        told("bus", "describe", "--bus", f"{BUS}?nonsense=1"),
        told("bus", "describe", "--bus", BUS.replace("kafka:", "kafkaesque:")),
        told("bus", "describe", bus=BUS, bus_file=files["bus_file"]),
        told(
            "work", "archiver", "--store", STORE.replace("postgresql", "mysql"), data=str(tmp_path)
        ),
        told(
            "bus",
            "lag",
            "--bus",
            "kafka://127.0.0.1:1/x",
            kafka_user="me",
            kafka_password=PLANTED,
            kafka_password_file=str(tmp_path / "none"),
        ),
    )
    for said in (away, *refused):
        assert said is away or said.endswith("exit 2"), said
        assert is_kept(said)
        assert len(list(filter(None, said.splitlines()))) == 2, "one line, and the exit code"


def test_a_worker_whose_store_is_away_logs_no_password(tmp_path: Path) -> None:
    log = tmp_path / "stderr"
    settings = {"data": str(tmp_path / "data"), "store": STORE, "heartbeat_s": "0.2"}
    worker = start("work", "archiver", log=log, **settings)
    deadline = time.monotonic() + 20
    while "worker.heartbeat" not in log.read_text() and worker.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    words = Path(f"/proc/{worker.pid}/cmdline").read_bytes() if worker.poll() is None else b""
    assert stop(worker) in (0, 2)
    written = log.read_text() + "".join(
        path.read_text() for path in (tmp_path / "data" / "logs").rglob("*.jsonl")
    )
    assert "worker.start" in written
    assert is_kept(written + words.decode())


CRASH = """
import sys
from newsmill.process.host import serve
from newsmill.process.settings import load
from newsmill.topics import ENRICHED

def work(desk):
    raise RuntimeError(f"cannot reach {desk.settings.store[0]} by the password " + sys.argv[1])

sys.exit(serve("archiver", "archiver.test", [ENRICHED], load({"data": sys.argv[2]}), work))
"""


def test_a_worker_that_crashes_says_why_and_no_password(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CRASH, PLANTED, str(tmp_path)],
        env=environment(store=STORE), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 74, done.stderr
    assert "Traceback" in done.stderr
    assert "RuntimeError: cannot reach postgresql://me:***@127.0.0.1:1/news" in done.stderr
    logged = "".join(path.read_text() for path in (tmp_path / "logs").rglob("*.jsonl"))
    assert "RuntimeError" in logged
    assert is_kept(done.stderr + logged)


BUG = """
import sys
import newsmill.cli

url, sys.argv = sys.argv[1], ["newsmill", "--version"]
try:
    newsmill.cli.main()
except SystemExit:
    raise RuntimeError(f"lost {url}") from None
"""


def test_a_command_that_crashes_says_no_password() -> None:
    done = subprocess.run(
        [sys.executable, "-c", BUG, BUS],
        env=environment(bus=BUS),
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert "RuntimeError: lost kafka://me:***@127.0.0.1:1/newsmill" in done.stderr
    assert is_kept(done.stderr)


def test_secrets_are_hidden_however_they_are_written() -> None:
    secrets = secrets_in([BUS, "postgresql://h/d?user=u&password=other"], {})
    assert secrets == [ENCODED, PLANTED, "other"]
    assert without(f"a {PLANTED} b {ENCODED} c other", secrets) == "a *** b *** c ***"
    assert secrets_in(["kafka://me@host:1/x", "file:/a/b", ""], {}) == []
