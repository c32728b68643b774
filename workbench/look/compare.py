"""Compare: the same frames before and after a look, measured."""

from collections.abc import Callable
from dataclasses import dataclass

from workbench import ffmpeg
from workbench.clip import Clip
from workbench.frames import Frame
from workbench.look.chain import as_encoded, clip_chain
from workbench.look.preset import Preset
from workbench.look.render import render
from workbench.measure.banding import BandingTimeline, CambiMap, banding_timeline, cambi_map
from workbench.measure.codes import LumaCodes, luma_codes


@dataclass(frozen=True, eq=False)
class Comparison:
    """A clip before and after a look: the banding of a few frames, and the worst of them whole."""

    banding: BandingTimeline
    before: Frame  # the frame that is banded most in the source
    after: Frame  # the same, as the encoder is fed it
    codes_before: LumaCodes
    codes_after: LumaCodes
    bands: CambiMap  # where the source's bands are in that frame


def compare(
    clip: Clip,
    preset: Preset,
    samples: int = 12,
    on_progress: Callable[[ffmpeg.Progress], None] | None = None,
) -> Comparison:
    """Score `samples` frames before and after a preset, and look closely at the worst one.

    Raises DamagedClip, FfmpegFailed, FfmpegMissing.
    """
    chain = as_encoded(clip_chain(preset, clip))
    banding = banding_timeline(clip, chain, samples, on_progress)
    before = clip.frame(banding.worst)
    after = render(before, preset)
    return Comparison(
        banding=banding,
        before=before,
        after=after,
        codes_before=luma_codes(before),
        codes_after=luma_codes(after),
        bands=cambi_map(before),
    )
