"""A dashboard for Grafana over Loki: every figure a panel, and the events that ask for somebody."""

from __future__ import annotations

from typing import Any

import orjson

from newsmill.ops.rules.figures import ALERTS, FIGURES, Figure
from newsmill.ops.rules.loki import SELECTOR, expression

SOURCE = {"type": "loki", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 12, 8, 2


def dashboard() -> str:
    """The dashboard as JSON, to be imported or provisioned."""
    panels = [_panel(number, figure) for number, figure in enumerate(FIGURES)]
    panels.append(_events(len(panels)))
    board = {
        "title": "newsmill",
        "uid": "newsmill",
        "schemaVersion": 39,
        "tags": ["newsmill"],
        "timezone": "utc",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {
            "list": [{"name": "source", "type": "datasource", "query": "loki", "label": "Loki"}]
        },
        "annotations": {"list": []},
        "panels": panels,
    }
    return orjson.dumps(board, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE).decode()


def _place(number: int) -> dict[str, int]:
    row, column = divmod(number, ACROSS)
    return {"x": column * WIDTH, "y": row * HEIGHT, "w": WIDTH, "h": HEIGHT}


def _panel(number: int, figure: Figure) -> dict[str, Any]:
    legend = " ".join("{{" + label + "}}" for label in figure.labels)
    shares = (50, 95, 99) if figure.kind == "histogram" else (95,)
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": figure.says,
        "datasource": SOURCE,
        "gridPos": _place(number),
        "fieldConfig": {"defaults": {"unit": _unit(figure)}, "overrides": []},
        "targets": [
            {
                "refId": chr(ord("A") + at),
                "datasource": SOURCE,
                "expr": expression(figure, share, "$__auto"),
                "legendFormat": f"p{share} {legend}" if len(shares) > 1 else legend,
                "queryType": "range",
            }
            for at, share in enumerate(shares)
        ],
    }


def _unit(figure: Figure) -> str:
    return "cps" if figure.kind == "counter" else figure.unit


def _events(number: int) -> dict[str, Any]:
    wanted = "|".join(event.replace(".", "[.]") for event in ALERTS)
    return {
        "id": number + 1,
        "type": "logs",
        "title": "events that ask for somebody",
        "datasource": SOURCE,
        "gridPos": _place(number + number % ACROSS) | {"w": ACROSS * WIDTH},
        "options": {"showTime": True, "wrapLogMessage": True, "sortOrder": "Descending"},
        "targets": [
            {
                "refId": "A",
                "datasource": SOURCE,
                "expr": f'{SELECTOR} | json event | event=~"{wanted}"',
                "queryType": "range",
            }
        ],
    }
