"""The sites as a person reads them, and as JSON: what changed first, then how each is."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp
from typing import Any

import orjson

from newsmill.ops.sites import MISSABLE, Change, Site, Sites
from newsmill.ops.words import plural, table, when
from newsmill.process.telemetry import clean

TOP = 20  # sites shown; all are in the JSON


def render_sites(sites: Sites) -> str:
    """The sites as plain text, in about 100 columns; no newline at its end."""
    if not sites.by_name:
        return "No extraction in these logs."
    changes = sites.changes()
    lines = list(_changed(changes)) or ["No site changed."]
    ordered = sorted(sites.by_name.values(), key=lambda one: (-one.all.pages, one.lane, one.site))
    rows = [["SITE", "pages", "yield", "chars", "tier", *(f"no {name}" for name in MISSABLE)]]
    rows += [_row(site) for site in ordered[:TOP]]
    lines += ["", *table(rows, left=(0, 4))]
    if len(ordered) > TOP:
        lines.append(f"… and {plural(len(ordered) - TOP, 'site')} more; all are in --json")
    return "\n".join(map(clean, lines))


def _changed(changes: list[Change]) -> Iterator[str]:
    for change in changes:
        yield f"CHANGED  {sentence(change)}"
        yield f"         e.g. newsmill ops trace {change.examples[0]}"


def sentence(change: Change) -> str:
    """What changed, in one line."""
    if change.what == "length":
        moved = f"{change.before:,.0f} → {change.after:,.0f} characters"
    else:
        moved = f"{100 * change.before:.0f} % → {100 * change.after:.0f} %"
    since = f"since {when(change.since)} ({plural(change.pages, 'page')})"
    return f"{change.site}: {change.what} {moved} {since}"


def _row(site: Site) -> list[str]:
    whole = site.all
    articles = max(1, whole.articles)
    tier = max(whole.tiers, key=lambda name: whole.tiers[name], default="")
    share = f" {100 * whole.tiers[tier] / articles:.0f} %" if tier else ""
    return [
        site.site[:32],
        f"{whole.pages:,}",
        f"{100 * whole.articles / whole.pages:.0f} %",
        f"{exp(whole.log_chars / articles):,.0f}" if whole.log_chars else "",
        tier + share,
        *(f"{100 * whole.missing.get(name, 0) / articles:.0f} %" for name in MISSABLE),
    ]


def sites_json(sites: Sites) -> bytes:
    """The sites as one JSON object, for programs."""
    return orjson.dumps(
        {
            "version": 1,
            "changes": sites.changes(),
            "sites": [_site(site) for _, site in sorted(sites.by_name.items())],
        }
    )


def _site(site: Site) -> dict[str, Any]:
    whole = site.all
    articles = max(1, whole.articles)
    return {
        "lane": site.lane,
        "site": site.site,
        "pages": whole.pages,
        "articles": whole.articles,
        "chars": round(exp(whole.log_chars / articles)) if whole.log_chars else None,
        "tiers": whole.tiers,
        "missing": {name: whole.missing.get(name, 0) for name in MISSABLE},
        "first": whole.first,
    }
