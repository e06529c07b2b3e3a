"""The web client as the settings want it, and the rule against going on the web nameless."""

from __future__ import annotations

from collections.abc import Iterable

from newsmill.errors import Misconfigured
from newsmill.process.settings import Settings
from newsmill.web.settings import WebSettings, is_loopback_only


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


def require_contact(urls: Iterable[str], settings: Settings) -> None:
    """Raises Misconfigured where URLs lead to the web and nobody says who we are."""
    web = web_settings(settings)
    if settings.contact is None and not is_loopback_only(urls, web):
        raise Misconfigured(
            "no contact: websites must be able to reach whoever polls them;"
            " give --contact MAIL or set NEWSMILL_CONTACT"
        )
