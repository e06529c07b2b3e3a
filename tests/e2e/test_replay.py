"""Pages recorded once: through the filters, and replayed by five processes, byte for byte alike."""

from __future__ import annotations

import json
import os
import signal

import pytest

from e2e.workers import enriched
from newsmill.newsroom import EXPECTED
from running import log_lines, newsmill, start, wait_for

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("replay")]


@pytest.fixture(scope="module", name="filtered")
def _filtered(pages):
    articles = newsmill("extract", "--jsonl", stdin=pages.read_bytes())
    enriched = newsmill("enrich", "--jsonl", stdin=articles.stdout)
    assert articles.returncode == enriched.returncode == 0
    return enriched.stdout.splitlines()


def test_a_filter_writes_one_line_for_each_line_and_names_what_failed(pages, filtered):
    given = [json.loads(line) for line in pages.read_bytes().splitlines()]
    made = [json.loads(line) for line in filtered]
    assert len(given) == len(made)
    for before, after in zip(given, made, strict=True):
        assert after["input_id"] == before.get("id", before.get("input_id"))
    reasons = {m["error"]["reason"] for m in made if "error" in m}
    assert reasons == {one.reason for one in EXPECTED if one.reason}


def test_a_replay_makes_the_bytes_that_the_filters_make(pages, filtered, replayed):
    data, url = replayed.data, f"file:{replayed.data / 'bus'}"
    records = [x for x in log_lines(data / "logs" / "check") if x["event"] == "record"]
    assert len({record["pid"] for record in records}) == 5
    wanted = sorted({line for line in filtered if b'"error"' not in line[:60]})
    assert replayed.enriched == wanted
    again = newsmill("replay", pages, "--lane", "check", "--data", data)
    assert "Nothing new" in again.stdout.decode()
    assert enriched(url, "check") == wanted


def test_what_lies_on_the_bus_is_a_source_like_any_other(replayed):
    data, url = replayed.data, f"file:{replayed.data / 'bus'}"
    done = newsmill("replay", "topic:check.pages", "--lane", "past", "--data", data)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert enriched(url, "past") == replayed.enriched
    again = newsmill("replay", "topic:check.pages", "--lane", "past", "--data", data)
    assert "Nothing new" in again.stdout.decode()


@pytest.mark.parametrize("word", ["topic:pages", "topic:dead", "topic:pages/99", "topic:pages@x"])
def test_a_past_that_is_none_is_said_so(word, tmp_path):
    done = newsmill("replay", word, "--lane", "past", "--data", tmp_path)
    assert done.returncode == 2
    assert word.encode() in done.stderr


def test_a_replay_killed_whole_goes_on_where_it_was(pages, filtered, tmp_path):
    data, logs = tmp_path / "data", tmp_path / "data" / "logs" / "check"
    process = start("replay", pages, "--lane", "check", "--data", data, log=tmp_path / "err")
    wait_for(lambda: any(x["event"] == "step.commit" for x in log_lines(logs)))
    process.send_signal(signal.SIGKILL)
    process.wait()
    pids = {x["pid"] for x in log_lines(logs) if x["event"] == "worker.start"}
    for pid in pids:
        _kill(pid)
    done = newsmill("replay", pages, "--lane", "check", "--data", data)
    assert done.returncode == 0
    wanted = sorted({line for line in filtered if b'"error"' not in line[:60]})
    assert enriched(f"file:{data / 'bus'}", "check") == wanted
    assert newsmill("ops", "summary", logs).returncode == 0


def _kill(pid):
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
