"""Check the frames of a delivered file: every frame is whole and in its place."""

from collections.abc import Iterator
from statistics import median

from workbench.deliver.inspect import Inspection
from workbench.deliver.qc import Finding, Level
from workbench.deliver.unknown_look import check_unknown_look
from workbench.errors import DamagedClip

_ALIKE = 0.5  # correlation: a strong grade stays above, another picture below


def check_delivered_frames(inspection: Inspection) -> Iterator[Finding]:
    """Say whether every delivered frame is the source's frame of that place, whole."""
    matches = inspection.traces.matches
    moved = [number for number, match in enumerate(matches) if match.offset]
    yield Finding(
        "frame order",
        "fail" if moved else "pass",
        f"{len(moved)} moved, first frame {moved[0]}" if moved else "all",
        "all",
        "Each frame shows the source frame of the same number.",
    )
    known = all(one.difference is not None for one in inspection.comparisons)
    yield _whole(inspection, known, bool(moved))
    if not known:
        yield from check_unknown_look(inspection.traces)
    alike = median(
        [match.correlation for match in matches if match.correlation is not None] or [1.0]
    )
    yield Finding(
        "picture match",
        "pass" if alike >= _ALIKE else "fail",
        f"correlation {alike:.2f}",
        f"at least {_ALIKE}",
        "The picture is the source's, upright and not mirrored, under any look.",
    )


def _whole(inspection: Inspection, known: bool, moved: bool) -> Finding:
    # Sampled frames are compared with the look's rendering, where the look is known: that finds
    # what is wrong with every frame alike. Moved frames are reported once, by another finding.
    compared = inspection.comparisons
    off = [
        one
        for one in compared
        if not moved and one.difference and not one.difference.is_coding_error
    ]
    damaged = sorted({*inspection.corrupt, *inspection.damaged})
    level: Level = "pass"
    measured = "all"
    if damaged:
        # What an unknown look does may be mistaken for damage; what the decoder says may not.
        level = "fail" if known or inspection.corrupt else "warn"
        measured = f"{len(damaged)} of {len(inspection.times)} damaged, first frame {damaged[0]}"
    elif off:
        level = "fail"
        rms = max(one.difference.rms for one in off if one.difference)
        measured = (
            f"{len(off)} of {len(compared)} compared frames differ from the look's rendering, "
            f"{rms:.1f} code values RMS"
        )
    sentence = (
        "Every frame decodes without errors and follows the clip's look. Outliers and a sample of "
        "the other frames equal the look's rendering within the codec's error."
        if known
        else "Every frame decodes without errors. No block differs more from the source than a "
        "look explains."
    )
    return Finding("frame content", level, measured, "all", sentence)


def undecodable(error: DamagedClip) -> Finding:
    """Say that a frame does not decode."""
    return Finding(
        "frame content", "fail", str(error), "every frame decodes", "A frame does not decode."
    )
