"""Bad input, and a machine in a bad state: one clear line each, and the rest goes on."""

from __future__ import annotations

import base64
import json
import resource
import shutil
import socket
import subprocess
from pathlib import Path

import apsw
import pytest

from loopback import PARAGRAPH, Answer, Web, article, feed, page_line
from newsmill import bus
from newsmill.archiver.sqlite import SqliteStore
from newsmill.bus.base import Output
from newsmill.topics import ARTICLES, ENRICHED, ENTRIES, PAGES
from running import NEWSMILL, environment, export, newsmill, stop, wait_for

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("bad_input")]

SITE = "http://loop.example"
GARBAGE = b"\xff\xfe\x00 no record of anything\r\n"
STAGES = {ENTRIES: "fetcher", PAGES: "extractor", ARTICLES: "enricher", ENRICHED: "archiver"}
PDF = Answer(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "application/pdf")


def _publish_garbage(url: str) -> None:
    """A record that does not decode on every topic that is read."""
    opened = bus.connect(url, "live")
    opened.create()
    member = opened.join("tool.test", [])
    headers = (("x-desk", b"\xff\x00"),)
    outputs = [
        Output(topic=topic, key=b"k\xff", routing="k", value=GARBAGE, headers=headers)
        for topic in STAGES
    ]
    member.commit(outputs, (), {})
    member.leave()
    opened.close()


@pytest.fixture(scope="module", name="run")
def _run(tmp_path_factory):
    """A run over all that can be wrong with what comes in, and one good page in the midst."""
    folder = tmp_path_factory.mktemp("bad")
    feeds = folder / "feeds.txt"
    feeds.write_text(f"{SITE}/feed\n{SITE}/nofeed\n{SITE}/nowhere\n")
    where = {"data": str(folder / "data"), "spacing_s": "0.02", "fetch_attempts": "1"}
    _publish_garbage(f"file:{folder / 'data' / 'bus'}")
    links = (f"{SITE}/pdf", f"{SITE}/gone", "http://silent.example/x", f"{SITE}/good")
    answers = {
        "feed": feed(*links),
        "nofeed": article("A page"),
        "pdf": PDF,
        "good": article("Good"),
    }
    with socket.create_server(("127.0.0.1", 0)) as silent, Web(**answers) as web:
        rules = f"silent.example=127.0.0.1:{silent.getsockname()[1]} {web.resolve}"
        done = newsmill(
            "run", "--once", "--feeds", feeds, resolve=rules, fetch_timeout_s="0.5", **where
        )
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return where, done


def _letters(where):
    lines = newsmill("dead", "list", "--json", **where).stdout.splitlines()
    return [json.loads(line) for line in lines]


def test_the_rest_of_the_stream_goes_on(run):
    where, done = run
    assert [one["title"] for one in export_of(where)] == ["Good"]
    assert b"Traceback" not in done.stderr
    summary = newsmill("ops", "summary", "--json", **where)
    assert json.loads(summary.stdout)["balanced"]


def export_of(where):
    return [json.loads(line) for line in newsmill("export", **where).stdout.splitlines()]


def test_what_cannot_be_worked_on_is_named_with_its_reason(run):
    where, done = run
    found = {(one["stage"], one["reason"], one["about"]) for one in _letters(where)}
    assert found >= {
        ("extractor", "not_html", f"{SITE}/pdf"),
        ("fetcher", "http_status", f"{SITE}/gone"),
        ("fetcher", "unreachable", "http://silent.example/x"),
    }
    told = done.stdout.decode()
    assert "the server said no" in told
    assert "no page of text" in told
    assert "no answer after every attempt" in told
    assert f"{SITE}/nofeed  no feed" in told
    assert f"{SITE}/nowhere  the server said no" in told


def test_a_record_that_does_not_decode_is_kept_byte_for_byte(run):
    where, _ = run
    letters = [one for one in _letters(where) if one["reason"] == "decode"]
    assert {one["stage"] for one in letters} == set(STAGES.values())
    for one in letters:
        assert newsmill("dead", "show", one["letter"], "--body", **where).stdout == GARBAGE
        assert one["detail"]


def test_a_dead_page_is_kept_byte_for_byte(run):
    where, _ = run
    letter = next(one["letter"] for one in _letters(where) if one["reason"] == "not_html")
    assert newsmill("dead", "show", letter, "--body", **where).stdout == PDF.body


