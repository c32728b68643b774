"""Find outlier frames: delivered frames whose measures differ from those of the other frames.

If the look is known, an outlier is then rendered and compared with the delivered frame, sample by
sample. So the limits can be tight: a false outlier costs only the time of one rendering.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from workbench.measure.frame_match import FrameMatch
from workbench.measure.look_fit import LookFit

MAX_BLOCK_RESIDUAL = 8
"""10-bit code values: the largest residual of a block that never counts as damage."""
_OUTLIER = 4  # times the usual largest residual of a frame
_MAX_MEAN_ERROR = 0.75  # 10-bit code values of a frame's mean, from the clip's look
_MAX_RMS_ERROR = 1.0  # 10-bit code values RMS over blocks, above 1.3 times the usual error
_DETAIL = 0.1  # log ratio: a tenth more or less detail than usual
_SPIKE = 0.1  # of the limits above: allowed difference of a frame from its neighbours,
_RARE = 5  # plus this many times the median difference
_MIN_FRAMES = 5  # fewer frames have no usual difference


@dataclass(frozen=True, eq=False)
class FrameMeasures:
    """The measures of every delivered frame that tell outliers from the other frames."""

    matches: tuple[FrameMatch, ...]
    look_fit: LookFit
    sharpness: NDArray[np.float64]  # (frames, 2): log ratio of detail across and down
    combing: NDArray[np.float64]  # (frames,): log ratio


def frames_with_damaged_blocks(matches: Sequence[FrameMatch]) -> list[int]:
    """Return the frames with a block whose residual is far larger than usual."""
    # A flat frame, such as black before a scene, has no residual under any look.
    usual = [match.max_residual for match in matches if match.correlation is not None] or [0.0]
    limit = max(MAX_BLOCK_RESIDUAL, _OUTLIER * median(usual))
    return [n for n, match in enumerate(matches) if match.max_residual > limit and not match.offset]


def outlier_frames(measures: FrameMeasures) -> list[int]:
    """Return the outlier frames in order, without misplaced frames."""
    look_fit, detail = measures.look_fit, _detail(measures)
    marked = np.asarray((np.abs(look_fit.mean_error) > _MAX_MEAN_ERROR).any(axis=1))
    marked |= (look_fit.rms_error > 1.3 * look_fit.usual_error + _MAX_RMS_ERROR).any(axis=1)
    marked |= (np.abs(detail - np.median(detail, axis=0)) > _DETAIL).any(axis=1)
    marked |= _spikes(measures)
    found = {*np.flatnonzero(marked).tolist(), *frames_with_damaged_blocks(measures.matches)}
    return sorted(number for number in found if not measures.matches[number].offset)


def _spikes(measures: FrameMeasures) -> NDArray[np.bool_]:
    """Mark the frames that differ from both neighbours far more than usual: (frames,).

    This detects faults too small to leave the usual range of the clip.
    """
    values = _scaled_measures(measures)
    if len(values) < _MIN_FRAMES:
        return np.zeros(len(values), np.bool_)
    padded = np.concatenate([values[1:2], values, values[-2:-1]])
    distance = np.abs(values - (padded[:-2] + padded[2:]) / 2)
    limit = _SPIKE + _RARE * np.median(distance, axis=0)
    return np.asarray((distance > limit).any(axis=1), np.bool_)


def confirm_outliers(
    measures: FrameMeasures,
    found: Sequence[int],
    differing: Callable[[Sequence[int]], Sequence[int]],
) -> list[int]:
    """Return the outliers that are really wrong.

    `differing` renders frames, compares them, and returns the wrong ones. Consecutive outliers
    with similar measures, such as a scene that fits the look less well, form a group. The first
    frame of a group is rendered; only if it is wrong, the others are rendered as well.
    """
    groups = _group_similar(measures, found)
    wrong = set(differing([group[0] for group in groups]))
    rest = [number for group in groups if group[0] in wrong for number in group[1:]]
    return sorted({*wrong, *(differing(rest) if rest else [])})


def _group_similar(measures: FrameMeasures, found: Sequence[int]) -> list[list[int]]:
    """Group consecutive outliers whose measures are within the limits around the group's first."""
    values = _scaled_measures(measures)
    blocks = set(frames_with_damaged_blocks(measures.matches))
    groups: list[list[int]] = []
    for number in found:
        first, last = (groups[-1][0], groups[-1][-1]) if groups else (-2, -2)
        near = number == last + 1 and np.abs(values[number] - values[first]).max() <= 1
        if near and number not in blocks:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _scaled_measures(measures: FrameMeasures) -> NDArray[np.float64]:
    """Return the measures of each frame as multiples of their limits: (frames, 9)."""
    mean_error = measures.look_fit.mean_error / _MAX_MEAN_ERROR
    rms_error = measures.look_fit.rms_error / _MAX_RMS_ERROR
    return np.concatenate([mean_error, rms_error, _detail(measures) / _DETAIL], axis=1)


def _detail(measures: FrameMeasures) -> NDArray[np.float64]:
    return np.column_stack([measures.sharpness, measures.combing])
