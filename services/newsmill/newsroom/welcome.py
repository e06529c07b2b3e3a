"""The page that greets whoever opens the sample newsroom in a browser."""

from __future__ import annotations

from html import escape

from newsmill.newsroom.hosts import Host, hosts

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>The sample newsroom of newsmill</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:46em;margin:2em auto;padding:0 1em}}
h2{{margin-bottom:0}}p{{margin-top:.2em}}code{{background:#f2f2f2;padding:.1em .3em}}</style></head>
<body><h1>The sample newsroom</h1>
<p>{count} invented publications, told apart by their host names on this one port. From a shell:<br>
<code>curl --connect-to ::127.0.0.1:{port} http://{first}/</code></p>
{hosts}
</body></html>
"""


def welcome(port: int) -> str:
    """The greeting: every host, what it is there for, and its feeds."""
    return _PAGE.format(
        count=len(hosts()),
        first=next(iter(hosts())),
        port=port,
        hosts="\n".join(map(_host, hosts().values())),
    )


def _host(host: Host) -> str:
    feeds = " · ".join(
        f'<a href="/{host.name}{path}">{feed.format}</a>' for path, feed in host.feeds.items()
    )
    return (
        f'<h2><a href="/{host.name}/">{escape(host.site)}</a></h2>\n'
        f"<p>{escape(host.about)} Feeds: {feeds}.</p>"
    )
