"""A diff as one page of HTML that stands alone: no script, no asset, nothing from elsewhere."""

from __future__ import annotations

from html import escape

from newsmill.replay.diff import Diff, Sample, summary

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;
background:#fff}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}
.counts{display:flex;flex-wrap:wrap;gap:1rem;padding:0;list-style:none}
.counts li{border:1px solid #ccc;border-radius:.5rem;padding:.5rem 1rem}
.counts b{display:block;font-size:1.5rem}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem;
border-bottom:1px solid #ddd;vertical-align:top;overflow-wrap:anywhere}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}
.bar{display:inline-block;height:.7rem;background:#4a7;vertical-align:middle}
del{background:#fdd;text-decoration:none}ins{background:#dfd;text-decoration:none}
del,ins{display:block;padding:.2rem .4rem;white-space:pre-wrap;unicode-bidi:plaintext}
.id{color:#777;font-size:.85rem}
@media(prefers-color-scheme:dark){body{background:#161616;color:#ddd}td,th,.counts li{border-color:
#444}del{background:#522}ins{background:#243}}
"""


def html(found: Diff, before: str, after: str) -> str:
    """The page; ``before`` and ``after`` name the two sides."""
    title = f"{escape(before)} against {escape(after)}"
    counts = "".join(
        f"<li><b>{number:,}</b>{name}</li>"
        for name, number in (
            ("the same", found.same),
            ("same but for versions", found.versions_only),
            ("changed", found.changed),
            ("new", found.new),
            ("gone", found.gone),
        )
    )
    told = "".join(f"<li>{escape(line)}</li>" for line in summary(found)) or "<li>nothing</li>"
    samples = "".join(
        f"<h2>{escape(kind)}</h2>{''.join(map(_sample, found.samples[kind]))}"
        for kind in sorted(found.samples, key=lambda kind: (-found.fields[kind], kind))
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\';'
        " style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{title}</h1><ul class=counts>{counts}</ul>"
        f"<h2>What stands out</h2><ul>{told}</ul>{_fields(found)}{samples}</body></html>\n"
    )


def _fields(found: Diff) -> str:
    if not found.fields:
        return ""
    most = max(found.fields.values())
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td class=n>{number:,}</td>"
        f"<td class=n>{found.appeared[name]:,}</td><td class=n>{found.vanished[name]:,}</td>"
        f'<td><span class=bar style="width:{number / most * 12:.2f}rem"></span></td></tr>'
        for name, number in sorted(found.fields.items(), key=lambda each: (-each[1], each[0]))
    )
    return (
        "<h2>By field</h2><table><tr><th>field<th class=n>pages<th class=n>appeared"
        f"<th class=n>vanished<th></tr>{rows}</table>"
    )


def _sample(sample: Sample) -> str:
    was = "" if sample.before is None else f"<del>{escape(sample.before)}</del>"
    now = "" if sample.after is None else f"<ins>{escape(sample.after)}</ins>"
    return f'<p>{escape(sample.url)} <span class="id">{escape(sample.page_id)}</span></p>{was}{now}'
