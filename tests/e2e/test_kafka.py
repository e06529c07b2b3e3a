"""The same workers on Kafka: the same job, and the same bytes, as on the embedded log."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from e2e.workers import ROLES, SHARED, Workers, enriched
from newsmill.newsroom import ARTICLES, EXPECTED, FEEDS, PAGES, Newsroom
from running import export, newsmill

pytestmark = [
    pytest.mark.kafka,
    pytest.mark.timeout(120),
    pytest.mark.xdist_group("replay"),  # where the pages are recorded already
]


@pytest.fixture(name="url")
def _url(kafka, unique):
    return f"kafka://{kafka.bootstrap}/{unique('e2e')}"


def test_a_replay_over_kafka_makes_the_same_bytes(url, pages, replayed, tmp_path):
    with Workers(url, "check", tmp_path) as workers:
        workers.start([(role, 0) for role in ROLES if role != "producer"])
        workers.wait_assigned()
        workers.start([("producer", 0)], "--source", pages)
        workers.wait_through()
        workers.stop()
    assert len(replayed.enriched) == PAGES
    assert enriched(url, "check") == replayed.enriched


def test_separate_workers_over_kafka_do_the_whole_job_and_share_it(url, tmp_path):
    feeds = tmp_path / "feeds.txt"
    feeds.write_text("\n".join(FEEDS))
    data = ("--data", tmp_path / "data")
    assert newsmill("feeds", "import", feeds, "--bus", url, *data).returncode == 0
    with Newsroom() as newsroom:
        sample = {"first_poll_days": "0", "min_interval_s": "1", "spacing_s": "0.1"}
        resolve = " ".join(newsroom.resolve)
        with Workers(url, "live", tmp_path, resolve=resolve, **sample) as workers:
            workers.start(SHARED)
            workers.wait_through()
            workers.stop()
    records = PAGES + 1  # one story comes twice: it was corrected while it was read
    published = workers.published()
    assert published["archiver", 0] == records
    for role in ("extractor", "enricher"):
        assert published[role, 0] + published[role, 1] == records
        assert min(published[role, 0], published[role, 1]) > 0
    articles = {one.canonical_url for one in EXPECTED if one.kind == "article"}
    assert len(articles) == ARTICLES
    assert Counter(a["canonical_url"] for a in export(tmp_path / "data")) == Counter(articles)
    made = [json.loads(value) for value in enriched(url, "live")]
    assert {one["url"] for one in made} == {o.url for o in EXPECTED if o.kind == "article"}
    assert len(made) == records
    assert len({(m["page_id"], m["revision"], m["fetched"]) for m in made}) == records
    assert newsmill("ops", "summary", workers.logs).returncode == 0
