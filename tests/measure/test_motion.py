"""Test that movement is detected everywhere, and that an encoder's noise is not movement."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from workbench.measure.levels import FrameRange, Levels, LevelsTimeline
from workbench.measure.motion import DRIFT, Motion, Movement, cell_means
from workbench.media.colour import Colour
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

REAL = sorted(clips.REAL.glob("*.mp4"))


def grey(height: int, width: int) -> Frame:
    """Return a grey 10-bit 4:2:2 picture."""
    small = (height, -(-width // 2))
    planes = (np.full(shape, 500, np.uint16) for shape in ((height, width), small, small))
    return Frame(*planes, "yuv422p10le", 10, Colour())


def followed(frames: Iterable[Frame]) -> list[Movement]:
    motion = Motion()
    return [motion.add(frame) for frame in frames]


def frozen(found: list[Movement], bounds: tuple[Fraction, ...]) -> list[FrameRange]:
    rows = (Levels(0, 0, 0, 0, 0, 0, 0, 0, one.change, one.drift) for one in found)
    return LevelsTimeline.of(rows).frozen_ranges(bounds)


def frozen_in(path: Path) -> list[FrameRange]:
    with open_clip(path) as clip:
        return frozen(followed(clip.frames()), (*clip.times, clip.duration))


def x264(path: Path, picture: str, *options: str) -> Path:
    """Encode a lavfi source as H.264."""
    x264 = ("-c:v", "libx264", "-pix_fmt", "yuv420p", *options)
    clips.run("-f", "lavfi", "-i", picture, *x264, path)
    return path


def test_cells_are_means_and_the_last_includes_the_remainder() -> None:
    frame = grey(130, 141)  # 16 cells of 8 rows and 2 rows; 17 cells of 8 columns and 5 columns
    frame.luma[:] = np.arange(130 * 141).reshape(130, 141) % 1000
    luma, cb, cr = cell_means(frame)
    assert luma.shape == (16, 17)
    assert cb.shape == cr.shape == (8, 8)  # 16 rows and 8 columns of chroma samples
    assert luma[3, 4] == pytest.approx(frame.luma[24:32, 32:40].mean())
    assert luma[-1, 2] == pytest.approx(frame.luma[120:, 16:24].mean())
    assert luma[2, -1] == pytest.approx(frame.luma[16:24, 128:].mean())
    assert luma[-1, -1] == pytest.approx(frame.luma[120:, 128:].mean())
    assert cb[-1, -1] == pytest.approx(500)


def test_the_sums_of_a_bright_picture_do_not_overflow() -> None:
    frame = grey(143, 143)
    for plane in (frame.luma, frame.cb, frame.cr):
        plane[:] = 1023
    for means in cell_means(frame):
        assert means == pytest.approx(1023)


def moving(height: int, width: int, at: tuple[slice, slice]) -> Iterator[Frame]:
    """Return grey frames in which one part is brighter in every second frame."""
    for number in range(12):
        frame = grey(height, width)
        frame.luma[at] += 200 * (number % 2)
        yield frame


@pytest.mark.parametrize("size", [(8, 8), (17, 33), (9, 200), (180, 135), (136, 320)])
@pytest.mark.parametrize(
    "at",
    [np.s_[:, -1:], np.s_[-1:, :], np.s_[:, :1], np.s_[:1, :], np.s_[-4:, -4:]],
    ids=["last column", "last row", "first column", "first row", "last corner"],
)
def test_movement_at_an_edge_is_detected(size: tuple[int, int], at: tuple[slice, slice]) -> None:
    bounds = tuple(Fraction(number, 24) for number in range(13))
    assert frozen(followed(moving(*size, at)), bounds) == []


def test_a_dot_that_moves_through_a_tiny_picture_is_detected() -> None:
    def frames() -> Iterator[Frame]:
        for number in range(64):
            frame = grey(8, 8)
            frame.luma[divmod(number, 8)] = 600
            yield frame

    bounds = tuple(Fraction(number, 24) for number in range(65))
    assert frozen(followed(frames()), bounds) == []


@pytest.mark.parametrize("size", [(8, 8), (17, 33), (180, 320)])
def test_a_picture_that_does_not_change_is_frozen(size: tuple[int, int]) -> None:
    bounds = tuple(Fraction(number, 24) for number in range(13))
    assert frozen(followed([grey(*size)] * 12), bounds) == [FrameRange(0, 12)]


def test_a_change_of_colour_alone_is_movement() -> None:
    def frames() -> Iterator[Frame]:
        for number in range(12):
            frame = grey(180, 320)
            frame.cr[:, :80] += 2 * number
            yield frame

    bounds = tuple(Fraction(number, 24) for number in range(13))
    assert frozen(followed(frames()), bounds) == []


def test_a_drift_begins_a_range_at_its_limit() -> None:
    """Every frame is 0.5 brighter than the one before, so the eighth is 3.5 above the first."""

    def frames() -> Iterator[Frame]:
        for number in range(16):
            frame = grey(128, 128)
            frame.luma[:, number % 2 :: 2] += (number + 1) // 2
            frame.luma[:, (number + 1) % 2 :: 2] += number // 2
            yield frame

    found = followed(frames())
    assert [one.change for one in found] == pytest.approx([0, *[0.5] * 15])
    upward = [0.5, 1, 1.5, 2, 2.5, 3, DRIFT]
    assert [one.drift for one in found] == pytest.approx([0, *upward, *upward, 0.5])


def test_a_single_cell_can_begin_a_range() -> None:
    """A seventh of the largest difference counts: 24 code values are too few, 25 are enough."""
    for step, begins in ((24, False), (25, True)):
        after = grey(128, 256)
        after.luma[8:16, 8:16] += step
        assert (followed([grey(128, 256), after])[1].drift >= DRIFT) == begins


STILL = f"{clips.sky('640x360', seconds=2)},select=eq(n\\,0),loop=47:1:0,setpts=N/24/TB"
NOISE = "noise=alls=24:all_seed=3"  # the same in every frame: texture that an encoder must code


@pytest.mark.parametrize("crf", ["18", "23", "28"])
@pytest.mark.parametrize("keyframes", ["250", "12"])
def test_a_still_with_an_encoder_s_noise_is_frozen(
    tmp_path: Path, crf: str, keyframes: str
) -> None:
    path = x264(tmp_path / "still.mp4", f"{STILL},{NOISE}", "-crf", crf, "-g", keyframes)
    assert frozen_in(path) == [FrameRange(0, 48)]


def test_a_still_between_two_shots_is_found_at_the_same_place_as_in_ffmpeg(tmp_path: Path) -> None:
    """One second of movement, two of its last frame, one of other movement, at crf 28."""
    shot = "testsrc2=s=320x180:r=24:d=1"
    other = f"{shot},negate,hflip"
    held = f"{shot},tpad=stop_mode=clone:stop_duration=2[a];{other}[b];[a][b]concat=n=2"
    path = x264(tmp_path / "held.mp4", held, "-crf", "28")
    (stretch,) = frozen_in(path)
    assert (stretch.start, stretch.end) == (23, 72)
    detect = "freezedetect=n=-50dB:d=1,metadata=print:file=d"
    clips.run_in(tmp_path, "-i", path, "-vf", detect, "-f", "null", "-")
    lines = (tmp_path / "d").read_text(encoding="utf-8").splitlines()
    marks = dict(line.partition("=")[::2] for line in lines if line.startswith("lavfi"))
    assert float(marks["lavfi.freezedetect.freeze_start"]) == pytest.approx(23 / 24, abs=1e-3)
    assert float(marks["lavfi.freezedetect.freeze_end"]) == pytest.approx(72 / 24, abs=1e-3)


@pytest.mark.parametrize("crf", ["18", "28"])
def test_a_slow_pan_is_not_frozen(tmp_path: Path, crf: str) -> None:
    """0.05 pixels per frame: a picture 20 times as large moves by whole pixels."""
    large = clips.sky("160x90", seconds=2)
    pan = (
        f"{large},select=eq(n\\,0),{NOISE},gblur=1,scale=3200:1800:flags=bicubic,loop=47:1:0,"
        "setpts=N/24/TB,crop=2560:1440:n:0,scale=128:72:flags=area"
    )
    assert frozen_in(x264(tmp_path / "pan.mp4", pan, "-crf", crf)) == []


def test_a_flicker_is_not_frozen(tmp_path: Path) -> None:
    """A dark quarter of the picture becomes 8 % brighter and darker twice a second."""
    glow = "lum(X,Y)*(1+0.08*lt(X,W/2)*lt(Y,H/2)*sin(2*PI*N/12))"
    picture = f"{STILL},{NOISE},format=yuv420p,geq=lum='{glow}':cb='cb(X,Y)':cr='cr(X,Y)'"
    assert frozen_in(x264(tmp_path / "glow.mp4", picture, "-crf", "28")) == []


@pytest.mark.skipif(not REAL, reason="the real clips are not beside the checkout")
def test_no_moving_clip_is_frozen() -> None:
    for path in REAL:
        if not path.name.startswith("edge_") or "vfr" in path.name:
            assert frozen_in(path) == [], path.name
