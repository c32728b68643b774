"""Smooth: a deband that changes the picture only as far as rounding explains.

Rounding a gradient to 8 bits leaves steps, and it also adds noise of a known variance. This
deband treats that variance as a budget. At every place it asks how much of the budget the source
uses up at a small scale, and it may smooth a wide neighbourhood only with the rest.

1. The local surface is a blur of the source, held within the RMS of the rounding noise.
2. The noise is the mean square of the source's distance from a first small blur. Where it is as
   large as the budget, the source steps so often that its local means are exact. Where it is
   larger, there is grain or texture.
3. The wide surfaces are 1 - (1 - G)**3 of a Gaussian G, which follows any cubic gradient (Kaiser
   and Hamming, "Sharpening the response of a symmetric nonrecursive filter", IEEE ASSP 25,
   1977). One has the radius of the stage, and one a third of it. They are fitted at an eighth of
   the size, to a picture continued beyond its borders by point reflection, so that no border
   bends a gradient.
4. A wide surface counts in proportion to what is left of the budget over the mean square of its
   own distance from the source. This is the gain of a Wiener filter. So it counts fully where a
   flat area lies between rare steps, and not at all beside an edge or over faint shading.
5. Where there is more noise than rounding explains, there is grain or texture. There the result
   is mixed with the source by the gain of a second Wiener filter. A pixel may change by twice
   the RMS of the rounding noise, times the same gain.

Sizes are in pixels of the plane. All planes are treated alike; where chroma is subsampled, its
sizes are twice as wide on the picture. Code values are those of the source: in the 16 bits in use,
those of 8 bits are 256 apart, those of 10 bits 64.
"""

import math

from workbench.look.filter_graph import FilterStream, combine
from workbench.look.stages import Smooth

_MOST = 65535
_DEEPEST = 12  # bits of a source; those of more are treated alike, and need no deband
_SMALLER = 8  # times in each direction, for the wide surfaces and for all mean squares
_SPARE = 2  # small pixels beyond each border that are enlarged as well; resizing flattens a border
_SAMPLES = 3  # in each direction, for the noise of one small pixel

NOISE = 1 / 12 + (219 / 255) ** 2 * (0.2126**2 + 0.7152**2 + 0.0722**2) / 12
"""Variance of the rounding noise of luma, in code values squared: 0.118.

A generator rounds R'G'B' to the bit depth of the source and then Y'CbCr. Each rounding has a
variance of 1/12, and BT.709 weighs that of R'G'B'. The other matrices and chroma differ little.
"""

_LOCAL = (3, 3, 3)  # pixels, the sigma of each blur of the local surface
_NOISE_AREA = 6  # pixels, the sigma over which the noise is averaged
_WIDE_AREA = 24  # pixels, the sigma over which the distance of a wide surface is averaged
_NARROWER = 3  # times, from the radius to that of the second wide surface
_FULL_SCALE = 4  # code values, whose square is full scale in a picture of mean squares
_MOST_RMS = 2  # times the RMS of the rounding noise: a pixel may change by this much
_FURTHEST = 1.5  # code values: a pixel further away counts no more, so edges have a short reach


