"""Scale a picture and its look down, for a fast preview while a slider moves."""

from workbench.look.preset import Preset
from workbench.media.frames import Frame


def proxy(frame: Frame, preset: Preset, longest: int) -> tuple[Frame, Preset]:
    """Return a picture scaled to at most `longest` pixels per side, and the look for that size.

    Parameters in pixels are scaled with the picture, as far as their ranges allow. So the proxy is
    close to the look but not identical. A smaller picture is returned unchanged.
    """
    small = frame.downscaled(longest)
    scale = small.width / frame.width
    if scale == 1:
        return frame, preset
    stages = {"deband": preset.deband.at_scale(scale)}
    return small, preset.model_copy(update=stages)
