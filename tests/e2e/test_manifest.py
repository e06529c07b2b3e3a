"""A replay's manifest: the same whatever the workers, kills and clocks, and red where it is not."""

from __future__ import annotations

import base64
import json
import os
import signal
from contextlib import suppress

import pytest

from running import log_lines, newsmill, start, wait_for

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("replay")]


def manifest_of(data, lane="check"):
    return json.loads((data / "lanes" / lane / "manifest.json").read_bytes())


@pytest.fixture(scope="module", name="known")
def _known(replayed):
    return manifest_of(replayed.data)


def test_it_says_what_went_in_and_what_came_out(pages, replayed, known):
    (run,) = known["runs"]
    assert run["given"] == [str(pages)]
    assert [(s["name"], s["size"]) for s in run["sources"]] == [(pages.name, pages.stat().st_size)]
    assert known["output"]["records"] == len(replayed.enriched)
    assert known["counted"]
    counts = known["counts"]
    assert sum(counts["producer"].values()) == len(pages.read_bytes().splitlines())
    assert sum(counts["extractor"].values()) == counts["producer"]["published"]
    assert known["reasons"]["extractor"]["refused no_article"] == counts["extractor"]["refused"]
    assert "manifest.json" in replayed.done.stdout.decode()


def test_workers_kills_zones_and_hashes_leave_no_trace_in_it(pages, known, tmp_path, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Kiritimati")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    data, logs = tmp_path / "data", tmp_path / "data" / "logs" / "check"
    words = ("replay", pages, "--lane", "check", "--data", data, "--workers", 4)
    process = start(*words, log=tmp_path / "err")
    wait_for(lambda: any(x["event"] == "step.commit" for x in log_lines(logs)))
    _kill_all(process, logs)
    assert not (data / "lanes" / "check" / "manifest.json").exists()
    done = newsmill(*words)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    made = manifest_of(data)
    for name in ("output", "counts", "reasons", "counted", "configuration_digest", "versions"):
        assert made[name] == known[name], name


def _kill_all(process, logs):
    """The whole run at once, as when a machine loses its power."""
    pids = {x["pid"] for x in log_lines(logs) if x["event"] == "worker.start"}
    for pid in (process.pid, *pids):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    process.wait()


def test_a_second_run_of_a_changed_source_names_the_first_record_that_differs(
    pages, replayed, known, tmp_path
):
    changed = tmp_path / pages.name
    url = _with_another_title(pages, changed)
    file = replayed.data / "lanes" / "check" / "manifest.json"
    done = newsmill("manifest", "verify", file, changed, "--json")
    assert done.returncode == 1, done.stderr.decode()[-2000:]
    told = json.loads(done.stdout)
    (source,) = told["sources"]
    assert source.startswith(f"source {pages.name}: it was changed")
    assert any(line.startswith("digest of the output") for line in told["results"])
    assert told["first"]["url"] == url
    assert "title" in told["first"]["fields"]
    was, now = told["first"]["values"]["title"]
    assert now == was.replace("e", "o")


def _with_another_title(pages, changed):
    """One page with other letters in its title; its URL."""
    lines = [json.loads(line) for line in pages.read_bytes().splitlines()]
    titled = (line for line in lines if b"<h1" in base64.b64decode(line.get("body_b64", "")))
    page = min(titled, key=lambda line: line["url"])
    body = base64.b64decode(page["body_b64"])
    title = body.split(b"<title>")[1].split(b"</title>")[0]
    heading = body.split(b"<h1")[1].split(b">", 1)[1].split(b"</h1>")[0]
    for text in {title, heading}:
        body = body.replace(text, text.replace(b"e", b"o"))
    page["body_b64"] = base64.b64encode(body).decode()
    changed.write_bytes(b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    return page["url"]


def test_it_is_verified_here(replayed):
    file = replayed.data / "lanes" / "check" / "manifest.json"
    done = newsmill("manifest", "verify", file)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert "The same, byte for byte: 44 records" in done.stdout.decode()


@pytest.mark.kafka
def test_it_is_verified_over_kafka(replayed, kafka, unique):
    file = replayed.data / "lanes" / "check" / "manifest.json"
    url = f"kafka://{kafka.bootstrap}/{unique('verify')}"
    done = newsmill("manifest", "verify", file, "--bus", url, timeout=120)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    lanes = newsmill("lane", "list", "--bus", url, "--data", replayed.data / "none")
    assert "no lanes yet" in lanes.stdout.decode()


def test_a_replay_that_fetched_cannot_be_run_again(replayed, tmp_path):
    known = (replayed.data / "lanes" / "check" / "manifest.json").read_text()
    file = tmp_path / "manifest.json"
    file.write_text(known.replace('"fetch": false', '"fetch": true'))
    done = newsmill("manifest", "verify", file)
    assert done.returncode == 2
    assert "the web is not what it was" in done.stderr.decode()
