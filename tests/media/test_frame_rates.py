"""Test that a frame rate rounded by a person or a container is read as the exact rate."""

from fractions import Fraction
from pathlib import Path

import pytest

from tests import clips
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.media.frame_rates import parse_frame_rate, snap_to_ntsc
from workbench.media.probe import open_clip


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("23.976", "24000/1001"), ("23.98", "24000/1001"), ("23.97", "24000/1001"),
        ("23.976024", "24000/1001"), ("29.97", "30000/1001"), ("47.952", "48000/1001"),
        ("59.94", "60000/1001"), ("59.9401", "60000/1001"), ("119.88", "120000/1001"),
        ("11.988", "12000/1001"), ("24000/1001", "24000/1001"), ("24", "24"), ("24.0", "24"),
        ("24.000", "24"), ("29.9", "299/10"), ("23.99", "2399/100"), ("23.96", "599/25"),
        ("23.977", "23977/1000"), ("23.975", "959/40"), ("12.50", "25/2"),
    ],
)  # fmt: skip
def test_a_rounded_rate_is_parsed_as_the_exact_one(text: str, rate: str) -> None:
    assert parse_frame_rate(text) == Fraction(rate)


def test_only_a_rate_within_a_ten_thousandth_snaps_to_ntsc() -> None:
    ntsc = Fraction(60000, 1001)
    assert snap_to_ntsc(ntsc * Fraction(10_001, 10_000) - Fraction(1, 10**6)) == ntsc
    over = ntsc * Fraction(10_001, 10_000) + Fraction(1, 10**6)
    assert snap_to_ntsc(over) == over
    assert snap_to_ntsc(Fraction(60)) == 60


@pytest.mark.parametrize("suffix", ["mkv", "flv", "ts"])
@pytest.mark.parametrize("rate", ["24000/1001", "48000/1001", "60000/1001", "120000/1001", "60"])
def test_a_rate_is_read_exactly(tmp_path: Path, suffix: str, rate: str) -> None:
    path = tmp_path / f"clip.{suffix}"
    frames = f"testsrc=s=64x64:r={rate}:d=2"
    clips.run("-f", "lavfi", "-i", frames, "-c:v", "libx264", "-pix_fmt", "yuv420p", path)
    clip = open_clip(path)
    assert (clip.frame_rate, clip.constant_frame_rate) == (Fraction(rate), True)


@pytest.mark.parametrize("rate", ["24000/1001", "60000/1001", "120000/1001"])
def test_a_rounded_rate_is_delivered_exact(tmp_path: Path, rate: str) -> None:
    path = tmp_path / "clip.mkv"
    both = ["-f", "lavfi", "-i", f"testsrc=s=64x64:r={rate}:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    clips.run(*both, "-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", path)
    delivery = convert(path, tmp_path / "out.mov", Settings(preset="untouched"))
    with open_clip(delivery.destination) as delivered:
        assert delivered.frame_rate == Fraction(rate)
        assert delivered.even_timestamps
        assert delivered.frame_count == delivery.source.frame_count


def test_a_constant_rate_close_to_ntsc_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    source = "testsrc=s=64x64:r=959/40:d=1"
    clips.run("-f", "lavfi", "-i", source, "-c:v", "libx264", "-pix_fmt", "yuv420p", path)
    assert open_clip(path).frame_rate == Fraction(959, 40)


def test_a_non_standard_rate_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    clips.run("-f", "lavfi", "-i", "testsrc=s=64x64:r=59.5:d=2", "-c:v", "libx264", path)
    assert open_clip(path).frame_rate == Fraction(119, 2)
