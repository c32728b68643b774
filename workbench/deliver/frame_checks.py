"""Check the frames of a delivered file: every frame is intact and in its place."""

from collections.abc import Iterator
from statistics import median

from workbench.deliver.inspection import Inspection
from workbench.deliver.qc import Finding, Level
from workbench.deliver.unknown_look import check_unknown_look
from workbench.errors import DamagedClip
from workbench.media.picture_format import PRORES_422, PictureFormat

_MIN_CORRELATION = 0.5  # a strong grade stays above, and another picture below


def check_delivered_frames(
    inspection: Inspection, target: PictureFormat = PRORES_422
) -> Iterator[Finding]:
    """Yield findings about the order, the content and the look of all delivered frames."""
    matches = inspection.frame_measures.matches
    moved = [number for number, match in enumerate(matches) if match.offset]
    yield Finding(
        "frame order",
        "fail" if moved else "pass",
        f"{len(moved)} moved, first frame {moved[0]}" if moved else "all",
        "all",
        "Each frame shows the source frame of the same number.",
    )
    look_is_known = all(one.difference is not None for one in inspection.comparisons)
    yield _content(inspection, target, look_is_known, has_moved_frames=bool(moved))
    if not look_is_known:
        yield from check_unknown_look(inspection.frame_measures)
    correlation = median(
        [match.correlation for match in matches if match.correlation is not None] or [1.0]
    )
    yield Finding(
        "picture match",
        "pass" if correlation >= _MIN_CORRELATION else "fail",
        f"correlation {correlation:.2f}",
        f"at least {_MIN_CORRELATION}",
        "The picture is the source's, upright and not mirrored, under any look.",
    )


def _content(
    inspection: Inspection, target: PictureFormat, look_is_known: bool, *, has_moved_frames: bool
) -> Finding:
    # If the look is known, sampled frames are compared with the rendered look. That also detects
    # faults that all frames share. "frame order" reports moved frames, so they are skipped here.
    compared = inspection.comparisons
    wrong = [
        one
        for one in compared
        if not has_moved_frames and one.difference and not one.difference.is_coding_error(target)
    ]
    damaged = sorted({*inspection.corrupt, *inspection.damaged})
    level: Level = "pass"
    measured = "all"
    if damaged:
        # The effect of an unknown look may look like damage, but a decoder error is certain.
        level = "fail" if look_is_known or inspection.corrupt else "warn"
        measured = f"{len(damaged)} of {len(inspection.times)} damaged, first frame {damaged[0]}"
    elif wrong:
        level = "fail"
        rms = max(one.difference.rms for one in wrong if one.difference)
        measured = (
            f"{len(wrong)} of {len(compared)} compared frames differ from the look's rendering, "
            f"{rms:.1f} code values RMS"
        )
    sentence = (
        "Every frame decodes without errors and follows the clip's look. Outliers and a sample of "
        "the other frames equal the look's rendering within the codec's error."
        if look_is_known
        else "Every frame decodes without errors. No block differs more from the source than a "
        "look explains."
    )
    return Finding("frame content", level, measured, "all", sentence)


def undecodable(error: DamagedClip) -> Finding:
    """Return the finding for a frame that does not decode."""
    return Finding(
        "frame content", "fail", str(error), "every frame decodes", "A frame does not decode."
    )
