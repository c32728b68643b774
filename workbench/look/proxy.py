"""Proxy: a picture and its look at a smaller size, for while a slider moves."""

from workbench.look.preset import Preset
from workbench.media.frames import Frame


def proxy(frame: Frame, preset: Preset, longest: int) -> tuple[Frame, Preset]:
    """Return a picture no longer than this either way, and the look as it looks at that size.

    What a look measures in pixels shrinks with the picture, as far as its ranges allow; so the
    result is near to the look, and not the same. A small picture stays as it is.
    """
    small = frame.downscaled(longest)
    scale = small.width / frame.width
    if scale == 1:
        return frame, preset
    stages = {"deband": preset.deband.at_scale(scale)}
    return small, preset.model_copy(update=stages)