def test_of_a_dead_page_that_was_taken_down_nothing_is_shown(run, tmp_path):
    where = run[0] | {"data": str(tmp_path / "data")}
    shutil.copytree(run[0]["data"], where["data"])
    letter = next(one["letter"] for one in _letters(where) if one["reason"] == "not_html")
    gone = newsmill("forget", f"{SITE}/pdf", "--reason", "an order", **where)
    assert gone.returncode == 0, gone.stderr.decode()
    for flags in ([], ["--body"]):
        shown = newsmill("dead", "show", letter, *flags, **where)
        assert (shown.returncode, shown.stdout) == (1, b"")
        assert b"taken down" in shown.stderr
        assert b"an order" in shown.stderr


def test_filters_name_what_is_bad_and_go_on(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        Web(good=article("Good"), pdf=PDF) as web,
    ):
        rules = f"silent.example=127.0.0.1:{silent.getsockname()[1]} {web.resolve}"
        where = {
            "resolve": rules,
            "spacing_s": "0.02",
            "fetch_timeout_s": "0.5",
            "fetch_attempts": "1",
        }
        asked = ("http://silent.example/x", f"{SITE}/gone", f"{SITE}/pdf", f"{SITE}/good")
        pages = newsmill("fetch", *asked, **where)
        polled = newsmill("poll", f"{SITE}/good", f"{SITE}/gone", **where)
    assert (pages.returncode, pages.stderr) == (0, b"")
    made = [
        json.loads(x)
        for x in newsmill("extract", "--jsonl", stdin=pages.stdout).stdout.splitlines()
    ]
    assert [one.get("error", {}).get("reason") for one in made] == [
        "unreachable", "http_status", "not_html", None,
    ]  # fmt: skip
    assert made[-1]["title"] == "Good"
    assert polled.returncode == 1
    assert [line.split(": ")[1:3] for line in polled.stderr.decode().splitlines()] == [
        [f"{SITE}/good", "not_feed"],
        [f"{SITE}/gone", "http_status"],
    ]


# -- started wrongly: one line, exit 2


def _refused(done: subprocess.CompletedProcess[bytes], *says: object) -> None:
    """One line for people, the last of standard error, that says it all; nothing was done."""
    said = [line for line in done.stderr.decode().splitlines() if not line.startswith("{")]
    assert done.returncode == 2, done.stderr.decode()
    assert len(said) == 1, said
    assert said[0].startswith("newsmill: ")
    for what in says:
        assert str(what) in said[0]


NO_FEEDS = [
    (b'<opml version="2.0"><body><outline', "OPML: line 1"),
    (b"\x00\x01\x02\xff", "is no web address"),
    (b"<html><body>Log in</body></html>", "its root is <html>"),
    (b"http://loop.example/a\nnot an address\n", "line 2"),
    (b"", "empty"),
    (b"<opml version='2.0'><body/></opml>", "no feed in it"),
]


@pytest.mark.parametrize(("text", "says"), NO_FEEDS)
def test_a_list_of_feeds_that_is_none(text, says, tmp_path):
    path = tmp_path / "feeds.opml"
    path.write_bytes(text)
    _refused(newsmill("feeds", "import", path, data=str(tmp_path / "data")), path, says)
    assert not (tmp_path / "data").exists()


def test_feeds_on_the_web_without_a_contact(tmp_path):
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("https://news.example.org/rss\n")
    where = {"data": str(tmp_path / "data")}
    _refused(newsmill("run", "--feeds", feeds, **where), "no contact", "--contact")
    _refused(newsmill("poll", "https://news.example.org/rss"), "no contact", "--contact")
    _refused(newsmill("fetch", "https://news.example.org/a.html"), "no contact", "--contact")
    assert b"news.example.org" not in newsmill("feeds", "list", **where).stdout


@pytest.mark.parametrize("url", ["nothing", "file:", "carrier-pigeon://loft", "file:x?wings=2"])
def test_a_wrong_bus_url(url, tmp_path):
    _refused(newsmill("bus", "describe", "--bus", url), f"bus '{url}'")
    _refused(newsmill("run", "--bus", url, data=str(tmp_path / "data")), f"bus '{url}'")
    assert not {"x", "run-live.lock"} & {path.name for path in Path().iterdir()}


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        ("", "not a folder"),
        ("bus", "bus"),
        ("logs", "not a folder"),
        ("stores", "cannot be opened"),
    ],
)
def test_a_data_folder_with_a_file_where_a_folder_belongs(inside, says, tmp_path):
    given, data = tmp_path / "pages.jsonl", tmp_path / "data"
    given.write_bytes(page_line("a", f"First\n{PARAGRAPH}"))
    file = data / inside if inside else data
    file.parent.mkdir(exist_ok=True)
    file.write_text("a file")
    done = newsmill("replay", given, "--lane", "check", data=str(data))
    _refused(done, file, says)
    assert file.read_text() == "a file"


