"""Posts, videos and sounds of others that an article shows: whose, at which address, and where."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from newsmill import urls
from newsmill.extractor.core import addresses
from newsmill.extractor.core.names import POST
from newsmill.extractor.core.roles import EMBED, NONE, Area

if TYPE_CHECKING:
    from newsmill.extractor.core.sheet import Box, Sheet

MAX_EMBEDS = 60
MAX_POST = 4_000  # characters of a post that is quoted whole

_PLATFORMS = (
    ("youtube", "youtube.com youtube-nocookie.com youtu.be"),
    ("vimeo", "vimeo.com"),
    ("dailymotion", "dailymotion.com dai.ly"),
    ("x", "twitter.com x.com"),
    ("instagram", "instagram.com"),
    ("facebook", "facebook.com fb.watch"),
    ("tiktok", "tiktok.com"),
    ("threads", "threads.net threads.com"),
    ("bluesky", "bsky.app"),
    ("reddit", "reddit.com redditmedia.com"),
    ("telegram", "t.me telegram.org"),
    ("vk", "vk.com vkvideo.ru"),
    ("rutube", "rutube.ru"),
    ("bilibili", "bilibili.com"),
    ("niconico", "nicovideo.jp"),
    ("naver", "tv.naver.com"),
    ("twitch", "twitch.tv"),
    ("jwplayer", "jwplatform.com jwplayer.com"),
    ("brightcove", "brightcove.net brightcove.com"),
    ("spotify", "spotify.com"),
    ("soundcloud", "soundcloud.com"),
    ("apple", "embed.podcasts.apple.com embed.music.apple.com"),
    ("megaphone", "megaphone.fm"),
    ("acast", "acast.com"),
    ("datawrapper", "datawrapper.dwcdn.net"),
    ("flourish", "flo.uri.sh flourish.studio"),
    ("infogram", "infogram.com"),
    ("documentcloud", "documentcloud.org"),
    ("scribd", "scribd.com"),
)
_OF_HOST = {host: name for name, hosts in _PLATFORMS for host in hosts.split()}
_POST = re.compile(
    r"(?:^|[\s_-])(?:twitter-(?:tweet|video)|instagram-media|tiktok-embed|fb-(?:post|video)|"
    r"bluesky-embed|reddit-(?:embed-bq|card)|threads-post|text-post-media|telegram-post|"
    r"mastodon-embed)(?:$|[\s_-])"
)
_WIDGET = re.compile(r"/(?:plugins/(?:like|share|page)|widgets?/|intent/|share\b)", re.I)


@dataclass(frozen=True, slots=True)
class Embedded:
    """What is shown, and before which block."""

    block: int
    platform: str
    url: str
    text: str = ""  # of a post that is quoted


def take(sheet: Sheet, area: Area, roles: bytearray, base: str) -> list[Embedded]:
    """Embeds of the area, in order; the blocks of a quoted post are marked as its own."""
    found: dict[str, Embedded] = {}
    for embed in sheet.embeds:
        if area.first <= embed.block <= area.last and embed.url:
            _note(found, embed.block, embed.url, base, embed.tag in ("video", "audio"))
    for box in sheet.boxes:
        if not box.bits & POST or box.tag not in ("blockquote", "div"):
            continue
        if not area.first <= box.first < area.last:
            continue
        if _POST.search(box.name.lower()) and _is_small(box, area):
            _take_post(sheet, box, roles, found, base)
    return sorted(found.values(), key=lambda each: each.block)[:MAX_EMBEDS]


def _is_small(box: Box, area: Area) -> bool:
    return area.chars[box.last] - area.chars[box.first] <= MAX_POST


def _take_post(
    sheet: Sheet, box: Box, roles: bytearray, found: dict[str, Embedded], base: str
) -> None:
    """A post that is quoted: its address is the last link to its platform."""
    hrefs = [link.href for b in range(box.first, box.last) for link in sheet.blocks[b].links]
    text = " ".join(sheet.blocks[b].text for b in range(box.first, box.last))
    for href in reversed(hrefs):
        if _note(found, box.first, href, base, False, text):
            for index in range(box.first, box.last):
                if roles[index] == NONE:
                    roles[index] = EMBED
            return


def _note(
    found: dict[str, Embedded], block: int, href: str, base: str, is_media: bool, text: str = ""
) -> bool:
    """Add what is of a known platform, or a media file of the page's own."""
    try:
        url = addresses.normal(href, base)
    except ValueError:
        return False
    platform = platform_of(url)
    if platform is None and is_media:
        platform = urls.host_of(url)
    if platform is None or _WIDGET.search(url):
        return False
    found.setdefault(url, Embedded(block, platform, url, text))
    return True


def platform_of(url: str) -> str | None:
    """The platform that a normal URL belongs to, or None."""
    host = urls.host_of(url)
    while "." in host:
        if host in _OF_HOST:
            return _OF_HOST[host]
        host = host.partition(".")[2]
    return None
