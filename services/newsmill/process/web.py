"""The web client as the settings want it, its answers as pages, and no web without a contact."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings
from newsmill.process.telemetry import Telemetry
from newsmill.records import Entry, Page
from newsmill.web.messages import Response
from newsmill.web.settings import WebSettings, is_loopback_only
from newsmill.web.steady import Change


def web_settings(settings: Settings) -> WebSettings:
    """The part of the settings that the web client needs."""
    return WebSettings(
        contact=settings.contact,
        allow_private=settings.allow_private,
        resolve=settings.resolve,
        total_s=settings.fetch_timeout_s,
        read_s=min(15.0, settings.fetch_timeout_s),
        concurrency=settings.fetch_concurrency,
        spacing_s=settings.spacing_s,
    )


def tell_network(changes: Iterable[Change], log: Telemetry) -> None:
    """Log how our own network went and came."""
    for change in changes:
        if change.is_down:
            log.event("network.down", why=change.why)
        else:
            log.event("network.up", why=change.why, took_ms=change.took_s * 1e3)


def fetched_page(page_id: str, answer: Response, entry: Entry | None = None) -> Page:
    """The page that was fetched just now."""
    return Page(
        page_id=page_id,
        url=answer.url,
        final_url=answer.final_url if answer.final_url != answer.url else None,
        status=answer.status,
        content_type=answer.headers.get("content-type"),
        fetched=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        redirects=answer.redirects,
        entry=entry,
    )


def require_contact(urls: Iterable[str], settings: Settings) -> None:
    """Raises Misconfigured where URLs lead to the web and nobody says who we are."""
    web = web_settings(settings)
    if settings.contact is None and not is_loopback_only(urls, web):
        raise Misconfigured(
            "no contact: websites must be able to reach whoever polls them;"
            " give --contact MAIL or set NEWSMILL_CONTACT"
        )
