"""Each stage alone, as a filter: what goes in, what comes out, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time

import pytest

from loopback import PARAGRAPH, Web, article, feed, page_line
from newsmill.newsroom import FEEDS
from running import NEWSMILL, environment, into_head, newsmill, wait_for

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("filters")]


def test_extract_takes_files_of_html_and_of_text(tmp_path):
    html, text = tmp_path / "one.html", tmp_path / "two.txt"
    html.write_bytes(article("From a page").body)
    text.write_text(f"From a text\n{PARAGRAPH}\n")
    done = newsmill("extract", html, text)
    assert done.returncode == 0
    made = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["title"] for one in made] == ["From a page", "From a text"]
    assert [one["input_id"] for one in made] == [str(html), str(text)]
    missing = newsmill("extract", html, tmp_path / "three.html")
    assert (missing.returncode, missing.stdout) == (2, b"")
    assert (
        missing.stderr.decode() == f"newsmill: {tmp_path}/three.html: No such file or directory\n"
    )


ODD = [
    (b"not json", None),
    (page_line("a", f"First\n{PARAGRAPH}") + b"\r", "a"),
    (b'{"id": 7, "url": "http://loop.example/x"}', 7),
    (b'{"entry": {"id": "inner"}, "page_id": "p"}', "p"),
    (b'{"id": "c", "url": "ftp://loop.example/", "text": "a"}', "c"),
    (b"[1]", None),
    (b'"\xff\xfe"', None),
    (b'{"id": "cut", "text": "and then', "cut"),
    (b'{"input_id": "q", "error": {"reason": "robots", "detail": "as before"}}', "q"),
    (page_line("b", f"Second\n{PARAGRAPH}"), "b"),
]  # fmt: skip


def test_filters_write_a_line_for_each_line_in_order_and_go_on_past_bad_ones():
    given = b"\n".join(line for line, _ in ODD) + b"\n"
    articles = newsmill("extract", "--jsonl", stdin=given)
    enriched = newsmill("enrich", "--jsonl", stdin=articles.stdout)
    for done in (articles, enriched):
        assert (done.returncode, done.stderr) == (0, b"")
        made = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one["input_id"] for one in made] == [name for _, name in ODD]
        good = [one["input_id"] for one in made if "error" not in one]
        assert good == ["a", "b"]
    before, after = articles.stdout.splitlines(), enriched.stdout.splitlines()
    errors = [line for line in before if b'"error"' in line]
    assert [line for line in after if b'"error"' in line] == errors
    assert b'"detail":"as before"' in errors[-1].replace(b": ", b":")


@pytest.mark.parametrize("stage", ["extract", "enrich", "fetch"])
@pytest.mark.parametrize("given", [b"", b"\n \r\n"])
def test_of_nothing_a_filter_makes_nothing(stage, given):
    done = newsmill(stage, stdin=given)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


def test_a_field_that_nobody_knows_survives_the_enricher():
    page = page_line("a", f"First\n{PARAGRAPH}")
    line = newsmill("extract", "--jsonl", stdin=page).stdout.rstrip()[:-1]
    line += b',"desk":{"of":["ports",1.50]}}\r\n'
    enriched = newsmill("enrich", stdin=line).stdout
    assert enriched.startswith(line.rstrip()[:-1])
    assert json.loads(enriched)["desk"] == {"of": ["ports", 1.5]}
    assert json.loads(enriched)["language"] == "en"


def test_the_three_stages_in_a_pipe_read_a_small_web():
    site = "http://loop.example"
    with Web(a=article("Ferry vote put off"), feed=feed(f"{site}/a", f"{site}/gone")) as web:
        where = {"resolve": web.resolve, "spacing_s": "0.02"}
        entries = newsmill("poll", f"{site}/feed", **where)
        assert entries.returncode == 0
        pages = newsmill("fetch", stdin=entries.stdout, **where)
        same = newsmill("fetch", f"{site}/a", **where)
    first, gone = [json.loads(line) for line in pages.stdout.splitlines()]
    assert gone["error"] == {"reason": "http_status", "detail": "404"}
    assert first["entry"]["title"] == f"{site}/a"
    assert json.loads(same.stdout)["body_b64"] == first["body_b64"]
    made = newsmill("extract", "--jsonl", stdin=pages.stdout).stdout.splitlines()
    assert json.loads(made[0])["title"] == "Ferry vote put off"
    assert json.loads(made[1]) == gone


# -- ends


def _started(*words: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*NEWSMILL, *words],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=True,  # a Ctrl-C reaches every process of a terminal's job
    )


@pytest.mark.parametrize(
    ("stage", "after_s"), [("extract", 0.7), ("extract", 1.5), ("enrich", 1.5)]
)
def test_ctrl_c_is_quiet(stage, after_s):
    process = _started(stage)
    time.sleep(after_s)  # while the child processes start, and when they wait
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err.strip()) == (130, b"", b"")


def test_a_reader_that_has_seen_enough_is_no_failure(tmp_path):
    given = tmp_path / "given.jsonl"
    given.write_bytes(b"\n".join([page_line("a", f"First\n{PARAGRAPH}")] * 400))
    done = into_head("extract", "--jsonl", given)
    assert (done.returncode, done.stdout.count(b"\n"), done.stderr) == (0, 1, b"")


def test_the_newsroom_says_how_to_reach_it_and_that_is_enough():
    process = _started("newsroom", "--port", "0", stdin=subprocess.DEVNULL)
    assert process.stdout is not None
    told = b""
    while b"Then, for example" not in told:
        told += process.stdout.readline()
    rule = re.search(rb"export NEWSMILL_RESOLVE='(.*)'", told)
    assert rule
    where = {"resolve": rule[1].decode(), "spacing_s": "0.02"}
    entries = newsmill("poll", FEEDS[0], **where).stdout
    page = newsmill("fetch", stdin=entries.splitlines()[0], **where).stdout
    assert json.loads(page)["status"] == 200
    taken = newsmill("newsroom", "--port", re.findall(rb"127.0.0.1:(\d+)", told)[0].decode())
    assert taken.returncode == 2
    assert taken.stderr.count(b"\n") == 1
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, b"")


def test_a_run_that_is_stopped_at_once_ends_in_peace(tmp_path):
    process = subprocess.Popen(
        [*NEWSMILL, "run"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(data=str(tmp_path / "data")),
        start_new_session=True,
    )
    wait_for(lambda: list((tmp_path / "data" / "logs").glob("*.jsonl")))
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=40)
    assert process.returncode == 0, err.decode()[-2000:]
    assert b"0 articles are in" in out
    assert b"Traceback" not in err
