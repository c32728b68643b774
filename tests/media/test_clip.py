import hashlib
import random
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from workbench.errors import UnsupportedClip
from workbench.measure.code_values import rgb_blocks
from workbench.media import frame_reader, frames
from workbench.media.clip import sample_indices
from workbench.media.colour import Colour
from workbench.media.probe import open_clip

Made = Callable[[str], Path]


def digest(frame: frames.Frame) -> str:
    return hashlib.md5(frame.tobytes()).hexdigest()


def test_the_properties_of_a_generated_clip_are_read(untagged: Path) -> None:
    clip = open_clip(untagged)
    assert (clip.codec, clip.pixel_format, clip.bit_depth) == ("h264", "yuv420p", 8)
    assert (clip.width, clip.height, clip.frame_count) == (320, 180, 24)
    assert (clip.frame_rate, clip.constant_frame_rate) == (Fraction(24), True)
    assert clip.duration == 1
    assert clip.sample_aspect == 1
    assert clip.colour == Colour()
    assert [(s.codec, s.sample_rate, s.layout) for s in clip.audio] == [("aac", 44100, "stereo")]


def test_colour_tags_are_read(made: Made) -> None:
    assert open_clip(made("tagged")).colour == Colour("legal", "bt709", "bt709", "bt709")
    assert open_clip(made("full_range")).colour.range == "full"
    assert open_clip(made("sd_tagged")).colour == Colour("legal", "bt470bg", "smpte170m", "bt470bg")


@pytest.mark.parametrize("name", ["untagged", "long_gop", "variable", "odd", "ten_bit"])
def test_every_frame_equals_ffmpeg_s_in_any_order(made: Made, name: str) -> None:
    path = made(name)
    expected = clips.frame_hashes(path)
    order = list(range(len(expected)))
    random.Random(7).shuffle(order)
    with open_clip(path) as clip:
        assert clip.frame_count == len(expected)
        assert {i: digest(clip.frame(i)) for i in order} == dict(enumerate(expected))


def test_seeking_is_exact_without_a_cache(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_reader, "CACHE_BYTES", 0)
    expected = clips.frame_hashes(made("long_gop"))
    with open_clip(made("long_gop")) as clip:
        assert sum(position.keyframe for position in clip.positions) == 2
        for index in (40, 3, 29, 30, 31, 28, 47, 0, 1):
            assert digest(clip.frame(index)) == expected[index]


