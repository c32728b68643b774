"""Banding pass: every frame of a clip is measured in the background, and shown in the timeline."""

import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests import clips
from tests.desk.driver import PATIENCE, DeskDriver
from workbench.desk.banding_pass import BandingCurve, BandingPass
from workbench.ffmpeg import Cancellation
from workbench.measure.banding import cambi
from workbench.media.probe import open_clip

_NICE = psutil.Process().nice()


@pytest.fixture(scope="module")
def curve(tmp_path_factory: pytest.TempPathFactory) -> BandingCurve:
    """The curve of a clip of two shots, the second from frame 12 on."""
    path = tmp_path_factory.mktemp("cut") / "cut.mp4"
    first = f"{clips.sky('320x240', seconds=1)},trim=end_frame=12[a]"
    shots = f"{first};color=white:320x240:d=0.5:r=24,format=yuv420p[b];[a][b]concat"
    clips.run("-f", "lavfi", "-i", shots, "-c:v", "libx264", path)
    seen: list[BandingCurve] = []
    with open_clip(path) as clip:
        BandingPass(lambda: False, seen.append)(clip, Cancellation())
    assert [one.done for one in seen] == [False] * (len(seen) - 1) + [True]
    assert len(seen) == 4  # three batches of eight frames, and the end
    return seen[-1]


def test_every_frame_has_its_score(curve: BandingCurve) -> None:
    with open_clip(curve.clip.path) as clip:
        scores = cambi(list(clip.frames()))
    assert curve.cambi == pytest.approx(scores, abs=1e-4)
    assert curve.worst == scores.index(max(scores))
    assert np.isfinite(curve.contour[:12]).all()


def test_a_cut_is_found_once(curve: BandingCurve) -> None:
    assert curve.cuts == [12]


def test_the_priority_of_the_process_itself_stays(curve: BandingCurve) -> None:
    assert curve.done
    assert psutil.Process().nice() == _NICE


def test_a_busy_desk_goes_first(banded: Path) -> None:
    seen: list[BandingCurve] = []
    busy, cancellation = [True] * 3, Cancellation()
    with open_clip(banded) as clip:
        BandingPass(lambda: bool(busy and busy.pop()), seen.append)(clip, cancellation)
        assert not busy
        assert seen[-1].done
        cancellation.request()
        BandingPass(lambda: True, seen.append)(clip, cancellation)  # returns, though it is busy


def test_the_timeline_receives_the_curve_and_the_worst_frame_needs_no_search(
    desk: DeskDriver,
) -> None:
    until = time.monotonic() + PATIENCE
    while not (desk.tuner._curve and desk.tuner._curve.done) and time.monotonic() < until:
        time.sleep(0.05)
    content, buffers = desk.sent("banding")[-1]
    scores = np.frombuffer(buffers[0], np.float32)
    assert len(scores) == 24
    assert content["worst"] == int(scores.argmax())
    desk.shortcut("worst")
    desk.wait()
    assert desk.frame == content["worst"]
    assert desk.status == f"Frame {desk.frame} has the most banding of 24 frames"
