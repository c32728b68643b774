"""What convert promises, on real files."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
from pymediainfo import MediaInfo

from tests import clips
from tests.clips import SEED
from workbench import ffmpeg
from workbench.deliver import encode, figures
from workbench.deliver import verify as verifying
from workbench.deliver.command import Command, encode_command
from workbench.deliver.encode import convert
from workbench.deliver.format import Format
from workbench.deliver.quicktime import Movie, read_movie
from workbench.deliver.recheck import recheck
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.errors import (
    Cancelled,
    ClipError,
    FfmpegMissing,
    ParameterError,
    VerificationFailed,
)
from workbench.ffmpeg import Cancellation, Progress
from workbench.media.clip import Clip
from workbench.media.probe import open_clip

Made = Callable[[str], Path]
CLASSIC = Settings(preset="classic")


def finding(delivery: Delivery, id: str) -> tuple[str, str]:
    found = {f.id: (f.level, f.measured) for f in delivery.findings}
    return found[id]


def value_after(argv: list[str], option: str) -> str:
    return argv[argv.index(option) + 1]


@pytest.mark.parametrize(
    "name", ["untagged", "tagged", "sd_tagged", "full_range", "odd", "ten_bit", "four_four_four"]
)
def test_the_decoded_picture_is_the_seed_command_s_own(
    made: Made, tmp_path: Path, name: str
) -> None:
    clips.run("-i", made(name), *SEED, tmp_path / "seed.mov")
    convert(made(name), tmp_path / "ours.mov", CLASSIC)
    assert clips.frame_hashes(tmp_path / "ours.mov") == clips.frame_hashes(tmp_path / "seed.mov")


def test_an_untagged_clip_with_sound(untagged: Path, tmp_path: Path) -> None:
    seen: list[Progress] = []
    delivery = convert(untagged, tmp_path / "out.mov", CLASSIC, on_progress=seen.append)
    assert delivery.verdict == "warn"
    assert [f.id for f in delivery.findings if f.level == "note"] == ["untagged colour"]
    assert seen[-1].frame == 24
    assert list(tmp_path.iterdir()) == [tmp_path / "out.mov"]
    assert finding(delivery, "audio") == ("pass", "PCM 16 bits 44100 Hz")
    pcm = clips.run("-i", untagged, "-map", "0:a", "-f", "s16le", "-c:a", "pcm_s16le", "-")
    arrived = clips.run("-i", delivery.destination, "-map", "0:a", "-f", "s16le", "-c", "copy", "-")
    assert arrived == pcm


def test_mediainfo_agrees_on_what_was_delivered(untagged: Path, tmp_path: Path) -> None:
    convert(untagged, tmp_path / "out.mov", CLASSIC)
    tracks = MediaInfo.parse(tmp_path / "out.mov", full=True)
    video, audio = tracks.video_tracks[0], tracks.audio_tracks[0]
    assert tracks.general_tracks[0].format_profile == "QuickTime"
    assert (video.codec_id, video.format_profile) == ("apch", "422 HQ")
    assert (video.width, video.height, video.chroma_subsampling) == (320, 180, "4:2:2")
    assert (video.frame_rate, video.frame_rate_mode, video.frame_count) == ("24.000", "CFR", "24")
    assert (video.scan_type, video.writing_library) == ("Progressive", "Apple")
    assert video.color_primaries == "BT.709"
    for tag in ("colour_primaries", "transfer_characteristics", "matrix_coefficients"):
        assert getattr(video, f"{tag}_source") == "Container / Stream"
        assert getattr(video, f"{tag}_original") is None, "container and frames differ"
    assert (video.transfer_characteristics, video.matrix_coefficients) == ("BT.709", "BT.709")
    assert (audio.format, audio.bit_depth, audio.sampling_rate) == ("PCM", 16, 44100)


def test_a_tagged_silent_clip_keeps_every_promise_without_a_note(
    made: Made, tmp_path: Path
) -> None:
    delivery = convert(made("tagged"), tmp_path / "out.mov", CLASSIC)
    assert {f.id for f in delivery.findings if f.level != "pass"} <= {"bit depth", "banding"}
    assert read_movie(delivery.destination).audio == ()


def test_tags_that_prores_cannot_state_are_restated_and_said(made: Made, tmp_path: Path) -> None:
    delivery = convert(made("sd_tagged"), tmp_path / "out.mov", CLASSIC)
    assert finding(delivery, "colour tags, frames") == ("pass", "bt470bg/bt709/smpte170m")
    level, restated = finding(delivery, "colour tags replaced")
    assert level == "note"
    assert restated == "smpte170m as bt709, bt470bg as smpte170m"


def test_full_range_comes_out_legal(made: Made, tmp_path: Path) -> None:
    convert(made("full_range"), tmp_path / "out.mov", Settings(preset="untouched"))
    with open_clip(tmp_path / "out.mov") as clip:
        assert clip.frame(0).luma.min() >= 60


def test_variable_frame_rate_is_kept_and_said(made: Made, tmp_path: Path) -> None:
    source = open_clip(made("variable"))
    delivery = convert(source, tmp_path / "out.mov", CLASSIC)
    assert read_movie(delivery.destination).times == source.times
    assert finding(delivery, "timestamps") == ("pass", "at most 0.000 ms off")
    assert finding(delivery, "frame rate")[0] == "note"


@pytest.mark.parametrize("rate", ["24", "24000/1001", "60"])
def test_a_frame_rate_makes_it_even(made: Made, tmp_path: Path, rate: str) -> None:
    settings = Settings(preset="classic", frame_rate=rate)
    delivery = convert(made("variable"), tmp_path / "out.mov", settings)
    movie = read_movie(delivery.destination)
    steps = {b - a for a, b in zip(movie.times, movie.times[1:], strict=False)}
    assert steps == {1 / Fraction(rate)}
    assert abs(movie.duration - open_clip(made("variable")).duration) <= 1 / Fraction(rate)


def test_sound_is_resampled_when_asked(untagged: Path, tmp_path: Path) -> None:
    delivery = convert(untagged, tmp_path / "out.mov", Settings(preset="classic", audio_rate=48000))
    assert finding(delivery, "audio") == ("pass", "PCM 16 bits 48000 Hz")
    (audio,) = read_movie(delivery.destination).audio
    assert abs(audio.samples - 48000) <= 1


def test_every_sound_track_is_kept(untagged: Path, tmp_path: Path) -> None:
    two = tmp_path / "two.mp4"
    other = ["-f", "lavfi", "-i", "sine=d=1:r=48000"]
    clips.run("-i", untagged, *other, "-map", "0", "-map", "1", "-c:v", "copy", "-c:a", "aac", two)
    delivery = convert(two, tmp_path / "out.mov", CLASSIC)
    assert [track.sample_rate for track in read_movie(delivery.destination).audio] == [44100, 48000]


def test_a_turned_clip_is_delivered_upright(untagged: Path, tmp_path: Path) -> None:
    path = clips.turned(untagged, tmp_path / "turned.mp4", "-display_rotation", "90")
    delivery = convert(path, tmp_path / "out.mov", CLASSIC)
    assert finding(delivery, "size") == ("pass", "180x320")
    assert open_clip(delivery.destination).orientation.rotation == 0


def test_the_command_makes_the_same_file_when_run_by_hand(untagged: Path, tmp_path: Path) -> None:
    import subprocess

    delivery = convert(untagged, tmp_path / "out.mov", CLASSIC)
    made = delivery.destination.read_bytes()
    delivery.destination.unlink()
    subprocess.run(delivery.command, check=True)
    assert delivery.destination.read_bytes() == made


def test_overwrite_must_be_said_plainly(untagged: Path, tmp_path: Path) -> None:
    """papermill hands on `-p overwrite no` as text, which Python would take for true."""
    (tmp_path / "out.mov").write_bytes(b"the old file")
    with pytest.raises(ParameterError, match="overwrite is 'no': it must be True or False"):
        convert(untagged, tmp_path / "out.mov", CLASSIC, overwrite="no")  # type: ignore[arg-type]
    assert (tmp_path / "out.mov").read_bytes() == b"the old file"


@pytest.mark.parametrize("rate", [1, 24])
def test_the_sound_keeps_its_distance_to_the_picture(tmp_path: Path, rate: int) -> None:
    """The picture starts 20 ms, or 0.4 s, after the sound: less than a frame."""
    silent, sound, late = (tmp_path / name for name in ("v.mp4", "a.m4a", "late.mp4"))
    clips.run("-f", "lavfi", "-i", clips.sky(rate=str(rate), seconds=4), "-c:v", "libx264", silent)
    clips.run("-f", "lavfi", "-i", "sine=d=4:r=48000", "-c:a", "aac", sound)
    offset = Fraction(2, 5) / rate if rate == 1 else Fraction(1, 50)
    both = ["-itsoffset", str(float(offset)), "-i", silent, "-i", sound]
    clips.run(*both, "-map", "0", "-map", "1", "-c", "copy", late)
    delivery = convert(late, tmp_path / "out.mov", CLASSIC)
    (audio,) = read_movie(delivery.destination).audio
    assert abs(audio.start + offset) < Fraction(1, 1000)
    assert finding(delivery, "sync")[0] == "pass"


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "pcm_s16le"), ("mp4", "aac")])
def test_a_hole_in_the_sound_is_filled_and_said(tmp_path: Path, suffix: str, codec: str) -> None:
    silent, sound, holed = (tmp_path / name for name in ("v.mp4", "a.mkv", f"holed.{suffix}"))
    clips.run("-f", "lavfi", "-i", clips.sky(seconds=4), "-c:v", "libx264", silent)
    gap = "aselect='not(between(t,1,1.5))'"
    clips.run("-f", "lavfi", "-i", f"sine=d=4:r=48000,{gap}", "-c:a", codec, sound)
    clips.run("-i", silent, "-i", sound, "-map", "0", "-map", "1", "-c", "copy", holed)
    delivery = convert(holed, tmp_path / "out.mov", CLASSIC)
    (audio,) = read_movie(delivery.destination).audio
    assert abs(audio.end - 4) < Fraction(1, 20)
    assert finding(delivery, "audio gaps")[0] == "note"
    assert finding(delivery, "sync at end")[0] == "pass"


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_an_avi_with_pcm_keeps_its_sync(tmp_path: Path, codec: str) -> None:
    """Its time base is a frame, in which no two packets of sound have a timestamp apart."""
    path = tmp_path / "clip.avi"
    picture = ["-f", "lavfi", "-i", clips.sky("96x64"), "-f", "lavfi", "-i", "sine=d=1:r=44100"]
    clips.run(*picture, "-c:v", codec, "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", "pcm_s16le", path)
    delivery = convert(path, tmp_path / "out.mov", CLASSIC)
    assert finding(delivery, "audio samples")[0] == "pass"
    assert finding(delivery, "sync") == ("pass", "0.000 ms off")


def test_pixels_keep_their_aspect(made: Made, tmp_path: Path) -> None:
    wide = tmp_path / "wide.mp4"
    aspect = "h264_metadata=sample_aspect_ratio=4/3"
    clips.run("-i", made("tagged"), "-c", "copy", "-bsf:v", aspect, "-aspect", "64/27", wide)
    delivery = convert(wide, tmp_path / "out.mov", CLASSIC)
    assert finding(delivery, "pixel aspect") == ("pass", "4/3")


def test_deep_sound_is_rounded_and_said(made: Made, tmp_path: Path) -> None:
    deep = tmp_path / "deep.mov"
    sound = ["-f", "lavfi", "-i", "sine=d=1", "-c:v", "copy", "-c:a", "pcm_s24le"]
    clips.run("-i", made("tagged"), *sound, deep)
    delivery = convert(deep, tmp_path / "out.mov", CLASSIC)
    assert finding(delivery, "audio bit depth") == ("note", "more than 16 bits")


def test_a_cancellation_while_verifying_still_counts(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancellation = Cancellation()

    def read_and_cancel(path: Path, format: Format) -> Movie:
        cancellation.request()
        return read_movie(path, format)

    monkeypatch.setattr(verifying, "read_movie", read_and_cancel)
    with pytest.raises(Cancelled, match=r"untagged\.mp4"):
        convert(untagged, tmp_path / "out.mov", CLASSIC, cancellation=cancellation)
    assert list(tmp_path.iterdir()) == []


def test_a_filter_that_is_missing_is_named(untagged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program built without gradfun (an LGPL build, say) cannot be had in every test run."""
    whole = ffmpeg.program()
    poor = replace(whole, filters=whole.filters - {"gradfun"})
    monkeypatch.setattr(ffmpeg, "program", lambda: poor)
    with pytest.raises(FfmpegMissing, match="without the filter gradfun: install"):
        convert(untagged, None, CLASSIC)


