"""THE filter chain: a Preset as an ffmpeg filter graph.

Preview, measures, encode and batch all take it from here, and nobody else builds one.
"""

import re
from dataclasses import replace
from fractions import Fraction
from typing import Protocol

from workbench.errors import UnsupportedClip
from workbench.look.curves import eq_offset
from workbench.look.filter_graph import FilterStream, combine, graph_text
from workbench.look.preset import Preset
from workbench.look.smooth import smooth
from workbench.look.stages import (
    AnyDeband,
    AnyTone,
    Deband,
    Eq,
    Flat,
    Gradfun,
    Log,
    NoDeband,
    NoTone,
    Shaped,
    Smooth,
)
from workbench.media.clip import Clip
from workbench.media.colour import Colour, delivered_colour, fill_untagged
from workbench.media.frames import Orientation
from workbench.media.picture_format import PRORES_422, PictureFormat


class Source(Protocol):
    """What a chain has to know of a picture; a Clip and a Frame both say it."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def pixel_format(self) -> str: ...
    @property
    def colour(self) -> Colour: ...


def filter_chain(preset: Preset, source: Source, target: PictureFormat = PRORES_422) -> str:
    """Return the chain that an upright picture goes through before the encoder.

    It begins by declaring what the code values mean. A declaration changes none of them; without
    it ffmpeg would leave an untagged source untagged. Where a stage works in 16 bits, the picture
    gets 16 bits and legal range at once, and an even size, without which zscale stops. What is to
    be delivered with another matrix than the source is taken to have is converted to it there.

    Raises UnsupportedClip for colours that the `target` cannot state, and under a log look for
    those that are far from Rec.709.
    """
    taken = fill_untagged(source.colour, preset.assume_matrix)
    given = delivered_colour(source.colour, target)
    matrix = delivered_colour(taken, target).matrix
    if isinstance(preset.tone, Log) and (given.transfer, given.primaries) not in _REC709:
        raise UnsupportedClip(
            f"a log look is made for Rec.709 pictures, and this one is {given.primaries}/"
            f"{given.transfer}: take another look, or convert it first"
        )
    picture = FilterStream(replace(given, range=taken.range, matrix=matrix).setparams())
    # A log look goes through RGB, and comes back with any matrix.
    convert = matrix != given.matrix and not isinstance(preset.tone, Log)
    # swscale would make full range legal in steps: white comes out as 937 and not 940.
    rescaled = taken.range == "full" and preset.bit_depth > 8
    deep = convert or rescaled or any(stage.bit_depth > 8 for stage in preset.stages)
    width, height = source.width, source.height
    if deep:
        # zscale stops at an odd row or column where chroma is subsampled.
        width, height = width + width % 2, height + height % 2
        sampling = _sampling(source) if (width, height) == (source.width, source.height) else "444"
        sixteen = f"format=yuv{sampling}p16le"
        picture = _opened(picture, source, width, height, full=taken.range == "full").then(sixteen)
    picture = _debanded(picture, preset.deband, width, height)
    if deep and preset.deband.bit_depth == 8:
        picture = picture.then(sixteen)
    if convert:  # before the tone, which looks alike from any source so
        sixteen = "format=yuv422p16le"
        conversion = f"zscale=matrixin={matrix}:matrix={given.matrix}:{_CHROMA}"
        picture = picture.then(conversion).then(sixteen)
    picture = _toned(picture, preset.tone, matrix, given.matrix)
    if deep and preset.tone.bit_depth == 8:
        picture = picture.then(sixteen)
    if isinstance(preset.dither, Shaped):
        picture = _shaped(picture, preset.dither, width, height, target)
    if (width, height) != (source.width, source.height):
        picture = picture.then(f"crop={source.width}:{source.height}:0:0:exact=1")
    if deep:  # some filters forget what they were told
        picture = picture.then(given.setparams())
    return graph_text(picture)


def clip_filter_chain(
    preset: Preset,
    clip: Clip,
    frame_rate: Fraction | None = None,
    target: PictureFormat = PRORES_422,
) -> str:
    """Return the chain for a clip in its file, as against a frame that stands upright already.

    A `frame_rate` makes its timing even. Raises UnsupportedClip, naming the file.
    """
    try:
        chain = filter_chain(preset, clip, target)
    except UnsupportedClip as error:
        raise UnsupportedClip(f"{clip.path.name}: {error}") from error
    if clip.orientation != Orientation() and clip.bit_depth > 8:
        # ffmpeg would go down to 8 bits before it turns the picture, and dither another way.
        chain = f"format={clip.pixel_format},{chain}"
    if frame_rate:
        # The filter ends within half a frame of the source; ffmpeg's -r adds frames at the end.
        chain = f"{chain},fps={frame_rate}"
    return chain


def inverse_tone_chain(tone: AnyTone, colour: Colour) -> str | None:
    """Return the chain that takes a tone back from what was delivered, in 16 bits and undithered.

    None where a tone leaves nothing to come back from.
    """
    seen = FilterStream(colour.setparams()).then("format=yuv422p16le")
    match tone:
        case Log():
            picture = _through_rgb(seen, tone, colour.matrix, colour.matrix, back=True)
        case Flat() | Eq():
            if not tone.contrast or not tone.saturation:
                return None
            y = f"(val-{256 * eq_offset(tone.contrast, tone.brightness)})/{_number(tone.contrast)}"
            c = f"(val-{256 * eq_offset(tone.saturation, 0)})/{_number(tone.saturation)}"
            picture = seen.then(f"lutyuv=y={y}:u={c}:v={c}")
        case NoTone():
            picture = seen
    return graph_text(picture)


def encoder_input_chain(chain: str, target: PictureFormat = PRORES_422) -> str:
    """Return the chain, ending in the pixel format and range that the encoder takes."""
    return f"{chain},format=pix_fmts={target.pixel_format}:color_ranges=tv"


def _debanded(picture: FilterStream, stage: AnyDeband, width: int, height: int) -> FilterStream:
    match stage:
        case Smooth():
            return smooth(picture, stage, width, height)
        case Deband():
            near = ":".join(f"{plane}thr={_number(stage.threshold)}" for plane in (1, 2, 3))
            # It has no planar Y'CbCr of 10 bits, so what comes after it must not go down to that.
            return picture.then(f"deband={near}:range={stage.range}")
        case Gradfun():
            return picture.then(f"gradfun={_number(stage.strength)}:{stage.radius}")
        case NoDeband():
            return picture


def _toned(picture: FilterStream, stage: AnyTone, matrix: str, given: str) -> FilterStream:
    match stage:
        case Flat():
            luma = eq_offset(stage.contrast, stage.brightness), stage.contrast
            chroma = eq_offset(stage.saturation, 0), stage.saturation
            y, c = (f"val*{_number(times)}+{256 * plus}" for plus, times in (luma, chroma))
            return picture.then(f"lutyuv=y={y}:u={c}:v={c}")
        case Log():
            return _through_rgb(picture, stage, matrix, given)
        case Eq():
            contrast, saturation, brightness = map(
                _number, (stage.contrast, stage.saturation, stage.brightness)
            )
            eq = f"contrast={contrast}:saturation={saturation}:brightness={brightness}"
            return picture.then(f"eq={eq}")
        case NoTone():
            return picture


def _through_rgb(
    picture: FilterStream, tone: Log, matrix: str, given: str, *, back: bool = False
) -> FilterStream:
    from workbench.look.lut import lut3d_filter  # which loads more than most looks need

    return (
        picture.then(f"zscale=matrixin={matrix}:matrix=gbr:range=full:{_CHROMA}")
        .then("format=gbrp16le")
        .then(lut3d_filter(tone, given, back=back))
        .then(f"zscale=matrix={given}:range=limited")
        .then("format=yuv422p16le")
    )


def _shaped(
    picture: FilterStream, stage: Shaped, width: int, height: int, target: PictureFormat
) -> FilterStream:
    """Round to 10 bits: a fine pattern on the luma, and what is lost diffused to its neighbours.

    Diffusion alone leaves every tone that 10 bits can hold flat, with an edge to the next; the
    pattern dithers those, too. It repeats every 2 pixels each way: ProRes's transform keeps the few
    frequencies of that, where it would quantize a finer dither away and bring the steps back. It
    is the same in each frame, so that nothing crawls; a tile of it is made once.
    """
    square = "(2*bitand(X,1)+bitand(Y,1))/3"
    columns, rows = -(-width // _TILE), -(-height // _TILE)
    pattern = (
        picture.then("trim=end_frame=1")
        .then(f"scale={_TILE}:{_TILE}:flags=neighbor")
        .then(f"geq=lum='32768+{_number(64 * stage.amplitude)}*({square}-0.5)':cb=32768:cr=32768")
        .then(f"loop={columns * rows - 1}:1")
        .then(f"tile={columns}x{rows}")
        .then(f"crop={width}:{height}:0:0")
    )
    dithered = combine("blend=all_mode=grainmerge", picture, pattern)
    # In one thread: each slice diffuses its own errors, and slices are as many as there are cores.
    rounding = f"zscale={_CHROMA}:dither=error_diffusion:threads=1"
    return dithered.then(rounding).then(f"format={target.pixel_format}")


def _opened(
    picture: FilterStream, source: Source, width: int, height: int, full: bool
) -> FilterStream:
    """Make a picture legal, and even by repeating its last row or column."""
    right, below = width - source.width, height - source.height
    found = _ANY_SAMPLING.search(source.pixel_format)
    if right or below or (found and found[0] not in _KEPT.values()):
        # pad takes odd sizes, and zscale any, only where chroma is whole or half.
        picture = picture.then(f"format={_ANY_SAMPLING.sub('444', source.pixel_format)}")
    if right or below:
        picture = picture.then(f"pad={width}:{height}:0:0").then(
            f"fillborders=0:{right}:0:{below}:smear"
        )
    return picture.then("zscale=range=limited" if full else "")


def _sampling(source: Source) -> str:
    """Return the chroma sampling to work in: one that has all of the source's chroma."""
    found = _ANY_SAMPLING.search(source.pixel_format)
    return _KEPT.get(found[0], "444") if found else "444"


def _number(value: float) -> str:
    return f"{value:.9g}"


_REC709 = {("bt709", primaries) for primaries in ("bt709", "smpte170m", "bt470bg")}
"""Transfer and primaries of pictures that a log look is right for; SD's primaries are near."""
_ANY_SAMPLING = re.compile("4[0-4][0-4]")
_KEPT = {"410": "420", "411": "422", "420": "420", "422": "422"}
_CHROMA = "filter=bicubic"
"""How chroma is brought to another size."""
_TILE = 128
"""Pixels each way; what is made once need not be large."""
