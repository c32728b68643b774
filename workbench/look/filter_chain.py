"""Build the filter chain: a Preset as an ffmpeg filter graph.

The preview, the measures, the encode and the batch all use this chain; no other module builds one.
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
    LutFile,
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
    """The properties of a picture that a chain depends on; Clip and Frame both have them."""

    @property
    def width(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def pixel_format(self) -> str: ...
    @property
    def bit_depth(self) -> int: ...
    @property
    def colour(self) -> Colour: ...


def filter_chain(preset: Preset, source: Source, target: PictureFormat = PRORES_422) -> str:
    """Return the filter chain from an upright picture to the input of the encoder.

    The chain begins with a declaration of the colour, which changes no code value. Without it,
    ffmpeg would leave an untagged source untagged. If a stage works in 16 bits, the picture is
    first converted to 16 bits, legal range and an even size, which zscale requires. If the matrix
    of the source differs from the matrix of the delivery, the picture is converted as well.

    Raises UnsupportedClip for colours that the `target` cannot state, and under a log look for
    colours that are far from Rec.709.
    """
    assumed = fill_untagged(source.colour, preset.assume_matrix)
    delivered = delivered_colour(source.colour, target)
    matrix = delivered_colour(assumed, target).matrix
    if isinstance(preset.tone, Log) and (delivered.transfer, delivered.primaries) not in _REC709:
        raise UnsupportedClip(
            f"a log look needs a Rec.709 picture, and this one is {delivered.primaries}/"
            f"{delivered.transfer}: choose another look, or convert the clip first"
        )
    stream = FilterStream(replace(delivered, range=assumed.range, matrix=matrix).setparams())
    # A LUT is applied in RGB, from which any matrix can follow.
    in_rgb = isinstance(preset.tone, Log | LutFile)
    converts_matrix = matrix != delivered.matrix and not in_rgb
    # swscale would convert full range to legal inexactly: white becomes 937 instead of 940.
    converts_range = assumed.range == "full" and preset.bit_depth > 8
    in_16_bits = (
        converts_matrix or converts_range or any(stage.bit_depth > 8 for stage in preset.stages)
    )
    width, height = source.width, source.height
    if in_16_bits:
        # zscale fails on an odd row or column of subsampled chroma.
        width, height = width + width % 2, height + height % 2
        sampling = _sampling(source) if (width, height) == (source.width, source.height) else "444"
        sixteen = f"format=yuv{sampling}p16le"
        is_full = assumed.range == "full"
        stream = _prepare(stream, source, width, height, full=is_full).then(sixteen)
    stream = _add_deband(stream, preset.deband, width, height, source.bit_depth)
    if in_16_bits and preset.deband.bit_depth == 8:
        stream = stream.then(sixteen)
    if converts_matrix:  # before the tone, so that the tone looks the same for every source
        sixteen = "format=yuv422p16le"
        conversion = f"zscale=matrixin={matrix}:matrix={delivered.matrix}:{_CHROMA}"
        stream = stream.then(conversion).then(sixteen)
    stream = _add_tone(stream, preset.tone, matrix, delivered.matrix)
    if in_16_bits and preset.tone.bit_depth == 8:
        stream = stream.then(sixteen)
    if isinstance(preset.dither, Shaped):
        stream = _add_shaped_dither(stream, preset.dither, width, height, target)
    if (width, height) != (source.width, source.height):
        stream = stream.then(f"crop={source.width}:{source.height}:0:0:exact=1")
    if in_16_bits:  # some filters drop the declaration
        stream = stream.then(delivered.setparams())
    return graph_text(stream)


def clip_filter_chain(
    preset: Preset,
    clip: Clip,
    frame_rate: Fraction | None = None,
    target: PictureFormat = PRORES_422,
) -> str:
    """Return the filter chain for a clip file, which ffmpeg turns upright itself.

    With a `frame_rate`, the chain also converts to that constant frame rate. Raises UnsupportedClip
    as `filter_chain` does; the message names the file.
    """
    try:
        chain = filter_chain(preset, clip, target)
    except UnsupportedClip as error:
        raise UnsupportedClip(f"{clip.path.name}: {error}") from error
    if clip.orientation != Orientation() and clip.bit_depth > 8:
        # Otherwise, ffmpeg converts to 8 bits before it rotates, and dithers differently.
        chain = f"format={clip.pixel_format},{chain}"
    if frame_rate:
        # The filter ends within half a frame of the source; ffmpeg's -r adds frames at the end.
        chain = f"{chain},fps={frame_rate}"
    return chain


def inverse_tone_chain(tone: AnyTone, colour: Colour) -> str | None:
    """Return the chain that undoes a tone in a delivered picture, in 16 bits without dither.

    Returns None for a tone that cannot be undone.
    """
    delivered = FilterStream(colour.setparams()).then("format=yuv422p16le")
    match tone:
        case Log():
            stream = _add_lut(delivered, tone, colour.matrix, colour.matrix, inverse=True)
        case Flat() | Eq():
            if not tone.contrast or not tone.saturation:
                return None
            y = f"(val-{256 * eq_offset(tone.contrast, tone.brightness)})/{_number(tone.contrast)}"
            c = f"(val-{256 * eq_offset(tone.saturation, 0)})/{_number(tone.saturation)}"
            stream = delivered.then(f"lutyuv=y={y}:u={c}:v={c}")
        case NoTone():
            stream = delivered
        case LutFile():
            return None
    return graph_text(stream)


def encoder_input_chain(chain: str, target: PictureFormat = PRORES_422) -> str:
    """Return the chain with a conversion to the pixel format and range of the encoder appended."""
    return f"{chain},format=pix_fmts={target.pixel_format}:color_ranges=tv"


def _add_deband(
    stream: FilterStream, stage: AnyDeband, width: int, height: int, bit_depth: int
) -> FilterStream:
    match stage:
        case Smooth():
            return smooth(stream, stage, width, height, bit_depth)
        case Deband():
            threshold = _number(stage.threshold)
            thresholds = ":".join(f"{plane}thr={threshold}" for plane in (1, 2, 3))
            # It does not support 10-bit planar Y'CbCr, so later filters must not negotiate that.
            return stream.then(f"deband={thresholds}:range={stage.range}")
        case Gradfun():
            return stream.then(f"gradfun={_number(stage.strength)}:{stage.radius}")
        case NoDeband():
            return stream


def _add_tone(
    stream: FilterStream, stage: AnyTone, source_matrix: str, matrix: str
) -> FilterStream:
    match stage:
        case Flat():
            luma = eq_offset(stage.contrast, stage.brightness), stage.contrast
            chroma = eq_offset(stage.saturation, 0), stage.saturation
            y, c = (f"val*{_number(times)}+{256 * plus}" for plus, times in (luma, chroma))
            return stream.then(f"lutyuv=y={y}:u={c}:v={c}")
        case Log() | LutFile():
            return _add_lut(stream, stage, source_matrix, matrix)
        case Eq():
            contrast, saturation, brightness = map(
                _number, (stage.contrast, stage.saturation, stage.brightness)
            )
            eq = f"contrast={contrast}:saturation={saturation}:brightness={brightness}"
            return stream.then(f"eq={eq}")
        case NoTone():
            return stream


def _add_lut(
    stream: FilterStream,
    tone: Log | LutFile,
    source_matrix: str,
    matrix: str,
    *,
    inverse: bool = False,
) -> FilterStream:
    """Append a tone as a 3D LUT in RGB, and a conversion to Y'CbCr with another matrix."""
    from workbench.look.lut import lut3d_filter  # imported only when needed, because it is slow

    return (
        stream.then(f"zscale=matrixin={source_matrix}:matrix=gbr:range=full:{_CHROMA}")
        .then("format=gbrp16le")
        .then(lut3d_filter(tone, matrix, inverse=inverse))
        .then(f"zscale=matrix={matrix}:range=limited")
        .then("format=yuv422p16le")
    )


