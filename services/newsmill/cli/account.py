"""Makes the manifest of a replay: of its sources, its versions, its logs and its fingerprints."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from newsmill.archiver.prints import PrintStore
from newsmill.enricher.core.annotate import versions as annotator_versions
from newsmill.extractor.core.extract import VERSION
from newsmill.ops.read import Logs
from newsmill.ops.summary import Summary, summarise
from newsmill.process.fingerprint import output_of
from newsmill.process.settings import Settings, shown
from newsmill.replay import manifest
from newsmill.replay.manifest import Made, Manifest, Run
from newsmill.replay.versions import versions

STAGES = ("producer", "fetcher", "extractor", "enricher")  # stores take all that was made
SHAPING = ("fetch", "child_timeout_s", "child_memory_mb")
"""The settings that a record's value, or whether there is one, may depend on."""


def account(settings: Settings, runs: Sequence[Run]) -> Manifest:
    """The manifest of a lane whose replays are at their end."""
    summary = summarise(Logs([settings.log_dir]))
    with PrintStore(settings.prints_path, readonly=True) as prints:
        made = Made(**output_of(prints.prints())._asdict())
    configuration = shaping(settings)
    counts, reasons = _counts(summary, settings.lane)
    return Manifest(
        lane=settings.lane,
        made=datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        runs=tuple(runs),
        versions=versions(_stages()),
        configuration=configuration,
        configuration_digest=manifest.digest_of(configuration),
        counts=counts,
        reasons=reasons,
        counted=summary.is_balanced
        and counts.get("enricher", {}).get("published", 0) == made.records,
        output=made,
    )


def shaping(settings: Settings) -> dict[str, Any]:
    """The settings that shape values."""
    values = shown(settings)
    return {name: values[name] for name in SHAPING}


def _stages() -> dict[str, str]:
    annotators = {f"annotator {name}": of for name, of in annotator_versions().items()}
    return {"extractor": VERSION, **annotators}


def _counts(
    summary: Summary, lane: str
) -> tuple[dict[str, dict[str, int]], dict[str, dict[str, int]]]:
    """Outcomes and reasons by stage."""
    counts: dict[str, dict[str, int]] = {}
    reasons: dict[str, dict[str, int]] = {}
    for ledger in summary.stages:
        if ledger.lane != lane or ledger.stage not in STAGES or not ledger.outcomes.total():
            continue
        counts[ledger.stage] = dict(sorted(ledger.outcomes.items()))
        reasons[ledger.stage] = {
            f"{outcome} {reason}": number
            for (outcome, reason), number in sorted(ledger.reasons.items())
        }
    return counts, {stage: told for stage, told in reasons.items() if told}
