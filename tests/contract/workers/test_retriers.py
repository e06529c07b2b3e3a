"""Two ``dead retry`` at once: neither waits for ever, and no letter is sent twice."""

from __future__ import annotations

import subprocess
from pathlib import Path

from contract.loops.driving import connect, everything, url_of
from newsmill.bus.base import Output
from newsmill.topics import ARTICLES, DEAD
from running import NEWSMILL, environment

LETTERS = 400


def letter(number: int, reason: bytes) -> Output:
    headers = (
        ("dead-topic", b"articles"),
        ("dead-partition", b"%d" % (number % ARTICLES.partitions)),
        ("dead-offset", b"%d" % number),
        ("dead-stage", b"enricher"),
        ("dead-reason", reason),
        ("dead-detail", b""),
        ("dead-attempts", b"1"),
    )
    key = b"%032x" % number
    return Output(
        topic=DEAD, key=key, value=b"v%d" % number, headers=headers,
        partition=number % DEAD.partitions,
    )  # fmt: skip


def test_two_retries_at_once_send_every_letter_once(tmp_path: Path) -> None:
    with connect(tmp_path) as opened:
        member = opened.join("publisher", [])
        letters = [letter(n, b"bug" if n % 2 else b"decode") for n in range(LETTERS)]
        member.commit(letters, [], {})
        member.leave()
        where = ["--data", str(tmp_path), "--bus", url_of(tmp_path)]
        asked = (["--all"], ["--reason", "bug"], ["--reason", "decode"])
        running = [
            subprocess.Popen(
                [*NEWSMILL, "dead", "retry", *words, *where],
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(),
            )
            for words in asked
        ]  # fmt: skip
        told = [process.communicate(timeout=50) for process in running]
        assert [process.returncode for process in running] == [0, 0, 0], told
        sent = [int(out.split()[0]) for out, _ in told]
        assert sum(sent) == LETTERS
        values = [record.value for record in everything(opened, ARTICLES)]
        assert len(values) == len(set(values)) == LETTERS