def _add_shaped_dither(
    stream: FilterStream, stage: Shaped, width: int, height: int, target: PictureFormat
) -> FilterStream:
    """Append a conversion to 10 bits: an ordered dither on the luma, then error diffusion.

    Error diffusion alone leaves every tone that 10 bits can store flat, with an edge to the next
    one. The pattern dithers those tones as well. It repeats every 2 pixels in each direction. The
    transform of ProRes keeps the few frequencies of this pattern, but would quantize a finer dither
    away, and the steps would return. The pattern is the same in each frame, so that nothing moves,
    and one tile of it is computed once.
    """
    square = "(2*bitand(X,1)+bitand(Y,1))/3"
    columns, rows = -(-width // _TILE), -(-height // _TILE)
    pattern = (
        stream.then("trim=end_frame=1")
        .then(f"scale={_TILE}:{_TILE}:flags=neighbor")
        .then(f"geq=lum='32768+{_number(64 * stage.amplitude)}*({square}-0.5)':cb=32768:cr=32768")
        .then(f"loop={columns * rows - 1}:1")
        .then(f"tile={columns}x{rows}")
        .then(f"crop={width}:{height}:0:0")
    )
    dithered = combine("blend=all_mode=grainmerge", stream, pattern)
    # One thread: each slice diffuses its own errors, and the number of slices depends on the cores.
    rounding = f"zscale={_CHROMA}:dither=error_diffusion:threads=1"
    return dithered.then(rounding).then(f"format={target.pixel_format}")


def _prepare(
    stream: FilterStream, source: Source, width: int, height: int, full: bool
) -> FilterStream:
    """Append conversions to legal range and an even size; the last row or column is repeated."""
    right, below = width - source.width, height - source.height
    found = _ANY_SAMPLING.search(source.pixel_format)
    if right or below or (found and found[0] not in _WORKING_SAMPLING.values()):
        # pad accepts odd sizes, and zscale any size, only with full or half chroma.
        stream = stream.then(f"format={_ANY_SAMPLING.sub('444', source.pixel_format)}")
    if right or below:
        stream = stream.then(f"pad={width}:{height}:0:0").then(
            f"fillborders=0:{right}:0:{below}:smear"
        )
    return stream.then("zscale=range=limited" if full else "")


def _sampling(source: Source) -> str:
    """Return the chroma subsampling to work in, which keeps all of the source's chroma."""
    found = _ANY_SAMPLING.search(source.pixel_format)
    return _WORKING_SAMPLING.get(found[0], "444") if found else "444"


def _number(value: float) -> str:
    return f"{value:.9g}"


_REC709 = {("bt709", primaries) for primaries in ("bt709", "smpte170m", "bt470bg")}
"""Transfer and primaries for which a log look is valid; the primaries of SD are close enough."""
_ANY_SAMPLING = re.compile("4[0-4][0-4]")
_WORKING_SAMPLING = {"410": "420", "411": "422", "420": "420", "422": "422"}
_CHROMA = "filter=bicubic"
"""The scaling of chroma."""
_TILE = 128
"""Pixels on a side of a tile of the dither pattern."""
