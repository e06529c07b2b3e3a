"""Flame graphs: where a thread's CPU time goes, sampled, and drawn as one SVG that a browser opens.

A sample weighs the CPU time since the one before it, so a long call into C, during which Python
takes no signal, counts in full for the line that made it.
"""

from __future__ import annotations

import re
import signal
import time
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import CodeType, FrameType
from typing import Any
from xml.sax.saxutils import escape

Stack = tuple[str, ...]  # outermost first
INTERVAL_S = 0.001  # of CPU; a sample costs some 10 µs
MIN_SHARE = 0.0005  # of the whole; thinner boxes cannot be seen
WIDTH, ROW, TOP = 1200, 18, 44  # pixels
_CHAR = 6.6  # pixels a letter takes
_HOME = re.compile(r".*/(?:site-packages|lib/python[\d.]+|services|benchmarks)/|.*/(?=[^/]+$)")


class Sampler:
    """Samples the stacks of the main thread, which has to be the one that starts it."""

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self._interval_s = interval_s
        self._taken: Counter[tuple[CodeType, ...]] = Counter()
        self._last_ns = 0
        self._before: Any = None

    def start(self) -> None:
        """Begin; SIGPROF and its timer are taken until ``stop``."""
        self._taken.clear()
        self._before = signal.signal(signal.SIGPROF, self._take)
        self._last_ns = time.thread_time_ns()
        signal.setitimer(signal.ITIMER_PROF, self._interval_s, self._interval_s)

    def stop(self) -> dict[Stack, float]:
        """End; the seconds of each stack."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        # One may be on its way still: its default would end the process.
        is_default = self._before in (None, signal.SIG_DFL)
        signal.signal(signal.SIGPROF, signal.SIG_IGN if is_default else self._before)
        found: Counter[Stack] = Counter()
        for codes, weight in self._taken.items():
            found[tuple(name_of(code) for code in reversed(codes))] += weight
        return {stack: weight / 1e9 for stack, weight in found.items()}

    def _take(self, number: int, frame: FrameType | None) -> None:
        now = time.thread_time_ns()
        codes = []
        while frame is not None:
            codes.append(frame.f_code)
            frame = frame.f_back
        self._taken[tuple(codes)] += now - self._last_ns
        self._last_ns = time.thread_time_ns()


def name_of(code: CodeType) -> str:
    """``newsmill.urls.normalise``: a function's module, by its file's place, and its own name."""
    module = _HOME.sub("", code.co_filename, count=1).removesuffix(".py").replace("/", ".")
    return f"{module.removesuffix('.__init__')}.{code.co_qualname}"


def folded(stacks: Mapping[Stack, float]) -> str:
    """A line a stack, ``a;b;c MICROSECONDS``: the form that other tools read."""
    lines = (f"{';'.join(stack)} {round(weight * 1e6)}" for stack, weight in sorted(stacks.items()))
    return "".join(f"{line}\n" for line in lines)


@dataclass(slots=True)
class _Node:
    name: str
    total: float = 0.0
    below: dict[str, _Node] = field(default_factory=dict)


def draw(stacks: Mapping[Stack, float], title: str) -> str:
    """The flame graph as a whole SVG document: a click widens a box, one on the lowest goes back.

    Callers are below, callees above; boxes are sorted by name, so that two graphs compare.
    """
    root = _Node("all", sum(stacks.values()))
    for stack, weight in stacks.items():
        node = root
        for name in stack:
            node = node.below.setdefault(name, _Node(name))
            node.total += weight
    boxes = list(_boxes(root))
    height = TOP + ROW * (1 + max(depth for _, depth, _ in boxes))
    shown = [_box(node, depth, left, root.total, height) for node, depth, left in boxes]
    head = f"{title}: {root.total * 1e3:.0f} ms of CPU"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="monospace" font-size="11">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#fffdf7"/>\n'
        f'<text x="8" y="22" font-size="15">{escape(head)}</text>\n'
        + "\n".join(shown)
        + f"\n<script><![CDATA[{_SCRIPT}]]></script>\n</svg>\n"
    )


def _boxes(root: _Node) -> Iterator[tuple[_Node, int, float]]:
    """Every box wide enough to be seen: node, depth, and where it begins, in seconds."""
    waiting = [(root, 0, 0.0)]
    while waiting:
        node, depth, left = waiting.pop()
        yield node, depth, left
        for name in sorted(node.below):
            child = node.below[name]
            if child.total >= MIN_SHARE * root.total:
                waiting.append((child, depth + 1, left))
            left += child.total


def _box(node: _Node, depth: int, left: float, whole: float, height: int) -> str:
    share, start = node.total / (whole or 1.0), left / (whole or 1.0)
    width, x, y = share * WIDTH, start * WIDTH, height - ROW * (depth + 1)
    tint = zlib.crc32(node.name.encode())
    hue = 18 + tint % 34 if node.name.startswith("newsmill.") else 190 + tint % 50
    label = escape(node.name)
    text = escape(_fitting(node.name, width))
    return (
        f'<g data-x="{start:.6f}" data-w="{share:.6f}" data-y="{y}" data-n="{_quoted(label)}">'
        f"<title>{label}: {node.total * 1e3:.1f} ms, {share:.1%}</title>"
        f'<rect x="{x:.2f}" y="{y}" width="{max(width - 0.5, 0.1):.2f}" height="{ROW - 1}" '
        f'fill="hsl({hue},70%,{68 + tint % 12}%)"/>'
        f'<text x="{x + 3:.2f}" y="{y + 12}">{text}</text></g>'
    )


def _fitting(name: str, width: float) -> str:
    """The end of a name that fits in a box: it says more than its start."""
    room = int((width - 6) / _CHAR)
    return name if len(name) <= room else name[-room:] if room >= 4 else ""


def _quoted(text: str) -> str:
    return text.replace('"', "&quot;")


_SCRIPT = f"""
const boxes = [...document.querySelectorAll("g")];
const show = (from, share) => boxes.forEach(g => {{
  const x = (+g.dataset.x - from) / share * {WIDTH}, w = +g.dataset.w / share * {WIDTH};
  const [rect, text] = [g.querySelector("rect"), g.querySelector("text")];
  const left = Math.max(x, 0), width = Math.min(x + w, {WIDTH}) - left;
  g.style.display = width > 0.2 ? "" : "none";
  rect.setAttribute("x", left); rect.setAttribute("width", Math.max(width - 0.5, 0.1));
  const room = Math.floor((width - 6) / {_CHAR});
  text.setAttribute("x", left + 3);
  text.textContent = room < 4 ? "" : g.dataset.n.slice(-room);
}});
boxes.forEach(g => g.addEventListener("click", () => show(+g.dataset.x, +g.dataset.w)));
"""
