"""Damage delivered files; the check must report each with the expected finding."""

import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import av
import pytest

from tests import clips
from tests.cli.running import workbench
from workbench.deliver.encode import convert
from workbench.deliver.recheck import recheck
from workbench.deliver.record import record_path, write_record
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.errors import ClipError

Made = Callable[[str], Path]
CLASSIC = Settings(preset="classic")
HQ = ["-c:v", "prores_ks", "-profile:v", "3", "-vendor", "apl0", "-bits_per_mb", "8000"]


@pytest.fixture(scope="module")
def source(made: Made) -> Path:
    return made("banded")


@pytest.fixture(scope="module")
def good(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return convert(source, tmp_path_factory.mktemp("good") / "good.mov", CLASSIC)


def failed(source: Path, path: Path) -> set[str]:
    return {f.id for f in recheck(source, path, CLASSIC).findings if f.level == "fail"}


def remade(good: Delivery, path: Path, *options: str) -> Path:
    """Encode the delivered file again with ffmpeg."""
    clips.run("-i", good.destination, "-map", "0", "-c", "copy", *options, path)
    return path


def flipped(good: Delivery, path: Path, packet: int, share: float, count: int = 1) -> Path:
    """Copy the delivered file with some bytes inverted at a share of one video packet."""
    with av.open(str(good.destination)) as container:
        packets = list(container.demux(video=0))
    data = bytearray(good.destination.read_bytes())
    assert packets[packet].pos is not None
    at = packets[packet].pos + int(packets[packet].size * share)
    for place in range(at, at + count):
        data[place] ^= 0xFF
    path.write_bytes(data)
    return path


def test_a_good_file_fails_nothing(source: Path, good: Delivery) -> None:
    assert failed(source, good.destination) == set()


def test_frames_missing_at_the_end(source: Path, good: Delivery, tmp_path: Path) -> None:
    path = remade(good, tmp_path / "x.mov", "-frames:v", "20")
    assert {"frames", "timestamps"} <= failed(source, path)


def test_a_shift_by_one_frame(source: Path, good: Delivery, tmp_path: Path) -> None:
    """Drop the first frame and repeat the last, so that the frame count stays the same."""
    path = tmp_path / "x.mov"
    shifted = "select='gt(n,0)',tpad=stop_mode=clone:stop=1,setpts=N/24/TB"
    clips.run("-i", good.destination, "-vf", shifted, *HQ, "-c:a", "copy", path)
    assert failed(source, path) == {"frame order"}


def test_two_frames_swapped(source: Path, good: Delivery, tmp_path: Path) -> None:
    path = tmp_path / "x.mov"
    swapped = "shuffleframes=0 2 1 3 4 5"
    clips.run("-i", good.destination, "-vf", swapped, *HQ, "-c:a", "copy", path)
    assert failed(source, path) == {"frame order"}


@pytest.mark.parametrize(("packet", "share"), [(0, 0.3), (11, 0.5), (23, 0.3)])
def test_a_packet_flipped(
    source: Path, good: Delivery, tmp_path: Path, packet: int, share: float
) -> None:
    path = flipped(good, tmp_path / "x.mov", packet, share, count=200)
    assert failed(source, path) == {"frame content"}


def test_one_byte_flipped_is_found_by_the_record(
    source: Path, good: Delivery, tmp_path: Path
) -> None:
    """The change is invisible; the checksum in the record reveals it."""
    path = flipped(good, tmp_path / "good.mov", 7, 0.999)
    shutil.copy(write_record(good), record_path(path))
    found = {f.id: f.level for f in recheck(source, path).findings}
    assert found["checksum"] == "fail"
    again = {f.id: f.level for f in recheck(source, good.destination).findings}
    assert again["checksum"] == "pass"


def test_sound_cut_short(source: Path, good: Delivery, tmp_path: Path) -> None:
    path = tmp_path / "x.mov"
    clips.run(
        "-i", good.destination, "-c", "copy", "-af", "atrim=end=0.5", "-c:a", "pcm_s16le", path
    )
    assert failed(source, path) == {"audio samples", "sync at end"}


def test_sound_missing(source: Path, good: Delivery, tmp_path: Path) -> None:
    assert failed(source, remade(good, tmp_path / "x.mov", "-an")) == {"audio", "audio samples"}


def test_tags_that_disagree(source: Path, good: Delivery, tmp_path: Path) -> None:
    """The colr atom is tagged BT.601 and the frame headers BT.709."""
    data = bytearray(good.destination.read_bytes())
    at = data.index(b"colrnclc") + 8
    assert struct.unpack_from(">HHH", data, at) == (1, 1, 1)
    struct.pack_into(">HHH", data, at, 6, 1, 6)
    path = tmp_path / "x.mov"
    path.write_bytes(data)
    assert failed(source, path) == {"colour tags, container"}


def test_another_profile(source: Path, good: Delivery, tmp_path: Path) -> None:
    path = tmp_path / "x.mov"
    lt = ["-c:v", "prores_ks", "-profile:v", "1", "-vendor", "apl0", "-c:a", "copy"]
    clips.run("-i", good.destination, *lt, path)
    assert failed(source, path) == {"fourcc", "frame content"}


def test_another_size(source: Path, good: Delivery, tmp_path: Path) -> None:
    path = tmp_path / "x.mov"
    clips.run("-i", good.destination, "-vf", "scale=320:180", *HQ, "-c:a", "copy", path)
    assert failed(source, path) == {"size"}


@pytest.mark.parametrize(
    "look", [CLASSIC, Settings(preset=None)], ids=["known look", "unknown look"]
)
@pytest.mark.parametrize("filter_", ["vflip,hflip", "vflip", "negate"])
def test_another_picture(
    source: Path, good: Delivery, tmp_path: Path, filter_: str, look: Settings
) -> None:
    path = tmp_path / "x.mov"
    clips.run("-i", good.destination, "-vf", filter_, *HQ, "-c:a", "copy", path)
    found = {f.id: f.level for f in recheck(source, path, look).findings}
    assert "fail" in (found["picture match"], found["frame content"])


def test_a_box_over_every_frame(source: Path, good: Delivery, tmp_path: Path) -> None:
    path = tmp_path / "x.mov"
    box = "drawbox=x=0:y=0:w=iw/4:h=ih/4:color=red:t=fill"
    clips.run("-i", good.destination, "-vf", box, *HQ, "-c:a", "copy", path)
    assert "frame content" in failed(source, path)


def test_a_rotation_is_found(source: Path, good: Delivery, tmp_path: Path) -> None:
    path = clips.turned(good.destination, tmp_path / "x.mov", "-display_rotation", "180")
    assert "orientation" in failed(source, path)


@pytest.mark.parametrize("look", ["deband.strength=8", "tone.contrast=1.4"])
def test_a_strong_look_after_black_is_no_damage(tmp_path: Path, look: str) -> None:
    """Most frames are flat, so the others differ much under a strong look."""
    path = tmp_path / "late.mp4"
    scene = "color=black:s=640x360:r=24:d=1[a];testsrc2=s=640x360:r=24:d=0.6[b];[a][b]concat=n=2"
    clips.run("-filter_complex", f"{scene},format=yuv420p", "-c:v", "libx264", path)
    key, _, value = look.partition("=")
    delivery = convert(path, None, Settings(preset="classic", overrides={key: float(value)}))
    assert {f.id: f.level for f in delivery.findings}["frame content"] == "pass"


def test_an_even_rate_begins_with_the_file(tmp_path: Path) -> None:
    """The video starts 33 ms after the audio, within the first frame of the new rate."""
    silent, sound, late = (tmp_path / name for name in ("v.mp4", "a.m4a", "late.mp4"))
    picture = clips.sky("640x360", rate="30")
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-bf", "0", silent)
    clips.run("-f", "lavfi", "-i", "sine=d=1:r=48000", "-c:a", "aac", sound)
    both = ["-itsoffset", "0.0333", "-i", silent, "-i", sound]
    clips.run(*both, "-map", "0", "-map", "1", "-c", "copy", late)
    for rate in ("24", "25", "50"):
        target = tmp_path / f"{rate}.mov"
        delivery = convert(late, target, Settings(preset="classic", frame_rate=rate))
        assert {f.id: f.level for f in delivery.findings}["frame order"] == "pass"


@pytest.mark.parametrize(
    ("size", "pixel_format"),
    [("64x4", "yuv420p"), ("4x4", "yuv444p"), ("640x360", "yuv411p"), ("640x360", "yuv410p")],
)
def test_odd_pictures_are_delivered(tmp_path: Path, size: str, pixel_format: str) -> None:
    path = tmp_path / "odd.mkv"
    picture = f"testsrc2=s={size}:r=24:d=0.3,format={pixel_format}"
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "ffv1", path)
    delivery = convert(path, tmp_path / "out.mov", CLASSIC)
    write_record(delivery)
    assert "fail" not in {f.level for f in delivery.findings}


