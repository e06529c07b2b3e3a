"""The look of the diff page: one style sheet, for light and dark, without a font or a file."""

from __future__ import annotations

STYLE = """
:root{--fg:#1c2126;--dim:#667079;--bg:#fcfcfb;--card:#fff;--line:#e3e6e8;--same:#9fb3c1;
--alike:#c9d4db;--changed:#d9a441;--new:#4f9a6b;--gone:#c0584e;--del:#fdecea;--delm:#f6b8b1;
--ins:#e8f5ec;--insm:#a9dcb9;--heat:217,164,65;color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--fg:#dfe3e6;--dim:#949da5;--bg:#15181b;--card:#1c2024;
--line:#30363c;--same:#51626e;--alike:#3d4a53;--del:#3a2321;--delm:#7a352e;--ins:#1e3226;
--insm:#2f6b45}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:68rem;margin:0 auto;padding:2.5rem 1.25rem 5rem}
h1{font-size:1.9rem;line-height:1.2;margin:.1rem 0}h2{font-size:1.2rem;margin:2.6rem 0 .7rem}
h2 small{font-weight:400;color:var(--dim);font-size:.9rem;margin-left:.4rem}
h3{font-size:1rem;margin:0;unicode-bidi:plaintext}
header p{margin:.2rem 0;color:var(--dim)}.kicker{font-size:.85rem;letter-spacing:.04em}
.bar{display:flex;height:.9rem;border-radius:.45rem;overflow:hidden;margin:1.4rem 0 .9rem;gap:2px}
.bar i{min-width:3px;flex-basis:0;background:var(--same)}
.bar .alike{background:var(--alike)}.bar .changed{background:var(--changed)}
.bar .new{background:var(--new)}.bar .gone{background:var(--gone)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;padding:0;
margin:0;list-style:none}
.tiles li{background:var(--card);border:1px solid var(--line);border-top:4px solid var(--same);
border-radius:.4rem;padding:.6rem .9rem;color:var(--dim);font-size:.9rem}
.tiles .alike{border-top-color:var(--alike)}.tiles .changed{border-top-color:var(--changed)}
.tiles .new{border-top-color:var(--new)}.tiles .gone{border-top-color:var(--gone)}
.tiles b{display:block;font-size:1.7rem;line-height:1.2;color:var(--fg);
font-variant-numeric:tabular-nums}.tiles small{float:right}
.told{padding-left:1.1rem}.told li{margin:.25rem 0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem}
th,td{text-align:left;padding:.32rem .7rem;border-bottom:1px solid var(--line);
vertical-align:top;overflow-wrap:anywhere}
tr:first-child>th{color:var(--dim);font-weight:400;font-size:.85rem;overflow-wrap:normal}
th{font-weight:500;white-space:nowrap}th a{color:inherit}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
td.w{width:40%;vertical-align:middle}.meter{display:block;height:.6rem;border-radius:.3rem;
background:var(--changed);min-width:2px}
@media(max-width:40rem){.w{display:none}}
.heat{background:rgba(var(--heat),calc(var(--share)*.45))}
.none{color:var(--dim);opacity:.6}.note{color:var(--dim);font-size:.9rem}
article{background:var(--card);border:1px solid var(--line);border-radius:.5rem;margin:.8rem 0;
padding:.8rem 1rem}
.id{margin:.1rem 0 .6rem;color:var(--dim);font-size:.82rem;overflow-wrap:anywhere}
.id code{opacity:.7;font-size:.95em}
.pair{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(22rem,100%),1fr));gap:.5rem}
del,ins{display:block;text-decoration:none;padding:.45rem .6rem;border-radius:.3rem;
white-space:pre-wrap;overflow-wrap:anywhere;unicode-bidi:plaintext;font-size:.92rem}
del{background:var(--del)}ins{background:var(--ins)}td del,td ins{padding:.1rem .4rem}
mark{color:inherit;border-radius:.15rem;box-decoration-break:clone}
del mark{background:var(--delm)}ins mark{background:var(--insm)}
"""
