"""The command line as a user meets it: help, settings, and what each command answers."""

from __future__ import annotations

import base64
import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import click
import pytest

from commands import COMMANDS, commands_in, faults
from loopback import PARAGRAPH, Web, article, feed, page_line
from newsmill.cli.report import SAYS
from newsmill.errors import DEATHS, REFUSALS
from running import environment, export, into_head, newsmill

pytestmark = [pytest.mark.timeout(120), pytest.mark.xdist_group("cli")]

SCRIPT = Path(sys.executable).with_name("newsmill")


# -- help and completion


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_help_with_an_example_whose_words_exist(name):
    examples = commands_in((COMMANDS[name].help or "").partition("Example:")[2])
    assert any(" ".join(words).startswith(name) for words in examples), "no example of itself"
    assert [fault for words in examples for fault in faults(words)] == []


def test_every_option_says_what_it_does():
    silent = [
        (name, param.name)
        for name, command in COMMANDS.items()
        for param in command.params
        if isinstance(param, click.Option) and not param.help
    ]
    assert silent == []


def test_help_is_printed_for_who_asks_and_for_who_gives_nothing():
    asked = newsmill("--help")
    assert asked.returncode == 0
    assert all(f"  {name} " in asked.stdout.decode() for name in ("run", "extract", "export"))
    nothing = newsmill()
    assert (nothing.returncode, nothing.stdout) == (2, b"")
    assert nothing.stderr.decode().startswith("Usage:")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_the_shell(shell):
    done = subprocess.run([SCRIPT, "completion", shell], capture_output=True, check=True)
    assert b"_NEWSMILL_COMPLETE" in done.stdout


def test_completion_completes():
    typed = {"_NEWSMILL_COMPLETE": "bash_complete", "COMP_WORDS": "newsmill ex", "COMP_CWORD": "1"}
    done = subprocess.run([SCRIPT], env=environment() | typed, capture_output=True, check=False)
    assert done.stdout.decode().split() == ["plain,extract", "plain,export"]


def test_schema_prints_each_record_type():
    names = newsmill("schema").stdout.decode().split()
    assert {"entry.v1", "page.v1", "article.v1", "enriched.v1", "dead.v1"} <= set(names)
    assert json.loads(newsmill("schema", "enriched").stdout)["$schema"]
    assert newsmill("schema", "poem").returncode == 2


# -- settings


def _config(*flags: object, **settings: str) -> dict[str, object]:
    done = newsmill("config", "--json", *flags, **settings)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def test_flags_go_over_environment_over_file_over_defaults(tmp_path):
    toml = tmp_path / "newsmill.toml"
    toml.write_text('spacing_s = 3\nworkers = 4\ncontact = "file@loop.example"\n')
    assert _config()["spacing_s"] == 1.0
    assert _config("--config", toml)["spacing_s"] == 3.0
    found = _config("--config", toml, "--workers", 6, spacing_s="5", workers="5")
    assert (found["spacing_s"], found["workers"], found["contact"]) == (5.0, 6, "file@loop.example")
    assert _config(config=str(toml))["workers"] == 4


