"""Suspects: delivered frames that stand out in what was measured of every frame.

Where the look is known, a suspect is rendered and compared with the delivered frame sample by
sample, which settles the matter. So the limits here may be tight: a false suspect costs no more
than a rendering.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
from numpy.typing import NDArray

from workbench.measure.frame_match import FrameMatch
from workbench.measure.look_fit import LookFit

BLOCK_OFF = 8
"""10-bit code values that a block's mean may be off what a smooth curve makes of the source's."""
_OUTLIER = 4  # times the usual frame's worst block
_SHIFT = 0.75  # 10-bit code values that a frame's mean may be off the clip's mapping
_APART = 1.0  # 10-bit code values, RMS over blocks, above 1.3 times the usual
_DETAIL = 0.1  # log ratio: a tenth more or less detail than usual
_SPIKE = 0.1  # of the limits above, in which a frame may differ from its neighbours
_RARE = 5  # times the median difference from the neighbours, which may be added
_FEW = 5  # frames: fewer have no usual difference


@dataclass(frozen=True, eq=False)
class FrameMeasures:
    """What was measured of every frame to find those that stand out."""

    matches: tuple[FrameMatch, ...]
    mapping: LookFit
    sharpness: NDArray[np.float64]  # (frames, 2): log ratio of detail across and down
    combing: NDArray[np.float64]  # (frames,): log ratio


def frames_with_damaged_blocks(matches: Sequence[FrameMatch]) -> list[int]:
    """Return the frames with a block far off what their own curve makes of the source."""
    # A flat frame, such as black before a scene, leaves nothing over under any look.
    usual = [match.max_residual for match in matches if match.correlation is not None] or [0.0]
    limit = max(BLOCK_OFF, _OUTLIER * median(usual))
    return [n for n, match in enumerate(matches) if match.max_residual > limit and not match.offset]


def outlier_frames(traces: FrameMeasures) -> list[int]:
    """Return the frames to render, in order: those that differ from the clip's usual frame."""
    apart, detail = traces.mapping.rms_error, _detail(traces)
    out = np.asarray((np.abs(traces.mapping.mean_error) > _SHIFT).any(axis=1))
    out |= (apart > 1.3 * traces.mapping.usual_error + _APART).any(axis=1)
    out |= (np.abs(detail - np.median(detail, axis=0)) > _DETAIL).any(axis=1)
    out |= _spikes(traces)
    found = {*np.flatnonzero(out).tolist(), *frames_with_damaged_blocks(traces.matches)}
    return sorted(number for number in found if not traces.matches[number].offset)


def _spikes(traces: FrameMeasures) -> NDArray[np.bool_]:
    """Mark the frames that differ from both neighbours by far more than frames of the clip do.

    Next to the same scene, a fault shows that is too small to leave the clip's usual range.
    """
    values = _figures(traces)
    if len(values) < _FEW:
        return np.zeros(len(values), np.bool_)
    padded = np.concatenate([values[1:2], values, values[-2:-1]])
    off = np.abs(values - (padded[:-2] + padded[2:]) / 2)
    return np.asarray((off > _SPIKE + _RARE * np.median(off, axis=0)).any(axis=1), np.bool_)


def confirm_outliers(
    traces: FrameMeasures, found: Sequence[int], differing: Callable[[Sequence[int]], Sequence[int]]
) -> list[int]:
    """Return the suspects that are wrong, by `differing`, which renders frames and compares them.

    Suspects in a row that measure alike, such as a scene that the mapping does not fit as well as
    the rest, are judged by the first of them; if that one is wrong, each of them is rendered.
    """
    groups = _alike(traces, found)
    wrong = set(differing([group[0] for group in groups]))
    rest = [number for group in groups if group[0] in wrong for number in group[1:]]
    return sorted({*wrong, *(differing(rest) if rest else [])})


def _alike(traces: FrameMeasures, found: Sequence[int]) -> list[list[int]]:
    """Group suspects in a row whose figures are within the limits of the group's first."""
    values = _figures(traces)
    blocks = set(frames_with_damaged_blocks(traces.matches))
    groups: list[list[int]] = []
    for number in found:
        first, last = (groups[-1][0], groups[-1][-1]) if groups else (-2, -2)
        near = number == last + 1 and np.abs(values[number] - values[first]).max() <= 1
        if near and number not in blocks:
            groups[-1].append(number)
        else:
            groups.append([number])
    return groups


def _figures(traces: FrameMeasures) -> NDArray[np.float64]:
    """Return the figures of each frame in units of their limits: (frames, 9)."""
    shift, apart = traces.mapping.mean_error / _SHIFT, traces.mapping.rms_error / _APART
    return np.concatenate([shift, apart, _detail(traces) / _DETAIL], axis=1)


def _detail(traces: FrameMeasures) -> NDArray[np.float64]:
    return np.column_stack([traces.sharpness, traces.combing])
