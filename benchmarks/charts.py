"""Charts of a few points, drawn as SVG: no library for two plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM = 640, 380, 64, 40, 16, 48

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows, from where to where."""

    name: str
    low: float
    high: float

    def place(self, value: float) -> float:
        """Where a value is, 0 to 1."""
        return (value - self.low) / ((self.high - self.low) or 1.0)


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one colour, joined or, with ``sizes``, as dots so large (pixels)."""

    name: str
    colour: str
    points: Sequence[Point]
    sizes: Sequence[float] = ()


def chart(title: str, x: Axis, y: Axis, lines: Sequence[Line]) -> str:
    """The whole SVG document."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="24" font-size="15">{escape(title)}</text>',
        *_grid(x, y),
    ]
    for number, line in enumerate(lines):
        parts += _drawn(line, x, y)
        top = TOP + 16 * (number + 1)
        parts.append(
            f'<text x="{LEFT + 10}" y="{top}" fill="{line.colour}">{escape(line.name)}</text>'
        )
    return "\n".join((*parts, "</svg>", ""))


def _at(point: Point, x: Axis, y: Axis) -> tuple[float, float]:
    across = LEFT + x.place(point[0]) * (WIDTH - LEFT - RIGHT)
    return across, HEIGHT - BOTTOM - y.place(point[1]) * (HEIGHT - TOP - BOTTOM)


def _grid(x: Axis, y: Axis) -> list[str]:
    parts = []
    for step in range(6):
        value = y.low + (y.high - y.low) * step / 5
        _, down = _at((x.low, value), x, y)
        parts.append(
            f'<path d="M{LEFT} {down:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>'
            f'<text x="{LEFT - 6}" y="{down + 4:.1f}" text-anchor="end">{value:,.4g}</text>'
        )
        value = x.low + (x.high - x.low) * step / 5
        across, _ = _at((value, y.low), x, y)
        parts.append(
            f'<text x="{across:.1f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">'
            f"{value:,.4g}</text>"
        )
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
        f"{escape(x.name)}</text>"
        f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
        f"{escape(y.name)}</text>"
    )
    return parts


def _drawn(line: Line, x: Axis, y: Axis) -> list[str]:
    places = [_at(point, x, y) for point in line.points]
    if line.sizes:
        return [
            f'<circle cx="{across:.1f}" cy="{down:.1f}" r="{size:.1f}" fill="{line.colour}"/>'
            for (across, down), size in zip(places, line.sizes, strict=True)
        ]
    path = "L".join(f"{across:.1f} {down:.1f}" for across, down in places)
    return [f'<path d="M{path}" fill="none" stroke="{line.colour}" stroke-width="1.5"/>']
