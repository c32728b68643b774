"""Smooth: a deband that fits a smooth surface to the picture and keeps what does not lie on it.

A band is a step of one code value in what was a gradient, and it can be hundreds of pixels wide. So
the surface is fitted at an eighth of the size, where wide is cheap:

1. The picture goes on beyond its borders, by point reflection: a gradient goes on as it was, and no
   border bends the surface.
2. One surface keeps to edges: a bilateral filter, and what it left of the picture blurred and put
   back, so that it leans to neither side of an edge.
3. Another is smoother and knows no edges: 1 - (1 - G)**3 of a Gaussian G, which bends with any
   cubic gradient (Kaiser and Hamming, "Sharpening the response of a symmetric nonrecursive filter",
   IEEE ASSP 25, 1977). It is taken wherever no edge is in its reach.
4. At full size each pixel takes the surface's value where that is near its own, and the picture
   keeps its own values where they stray from the surface on average: grain and texture stay.

Sizes are in pixels of luma; chroma, a plane of its own, is looked at twice as widely where it is
subsampled. Code values are those of 8 bits, 256 apart in the 16 bits that this works in.
"""

from workbench.look.filter_graph import FilterStream, combine
from workbench.look.stages import Smooth

_SMALLER = 8  # times, each way
_SPARE = 2  # of these, as many are enlarged too: enlarging flattens what is next to a border
_EDGES = 24  # pixels, the sigma of the bilateral filter; it runs three times
_LEFT = 36  # pixels, the sigma of the blur of what it left
_CODE = 256
_MIDDLE = 32768  # stands for 0 where a difference can be negative
_MOST = 65535

# In proportion to the strength, which is what a pixel may change by at most:
_NEAR = 0.0133  # neighbours this near, as a share of full range, are on one side of an edge
_BESIDE = 1.33  # what the edge-keeping surface left counts no more than this
_MISFIT = 0.6  # further from the wide surface than this, a small pixel does not lie on it...
_STEP = 0.9  # ...but never less, in code values: half a step of a band, and what coding adds
_ELASTICITY = 1.5  # times the strength: where a pixel has its own value again


def smooth(picture: FilterStream, stage: Smooth, width: int, height: int) -> FilterStream:
    """Deband a planar Y'CbCr picture of 16 bits and this size."""
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
    small = _extended(whole.then(f"scale={columns}:{rows}:flags=area"), margin)
    surface = _wide(small, _keeping_edges(small, stage.strength), stage)

    def enlarged(times: int) -> FilterStream:
        spare = min(_SPARE, margin)
        cut = 2 * (margin - spare)
        size = (columns + 2 * spare) * times, (rows + 2 * spare) * times
        return (
            surface.then(f"crop=iw-{cut}:ih-{cut}")
            .then(f"scale={size[0]}:{size[1]}:flags=bicubic")
            .then(_crop(columns * times, rows * times, spare * times))
        )

    # Texture is what strays on average. One pixel in seven is enough to know, two or three apart,
    # so that a regular pattern cannot hide between them.
    few = whole.then(f"scale={3 * columns}:{3 * rows}:flags=neighbor")
    strays = _difference(enlarged(3), few)
    straying = (
        strays.then(f"limiter=max={8 * stage.texture * _CODE:.0f}")
        .then(f"scale={columns}:{rows}:flags=area")
        .then("gblur=1.5:threads=1")
    )
    textured = _ramp(straying, stage.texture * _CODE, 1.5 * stage.texture * _CODE).then(
        f"scale={wide}:{high}:flags=bilinear"
    )
    cut = _crop(width, height, 0)
    limit = f"limitdiff={stage.strength * _CODE / _MOST:.6f}:{_ELASTICITY}"
    debanded = combine(limit, enlarged(_SMALLER).then(cut), picture)
    return combine("maskedmerge", debanded, picture, textured.then(cut))


def _extended(picture: FilterStream, margin: int) -> FilterStream:
    """Continue a picture beyond its borders: twice the border's value less the mirrored one's."""
    pad = f"pad=iw+{2 * margin}:ih+{2 * margin}:{margin}:{margin}"
    borders = f"{pad},fillborders={margin}:{margin}:{margin}:{margin}"
    border, mirrored = picture.then(f"{borders}:smear"), picture.then(f"{borders}:reflect")
    return combine("mix=weights=2 -1:scale=1", border, mirrored)


def _keeping_edges(picture: FilterStream, strength: float) -> FilterStream:
    """Fit a surface within the edges of a picture."""
    bilateral = f"bilateral={_EDGES / _SMALLER:g}:{_NEAR * strength:.5f}:planes=7"
    kept = picture.then(bilateral).then(bilateral).then(bilateral)
    most = round(_BESIDE * strength * _CODE)
    left = combine("blend=all_mode=grainextract", picture, kept).then(
        f"limiter=min={_MIDDLE - most}:max={_MIDDLE + most}"
    )
    once = left.then(_blur(_LEFT))
    twice = combine("mix=weights=2 -1:scale=1", once, once.then(_blur(_LEFT)))
    return combine("blend=all_mode=grainmerge", kept, twice)


def _wide(picture: FilterStream, otherwise: FilterStream, stage: Smooth) -> FilterStream:
    """Fit the wide surface; where something in its reach does not lie on it, take the other."""
    blur = _blur(stage.radius)
    once = picture.then(blur)
    twice = once.then(blur)
    fitted = combine("mix=inputs=3:weights=3 -3 1:scale=1", once, twice, twice.then(blur))
    most = round(max(_STEP, _MISFIT * stage.strength) * _CODE)
    off = _difference(picture, fitted).then(f"maskfun=low={most}:high={most}:sum={_MOST}")
    near = _ramp(off.then(_blur(stage.radius)), 0.02 * _MOST, 0.1 * _MOST)
    return combine("maskedmerge", fitted, otherwise, near)  # near to what is off it, the other


def _blur(sigma: float) -> str:
    """A Gaussian at the small size; `sigma` is in pixels of the whole.

    In one thread: with more of them than rows, gblur writes rubbish.
    """
    return f"gblur={sigma / _SMALLER:g}:steps=3:threads=1"


def _difference(one: FilterStream, other: FilterStream) -> FilterStream:
    return combine("blend=all_mode=difference", one, other)


def _ramp(picture: FilterStream, low: float, high: float) -> FilterStream:
    """Rise from nothing where a picture has one value to all where it has another.

    Not by lutyuv, which would work out 65536 values for each plane first: 10 ms.
    """
    bottom, top = round(low), round(high)
    times = f"{_MOST / (top - bottom):.6f}"
    within = picture.then(f"limiter=min={bottom}:max={top}")
    floor = picture.then(f"limiter=min={bottom}:max={bottom}")
    return combine(f"mix=weights={times} -{times}:scale=1", within, floor)


def _crop(width: int, height: int, at: int) -> str:
    return f"crop={width}:{height}:{at}:{at}:exact=1"
