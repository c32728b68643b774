"""Test the checks of a delivered picture and its sound against a policy."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from workbench.deliver.encode import convert
from workbench.deliver.frame_checks import check_delivered_frames
from workbench.deliver.inspection import Inspection
from workbench.deliver.policy import Policy, Rule, load_policy
from workbench.deliver.policy_checks import check_policy
from workbench.deliver.qc import Finding
from workbench.deliver.quicktime import Movie, read_movie
from workbench.deliver.recheck import recheck
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.measure.frame_match import Difference, FrameMatch
from workbench.measure.loudness import Loudness


@pytest.fixture(scope="module")
def inspection(delivery: Delivery) -> Inspection:
    assert delivery.inspection is not None
    return delivery.inspection


@pytest.fixture(scope="module")
def movie(delivery: Delivery) -> Movie:
    return read_movie(delivery.destination)


def checked(
    inspection: Inspection, movie: Movie, policy: Policy | None = None
) -> dict[str, Finding]:
    return {f.id: f for f in check_policy(inspection, movie, policy or load_policy("mezzanine"))}


def test_an_8_bit_chain_gets_a_warning(inspection: Inspection, movie: Movie) -> None:
    found = checked(inspection, movie)["bit depth"]
    assert (found.level, found.limit) == ("warn", "at least 9.5 bits")
    assert found.measured.startswith("8.0 bits, frame ")


def with_each(inspection: Inspection, field: str, values: list[float | None]) -> Inspection:
    """Set one measure of each of the four compared frames."""
    pairs = zip(inspection.comparisons, values, strict=True)
    return replace(
        inspection, comparisons=tuple(replace(one, **{field: value}) for one, value in pairs)
    )


@pytest.mark.parametrize(
    ("worst", "level", "shown"),
    [
        (9.5, "pass", "9.5"),
        (9.47, "warn", "9.47"),
        (9.4999, "warn", "9.4999"),
        (9.4, "warn", "9.4"),
    ],
)
def test_a_bit_depth_close_to_the_limit_is_not_rounded_to_it(
    inspection: Inspection, movie: Movie, worst: float, level: str, shown: str
) -> None:
    some = with_each(inspection, "effective_bit_depth", [10, 10, worst, None])
    found = checked(some, movie)["bit depth"]
    third = inspection.comparisons[2].index
    assert (found.level, found.measured) == (level, f"{shown} bits, frame {third}")


def test_cambi_and_peak_close_to_their_limits_are_not_rounded_to_them(
    inspection: Inspection, movie: Movie
) -> None:
    some = with_each(inspection, "cambi_after", [0, 5.04, 0, 0])
    assert "5.04 after, frame" in checked(some, movie)["banding"].measured
    loud = checked(replace(inspection, loudness=(Loudness(-9.0, -0.97),)), movie)["loudness"]
    assert (loud.level, loud.measured) == ("note", "-0.97 dBTP, -9.0 LUFS")


def unknown(inspection: Inspection, grids: list[float | None]) -> Inspection:
    some = with_each(inspection, "grid", grids)
    return replace(
        some,
        comparisons=tuple(
            replace(one, effective_bit_depth=None, difference=None) for one in some.comparisons
        ),
    )


@pytest.mark.parametrize(
    ("grids", "level"),
    [([0, 0.45, 0, 0], "warn"), ([0.2, None, 0, 0], "pass"), ([0, 0, 0, 0.2001], "warn")],
)
def test_the_worst_frame_decides_whether_an_unknown_look_was_8_bits(
    inspection: Inspection, movie: Movie, grids: list[float | None], level: str
) -> None:
    """The frames of a fade to black do not show their bit depth, and must not hide the others."""
    assert checked(unknown(inspection, grids), movie)["bit depth"].level == level


@pytest.mark.parametrize(("preset", "level"), [("classic", "warn"), ("smooth", "pass")])
def test_a_clip_with_a_fade_shows_its_bit_depth(tmp_path: Path, preset: str, level: str) -> None:
    path, elsewhere = tmp_path / "fade.mp4", tmp_path / "elsewhere.mov"
    shading = f"{clips.sky()},noise=alls=6:all_seed=7,fade=out:4:16"
    clips.run("-f", "lavfi", "-i", shading, "-c:v", "libx264", "-crf", "12",
              "-pix_fmt", "yuv420p", path)  # fmt: skip
    clips.run("-i", convert(path, tmp_path, Settings(preset=preset)).destination,
              "-c", "copy", elsewhere)  # fmt: skip
    found = {finding.id: finding for finding in recheck(path, elsewhere).findings}
    assert (found["bit depth"].level, found["bit depth"].limit) == (level, "at most 0.2")


def test_a_clip_of_a_few_tones_has_no_bit_depth(inspection: Inspection, movie: Movie) -> None:
    found = checked(unknown(inspection, [None] * 4), movie)["bit depth"]
    assert (found.level, found.measured) == ("pass", "too few tones to tell")


def test_a_sampled_finding_names_its_frames(inspection: Inspection, movie: Movie) -> None:
    found = checked(inspection, movie)
    for name in ("bit depth", "banding", "coarse banding", "contour", "detail change", "texture"):
        assert found[name].sentence.endswith("Measured in 4 of 24 frames: 3, 9, 15, 21."), name
    every = replace(inspection, comparisons=inspection.comparisons * 6)
    assert checked(every, movie)["contour"].sentence.endswith("Measured in every frame.")
    many = replace(inspection, comparisons=inspection.comparisons * 3)
    assert (
        "in 12 of 24 frames, evenly spread from 3 to 21."
        in checked(many, movie)["contour"].sentence
    )


def test_an_8_bit_picture_is_detected_in_the_file_alone(
    inspection: Inspection, movie: Movie
) -> None:
    grids = [one.grid for one in inspection.comparisons]
    found = checked(unknown(inspection, grids), movie)["bit depth"]
    assert (found.level, found.limit) == ("warn", "at most 0.2")
    assert "on the 8-bit grid, frame " in found.measured


@pytest.mark.parametrize(
    ("id", "field", "bad"),
    [
        ("banding", "cambi_after", 5.1),
        ("banding after grading", "cambi_graded", 5.1),
        ("coarse banding", "coarse_after", 10.1),
        ("contour", "contour_after", 8.1),
        ("detail change", "detail_change", 4.1),
        ("texture", "texture_change", 3.1),
    ],
)
def test_the_worst_frame_decides(
    inspection: Inspection, movie: Movie, id: str, field: str, bad: float
) -> None:
    good = {
        "cambi_after": 0.5, "cambi_graded": 0.5, "coarse_after": 0.5, "contour_after": 2.0,
        "contour_before": 12.0, "detail_change": 1.0, "texture_change": 1.0,
        "outside_r103": 0.0, "shading_error": None,
    }  # fmt: skip
    fine = [replace(one, **good) for one in inspection.comparisons]
    assert checked(replace(inspection, comparisons=tuple(fine)), movie)[id].level == "pass"
    fine[2] = replace(fine[2], **{field: bad})
    assert checked(replace(inspection, comparisons=tuple(fine)), movie)[id].level == "warn"


def test_contour_warns_only_where_the_shading_error_agrees(
    inspection: Inspection, movie: Movie
) -> None:
    """Faint clouds have a high contour, and rounding cannot have left as much there."""
    for error, level in ((5.9, "pass"), (8.1, "warn")):
        frames = tuple(
            replace(one, contour_before=17.7, contour_after=10.0, shading_error=error)
            for one in inspection.comparisons
        )
        found = checked(replace(inspection, comparisons=frames), movie)["contour"]
        assert found.level == level
        assert found.measured.startswith("17.7 before, 10.0 after, frame ")
        assert found.measured.endswith(f"; shading error {error}")


def test_banding_is_reported_before_and_after(inspection: Inspection, movie: Movie) -> None:
    before = max(one.cambi_before or 0 for one in inspection.comparisons)
    after = max(one.cambi_after or 0 for one in inspection.comparisons)
    measured = checked(inspection, movie)["banding"].measured
    assert measured.startswith(f"CAMBI {before:.1f} before, {after:.1f} after, frame ")


def test_black_freeze_and_jumps(inspection: Inspection, movie: Movie) -> None:
    levels = inspection.levels
    assert checked(inspection, movie)["black"].measured == "none"
    black, still, mean = levels.black.copy(), levels.change.copy(), levels.mean.copy()
    black[2:20], still[4:24], mean[10:] = 1, 0, mean[10:] + 100
    changed = replace(levels, black=black, change=still, mean=mean, drift=still)
    found = checked(replace(inspection, levels=changed), movie)
    assert (found["black"].level, found["black"].measured) == ("note", "0.75 s from frame 2")
    assert (found["freeze"].level, found["freeze"].measured) == ("warn", "0.88 s from frame 3")
    assert found["luma jump"].level == "note"
    assert found["luma jump"].measured.endswith("at frame 10")


@pytest.mark.parametrize(("step", "level"), [(60, "pass"), (60.01, "note")])
@pytest.mark.parametrize("frame", [1, 23])
def test_a_jump_of_luma_has_a_limit(
    inspection: Inspection, movie: Movie, frame: int, step: float, level: str
) -> None:
    mean = np.full(24, 300.0)
    mean[frame:] += step
    jumping = replace(inspection, levels=replace(inspection.levels, mean=mean))
    found = checked(jumping, movie)["luma jump"]
    assert found.level == level
    assert found.measured.endswith(f" code values at frame {frame}")


@pytest.mark.parametrize("frame", [0, 7, 23])
def test_the_worst_of_all_frames_decides_on_gamut(
    inspection: Inspection, movie: Movie, frame: int
) -> None:
    for share, level in ((0.01, "pass"), (0.010001, "warn")):
        outside = np.zeros(24)
        outside[frame] = share
        levels = replace(inspection.levels, outside_r103=outside)
        found = checked(replace(inspection, levels=levels), movie)["gamut"]
        assert found.level == level
        assert found.measured.endswith(f" % at frame {frame}")


@pytest.mark.parametrize(("seconds", "level"), [("1/2", "pass"), ("501/1000", "warn")])
def test_a_frame_counts_with_its_own_duration(
    inspection: Inspection, movie: Movie, seconds: str, level: str
) -> None:
    black = np.zeros(24)
    black[-1] = 1
    end = inspection.times[-1] + Fraction(seconds)
    held = replace(inspection, levels=replace(inspection.levels, black=black), end=end)
    found = checked(held, movie)
    assert found["freeze"].level == level
    assert found["freeze"].measured == found["black"].measured
    assert found["black"].measured.endswith(" s from frame 23")
    assert found["black"].level == ("pass" if level == "pass" else "note")


def test_every_track_has_a_loudness(inspection: Inspection, movie: Movie) -> None:
    two = (Loudness(-23.0, -3.0), Loudness(-9.0, 0.5))
    found = checked(replace(inspection, loudness=two), movie)
    assert (found["loudness 1"].level, found["loudness 2"].level) == ("pass", "note")
    assert found["loudness 1"].measured == "-3.0 dBTP, -23.0 LUFS"
    short = checked(replace(inspection, loudness=(Loudness(None, -0.1),)), movie)["loudness"]
    assert (short.level, short.measured) == ("note", "-0.1 dBTP, no integrated loudness")
    quiet = checked(replace(inspection, loudness=(Loudness(None, -1.0),)), movie)["loudness"]
    assert quiet.level == "pass"
    silent = checked(replace(inspection, loudness=(Loudness(None, None),)), movie)
    assert not any(name.startswith("loudness") for name in silent)


def test_a_policy_can_be_stricter_or_have_no_rule(inspection: Inspection, movie: Movie) -> None:
    strict = Policy(name="strict", data_rate=Rule(at_most=1, level="fail"))
    found = checked(inspection, movie, strict)
    assert found["data rate"].level == "fail"
    assert all(f.level == "pass" and f.limit == "" for f in found.values() if f.id != "data rate")


def test_a_moved_or_damaged_frame_fails(inspection: Inspection) -> None:
    assert [f.level for f in check_delivered_frames(inspection)] == ["pass"] * 3
    matches = inspection.frame_measures.matches
    moved = (*matches[:5], FrameMatch(3.0, 4.0, 1.0, 1), *matches[6:])
    frame_measures = replace(inspection.frame_measures, matches=moved)
    place, whole, _ = check_delivered_frames(replace(inspection, frame_measures=frame_measures))
    assert (place.level, place.measured, whole.level) == ("fail", "1 moved, first frame 5", "pass")
    place, whole, _ = check_delivered_frames(replace(inspection, damaged=(5,)))
    assert (place.level, whole.level) == ("pass", "fail")
    assert whole.measured == "1 of 24 damaged, first frame 5"
    unknown = tuple(replace(one, difference=None) for one in inspection.comparisons)
    _, whole, *_ = check_delivered_frames(replace(inspection, damaged=(5,), comparisons=unknown))
    assert whole.level == "warn", "it may be the look"
    _, whole, *_ = check_delivered_frames(replace(inspection, corrupt=(5,), comparisons=unknown))
    assert whole.level == "fail", "the decoder knows"


def test_a_fault_of_every_frame_is_detected(inspection: Inspection) -> None:
    off = tuple(
        replace(one, difference=Difference(4.0, 4.0, 4.1, 7.0)) for one in inspection.comparisons
    )
    _, whole, _ = check_delivered_frames(replace(inspection, comparisons=off))
    assert whole.level == "fail"
    for alike, level in ((0.5, "pass"), (0.49, "fail")):
        other = tuple(
            replace(match, correlation=alike) for match in inspection.frame_measures.matches
        )
        frame_measures = replace(inspection.frame_measures, matches=other)
        assert [
            f.level
            for f in check_delivered_frames(replace(inspection, frame_measures=frame_measures))
        ][2] == level


def test_a_clip_of_a_single_frame_is_checked(inspection: Inspection, movie: Movie) -> None:
    levels = inspection.levels
    first = {name: np.asarray(values)[:1] for name, values in vars(levels).items()}
    one = replace(
        inspection,
        times=(Fraction(0),),
        end=Fraction(1, 24),
        levels=replace(levels, **first),
        frame_measures=replace(
            inspection.frame_measures, matches=inspection.frame_measures.matches[:1]
        ),
        comparisons=inspection.comparisons[:1],
    )
    found = checked(one, movie)
    assert "luma jump" not in found
    assert found["freeze"].measured == "none"
