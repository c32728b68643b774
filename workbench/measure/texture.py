"""Measure how much texture a deband changed.

Both measures compare a picture with the same picture under the same tone, without deband.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from workbench import ffmpeg
from workbench.errors import ResultsMissing
from workbench.measure.regions import Luma, Mask, at_full_size
from workbench.media.frames import Frame
from workbench.temporary import tool_folder

_MIN_AREA = 0.001  # of the picture: with less texture, there is no result


def texture_change(luma: Luma, plain: Luma, area: Mask) -> float | None:
    """Return the RMS difference of a picture from `plain`, in an area of texture.

    `plain` is the picture without deband. Both and the result are in 10-bit code values. Returns
    None when the area is less than 0.1 % of the picture.
    """
    if area.mean() < _MIN_AREA:
        return None
    return math.sqrt(float(np.square(luma - plain)[at_full_size(area, luma)].mean()))


def ssim(frames: Sequence[Frame], plain: Sequence[Frame]) -> list[float | None]:
    """Return the structural similarity (SSIM) of the luma of each 10-bit pair; 1 is identical.

    FFmpeg's ssim filter computes all pairs in one run. None for a picture smaller than its window.
    Raises FfmpegFailed, ResultsMissing.
    """
    width, height = frames[0].width, frames[0].height

    def pairs() -> Iterator[bytes]:
        for pair in zip(frames, plain, strict=True):
            yield from (frame.luma.tobytes() for frame in pair)

    graph = (
        "[0:v]split[a][b];[a]crop=iw:ih/2:0:0[one];[b]crop=iw:ih/2:0:ih/2[two];"
        f"[one][two]ssim=stats_file={_LOG}"
    )
    source = ffmpeg.raw_input(_GREY, width, 2 * height)
    with tool_folder() as folder:
        ffmpeg.run([*source, "-lavfi", graph, "-f", "null", "-"], stdin=pairs(), folder=folder)
        log = folder / _LOG
        lines = log.read_text(encoding="utf-8").splitlines() if log.exists() else []
    if len(lines) != len(frames):
        raise ResultsMissing(
            f"ffmpeg's ssim filter compared {len(lines)} of {len(frames)} frames: install the "
            f"ffmpeg program that this version was tested with ({ffmpeg.HOW_TO_GET_IT})"
        )
    found = (float(line.partition("Y:")[2].split()[0]) for line in lines)
    return [value if math.isfinite(value) else None for value in found]


_LOG = "ssim.log"
_GREY = "gray10le"
