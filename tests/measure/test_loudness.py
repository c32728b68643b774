from pathlib import Path

import pytest

from tests import clips
from workbench.errors import ResultsMissing
from workbench.measure.loudness import Loudness, loudness

FULL = 10 ** (-0.1 / 20)
"""Amplitude of a peak of -0.1 dBFS."""


def sound(path: Path, expression: str, seconds: float) -> Path:
    source = f"aevalsrc='{expression}':d={seconds}:s=48000"
    clips.run("-f", "lavfi", "-i", source, "-c:a", "pcm_s16le", path)
    return path


def test_a_tone_has_the_loudness_of_r128(tmp_path: Path) -> None:
    """EBU Tech 3341: a stereo 1 kHz sine with peaks at -23 dBFS reads -23 LUFS."""
    peak = 10 ** (-23 / 20)
    tone = f"{peak}*sin(2*PI*1000*t)"
    found = loudness(sound(tmp_path / "tone.mov", f"{tone}|{tone}", 5))
    assert found.integrated == pytest.approx(-23, abs=0.1)
    assert found.true_peak == pytest.approx(-23, abs=0.1)


@pytest.mark.parametrize(
    ("seconds", "start", "end"),
    [(2, 1.965, 2), (2.05, 2.015, 2.05), (2.05, 2.048, 2.05), (2, 0, 0.002), (2, 0.9, 0.902)],
    ids=["last 35 ms", "after the last step", "last 2 ms", "first 2 ms", "in the middle"],
)
def test_a_peak_counts_at_any_position(
    tmp_path: Path, seconds: float, start: float, end: float
) -> None:
    level = f"if(gte(t,{start})*lt(t,{end}),{FULL},0.01)"
    found = loudness(sound(tmp_path / "burst.mov", f"{level}*sin(2*PI*1000*t)", seconds))
    assert found.true_peak == pytest.approx(-0.1, abs=0.02)


def test_appended_silence_does_not_change_the_loudness(tmp_path: Path) -> None:
    """A half-second tone of constant loudness; more silence would lower it by 1 LU."""
    tone = f"{FULL}*sin(2*PI*1000*t)"
    short = loudness(sound(tmp_path / "short.mov", tone, 0.5))
    long = loudness(sound(tmp_path / "long.mov", tone, 5))
    assert short.integrated == pytest.approx(long.integrated, abs=0.1)


@pytest.mark.parametrize(("seconds", "told"), [(0.05, False), (0.3, False), (0.4, True)])
def test_a_sound_too_short_for_a_loudness_has_a_peak(
    tmp_path: Path, seconds: float, told: bool
) -> None:
    found = loudness(sound(tmp_path / "blip.mov", f"{FULL}*sin(2*PI*1000*t)", seconds))
    assert (found.integrated is not None) == told
    assert found.true_peak == pytest.approx(-0.1, abs=0.02)


def test_silence_has_no_loudness_and_no_peak(tmp_path: Path) -> None:
    assert loudness(sound(tmp_path / "silent.mov", "0", 1)) == Loudness(None, None)


def test_a_missing_measurement_raises_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No readable sound is known to cause this, so the test replaces ffmpeg."""
    monkeypatch.setattr("workbench.ffmpeg.run", lambda *_, **__: b"")
    with pytest.raises(ResultsMissing, match=r"no true peak for sound track 1 of tone\.mov"):
        loudness(sound(tmp_path / "tone.mov", "0", 1))