@pytest.mark.parametrize(
    ("flags", "settings", "toml", "says"),
    [
        (["--spcing", "3"], {}, "", "--spacing"),
        ([], {"spcing_s": "3"}, "", "unknown setting NEWSMILL_SPCING_S; did you mean spacing_s?"),
        ([], {}, "spcing_s = 3", "unknown setting 'spcing_s'; did you mean spacing_s?"),
        ([], {}, "spacing_s = ", "not TOML"),
        ([], {}, "spacing_s = 'much'", "setting spacing_s: 'much' is not a number"),
        ([], {"workers": "two"}, "", "setting workers: 'two' is not a whole number"),
        (["--workers", "0"], {}, "", "setting workers: must be at least 1"),
        (["--spacing", "-1"], {}, "", "setting spacing_s: must be at least 0"),
        (["--lane", "a/b"], {}, "", "setting lane: 'a/b'"),
        (["--log-level", "loud"], {}, "", "use debug, info, warning or error"),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(flags, settings, toml, says, tmp_path):
    (tmp_path / "newsmill.toml").write_text(toml)
    done = newsmill("config", "--config", tmp_path / "newsmill.toml", *flags, **settings)
    assert done.returncode == 2
    assert done.stdout == b""
    assert says in done.stderr.decode()
    assert done.stderr.count(b"\n") == 1


def test_secrets_are_never_printed():
    url = "kafka://desk:hunter2@broker.example:9092/newsmill"
    assert _config("--bus", url)["bus"] == "kafka://***@broker.example:9092/newsmill"
    done = newsmill("bus", "describe", "--bus", url.replace("kafka", "kafak"))
    assert done.returncode == 2
    assert b"hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["extrct"], 2, "no command 'extrct'; did you mean extract?"),
        (["run", "--bogus"], 2, "see newsmill run --help"),
        (["work", "poet"], 2, "'poet' is not one of"),
        (["work", "fetcher", "--source", "x"], 2, "--source is for the producer"),
        (["replay", "x", "--lane", "live"], 2, "give the replay a lane of its own"),
        (["dead", "retry"], 2, "name letters, or give --reason, --stage or --all"),
        (["dead", "retry", "7-7"], 2, "no letter 7-7"),
        (["dead", "list", "--reason", "boredom"], 2, "'boredom' is not one of"),
        (["dead", "show", "7-7"], 1, "no letter 7-7"),
        (["show", "x"], 2, "no articles yet"),
        (["export"], 2, "no articles yet"),
        (["ops", "summary"], 2, "no such file or folder"),
        (["feeds", "add", "notes"], 2, "feed 'notes': "),
        (["completion", "tcsh"], 2, "'tcsh' is not one of"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_its_code(words, code, says, tmp_path):
    done = newsmill(*words, data=str(tmp_path / "data"))
    assert done.returncode == code, done.stderr.decode()
    assert says in done.stderr.decode().splitlines()[-1]
    assert b"Traceback" not in done.stderr


# -- the log, feeds


def test_the_topics_are_made_once_and_described(tmp_path):
    url = f"file:{tmp_path / 'not' / 'yet' / 'bus'}"
    assert newsmill("bus", "create", "--bus", url).stdout.count(b"made ") == 11
    assert newsmill("bus", "create", "--bus", url).stdout == b"every topic is there\n"
    described = newsmill("bus", "describe", "--json", "--bus", url).stdout.splitlines()
    assert {json.loads(line)["topic"] for line in described} >= {"entries", "pages", "dead"}
    assert newsmill("bus", "lag", "--bus", url).returncode == 0


OPML = """<?xml version="1.0"?>
<opml version="2.0"><head><title>Mine</title></head><body>
  <outline text="Europe"><outline text="Ports">
    <outline type="rss" text="Harbour" xmlUrl="http://harbour.example/rss"/></outline>
    <outline type="rss" title="Rails &amp; roads" xmlUrl="http://rails.example/feed.xml"/></outline>
</body></opml>"""


def test_feeds_go_round_from_opml_to_opml(tmp_path):
    given, urls, back = tmp_path / "in.opml", tmp_path / "urls.txt", tmp_path / "out.opml"
    given.write_text(OPML)
    urls.write_text("# mine\nhttps://third.example/atom\n\nhttp://harbour.example/rss  # again\n")
    one, other = {"data": str(tmp_path / "one")}, {"data": str(tmp_path / "other")}
    assert newsmill("feeds", "import", given, **one).stdout == b"2 imported\n"
    assert newsmill("feeds", "import", urls, **one).returncode == 0
    added = newsmill("feeds", "add", "https://fourth.example/feed", **one)
    assert added.stdout == b"1 added\n"
    listed = newsmill("feeds", "list", **one).stdout.decode()
    assert [line.split()[:2] for line in listed.splitlines()[1:]] == [
        ["http://harbour.example/rss", "new"],
        ["http://rails.example/feed.xml", "new"],
        ["https://fourth.example/feed", "new"],
        ["https://third.example/atom", "new"],
    ]
    rested = newsmill("feeds", "rest", "https://fourth.example/feed", **one)
    assert rested.stdout == b"1 at rest\n"
    assert b"fourth.example" not in newsmill("feeds", "export", **one).stdout
    nobody = newsmill("feeds", "rest", "https://nobody.example/", **one)
    assert (nobody.returncode, nobody.stderr.count(b"\n")) == (2, 1)
    exported = newsmill("feeds", "export", **one).stdout
    assert b'category="Europe"' in exported
    assert b"Rails &amp; roads" in exported
    back.write_bytes(exported)
    assert newsmill("feeds", "import", "-", stdin=exported, **other).returncode == 0
    assert newsmill("feeds", "import", back, **other).returncode == 0
    assert newsmill("feeds", "export", **other).stdout == exported


# -- what a replay leaves behind: store, letters, logs


@pytest.fixture(scope="module", name="lane")
def _lane(tmp_path_factory):
    """A lane with two articles, a page that is no page, and a line that is none."""
    folder = tmp_path_factory.mktemp("lane")
    pages = folder / "pages.jsonl"
    picture = base64.b64encode(b"\x89PNG\r\n\x1a\n\0\0\0\0").decode()
    lines = [
        page_line("first", f"Ferry vote put off\n{PARAGRAPH}"),
        page_line("second", f'"=Ferry", they said\n{PARAGRAPH}'),
        json.dumps({"id": "p", "url": "http://loop.example/p", "body_b64": picture}).encode(),
        b"this is no line of a page",
    ]
    pages.write_bytes(b"\n".join(lines) + b"\n")
    done = newsmill("replay", pages, "--lane", "check", data=str(folder / "data"))
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return {"data": str(folder / "data"), "lane": "check"}


def test_show_finds_an_article_by_each_of_its_names(lane):
    first = json.loads(newsmill("show", "http://loop.example/first", **lane).stdout)
    assert first["title"] == "Ferry vote put off"
    for name in (first["id"], first["page_id"], "http://LOOP.example:80/first#top"):
        assert json.loads(newsmill("show", name, **lane).stdout) == first
    unknown = newsmill("show", "http://loop.example/else", **lane)
    assert (unknown.returncode, unknown.stdout) == (1, b"")
    assert b"nothing is known of http://loop.example/else" in unknown.stderr


def test_export_prints_every_article_sorted_as_lines_or_as_a_sheet(lane, tmp_path):
    lines = newsmill("export", **lane).stdout.splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    assert len(ids) == 2
    assert ids == sorted(ids)
    sheet = list(
        csv.DictReader(io.StringIO(newsmill("export", "--format", "csv", **lane).stdout.decode()))
    )
    assert [row["id"] for row in sheet] == ids
    told = newsmill("export", "-o", tmp_path / "out.jsonl", **lane)
    assert (tmp_path / "out.jsonl").read_bytes().splitlines() == lines
    cursor = told.stderr.decode().split("--since ")[1].strip()
    assert newsmill("export", "--since", cursor, **lane).stdout == b""
    assert newsmill("export", "--since", "2020-01-01", **lane).stdout.splitlines() == lines
    wrong = newsmill("export", "--since", "lately", **lane)
    assert wrong.returncode == 2
    assert b"'lately' is neither a cursor nor a date" in wrong.stderr


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_reader_of_an_export_may_stop_reading(lane, form):
    done = into_head("export", "--format", form, **lane)
    assert (done.returncode, done.stdout.count(b"\n")) == (0, 1)
    assert not done.stderr or b"--since" in done.stderr  # it was all read before the reader went


def test_dead_letters_are_listed_shown_and_sent_again_once(lane):
    def listed(*flags):
        lines = newsmill("dead", "list", "--json", *flags, **lane).stdout.splitlines()
        return {one["reason"]: one for one in map(json.loads, lines)}

    letters = listed()
    assert set(letters) == {"not_html", "decode"}
    page, line = letters["not_html"]["letter"], letters["decode"]["letter"]
    assert letters["not_html"]["about"] == "http://loop.example/p"
    body = newsmill("dead", "show", page, "--body", **lane).stdout
    assert body == b"\x89PNG\r\n\x1a\n\0\0\0\0"
    assert newsmill("dead", "show", line, "--body", **lane).stdout == b"this is no line of a page"
    shown = newsmill("dead", "show", page, **lane).stdout.decode()
    assert "dead-reason: not_html" in shown
    again = newsmill("dead", "retry", "--all", **lane).stdout
    assert again == b"1 sent again; 1 out of a replayed file: mend the line there\n"
    assert set(listed()) == {"decode"}
    assert listed("--all")["not_html"]["retried"]
    twice = newsmill("dead", "retry", "--reason", "not_html", **lane)
    assert (twice.returncode, twice.stdout) == (0, b"0 sent again; 1 sent before\n")


def test_ops_answers_from_the_logs_of_the_data_folder(lane):
    summary = newsmill("ops", "summary", "--json", **lane)
    assert summary.returncode == 0
    assert json.loads(summary.stdout)["balanced"]
    by_url = newsmill("ops", "trace", "http://loop.example/first", **lane)
    assert by_url.returncode == 0
    assert all(stage in by_url.stdout.decode() for stage in ("extractor", "enricher", "archiver"))
    unknown = newsmill("ops", "trace", "http://loop.example/else", **lane)
    assert unknown.returncode == 1
    logs = Path(lane["data"]) / "logs" / "check"
    joined = b"".join(path.read_bytes() for path in sorted(logs.iterdir()))
    piped = newsmill("ops", "trace", "http://loop.example/first", "-", stdin=joined)
    assert piped.returncode == 0


def test_a_dead_page_that_came_back_is_fetched_by_the_next_run(tmp_path):
    feeds, where = tmp_path / "feeds.txt", {"data": str(tmp_path / "data"), "spacing_s": "0.02"}
    feeds.write_text("http://loop.example/feed\n")
    site = "http://loop.example"
    with Web(a=article("Ferry vote put off"), feed=feed(f"{site}/a", f"{site}/gone")) as web:
        once = ("run", "--once", "--resolve", web.resolve)
        first = newsmill(*once, "--feeds", feeds, **where)
        assert first.returncode == 0, first.stderr.decode()[-2000:]
        assert "1 article is in" in first.stdout.decode()
        assert "the server said no" in first.stdout.decode()
        web.answers["/gone"] = article("The ferry is back")
        assert newsmill("dead", "retry", "--reason", "http_status", **where).stdout[:1] == b"1"
        second = newsmill(*once, **where)
        assert "2 articles are in" in second.stdout.decode(), second.stderr.decode()[-2000:]
    titles = {one["title"] for one in export(tmp_path / "data")}
    assert titles == {"Ferry vote put off", "The ferry is back"}


def test_every_reason_is_said_in_words():
    assert set(SAYS) == REFUSALS | DEATHS
