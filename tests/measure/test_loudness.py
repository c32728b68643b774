from pathlib import Path

import pytest

from tests import clips
from workbench.measure.loudness import Loudness, loudness


def test_a_tone_has_the_loudness_that_r128_gives_it(tmp_path: Path) -> None:
    """EBU Tech 3341: a stereo 1 kHz sine with peaks at -23 dBFS reads -23 LUFS."""
    path = tmp_path / "tone.mov"
    peak = 10 ** (-23 / 20)
    tone = f"aevalsrc={peak}*sin(2*PI*1000*t)|{peak}*sin(2*PI*1000*t):d=5:s=48000"
    clips.run("-f", "lavfi", "-i", tone, "-c:a", "pcm_s16le", path)
    found = loudness(path)
    assert found.integrated == pytest.approx(-23, abs=0.1)
    assert found.true_peak == pytest.approx(-23, abs=0.1)


def test_silence_and_a_blip_have_none(tmp_path: Path) -> None:
    silent, blip = tmp_path / "silent.mov", tmp_path / "blip.mov"
    clips.run("-f", "lavfi", "-i", "anullsrc=r=48000:d=1", "-c:a", "pcm_s16le", silent)
    clips.run("-f", "lavfi", "-i", "sine=d=0.05:r=48000", "-c:a", "pcm_s16le", blip)
    assert loudness(silent) == Loudness(None, None)
    assert loudness(blip) == Loudness(None, None)
