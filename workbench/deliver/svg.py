"""Draw plots and pictures as SVG, which notebooks and reports show without drawing them again.

A drawing has no background, and a grey that reads on light and on dark pages.
"""

import base64
import io
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

GREY = "#858B93"
_FONT = "13px system-ui, sans-serif"
_SMALL = 11  # pixels, the height of the text of ticks and marks
_ABOVE, _TICK = 8, 4  # pixels from axes to their title, and length of a tick
_DASHES = 'stroke-dasharray="4 4"'
_LEVELS = 32  # of opacity in a picture of one colour


@dataclass(frozen=True)
class Drawing:
    """A finished drawing."""

    width: int  # pixels
    height: int  # pixels
    body: str  # SVG elements

    @property
    def svg(self) -> str:
        """The drawing as a file of its own."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{self.width}" height="{self.height}" '
            f'viewBox="0 0 {self.width} {self.height}">'
            f'<g style="font: {_FONT}" fill="{GREY}">{self.body}</g></svg>'
        )

    @property
    def uri(self) -> str:
        """The drawing as a data: URI. As an image, it runs no script and loads nothing."""
        return f"data:image/svg+xml;charset=utf-8,{self.svg.translate(_ESCAPES)}"

    def _repr_html_(self) -> str:
        size = f"width='{self.width}' height='{self.height}'"
        return f"<img {size} style='max-width: 100%; height: auto' src=\"{self.uri}\">"

    def __repr__(self) -> str:
        return f"a drawing, {self.width}x{self.height}"  # a notebook stores this text too


_ESCAPES = str.maketrans({one: f"%{ord(one):02X}" for one in '%"#<>&:\t\n\r'})
"""The characters that have a meaning in a URI or in HTML between double quotes, escaped."""


@dataclass
class Plot:
    """Axes in a drawing, and the elements that are drawn in them, in order.

    `left`, `top`, `width` and `height` are in pixels of the drawing. `across` and `up` are the
    values at the ends of the horizontal and the vertical axis.
    """

    left: float
    top: float
    width: float
    height: float
    across: tuple[float, float] = (0.0, 1.0)
    up: tuple[float, float] = (0.0, 1.0)
    parts: list[str] = field(default_factory=list)

    def x(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the horizontal positions of values, in pixels of the drawing."""
        low, high = self.across
        found = self.left + (np.asarray(values, np.float64) - low) * (self.width / (high - low))
        return np.asarray(found)

    def y(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the vertical positions of values, in pixels of the drawing."""
        low, high = self.up
        share = (np.asarray(values, np.float64) - low) / (high - low)
        return np.asarray(self.top + self.height * (1 - share))

    def background(self, colour: str) -> None:
        self._rectangle(self.left, self.top, self.width, self.height, f'fill="{colour}"')

    def rectangle(
        self, across: tuple[float, float], up: tuple[float, float], *, colour: str, opacity: float
    ) -> None:
        """Fill the area between these values."""
        (left, right), (bottom, top) = self.x(across).tolist(), self.y(up).tolist()
        style = f'fill="{colour}" fill-opacity="{opacity}"'
        self._rectangle(left, top, right - left, bottom - top, style)

    def outline(self, across: tuple[float, float], up: tuple[float, float], colour: str) -> None:
        """Draw a frame around the area between these values."""
        (left, right), (bottom, top) = self.x(across).tolist(), self.y(up).tolist()
        self._rectangle(left, top, right - left, bottom - top, f'fill="none" stroke="{colour}"')

    def _rectangle(self, x: float, y: float, width: float, height: float, style: str) -> None:
        size = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        self.parts.append(f"<rect {size} {style}/>")

    def line(self, x: ArrayLike, y: ArrayLike, colour: str, *, width: float = 1.4) -> None:
        """Draw a line through points, given as values."""
        points = _points(self.x(x), self.y(y))
        style = f'fill="none" stroke="{colour}" stroke-width="{width}" stroke-linejoin="round"'
        self.parts.append(f'<polyline {style} points="{points}"/>')

    def dots(self, x: ArrayLike, y: ArrayLike, colour: str, radius: float = 2.5) -> None:
        circles = zip(self.x(x).tolist(), self.y(y).tolist(), strict=True)
        drawn = "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}"/>' for x, y in circles)
        self.parts.append(f'<g fill="{colour}">{drawn}</g>')

    def area(
        self, x: ArrayLike, low: ArrayLike, high: ArrayLike, *, colour: str, opacity: float
    ) -> None:
        """Fill the area between two lines."""
        at = self.x(x)
        points = f"{_points(at, self.y(high))} {_points(at[::-1], self.y(low)[::-1])}"
        self.parts.append(f'<polygon fill="{colour}" fill-opacity="{opacity}" points="{points}"/>')

    def stems(self, x: ArrayLike, heights: ArrayLike, colour: str, width: float = 1.0) -> None:
        """Draw a vertical line from 0 to each height; nothing where it is 0."""
        at, values = self.x(x), np.asarray(heights, np.float64)
        bottom = float(self.y(0.0))
        lines = zip(at[values > 0].tolist(), self.y(values[values > 0]).tolist(), strict=True)
        path = "".join(f"M{x:.1f} {bottom:.1f}V{y:.1f}" for x, y in lines)
        self.parts.append(f'<path stroke="{colour}" stroke-width="{width}" d="{path}"/>')

    def rule(self, *, x: float | None = None, y: float | None = None) -> None:
        """Draw a dashed line at a value, all the way across or up."""
        right, bottom = self.left + self.width, self.top + self.height
        if y is not None:
            line = f"M{self.left:.1f} {float(self.y(y)):.1f}H{right:.1f}"
        else:
            line = f"M{float(self.x(x or 0)):.1f} {self.top:.1f}V{bottom:.1f}"
        self.parts.append(f'<path stroke="{GREY}" stroke-width="0.8" {_DASHES} d="{line}"/>')

    def picture(
        self, uri: str, across: tuple[float, float] | None = None, *, exact: bool = False
    ) -> None:
        """Show a picture in the axes, or between two values of the horizontal axis.

        An `exact` picture keeps its pixels when it is enlarged.
        """
        left, right = self.x(across or self.across).tolist()
        place = f'x="{left:.1f}" y="{self.top:.1f}"'
        size = f'width="{right - left:.1f}" height="{self.height:.1f}"'
        style = ' style="image-rendering: pixelated"' if exact else ""
        self.parts.append(f'<image {place} {size} preserveAspectRatio="none"{style} href="{uri}"/>')

    def text(self, x: float, y: float, words: str, anchor: str = "middle") -> None:
        """Write a small text at a value."""
        self.parts.append(
            _text(float(self.x(x)), float(self.y(y)), words, GREY, anchor, size=_SMALL)
        )

    def title(self, words: str, colour: str = GREY) -> None:
        self.parts.append(_text(self.left, self.top - _ABOVE, words, colour, "start"))

    def legend(self, entries: Sequence[tuple[str, str]]) -> None:
        """Write pairs of a text and its colour above the axes, at their right end."""
        spans = "".join(
            f'<tspan fill="{colour}" dx="{16 if at else 0}">{_escaped(words)}</tspan>'
            for at, (words, colour) in enumerate(entries)
        )
        right, above = self.left + self.width, self.top - _ABOVE
        self.parts.append(f'<text x="{right:.1f}" y="{above:.1f}" text-anchor="end">{spans}</text>')

    def bottom(self, ticks: Sequence[tuple[float, str]], label: str = "") -> None:
        """Draw the horizontal axis with ticks: pairs of a value and a text."""
        edge = self.top + self.height
        path = f"M{self.left:.1f} {edge:.1f}h{self.width:.1f}"
        for value, words in ticks:
            x = float(self.x(value))
            path += f"M{x:.1f} {edge:.1f}v{_TICK}"
            self.parts.append(_text(x, edge + 17, words, GREY, size=_SMALL))
        self._axis(path)
        if label:
            self.parts.append(_text(self.left + self.width / 2, edge + 35, label, GREY))

    def side(self, ticks: Sequence[tuple[float, str]], label: str = "") -> None:
        """Draw the vertical axis with ticks: pairs of a value and a text."""
        path = f"M{self.left:.1f} {self.top:.1f}v{self.height:.1f}"
        for value, words in ticks:
            y = float(self.y(value))
            path += f"M{self.left:.1f} {y:.1f}h-{_TICK}"
            self.parts.append(_text(self.left - 8, y + 4, words, GREY, "end", size=_SMALL))
        self._axis(path)
        if label:
            x, y = self.left - 52, self.top + self.height / 2
            turned = f' transform="rotate(-90 {x:.1f} {y:.1f})"'
            self.parts.append(_text(x, y, label, GREY, more=turned))

    def _axis(self, path: str) -> None:
        self.parts.append(f'<path stroke="{GREY}" stroke-width="0.6" fill="none" d="{path}"/>')


def drawing(width: int, height: int, plots: Iterable[Plot]) -> Drawing:
    """Put plots into one drawing of this size in pixels."""
    return Drawing(width, height, "".join(part for plot in plots for part in plot.parts))


def ticks(low: float, high: float, count: int = 5) -> list[tuple[float, str]]:
    """Return at most `count` + 1 round values between two, and their texts.

    >>> [text for _, text in ticks(0, 7.3)]
    ['0', '2', '4', '6']
    >>> [text for _, text in ticks(0, 0.32)]
    ['0', '0.1', '0.2', '0.3']
    """
    least = (high - low) / count
    power = 10.0 ** math.floor(math.log10(least))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * 0.999)
    first, last = math.ceil(low / step - 1e-6), math.floor(high / step + 1e-6)
    return [(at * step, f"{at * step:.10g}") for at in range(first, last + 1)]


def whole(values: Iterable[float]) -> list[tuple[float, str]]:
    """Return ticks at these values, with their numbers."""
    return [(value, f"{value:.0f}") for value in values]


def photo(rgb: NDArray[np.uint8]) -> str:
    """Return a picture as the data: URI of a JPEG, for pictures that are only looked at."""
    return _picture_uri(Image.fromarray(rgb), "JPEG", quality=95, subsampling=0)


def lossless(rgb: NDArray[np.uint8]) -> str:
    """Return a picture as the data: URI of a lossless WebP."""
    # The fastest method: a fifth larger than the best, in a tenth of the time.
    return _picture_uri(Image.fromarray(rgb), "WEBP", lossless=True, quality=0, method=0)


def one_colour(opacity: NDArray[np.floating], colour: str) -> str:
    """Return a picture of one colour as the data: URI of a PNG, from its opacity, 0 to 1."""
    picture = Image.fromarray((opacity * (_LEVELS - 1)).round().astype(np.uint8))
    rgb = bytes.fromhex(colour.removeprefix("#"))
    picture.putpalette(rgb * _LEVELS)
    levels = bytes(255 * level // (_LEVELS - 1) for level in range(_LEVELS))
    return _picture_uri(picture, "PNG", transparency=levels, bits=8)


def _picture_uri(picture: Image.Image, kind: str, **options: object) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    code = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{kind.lower()};base64,{code}"


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))


def _text(
    x: float,
    y: float,
    words: str,
    colour: str,
    anchor: str = "middle",
    *,
    size: int | None = None,
    more: str = "",
) -> str:
    style = f'text-anchor="{anchor}"' + (f' font-size="{size}"' if size else "")
    place = f'x="{x:.1f}" y="{y:.1f}"'
    return f'<text {place} fill="{colour}" {style}{more}>{_escaped(words)}</text>'


def _escaped(words: str) -> str:
    """Escape a text for XML, which has no place for control characters at all."""
    return escape("".join(one if one.isprintable() else "\ufffd" for one in words))
