"""Each broken promise of a file fails its own check, and no other."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from workbench.deliver.encode import convert
from workbench.deliver.file_checks import check_file
from workbench.deliver.qc import Finding, verdict
from workbench.deliver.quicktime import Movie, read_movie
from workbench.deliver.settings import Settings
from workbench.media.clip import Clip
from workbench.media.colour import Colour
from workbench.media.probe import open_clip


@pytest.fixture(scope="module")
def pair(untagged: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Clip, Movie]:
    path = tmp_path_factory.mktemp("qc") / "out.mov"
    convert(untagged, path, Settings(preset="classic"))
    return open_clip(untagged), read_movie(path)


AS_IT_IS = Settings(preset="classic")


def failed(clip: Clip, movie: Movie, sound: tuple[str, ...] = ("s",)) -> list[str]:
    findings = check_file(clip, movie, AS_IT_IS, ("s",), sound)
    return [finding.id for finding in findings if finding.level == "fail"]


def test_a_good_file_fails_nothing(pair: tuple[Clip, Movie]) -> None:
    assert failed(*pair) == []


def test_each_broken_promise_is_found(pair: tuple[Clip, Movie]) -> None:
    clip, movie = pair
    (header,) = movie.frame_headers
    shift = (movie.times[0], *(time + Fraction(1, 24) for time in movie.times[1:]))
    (audio,) = movie.audio
    broken = {
        "fourcc": replace(movie, fourcc="apcn"),
        "pixel format": replace(movie, pixel_format="yuv444p10le"),
        "vendor": replace(movie, frame_headers=frozenset({header, replace(header, vendor="x")})),
        "size": replace(movie, width=322),
        "scan": replace(movie, frame_headers=frozenset({replace(header, progressive=False)})),
        "colour tags, container": replace(movie, colr=None),
        "colour tags, frames": replace(
            movie, frame_headers=frozenset({replace(header, colour=Colour(matrix="smpte170m"))})
        ),
        "timestamps": replace(movie, times=shift),
        "duration": replace(movie, duration=movie.duration + Fraction(2, 24)),
        "audio": replace(movie, audio=(replace(audio, sample_rate=48000),)),
    }
    for name, file in broken.items():
        assert failed(clip, file) == [name]


def test_a_missing_frame_is_found(pair: tuple[Clip, Movie]) -> None:
    clip, movie = pair
    assert failed(clip, replace(movie, times=movie.times[:-1])) == ["frames", "timestamps"]


def test_different_or_missing_audio_is_found(pair: tuple[Clip, Movie]) -> None:
    clip, movie = pair
    assert failed(clip, movie, ("other",)) == ["audio samples"]
    assert failed(clip, replace(movie, audio=()), ()) == ["audio", "audio samples"]


def test_audio_out_of_sync_is_found(pair: tuple[Clip, Movie]) -> None:
    clip, movie = pair
    (audio,) = movie.audio
    late = replace(audio, start=audio.start + Fraction(1, 50), end=audio.end + Fraction(1, 50))
    assert failed(clip, replace(movie, audio=(late,))) == ["sync"]
    closed_up = replace(audio, end=audio.end - Fraction(1, 4))
    assert failed(clip, replace(movie, audio=(closed_up,))) == ["sync at end"]


@pytest.mark.parametrize(("gap", "said"), [(Fraction(1, 10), False), (Fraction(4801, 48000), True)])
def test_an_audio_gap_is_noted_from_a_tenth_of_a_second_on(
    pair: tuple[Clip, Movie], gap: Fraction, said: bool
) -> None:
    clip, movie = pair
    (audio,) = clip.audio
    holed = replace(clip, audio=(replace(audio, gap=gap),))
    found = [one.id for one in check_file(holed, movie, AS_IT_IS, ("s",), ("s",))]
    assert ("audio gaps" in found) == said


def test_an_interlaced_source_is_warned_of(pair: tuple[Clip, Movie]) -> None:
    clip, movie = pair
    findings = check_file(replace(clip, interlaced=True), movie, AS_IT_IS, ("s",), ("s",))
    assert [f.id for f in findings if f.level == "warn"] == ["interlaced source"]


def test_unexpected_audio_is_found(pair: tuple[Clip, Movie]) -> None:
    clip, movie = pair
    assert failed(replace(clip, audio=()), movie) == ["audio"]


def test_an_untagged_source_is_noted(pair: tuple[Clip, Movie]) -> None:
    clip, movie = pair
    findings = check_file(clip, movie, AS_IT_IS, ("s",), ("s",))
    (note,) = [finding for finding in findings if finding.level == "note"]
    assert "Assumed: bt709/bt709/bt709, legal range." in note.sentence


def test_the_verdict_is_the_worst_finding() -> None:
    def finding(level: str) -> Finding:
        return Finding("x", level, "", "", "")  # type: ignore[arg-type]

    assert verdict([]) == "pass"
    assert verdict([finding("pass"), finding("fail"), finding("warn")]) == "fail"
    assert verdict([finding("note"), finding("warn"), finding("pass")]) == "warn"
