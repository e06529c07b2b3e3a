"""Plots of a report: lines over time as SVG that stands inside a page, readable on a phone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from math import ceil, floor, log10

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 640, 220, 52, 8, 10, 24
# Okabe and Ito's colours, which people who see fewer colours tell apart too.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c8c8c", "#000000")
MOST_LINES = len(COLOURS)

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Scale:
    """The upright axis: from 0 to ``top``, or by powers of ten from ``low``."""

    top: float
    low: float = 0.0  # above 0: by powers of ten

    @staticmethod
    def of(values: Sequence[float], *, by_powers: bool) -> Scale:
        """The axis on which all values stand."""
        above = [value for value in values if value > 0]
        if not by_powers or not above:
            return Scale(_round_up(max(values, default=0.0)))
        top = 10.0 ** ceil(log10(max(above)))
        low = 10.0 ** floor(log10(max(min(above), top / 1e6)))  # what is less lies on the ground
        return Scale(max(top, 10 * low), low)

    def place(self, value: float) -> float:
        """Where a value stands, 0 to 1."""
        if not self.low:
            return value / self.top
        return log10(max(value, self.low) / self.low) / log10(self.top / self.low)

    @property
    def ticks(self) -> list[float]:
        """Values that get a line and a number."""
        if not self.low:
            return [0.0, self.top / 2, self.top]
        powers = round(log10(self.top / self.low))
        every = max(1, ceil(powers / 4))
        return [self.low * 10.0**power for power in range(0, powers + 1, every)]


def plot(
    title: str,
    unit: str,
    starts: Sequence[int],
    lines: Mapping[str, Values],
    *,
    order: Sequence[str] = (),
    by_powers: bool = False,
) -> str:
    """A figure with its legend; nothing where no line has a value.

    ``starts`` are seconds since the epoch, one a value; a None is a gap. Names of ``order``, and
    names that begin with one and a hyphen, have one colour in every plot.
    """
    lines = {name: values for name, values in lines.items() if any(v is not None for v in values)}
    if not lines or len(starts) < 2:
        return ""
    shown = dict(list(lines.items())[:MOST_LINES])
    colours = _colours(list(shown), order)
    scale = Scale.of(
        [v for values in shown.values() for v in values if v is not None], by_powers=by_powers
    )
    drawn = "".join(
        _line(values, scale, colour) for values, colour in zip(shown.values(), colours, strict=True)
    )
    legend = "".join(
        f'<li><svg width="14" height="8"><rect width="14" height="4" y="2" rx="2"'
        f' fill="{colour}"/></svg> {escape(name)}</li>'
        for name, colour in zip(shown, colours, strict=True)
    )
    hidden = len(lines) - len(shown)
    more = f"<li>and {hidden} more</li>" if hidden > 0 else ""
    return (
        f"<figure><figcaption>{escape(title)} <small>{escape(unit)}</small></figcaption>"
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">'
        f"{''.join(_grid(starts, scale))}{drawn}</svg>"
        f"<ul class=legend>{legend}{more}</ul></figure>"
    )


def _colours(names: Sequence[str], order: Sequence[str]) -> list[str]:
    """By place in ``order`` as long as that tells them apart, else one after another."""
    places = [
        next((at for at, known in enumerate(order) if f"{name}-".startswith(f"{known}-")), None)
        for name in names
    ]
    if None in places or len(set(places)) < len(places):
        return [COLOURS[number] for number in range(len(names))]
    return [COLOURS[place % len(COLOURS)] for place in places if place is not None]


def spark(values: Sequence[float]) -> str:
    """The values as one row of block characters, for a terminal."""
    most = max(values, default=0.0)
    if not most:
        return " " * len(values)
    return "".join(" ▁▂▃▄▅▆▇█"[min(8, -int(-value * 8 // most))] for value in values)


def _line(values: Values, scale: Scale, colour: str) -> str:
    """Strokes between neighbours that have a value; a value alone is a dot."""
    across = (WIDTH - LEFT - RIGHT) / max(1, len(values) - 1)
    strokes: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            if strokes[-1]:
                strokes.append([])
            continue
        x = LEFT + number * across
        y = TOP + (1 - scale.place(value)) * (HEIGHT - TOP - BOTTOM)
        strokes[-1].append(f"{x:.1f} {y:.1f}")
    path = "".join(
        f"M{points[0]}" + ("".join(f"L{point}" for point in points[1:]) or "h1")
        for points in strokes
        if points
    )
    return f'<path d="{path}" stroke="{colour}" class=line />'


def _grid(starts: Sequence[int], scale: Scale) -> Iterator[str]:
    for value in scale.ticks:
        y = TOP + (1 - scale.place(value)) * (HEIGHT - TOP - BOTTOM)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" class=grid />'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class=y>{_short(value)}</text>'
    span = starts[-1] - starts[0]
    shape = "%H:%M:%S" if span < 600 else "%H:%M" if span < 86_400 else "%b %d"
    for part, anchor in ((0.0, "start"), (0.5, "middle"), (1.0, "end")):
        x = LEFT + part * (WIDTH - LEFT - RIGHT)
        at = datetime.fromtimestamp(starts[0] + part * span, UTC).strftime(shape)
        yield f'<text x="{x:.1f}" y="{HEIGHT - 6}" text-anchor="{anchor}">{at}</text>'


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 times a power of ten; 1 for nothing."""
    if value <= 0:
        return 1.0
    power = float(10.0 ** floor(log10(value)))
    return next((step * power for step in (1, 2, 2.5, 5) if value <= step * power), 10 * power)


def _short(value: float) -> str:
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g}{letter}"
    return f"{value:g}"