@pytest.mark.parametrize(
    ("where", "words"),
    [("bus/bus.db", ["bus", "describe"]), ("stores/live.db", ["export"])],
)
def test_a_database_that_is_none_or_of_the_future(where, words, tmp_path):
    data = tmp_path / "data"
    file = data / where
    file.parent.mkdir(parents=True)
    file.write_bytes(b"this is no database of any kind " * 64)
    _refused(newsmill(*words, data=str(data)), file)
    file.unlink()
    if "bus" in where:
        assert newsmill("bus", "create", data=str(data)).returncode == 0
    else:
        SqliteStore(file).close()
    with apsw.Connection(str(file)) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    _refused(newsmill(*words, data=str(data)), file, "format 99", "newsmill reads")
    _refused(newsmill("run", data=str(data)), file, "format 99")


def test_a_replay_of_what_cannot_be_read(tmp_path):
    where = {"data": str(tmp_path / "data"), "lane": "check"}
    _refused(newsmill("replay", tmp_path / "none.jsonl", "--lane", "a"), "none.jsonl: no such file")
    _refused(newsmill("replay", tmp_path, "--lane", "a"), f"{tmp_path}: no file in it")
    _refused(newsmill("replay", tmp_path, "--lane", "../a"), "setting lane: '../a'")
    empty, odd = tmp_path / "empty.jsonl", tmp_path / "odd.jsonl"
    empty.write_bytes(b"")
    lines = [
        b"\x00\x01\xff",
        page_line("a", f"First\n{PARAGRAPH}"),
        b"{}",
        b'{"url": 7}',
        b"",
        b"[" * 999,
    ]
    odd.write_bytes(b"\n".join(lines))
    done = newsmill("replay", empty, odd, "--lane", "check", data=where["data"])
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert [one["title"] for one in export_of(where)] == ["First"]
    letters = _letters(where)
    assert [one["detail"].split(": ")[0] for one in letters] == [
        f"odd.jsonl record {number}" for number in (1, 3, 4, 6)
    ]
    bodies = [newsmill("dead", "show", one["letter"], "--body", **where).stdout for one in letters]
    assert bodies == [lines[0], lines[2], lines[3], lines[5]]


# -- a full disk


def _small_files() -> None:
    """From here on this process and its children can make no file larger than a megabyte."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


def test_a_full_disk_stops_the_run_and_loses_nothing(tmp_path):
    """A run whose log has no room says so and waits; with room again, all of it comes out."""
    given, data = tmp_path / "pages.jsonl", tmp_path / "data"
    body = base64.b64encode(article("Long").body).decode()
    numbers = " ".join(map(str, range(20_000)))
    texts = [page_line(f"a{n}", f"Title {n}\n{PARAGRAPH}\n{numbers} {n} {body}") for n in range(40)]
    given.write_bytes(b"\n".join(texts))
    words = ("replay", given, "--lane", "check")
    with (tmp_path / "err").open("wb") as err:
        process = subprocess.Popen(
            [*NEWSMILL, *map(str, words)],
            stdout=subprocess.DEVNULL,
            stderr=err,
            env=environment(data=str(data)),
            preexec_fn=_small_files,
        )
    full = []
    try:
        wait_for(
            lambda: (
                full.extend(x for x in _lines(tmp_path / "err") if x["event"] == "bus.full") or full
            )
        )
    finally:
        stop(process, 60)
    assert full[0]["level"] == "error"
    assert str(data / "bus") in full[0]["why"]
    assert b"Traceback" not in (tmp_path / "err").read_bytes()
    done = newsmill(*words, data=str(data))
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert len(export(data, "check")) == len(texts)
    assert newsmill("ops", "summary", data=str(data), lane="check").returncode == 0
    out = tmp_path / "out.jsonl"
    cut = subprocess.run(
        [*NEWSMILL, "export", "-o", str(out)],
        env=environment(data=str(data), lane="check"),
        capture_output=True,
        preexec_fn=_small_files,
        check=False,
    )
    _refused(cut, f"{out}: File too large")


def _lines(path):
    lines = path.read_bytes().splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.startswith(b"{") and line.endswith(b"\n")]


def test_standard_output_that_is_full():
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*NEWSMILL, "config"],
            stdout=full,
            stderr=subprocess.PIPE,
            env=environment(),
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr == b"newsmill: output: No space left on device\n"
