"""Test the findings for an unknown look, just below and just above each limit."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from workbench.deliver.outliers import FrameMeasures
from workbench.deliver.qc import Finding
from workbench.deliver.unknown_look import check_unknown_look
from workbench.measure.frame_match import FrameMatch
from workbench.measure.look_fit import LookFit

FRAMES = 20


def frame_measures(**changes: Any) -> FrameMeasures:
    """Return the measures of twenty frames with one look, as after a conversion."""
    look_fit = LookFit(
        mean_error=np.zeros((FRAMES, 3)),
        rms_error=np.full((FRAMES, 3), 2.0),
        textured=np.ones(FRAMES, np.bool_),
        usual_error=np.full(3, 2.0),
        contrast=1.0,
        chroma=(0.99, 0.99),
    )
    look_fit = replace(look_fit, **{k: v for k, v in changes.items() if hasattr(look_fit, k)})
    usual = FrameMeasures(
        (FrameMatch(0.5, 1.0, 1.0, 0),) * FRAMES, look_fit, np.zeros((FRAMES, 2)), np.zeros(FRAMES)
    )
    return replace(usual, **{k: v for k, v in changes.items() if hasattr(usual, k)})


def checked(id: str, **changes: Any) -> Finding:
    return {one.id: one for one in check_unknown_look(frame_measures(**changes))}[id]


def series(values: dict[int, float], columns: int, base: float = 0.0) -> np.ndarray[Any, Any]:
    found = np.full((FRAMES, columns), base)
    for frame, value in values.items():
        found[frame, -1] = value
    return found


def test_one_look_passes() -> None:
    assert {one.level for one in check_unknown_look(frame_measures())} == {"pass"}


@pytest.mark.parametrize("frame", [0, 9, FRAMES - 1])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_mean_error_of_a_frame_has_a_limit(frame: int, sign: int) -> None:
    """The limit is 3 code values plus 1.5 times the usual error of 2."""
    for off, level in ((5.99, "pass"), (6.01, "fail")):
        found = checked("consistent look", mean_error=series({frame: sign * off}, 3))
        assert found.level == level
    assert found.measured == f"1 differ, most in frame {frame}, by {sign * 6.0:+.1f} code values"


@pytest.mark.parametrize("frame", [0, 9, FRAMES - 1])
def test_the_rms_error_of_a_frame_has_a_limit(frame: int) -> None:
    """The limit is 3 code values plus three times the usual error of 2."""
    assert checked("consistent look", rms_error=series({frame: 8.99}, 3, 2.0)).level == "pass"
    assert checked("consistent look", rms_error=series({frame: 9.01}, 3, 2.0)).level == "fail"


def test_a_slow_change_is_a_warning_and_a_sudden_one_a_failure() -> None:
    slow = {frame: 0.5 * frame for frame in range(FRAMES)}
    assert checked("consistent look", mean_error=series(slow, 3)).level == "warn"
    stretch = dict.fromkeys(range(12, FRAMES), 9.0)
    assert checked("consistent look", mean_error=series(stretch, 3)).level == "fail"


@pytest.mark.parametrize(
    ("chroma", "level"),
    [
        ((0.5, 0.99), "pass"),
        ((0.49, 0.99), "warn"),
        ((0.99, -0.29), "warn"),
        ((0.99, -0.3), "fail"),
        ((None, None), "pass"),
    ],
)
def test_the_hue_has_two_limits(chroma: tuple[float | None, float | None], level: str) -> None:
    assert checked("hue", chroma=chroma).level == level


def test_sharpness_has_limits_for_the_clip_and_for_a_frame() -> None:
    every = np.full((FRAMES, 2), -0.14)
    assert checked("sharpness", sharpness=every).level == "pass"
    assert checked("sharpness", sharpness=every - 0.02).level == "warn"
    # A look of half the contrast has half the detail.
    assert checked("sharpness", sharpness=every - np.log(2), contrast=0.5).level == "pass"
    for frame in (0, 9, FRAMES - 1):
        one = np.zeros((FRAMES, 2))
        one[frame] = -0.34
        assert checked("sharpness", sharpness=one).level == "pass"
        one[frame] = -0.36
        found = checked("sharpness", sharpness=one)
        assert (found.level, found.measured) == ("warn", f"1 softer, first frame {frame}")


def test_combing_has_a_limit() -> None:
    for frame in (0, 9, FRAMES - 1):
        assert checked("combing", combing=series({frame: 0.35}, 1)[:, 0]).level == "pass"
        assert checked("combing", combing=series({frame: 0.36}, 1)[:, 0]).level == "warn"
