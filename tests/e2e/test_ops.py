"""``ops`` on the logs of a real run: lines are of the contract, questions have their answers."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from newsmill.process.catalogue import draw_schema
from running import log_lines, newsmill

pytestmark = [pytest.mark.timeout(180), pytest.mark.xdist_group("run")]
ROOT = Path(__file__).parents[2]


def test_every_line_of_a_real_run_is_of_the_contract(ran) -> None:
    data, _ = ran
    validator = Draft202012Validator(json.loads(draw_schema()))
    lines = log_lines(data / "logs")
    for line in lines:
        own = validator.evolve(schema=validator.schema["$defs"][line["event"]])
        assert list(own.iter_errors(line)) == [], line
    assert {"record", "step.commit", "worker.heartbeat"} <= {line["event"] for line in lines}


def test_the_extractors_lines_tell_what_sites_needs(ran) -> None:
    data, _ = ran
    lines = [line for line in log_lines(data / "logs") if line.get("stage") == "extractor"]
    made = [line for line in lines if line.get("outcome") == "published"]
    assert made
    assert all({"site", "tier", "chars", "page_id", "article_id"} <= set(line) for line in made)
    assert all(line["chars"] > 0 for line in made)


def test_the_summary_has_its_shape_and_knows_the_way_from_feed_to_store(ran) -> None:
    data, _ = ran
    found = json.loads(newsmill("ops", "summary", "--data", data, "--json").stdout)
    schema = json.loads((ROOT / "schemas" / "ops_summary.schema.json").read_bytes())
    Draft202012Validator(schema).validate(found)
    stored = found["stages"][-1]["outcomes"]["published"]  # a correction may overtake its story
    assert 0.9 * stored <= found["end_to_end_ms"]["count"] <= stored
    assert all(stage["lag"]["records"] == 0 for stage in found["stages"][1:])


def test_check_passes_what_is_well_and_fails_what_is_asked_for_in_vain(ran, tmp_path) -> None:
    data, _ = ran
    assert newsmill("ops", "check", "--data", data).returncode == 0

    asked = tmp_path / "objectives.toml"
    asked.write_text(
        'least_events = 5\n[[objectives]]\nname = "at once"\nmeasure = "end_to_end_s"\n'
        "most = 0.001\ntarget = 0.99\n"
    )
    done = newsmill("ops", "check", "--data", data, "--objectives", asked)
    assert done.returncode == 1
    assert b"FAILS  at once: " in done.stdout

    asked.write_text("[limits]\nmood = 1\n")
    assert newsmill("ops", "check", "--data", data, "--objectives", asked).returncode == 2


def test_sites_and_comparisons_are_answered(ran, tmp_path) -> None:
    data, _ = ran
    found = json.loads(newsmill("ops", "sites", "--data", data, "--json").stdout)
    assert found["changes"] == []
    assert len(found["sites"]) >= 5

    same = newsmill("ops", "compare", data / "logs", data / "logs", "--json")
    assert (same.returncode, json.loads(same.stdout)["worse"]) == (0, False)
    assert newsmill("ops", "compare", "--deploy", "--data", data).returncode == 2  # one version
    assert newsmill("ops", "compare", data / "logs").returncode == 2


def test_what_kubectl_gives_is_read_as_the_files_are(ran) -> None:
    data, _ = ran
    files = json.loads(newsmill("ops", "summary", "--data", data, "--json").stdout)
    piped = b"".join(
        b"[pod/newsmill-0/worker] " + line + b"\n"
        for path in sorted((data / "logs").glob("*.jsonl"))
        for line in path.read_bytes().splitlines()
    )
    found = json.loads(newsmill("ops", "summary", "--json", "-", stdin=piped).stdout)
    assert found["balanced"]
    assert [s["outcomes"] for s in found["stages"]] == [s["outcomes"] for s in files["stages"]]


def test_packed_logs_are_read_as_they_are(ran, tmp_path) -> None:
    data, _ = ran
    for path in (data / "logs").glob("*.jsonl"):
        (tmp_path / f"{path.name}.1.gz").write_bytes(gzip.compress(path.read_bytes()))
    assert newsmill("ops", "summary", tmp_path).returncode == 0


@pytest.mark.parametrize("target", ["loki", "vector", "grafana", "lnav"])
def test_rules_are_printed(target) -> None:
    assert newsmill("ops", "rules", target).stdout