def smooth(
    picture: FilterStream, stage: Smooth, width: int, height: int, bit_depth: int
) -> FilterStream:
    """Deband a planar Y'CbCr picture of 16 bits and this size, whose source had `bit_depth`."""
    step = 2 * _SMALLER  # so that subsampled chroma is whole at the small size, too
    if min(width, height) < step:
        return picture  # too small to hold a band
    wide, high = -(-width // step) * step, -(-height // step) * step
    whole = picture
    if (wide, high) != (width, height):
        borders = f"0:{wide - width}:0:{high - height}"
        whole = picture.then(f"pad={wide}:{high}:0:0").then(f"fillborders={borders}:smear")
    columns, rows = wide // _SMALLER, high // _SMALLER
    margin = min(2 * round(stage.radius / 6), min(columns, rows) - 2)
    code = 2 ** (16 - min(bit_depth, _DEEPEST))  # from one code value of the source to the next
    rms = math.sqrt(NOISE * stage.strength) * code

    # The local surface, at half the size.
    half = _resized(whole, wide // 2, high // 2, "area")
    blurred = half.then(_blur(_LOCAL[0] / 2))
    local = _within(rms, blurred, half)
    for sigma in _LOCAL[1:]:
        local = _within(rms, local.then(_blur(sigma / 2)), half)

    # The noise of the source. One pixel in seven is enough to know it, two or three apart, so that
    # a regular pattern cannot hide between them.
    few = _SAMPLES * columns, _SAMPLES * rows
    distance = _difference(_resized(whole, *few, "neighbor"), _resized(blurred, *few, "bilinear"))
    squares = _resized(_squared(distance, code), columns, rows, "area")
    squares = squares.then(_bordered(margin, "reflect"))
    noise = squares.then(_blur(_NOISE_AREA / _SMALLER))
    gain = _quotient(_variance(noise, stage.texture**2), noise)
    noise = squares.then(_blur(_WIDE_AREA / _SMALLER))
    left = combine("blend=all_mode=subtract", _variance(noise, NOISE * stage.strength), noise)

    # The wide surfaces.
    small = _resized(blurred, columns, rows, "area")
    small = combine(
        "mix=weights=2 -1:scale=1",
        small.then(_bordered(margin, "smear")),
        small.then(_bordered(margin, "reflect")),
    )

    def share(surface: FilterStream) -> FilterStream:
        distance = _squared(_difference(surface, small), code)
        return _quotient(left, distance.then(_blur(_WIDE_AREA / _SMALLER)))

    widest = _fitted(small, stage.radius)
    surface = combine(
        "maskedmerge", _fitted(small, stage.radius / _NARROWER), widest, share(widest)
    )

    def enlarged(small: FilterStream, times: int, method: str) -> FilterStream:
        spare = min(_SPARE, margin)
        cut = 2 * (margin - spare)
        size = (columns + 2 * spare) * times, (rows + 2 * spare) * times
        return _resized(small.then(f"crop=iw-{cut}:ih-{cut}"), *size, method).then(
            _crop(columns * times, rows * times, spare * times)
        )

    # All together, at half the size and then at full size.
    times = _SMALLER // 2
    near = _within(_MOST_RMS * rms, enlarged(surface, times, "bicubic"), local)
    result = combine("maskedmerge", local, near, enlarged(share(surface), times, "bilinear"))
    result = combine("maskedmerge", half, result, enlarged(gain, times, "bilinear"))
    cut = _crop(width, height, 0)
    most = enlarged(_times(gain, _MOST_RMS * rms / _MOST), _SMALLER, "bilinear").then(cut)
    return combine(
        "maskedclamp",
        _resized(result, wide, high, "bilinear").then(cut),
        combine("blend=all_mode=subtract", picture, most),
        combine("blend=all_mode=addition", picture, most),
    )


def _fitted(picture: FilterStream, radius: float) -> FilterStream:
    """Fit a wide surface to a small picture."""
    blur = _blur(radius / _SMALLER, steps=2)
    once = picture.then(blur)
    twice = once.then(blur)
    return combine("mix=inputs=3:weights=3 -3 1:scale=1", once, twice, twice.then(blur))


def _within(limit: float, picture: FilterStream, other: FilterStream) -> FilterStream:
    """Hold a picture within a distance of another one, in 16-bit code values."""
    bounds = f"undershoot={limit:.0f}:overshoot={limit:.0f}"
    return combine(f"maskedclamp={bounds}", picture, other, other)


def _squared(distance: FilterStream, code: int) -> FilterStream:
    """Square a distance in steps of a code value; full scale is _FULL_SCALE squared."""
    capped = distance.then(f"limiter=max={_FURTHEST * code - 1:.0f}")
    scaled = _times(capped, _MOST / (_FULL_SCALE * code))
    return combine("blend=all_mode=multiply", scaled, scaled)


def _times(picture: FilterStream, factor: float) -> FilterStream:
    """Multiply code values, by the mean of the picture and itself.

    Not by lutyuv, which would work out 65536 values for each plane first: 10 ms.
    """
    return combine(f"mix=weights={factor / 2:.9f} {factor / 2:.9f}:scale=1", picture, picture)


def _variance(picture: FilterStream, variance: float) -> FilterStream:
    """Return a picture of one variance, in code values squared."""
    value = round(variance / _FULL_SCALE**2 * _MOST)
    return picture.then(f"limiter=min={value}:max={value}")


def _quotient(one: FilterStream, other: FilterStream) -> FilterStream:
    """Divide; full scale is 1, which is also the result of more than that and of 0 / 0."""
    return combine("blend=all_mode=divide", one, other)


def _difference(one: FilterStream, other: FilterStream) -> FilterStream:
    return combine("blend=all_mode=difference", one, other)


def _resized(picture: FilterStream, width: int, height: int, method: str) -> FilterStream:
    return picture.then(f"scale={width}:{height}:flags={method}")


def _bordered(margin: int, mode: str) -> str:
    """Add a border of this many pixels on each side."""
    pad = f"pad=iw+{2 * margin}:ih+{2 * margin}:{margin}:{margin}"
    return f"{pad},fillborders={margin}:{margin}:{margin}:{margin}:{mode}"


def _blur(sigma: float, steps: int = 1) -> str:
    """A Gaussian; with fewer steps it has heavier tails, and costs less.

    In one thread: with more of them than rows, gblur writes rubbish.
    """
    return f"gblur={sigma:g}:steps={steps}:threads=1"


def _crop(width: int, height: int, at: int) -> str:
    return f"crop={width}:{height}:{at}:{at}:exact=1"