def test_the_cache_stays_within_its_limit(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_reader, "CACHE_BYTES", 5 * 320 * 180 * 3 // 2 + 100_000)
    with open_clip(made("long_gop")) as clip:
        clip.frame(40)
        assert 0 < clip._reader.cached <= 6


def test_a_sample_is_spread_over_the_clip(made: Made) -> None:
    expected = clips.frame_hashes(made("long_gop"))
    with open_clip(made("long_gop")) as clip:
        sample = list(clip.sample(5))
        assert [frame.index for frame in sample] == [4, 14, 24, 33, 43]
        assert [digest(frame) for frame in sample] == [expected[frame.index] for frame in sample]
        assert len(list(clip.sample(1000))) == clip.frame_count


def test_a_sample_of_a_short_clip_has_all_frames() -> None:
    assert sample_indices(1, 12) == [0]


def test_an_index_out_of_range_names_the_valid_ones(untagged: Path) -> None:
    with open_clip(untagged) as clip:
        assert clip.frame(-1).index == 23
        with pytest.raises(IndexError, match="frames 0 to 23; there is no frame 24"):
            clip.frame(24)


def test_a_variable_frame_rate_is_detected(made: Made) -> None:
    clip = open_clip(made("variable"))
    assert not clip.constant_frame_rate
    steps = {b - a for a, b in zip(clip.times, clip.times[1:], strict=False)}
    assert steps == {Fraction(1, 25), Fraction(2, 25)}


def test_a_rounded_ntsc_rate_is_constant(tmp_path: Path) -> None:
    """Matroska stores milliseconds, so 24000/1001 has steps of 41 and 42."""
    path = tmp_path / "ntsc.mkv"
    clips.run("-f", "lavfi", "-i", clips.sky(rate="24000/1001"), "-c:v", "libx264", path)
    clip = open_clip(path)
    assert clip.constant_frame_rate
    assert clip.frame_rate == Fraction(24000, 1001)


@pytest.mark.parametrize("codec", ["aac", "libvorbis", "pcm_s16le", "flac", "dca"])
def test_durations_rounded_by_matroska_are_no_gap(tmp_path: Path, codec: str) -> None:
    """A block of 21.3 ms is stored as 21 ms, which adds up to 0.19 s in twelve seconds."""
    path = tmp_path / "clip.mkv"
    picture = ["-f", "lavfi", "-i", "color=s=32x32:r=8:d=12", "-c:v", "libx264"]
    clips.run(*picture[:4], "-f", "lavfi", "-i", "sine=d=12:r=48000", *picture[4:],
              "-strict", "-2", "-c:a", codec, path)  # fmt: skip
    assert open_clip(path).audio[0].gap <= Fraction(1, 1000)


@pytest.mark.parametrize("codec", ["aac", "pcm_s16le", "libvorbis"])
@pytest.mark.parametrize(("start", "end"), [(0.5, 0.6), (2.8, 2.9)])
def test_a_gap_in_the_sound_of_matroska_is_measured(
    tmp_path: Path, codec: str, start: float, end: float
) -> None:
    sound, path = tmp_path / "sound.mkv", tmp_path / "clip.mkv"
    holed = f"sine=d=3:r=48000,asetnsamples=480,aselect='not(between(t,{start},{end - 0.001}))'"
    clips.run("-f", "lavfi", "-i", holed, "-c:a", "pcm_s16le", sound)
    clips.run("-f", "lavfi", "-i", "color=s=32x32:r=8:d=3", "-i", sound, "-c:v", "libx264",
              "-c:a", codec, path)  # fmt: skip
    assert float(open_clip(path).audio[0].gap) == pytest.approx(end - start, abs=0.025)


def test_frames_are_read_only(untagged: Path) -> None:
    with open_clip(untagged) as clip, pytest.raises(ValueError, match="read-only"):
        clip.frame(0).luma[0, 0] = 1


def test_10_bits_stay_10_bits(made: Made) -> None:
    with open_clip(made("ten_bit")) as clip:
        frame = clip.frame(3)
    assert frame.bit_depth == 10
    assert frame.luma.dtype == np.uint16
    assert frame.luma.max() > 255


def test_odd_sizes_round_chroma_up(made: Made) -> None:
    with open_clip(made("odd")) as clip:
        frame = clip.frame(0)
    assert frame.luma.shape == (179, 319)
    assert frame.cb.shape == frame.cr.shape == (90, 160)


@pytest.mark.parametrize(
    ("options", "rotation", "mirrored"),
    [
        (["-display_rotation", "0"], 0, False),
        (["-display_rotation", "90"], 270, False),
        (["-display_rotation", "180"], 180, False),
        (["-display_rotation", "270"], 90, False),
        (["-display_hflip"], 0, True),
        (["-display_rotation", "90", "-display_hflip"], 270, True),
        (["-display_rotation", "270", "-display_vflip"], 270, True),
        (["-display_vflip"], 180, True),
    ],
)
def test_frames_are_upright_as_in_ffmpeg(
    untagged: Path, tmp_path: Path, options: list[str], rotation: int, mirrored: bool
) -> None:
    path = clips.turned(untagged, tmp_path / "turned.mp4", *options)
    with open_clip(path) as clip:
        assert (clip.orientation.rotation, clip.orientation.mirrored) == (rotation, mirrored)
        assert (clip.width, clip.height) == ((320, 180) if rotation % 180 == 0 else (180, 320))
        assert digest(clip.frame(11)) == clips.frame_hashes(path)[11]


def test_an_odd_angle_raises_an_error(untagged: Path, tmp_path: Path) -> None:
    path = clips.turned(untagged, tmp_path / "tilted.mp4", "-display_rotation", "30")
    with pytest.raises(UnsupportedClip, match=r"tilted\.mp4 .* only quarter turns"):
        open_clip(path)


@pytest.mark.parametrize("name", ["tagged", "full_range", "four_four_four", "ten_bit"])
def test_rgb_equals_the_formula(made: Made, name: str) -> None:
    """swscale's default is one or two code values darker."""
    with open_clip(made(name)) as clip:
        frame = clip.frame(0)
    codes = np.concatenate(list(rgb_blocks(frame)), axis=1).transpose(1, 2, 0)
    error = frame.rgb() - ((codes - 64.0) * 255 / 876).clip(0, 255)
    assert abs(error.mean()) < 0.3
    assert np.abs(error).mean() < 1


def test_an_rgb_clip_raises_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "rgb.mp4"
    clips.run("-f", "lavfi", "-i", clips.sky(), "-c:v", "libx264rgb", "-pix_fmt", "rgb24", path)
    with pytest.raises(UnsupportedClip, match=r"rgb\.mp4 stores its picture as gbrp"):
        open_clip(path)


def test_a_rotated_10_bit_clip_is_shown_as_it_is_encoded(made: Made, tmp_path: Path) -> None:
    path = clips.turned(made("ten_bit"), tmp_path / "turned.mp4", "-display_rotation", "90")
    with open_clip(path) as clip:
        assert digest(clip.frame(5)) == clips.frame_hashes(path)[5]


def test_a_rotated_422_clip_raises_an_error(tmp_path: Path) -> None:
    whole = tmp_path / "whole.mov"
    clips.run(
        "-f", "lavfi", "-i", clips.sky(), "-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", whole
    )
    path = clips.turned(whole, tmp_path / "turned.mov", "-display_rotation", "90")
    with pytest.raises(UnsupportedClip, match=r"turned\.mov .* rotate the clip itself first"):
        open_clip(path)


def test_a_sample_of_av1_is_exact(tmp_path: Path) -> None:
    """A decoder with a delay applies skip_frame to other frames than intended."""
    path = tmp_path / "av1.mp4"
    svt = ["-c:v", "libsvtav1", "-preset", "10", "-svtav1-params", "lp=1"]
    clips.run("-f", "lavfi", "-i", clips.sky(), *svt, path)
    expected = clips.frame_hashes(path)
    with open_clip(path) as clip:
        assert [digest(frame) for frame in clip.sample(8)] == [
            expected[index] for index in sample_indices(24, 8)
        ]


def test_frames_without_their_reference_frame_are_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open GOP was trimmed without re-encoding, so two of its frames cannot be decoded."""
    whole, path = tmp_path / "whole.mp4", tmp_path / "trimmed.mp4"
    sound = ["-f", "lavfi", "-i", "sine=d=1:r=44100", "-c:a", "aac"]
    gop = ["-bf", "3", "-x264-params", "open-gop=1:b-pyramid=2:keyint=8:b-adapt=0"]
    x264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p", *gop]
    clips.run("-f", "lavfi", "-i", clips.sky(), *sound[:4], *x264, *sound[4:], whole)
    clips.run("-ss", "0.58", "-i", whole, "-c", "copy", path)
    expected = clips.frame_hashes(path)
    assert len(expected) == 8
    with open_clip(path) as clip:
        assert [digest(clip.frame(i)) for i in range(clip.frame_count)] == expected
        clip.close()
        monkeypatch.setattr(frame_reader, "CACHE_BYTES", 0)
        assert [digest(clip.frame(i)) for i in range(7, -1, -1)] == expected[::-1]


def test_mpeg_2_begins_with_its_first_frame(tmp_path: Path) -> None:
    path = tmp_path / "tape.ts"
    clips.run("-f", "lavfi", "-i", clips.sky(rate="25"), "-c:v", "mpeg2video", "-q:v", "2", path)
    expected = clips.frame_hashes(path)
    with open_clip(path) as clip:
        assert [digest(clip.frame(i)) for i in (20, 3, 0)] == [expected[i] for i in (20, 3, 0)]


@pytest.mark.parametrize(
    ("suffix", "codec", "options", "message"),
    [
        ("avi", "libx264", ["-bf", "3"], "AVI file with B-frames"),
        ("mkv", "libx264", ["-bf", "0", "-vf", "settb=1/1000,setpts=floor(N/2)*83"], "same time"),
    ],
)
def test_a_file_without_usable_timestamps_raises_an_error(
    tmp_path: Path, suffix: str, codec: str, options: list[str], message: str
) -> None:
    path = tmp_path / f"when.{suffix}"
    source = ["-f", "lavfi", "-i", clips.sky()]
    clips.run(*source, *options, "-fps_mode", "passthrough", "-c:v", codec, path)
    with pytest.raises(UnsupportedClip, match=message):
        open_clip(path)


def test_an_empty_path_raises_an_error() -> None:
    with pytest.raises(FileNotFoundError, match="no clip was given: give its path"):
        open_clip("")


def test_a_path_in_the_home_folder_is_expanded(
    untagged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(untagged.parent))
    monkeypatch.setenv("USERPROFILE", str(untagged.parent))
    assert open_clip(f"~/{untagged.name}").frame_count == 24


def test_facts_are_json_types(untagged: Path) -> None:
    facts = open_clip(untagged).facts()
    assert facts["frame_rate"] == "24"
    assert facts["untagged"] == ["range", "primaries", "transfer", "matrix"]


def test_many_threads_can_share_a_clip(made: Made) -> None:
    from concurrent.futures import ThreadPoolExecutor

    expected = clips.frame_hashes(made("long_gop"))
    order = [random.Random(3).randrange(len(expected)) for _ in range(60)]
    with open_clip(made("long_gop")) as clip, ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda index: digest(clip.frame(index)), order))
    assert found == [expected[index] for index in order]