def test_checking_again_does_not_change_the_record(
    source: Path, good: Delivery, tmp_path: Path
) -> None:
    path = flipped(good, tmp_path / "good.mov", 7, 0.999)
    shutil.copy(write_record(good), record_path(path))
    before = record_path(path).read_bytes()
    for _ in range(2):
        assert workbench("qc", source, path, "--report").returncode == 3
    assert record_path(path).read_bytes() == before
    assert path.with_suffix(".report.html").exists()


def test_8_bit_values_in_10_bits(source: Path, good: Delivery, tmp_path: Path) -> None:
    """The check does not know the look; it reads the file alone."""
    path = tmp_path / "x.mov"
    shutil.copy(good.destination, path)
    found = {f.id: f for f in recheck(source, path).findings}
    assert found["bit depth"].level == "warn"
    assert " on the 8-bit grid, frame " in found["bit depth"].measured


@pytest.mark.parametrize("kind", ["cut", "text", "h264", "empty"])
def test_a_truncated_or_foreign_file_is_one_sentence(
    source: Path, good: Delivery, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / "x.mov"
    match kind:
        case "cut":
            path.write_bytes(good.destination.read_bytes()[:200_000])
        case "text":
            path.write_text("not a film\n" * 50)
        case "h264":
            shutil.copy(source, path)
        case "empty":
            path.touch()
    with pytest.raises(ClipError, match=r"x\.mov"):
        recheck(source, path)
    done = workbench("qc", source, path)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("Error: x.mov ")
    assert done.stderr.count("\n") == 1
