"""Check the frames of a delivered file whose look is unknown.

A look maps each tone to one tone, the same in every frame. So each frame is compared with one look
that is fitted to the whole clip, and its detail with the usual detail of the clip. Real grades
differ from shot to shot, so the limits leave room for a strong look.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.deliver.outliers import FrameMeasures
from workbench.deliver.qc import Finding, Level
from workbench.measure.look_fit import LookFit

_MAX_ERROR = 3.0  # 10-bit code values, plus a multiple of the usual error
_ABRUPT = 0.5  # of the limit, from one frame to the next: faster than a slow change
_SOFT = -0.15  # log ratio of detail, after division by the look's contrast
_SOFT_FRAME = -0.35  # log ratio of one frame's detail to the usual detail of the clip
_COMBED = 0.35  # log ratio
_MIN_CORRELATION = 0.5  # of chroma: the hue rotates by less than 60 degrees
_INVERTED = -0.3  # correlation of chroma


def check_unknown_look(measures: FrameMeasures) -> Iterator[Finding]:
    """Yield findings about the look, the hue, the sharpness and combing of all frames."""
    yield _check_consistency(measures.look_fit)
    yield _check_hue(measures.look_fit)
    yield _check_sharpness(measures)
    yield _check_combing(measures)


def deviations(look_fit: LookFit) -> NDArray[np.float64]:
    """Return the deviation of each frame from the clip's look, relative to the limit: (frames,).

    The mean luma, Cb or Cr of a frame may deviate by 3 code values plus 1.5 times the usual error.
    The RMS error over its blocks may be 3 code values plus three times the usual error.
    """
    mean_error = np.abs(look_fit.mean_error) / (_MAX_ERROR + 1.5 * look_fit.usual_error)
    rms_error = look_fit.rms_error / (_MAX_ERROR + 3 * look_fit.usual_error)
    return np.asarray(np.maximum(mean_error, rms_error).max(axis=1), np.float64)


def _check_consistency(look_fit: LookFit) -> Finding:
    deviation = deviations(look_fit)
    outside = deviation > 1
    if not outside.any():
        return _finding("consistent look", "pass", "all", "Every frame follows one look.")
    worst = int(deviation.argmax())
    # Where a range of such frames begins or ends, the change between two frames shows a cut.
    edges = np.flatnonzero(np.diff(outside.astype(int)))
    abrupt = any(abs(deviation[at + 1] - deviation[at]) > _ABRUPT for at in edges)
    level: Level = "fail" if abrupt else "warn"
    error = look_fit.mean_error[worst][np.abs(look_fit.mean_error[worst]).argmax()]
    measured = f"{int(outside.sum())} differ, most in frame {worst}, by {error:+.1f} code values"
    sentence = (
        "Some frames do not have the look of the others: brighter, darker, or another picture."
        if abrupt
        else "The look changes slowly over the clip."
    )
    return _finding("consistent look", level, measured, sentence)


def _check_hue(look_fit: LookFit) -> Finding:
    names = [
        f"{name} {value:.2f}"
        for name, value in zip(("Cb", "Cr"), look_fit.chroma, strict=True)
        if value is not None
    ]
    lowest = min((value for value in look_fit.chroma if value is not None), default=1.0)
    level: Level = (
        "pass" if lowest >= _MIN_CORRELATION else "warn" if lowest > _INVERTED else "fail"
    )
    return Finding(
        "hue",
        level,
        ", ".join(names) or "too little colour to tell",
        f"at least {_MIN_CORRELATION}",
        "Cb and Cr correlate with the source's. Swapped or inverted chroma does not.",
    )


def _check_sharpness(measures: FrameMeasures) -> Finding:
    textured = measures.look_fit.textured
    usual = np.median(measures.sharpness[textured], axis=0)
    contrast = np.log(max(measures.look_fit.contrast, 0.05))
    clip_sharpness = float((usual - contrast).max())
    frame_sharpness = (measures.sharpness - usual).max(axis=1)
    soft = np.flatnonzero((frame_sharpness < _SOFT_FRAME) & textured)
    if clip_sharpness < _SOFT:
        measured = f"{np.expm1(clip_sharpness):.0%} of the source's detail"
    elif soft.size:
        measured = f"{soft.size} softer, first frame {soft[0]}"
    else:
        return _finding("sharpness", "pass", "all", "The picture is as sharp as the source.")
    sentence = "The picture is softer than the source: blurred, scaled, or strongly denoised."
    return _finding("sharpness", "warn", measured, sentence)


def _check_combing(measures: FrameMeasures) -> Finding:
    combed = np.flatnonzero(measures.combing > _COMBED)
    if not combed.size:
        sentence = "No frame mixes two moments line by line."
        return _finding("combing", "pass", "none", sentence, "none")
    return _finding(
        "combing",
        "warn",
        f"{combed.size} frames, first frame {combed[0]}",
        "Lines of two moments alternate, as in interlaced video. The source has none of this.",
        "none",
    )


def _finding(id: str, level: Level, measured: str, sentence: str, limit: str = "all") -> Finding:
    return Finding(id, level, measured, limit, sentence)
