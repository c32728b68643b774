"""THE filter chain: a Preset as an ffmpeg filter string.

Preview, measures, encode and batch all take it from here, and nobody else builds one.
"""

from dataclasses import replace
from fractions import Fraction

from workbench.clip import Clip
from workbench.colour import Colour, delivered
from workbench.errors import UnsupportedClip
from workbench.frames import Orientation
from workbench.look.preset import Eq, Gradfun, NoDeband, NoTone, Preset

PIXEL_FORMAT = "yuv422p10le"
"""What is delivered."""


def filter_chain(preset: Preset, colour: Colour) -> str:
    """Return the chain that a clip of this colour (as tagged) goes through before the encoder.

    It begins by declaring what the delivered file will be tagged with. A declaration changes no
    code value; without it ffmpeg would leave an untagged source untagged.

    Raises UnsupportedClip for colours that ProRes cannot state.

    >>> from workbench.look.preset import load_preset
    >>> filter_chain(load_preset("classic"), Colour()).partition(",")[2]
    'gradfun=1.1:20,eq=contrast=0.9:saturation=0.85:brightness=0.03'
    """
    declared = replace(delivered(colour), range=colour.assumed().range)
    stages = (declared.setparams(), _deband(preset.deband), _tone(preset.tone))
    return ",".join(stage for stage in stages if stage)


def clip_chain(preset: Preset, clip: Clip, frame_rate: Fraction | None = None) -> str:
    """Return the chain for a clip in its file, as against a frame that stands upright already.

    A `frame_rate` makes its timing even. Raises UnsupportedClip, naming the file.
    """
    try:
        chain = filter_chain(preset, clip.colour)
    except UnsupportedClip as error:
        raise UnsupportedClip(f"{clip.path.name}: {error}") from error
    if clip.orientation != Orientation() and clip.bit_depth > 8:
        # ffmpeg would go down to 8 bits before it turns the picture, and dither another way.
        chain = f"format={clip.pixel_format},{chain}"
    if frame_rate:
        # The filter ends within half a frame of the source; ffmpeg's -r adds frames at the end.
        chain = f"{chain},fps={frame_rate}"
    return chain


def as_encoded(chain: str) -> str:
    """Return the chain with what the ProRes encoders ask of its output, where none is there."""
    return f"{chain},format=pix_fmts={PIXEL_FORMAT}:color_ranges=tv"


def filter_names(chain: str) -> list[str]:
    """Return the filters that a chain is made of.

    >>> filter_names("setparams=range=tv,gradfun=1.1:20")
    ['setparams', 'gradfun']
    """
    return [part.partition("=")[0] for part in chain.split(",")]


def _deband(stage: NoDeband | Gradfun) -> str:
    match stage:
        case Gradfun():
            return f"gradfun={_number(stage.strength)}:{stage.radius}"
        case NoDeband():
            return ""


def _tone(stage: NoTone | Eq) -> str:
    match stage:
        case Eq():
            return (
                f"eq=contrast={_number(stage.contrast)}"
                f":saturation={_number(stage.saturation)}"
                f":brightness={_number(stage.brightness)}"
            )
        case NoTone():
            return ""


def _number(value: float) -> str:
    return f"{value:.9g}"
