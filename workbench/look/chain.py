"""THE filter chain: a Preset as an ffmpeg filter string.

Preview, measures, encode and batch all take it from here, and nobody else builds one.
"""

from dataclasses import replace

from workbench.clip import Clip
from workbench.colour import Colour, delivered
from workbench.errors import UnsupportedClip
from workbench.frames import Orientation
from workbench.look.preset import Eq, Gradfun, NoDeband, NoTone, Preset

ENCODER_FORMAT = "format=pix_fmts=yuv422p10le:color_ranges=tv"
"""What the ProRes encoders ask of the picture, as a filter for where there is no encoder."""


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


def clip_chain(preset: Preset, clip: Clip) -> str:
    """Return the chain for a clip in its file, as against a frame that stands upright already.

    Raises UnsupportedClip, naming the file.
    """
    try:
        chain = filter_chain(preset, clip.colour)
    except UnsupportedClip as error:
        raise UnsupportedClip(f"{clip.path.name}: {error}") from error
    if clip.orientation == Orientation() or clip.bit_depth == 8:
        return chain
    # ffmpeg would go down to 8 bits before it turns the picture, and dither another way.
    return f"format={clip.pixel_format},{chain}"


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