@pytest.mark.parametrize(
    ("find", "instead", "told"),
    [
        (["-profile:v", "3"], ["-profile:v", "2"], "fourcc is apcn, not apch"),
        (["-vendor", "apl0"], ["-vendor", "fmpg"], "vendor is fmpg, not apl0"),
        (["-map", "0:a?"], ["-an"], "audio is "),
        (["-f", "mov"], ["-frames:v", "20", "-f", "mov"], "frames is 20, not 24"),
        (["-c:a", "pcm_s16le"], ["-c:a", "pcm_s16le", "-af", "volume=0.5"], "audio samples is "),
    ],
)
def test_a_file_that_breaks_its_promise_is_not_kept(
    untagged: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    find: list[str],
    instead: list[str],
    told: str,
) -> None:
    """A real run of ffmpeg that was asked for the wrong thing."""

    def wrong(clip: Clip, settings: Settings) -> Command:
        command = encode_command(clip, settings)
        argv = list(command.options)
        at = next(i for i in range(len(argv)) if argv[i : i + 2] == find)
        return replace(command, options=(*argv[:at], *instead, *argv[at + 2 :]))

    (tmp_path / "out.mov").write_bytes(b"the old file")
    monkeypatch.setattr(encode, "encode_command", wrong)
    with pytest.raises(VerificationFailed, match=rf"untagged\.mp4 was encoded, but .*{told}"):
        convert(untagged, tmp_path / "out.mov", CLASSIC, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mov"]
    assert (tmp_path / "out.mov").read_bytes() == b"the old file"


def test_a_clip_trimmed_without_encoding_stays_in_sync(untagged: Path, tmp_path: Path) -> None:
    """Its edit list begins within a block of sound."""
    trimmed = tmp_path / "trimmed.mp4"
    clips.run("-ss", "0.3", "-i", untagged, "-c", "copy", trimmed)
    delivery = convert(trimmed, tmp_path / "out.mov", CLASSIC)
    assert finding(delivery, "sync")[0] == "pass"
    assert finding(delivery, "audio samples")[0] == "pass"


def trio(path: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in path.parent.iterdir()}


def test_the_file_its_record_and_its_report_come_together(untagged: Path, tmp_path: Path) -> None:
    delivery = convert(untagged, tmp_path / "out.mov", CLASSIC, report=True)
    assert set(trio(delivery.destination)) == {"out.mov", "out.qc.json", "out.report.html"}
    assert delivery.record == tmp_path / "out.qc.json"
    assert delivery.report == tmp_path / "out.report.html"
    assert len(delivery.figures) == 6
    page = delivery.report.read_text(encoding="utf-8")
    assert page.count('src="data:image/svg+xml') == 6
    assert delivery.sha256 in page
    assert delivery.sha256 in delivery.record.read_text(encoding="utf-8")


def test_without_its_report_a_file_is_not_delivered_and_the_old_ones_stay(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = trio(convert(untagged, tmp_path / "out.mov", CLASSIC, report=True).destination)

    def fail(_: object) -> None:
        raise OSError("no room for figures")

    monkeypatch.setattr(figures, "draw_figures", fail)
    other = Settings(preset="untouched")
    with pytest.raises(OSError, match="no room for figures"):
        convert(untagged, tmp_path / "out.mov", other, report=True, overwrite=True)
    assert trio(tmp_path / "out.mov") == before
    with pytest.raises(OSError, match="no room for figures"):
        convert(untagged, tmp_path / "new.mov", other, report=True)
    assert trio(tmp_path / "out.mov") == before


def test_an_old_record_and_report_go_with_their_file(untagged: Path, tmp_path: Path) -> None:
    """They would describe a file that is gone."""
    convert(untagged, tmp_path / "out.mov", CLASSIC, report=True)
    delivery = convert(untagged, tmp_path / "out.mov", CLASSIC, overwrite=True)
    assert set(trio(delivery.destination)) == {"out.mov"}
    assert (delivery.record, delivery.report) == (None, None)


def test_a_recheck_writes_a_report_and_keeps_the_first_record(
    untagged: Path, tmp_path: Path
) -> None:
    convert(untagged, tmp_path / "out.mov", CLASSIC, report=True)
    record = (tmp_path / "out.qc.json").read_bytes()
    again = recheck(untagged, tmp_path / "out.mov", Settings(preset=None), report=True)
    assert (again.record, again.report) == (None, tmp_path / "out.report.html")
    assert (tmp_path / "out.qc.json").read_bytes() == record
    assert again.settings.look == CLASSIC.look
    assert "checksum" in again.report.read_text(encoding="utf-8")


@pytest.mark.parametrize("settings", [Settings(preset=None), Settings(encoder=None)])
def test_a_conversion_needs_a_preset_and_an_encoder(
    untagged: Path, tmp_path: Path, settings: Settings
) -> None:
    with pytest.raises(ParameterError, match=r"untagged\.mp4: a conversion needs an? "):
        convert(untagged, tmp_path / "out.mov", settings)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", sorted(clips.REAL.glob("*.mp4")), ids=lambda path: path.stem)
def test_every_real_clip_is_converted_or_refused(path: Path, tmp_path: Path) -> None:
    if "audio_only" in path.name or "corrupt" in path.name:
        with pytest.raises(ClipError, match=path.name):
            convert(path, tmp_path / "out.mov", CLASSIC)
        assert list(tmp_path.iterdir()) == []
        return
    delivery = convert(path, tmp_path / "out.mov", CLASSIC)
    assert {f.id for f in delivery.findings if f.level == "fail"} == set()
    assert finding(delivery, "bit depth")[0] == "warn"
    video = MediaInfo.parse(delivery.destination, full=True).video_tracks[0]
    assert (video.codec_id, video.format_profile) == ("apch", "422 HQ")
    assert int(video.frame_count) == delivery.source.frame_count
