"""The same figures for other tools: Loki, Vector, Grafana and lnav, drawn from one catalogue."""

from __future__ import annotations

from collections.abc import Callable

from newsmill.ops.rules.grafana import dashboard
from newsmill.ops.rules.lnav import log_format
from newsmill.ops.rules.loki import rule_groups
from newsmill.ops.rules.vector import pipeline

TARGETS: dict[str, Callable[[], str]] = {
    "loki": rule_groups,
    "vector": pipeline,
    "grafana": dashboard,
    "lnav": log_format,
}
"""What ``ops rules NAME`` prints."""
