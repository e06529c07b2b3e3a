"""Recording and alerting rules for Loki's ruler."""

from __future__ import annotations

from typing import Any

from newsmill.ops.rules.figures import ALERTS, DEAD_SHARE, FIGURES, ROLES, SILENT, Figure
from newsmill.ops.rules.yaml import dump

SELECTOR = '{app="newsmill"}'  # how the collector labels the stream
QUANTILES = (50, 95, 99)
OF = "5m"


def rule_groups() -> str:
    """The rule file; put the selector of your collector where it says ``{app="newsmill"}``."""
    recorded = [rule for figure in FIGURES for rule in _recorded(figure)]
    return (
        "# Loki: rules for the ruler. Lines are counted as written; newsmill ops summary counts\n"
        "# what was committed. Drawn by: newsmill ops rules loki\n"
    ) + dump(
        {
            "groups": [
                {"name": "newsmill_figures", "interval": "1m", "rules": recorded},
                {"name": "newsmill_alerts", "interval": "1m", "rules": _alerts()},
            ]
        }
    )


def lines_of(figure: Figure) -> str:
    """The LogQL of the lines that a figure is made of."""
    wanted = ["event", *figure.labels, *([figure.field] if figure.field else [])]
    return f'{SELECTOR} | json {", ".join(wanted)} | event="{figure.event}"'


def expression(figure: Figure, quantile: int = 95, of: str = OF) -> str:
    """The LogQL of a figure."""
    by = f"by ({', '.join(figure.labels)})"
    if figure.field is None:
        return f"sum {by} (rate({lines_of(figure)} [{of}]))"
    unwrapped = f'{lines_of(figure)} | {figure.field}!="" | unwrap {figure.field} [{of}]'
    if figure.kind == "gauge":
        return f"max {by} (last_over_time({unwrapped}) {by})"
    return f"quantile_over_time({quantile / 100}, {unwrapped}) {by}"


def _recorded(figure: Figure) -> list[dict[str, Any]]:
    name = f"newsmill:{figure.name}"
    if figure.kind == "histogram":
        return [
            {"record": f"{name}:p{share}", "expr": expression(figure, share)} for share in QUANTILES
        ]
    suffix = ":rate5m" if figure.kind == "counter" else ""
    return [{"record": name + suffix, "expr": expression(figure)}]


def _alerts() -> list[dict[str, Any]]:
    return [*map(_on_event, ALERTS), *map(_on_silence, ROLES), _on_deaths(), _on_lost_lines()]


def _alert(name: str, expr: str, says: str, severity: str, after: str = "0m") -> dict[str, Any]:
    return {
        "alert": name,
        "expr": expr,
        "for": after,
        "labels": {"severity": severity},
        "annotations": {"summary": says},
    }


def _on_event(event: Any) -> dict[str, Any]:
    name = "Newsmill" + "".join(word.capitalize() for word in event.split("."))
    expr = (
        f"sum by (lane, service) (count_over_time({SELECTOR} | json event, lane, service"
        f' | event="{event}" [5m])) > 0'
    )
    return _alert(name, expr, ALERTS[event], "page")


def _on_silence(role: str) -> dict[str, Any]:
    expr = (
        f"absent_over_time({SELECTOR} | json event, service"
        f' | service="{role}" | event="worker.heartbeat" [{SILENT}])'
    )
    return _alert(f"NewsmillNo{role.capitalize()}", expr, f"no {role} speaks", "page", "1m")


def _on_deaths() -> dict[str, Any]:
    lines = f'{SELECTOR} | json event, lane, stage, outcome | event="record"'
    by = "by (lane, stage)"
    expr = (
        f'sum {by} (count_over_time({lines} | outcome="dead" [15m]))'
        f" / sum {by} (count_over_time({lines} [15m])) > {DEAD_SHARE}"
    )
    return _alert("NewsmillDeadLetters", expr, "a large share of records dies", "page", "5m")


def _on_lost_lines() -> dict[str, Any]:
    expr = f'sum(count_over_time({SELECTOR} | json event | event="log.lost" [15m])) > 0'
    return _alert("NewsmillLinesLost", expr, "log lines were lost: counts are short", "ticket")
