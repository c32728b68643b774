"""Unknown look: what can be said of frames without a look to render.

A look maps tones to tones alike in every frame. So each frame is held against one mapping that is
fitted over the clip, and its detail against the clip's usual one. Real grades differ from shot to
shot, and the limits leave room for what a strong look does.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.deliver.outliers import FrameMeasures
from workbench.deliver.qc import Finding, Level
from workbench.measure.look_fit import LookFit

_SHIFT = 3.0  # 10-bit code values of a frame's mean, plus what the usual frame leaves
_ABRUPT = 0.5  # of the limit, from one frame to the next: faster than a slow change
_SOFT = -0.15  # log ratio of detail, the look's contrast taken off
_SOFT_FRAME = -0.35  # log ratio of one frame's detail to the clip's usual
_COMBED = 0.35  # log ratio
_CHROMA = 0.5  # correlation: hues turn by less than 60 degrees
_INVERTED = -0.3


def check_unknown_look(traces: FrameMeasures) -> Iterator[Finding]:
    """Judge every frame by what the clip's other frames show of its look."""
    yield _steady(traces.mapping)
    yield _chroma(traces.mapping)
    yield _sharp(traces)
    yield _progressive(traces)


def deviations(mapping: LookFit) -> NDArray[np.float64]:
    """Return how far each frame is off the clip's mapping, as a share of the limit: (frames,).

    A frame's mean luma, Cb or Cr may be off by 3 code values and 1.5 times what the usual frame
    leaves; the RMS over its blocks may be three times the usual and 3 code values more.
    """
    shift = np.abs(mapping.mean_error) / (_SHIFT + 1.5 * mapping.usual_error)
    apart = mapping.rms_error / (_SHIFT + 3 * mapping.usual_error)
    return np.asarray(np.maximum(shift, apart).max(axis=1), np.float64)


def _steady(mapping: LookFit) -> Finding:
    share = deviations(mapping)
    out = share > 1
    if not out.any():
        return _found("consistent look", "pass", "all", "Every frame has the same look.")
    worst = int(share.argmax())
    # Where a stretch begins or ends within the clip, the change from one frame to the next tells.
    edges = np.flatnonzero(np.diff(out.astype(int)))
    abrupt = any(abs(share[at + 1] - share[at]) > _ABRUPT for at in edges)
    level: Level = "fail" if abrupt else "warn"
    off = mapping.mean_error[worst][np.abs(mapping.mean_error[worst]).argmax()]
    measured = f"{int(out.sum())} differ, most in frame {worst}, by {off:+.1f} code values"
    sentence = (
        "Some frames do not have the look of the others: brighter, darker, or another picture."
        if abrupt
        else "The look changes slowly over the clip."
    )
    return _found("consistent look", level, measured, sentence)


def _chroma(mapping: LookFit) -> Finding:
    names = [
        f"{name} {value:.2f}"
        for name, value in zip(("Cb", "Cr"), mapping.chroma, strict=True)
        if value is not None
    ]
    least = min((value for value in mapping.chroma if value is not None), default=1.0)
    level: Level = "pass" if least >= _CHROMA else "warn" if least > _INVERTED else "fail"
    return Finding(
        "hue",
        level,
        ", ".join(names) or "too little colour to tell",
        f"at least {_CHROMA}",
        "Cb and Cr correlate with the source's. Swapped or inverted chroma does not.",
    )


def _sharp(traces: FrameMeasures) -> Finding:
    usual = np.median(traces.sharpness[traces.mapping.textured], axis=0)
    contrast = np.log(max(traces.mapping.contrast, 0.05))
    clip = float((usual - contrast).max())
    frames = (traces.sharpness - usual).max(axis=1)
    soft = np.flatnonzero((frames < _SOFT_FRAME) & traces.mapping.textured)
    if clip < _SOFT:
        measured = f"{np.expm1(clip):.0%} of the source's detail"
    elif soft.size:
        measured = f"{soft.size} softer, first frame {soft[0]}"
    else:
        return _found("sharpness", "pass", "all", "The picture is as sharp as the source.")
    sentence = "The picture is softer than the source: blurred, scaled, or strongly denoised."
    return _found("sharpness", "warn", measured, sentence)


def _progressive(traces: FrameMeasures) -> Finding:
    combed = np.flatnonzero(traces.combing > _COMBED)
    if not combed.size:
        return _found("combing", "pass", "none", "No frame mixes two moments line by line.", "none")
    return _found(
        "combing",
        "warn",
        f"{combed.size} frames, first frame {combed[0]}",
        "Lines of two moments alternate, as in interlaced video. The source has none of this.",
        "none",
    )


def _found(id: str, level: Level, measured: str, sentence: str, limit: str = "all") -> Finding:
    return Finding(id, level, measured, limit, sentence)
