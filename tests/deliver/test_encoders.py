"""The two encoders write the same file, except in flat blocks, where `finest` is nearer."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests import clips
from workbench.deliver.command import encode_command
from workbench.deliver.encode import convert
from workbench.deliver.file_checks import check_slice_size
from workbench.deliver.format import Encoder
from workbench.deliver.quicktime import read_movie
from workbench.deliver.settings import Settings
from workbench.errors import ClipError, ParameterError
from workbench.media.probe import open_clip

FRAMES = 6  # of each real clip; `make bench` compares every frame
OTHER_PACKETS = {("edge_vfr_fullrange_518x488", "classic")}
"""Where a few packets differ although the decoded frames are the same: it has flat areas."""


def encoded(source: Path, folder: Path, look: str, encoder: Encoder) -> Path:
    """Encode the first frames of a clip with the arguments of a conversion."""
    path = folder / f"{encoder}.mov"
    with open_clip(source) as clip:
        arguments = encode_command(clip, Settings(preset=look, encoder=encoder)).arguments(path)
    output = arguments.index("-f", arguments.index("-c:v"))  # the muxer, last of all
    limit = ["-frames:v", str(FRAMES), "-an"]
    clips.run(*[one for one in arguments[:output] if one != "-xerror"], *limit, path)
    return path


def packets(path: Path) -> bytes:
    return clips.run("-i", path, "-map", "0:v", "-c", "copy", "-f", "streamhash", "-")


@pytest.mark.parametrize("look", ["classic", "smooth"])
@pytest.mark.parametrize("path", sorted(clips.REAL.glob("*.mp4")), ids=lambda path: path.stem)
def test_both_encoders_write_the_same_packets(path: Path, look: str, tmp_path: Path) -> None:
    try:
        open_clip(path).close()
    except ClipError:
        assert path.stem in {"edge_audio_only", "edge_corrupt_10fps_1280x720"}
        return
    finest, search = (encoded(path, tmp_path, look, one) for one in ("finest", "search"))
    if (path.stem, look) not in OTHER_PACKETS:
        assert packets(finest) == packets(search)
    assert clips.frame_hashes(finest) == clips.frame_hashes(search)
    assert len(clips.frame_hashes(finest)) == FRAMES


def luma(path: Path) -> NDArray[np.int64]:
    size = clips.run("-i", path, "-pix_fmt", "yuv422p10le", "-f", "rawvideo", "-")
    picture = np.frombuffer(size, "<u2").astype(np.int64)
    return picture[: picture.size // 2]  # one frame of 4:2:2


def test_in_flat_blocks_finest_is_nearer_to_the_filters_output(tmp_path: Path) -> None:
    """Slices that are flat but for the first block, whose DC the search does not estimate."""
    width, height = 1280, 720
    picture = np.full((height, width), 512)
    values = np.random.default_rng(1)
    for top in range(0, height, 16):
        for left in range(0, width, 128):
            picture[top : top + 8, left : left + 8] += values.integers(-200, 200)
            picture[top + values.integers(8), left + values.integers(8)] += 1
    raw, source = tmp_path / "flat.yuv", tmp_path / "flat.mkv"
    chroma = np.full(width * height, 512)
    raw.write_bytes(np.concatenate([picture.ravel(), chroma]).astype("<u2").tobytes())
    size = ["-f", "rawvideo", "-pixel_format", "yuv422p10le", "-video_size", f"{width}x{height}"]
    clips.run(*size, "-i", raw, "-c:v", "ffv1", source)
    written = {}
    for encoder in ("finest", "search"):
        settings = Settings(preset="untouched", encoder=encoder)
        written[encoder] = luma(convert(source, tmp_path / f"{encoder}.mov", settings).destination)
    apart = np.abs(written["finest"] - written["search"])
    assert apart.max() == 1
    assert 0.001 < (apart > 0).mean() < 0.05
    errors = {name: np.abs(one - picture.ravel()).sum() for name, one in written.items()}
    assert errors["finest"] < errors["search"] / 10


def test_the_search_is_the_plain_command_and_finest_adds_one_option(untagged: Path) -> None:
    with open_clip(untagged) as clip:
        finest, search = (
            encode_command(clip, Settings(encoder=one)).arguments(untagged.with_suffix(".mov"))
            for one in ("finest", "search")
        )
    at = finest.index("-q:v")
    assert finest[at : at + 2] == ["-q:v", "1"]
    assert finest[:at] + finest[at + 2 :] == search


@pytest.mark.parametrize(
    ("encoder", "advice"),
    [
        ("prores", "prores is no longer offered: .*use finest$"),
        ("prores_ks", "prores_ks is no longer offered: use finest, or search for the same command"),
        ("h264", "Encoder must be finest or search, not 'h264'$"),
    ],
)
def test_an_encoder_that_is_not_offered_is_refused_with_advice(encoder: str, advice: str) -> None:
    with pytest.raises(ParameterError, match=advice):
        Settings(preset="classic", encoder=encoder)


def test_a_slice_above_the_ordered_rate_is_noticed() -> None:
    assert check_slice_size([7000, 8000.0], 8000).level == "pass"
    over = check_slice_size([7000, 8000.0, 8001.0, 12], 8000)
    assert (over.level, over.limit) == ("warn", "at most 8000")
    assert over.measured == "8001 bits per macroblock, in frame 2"
    assert "exceeds the ordered data rate" in over.sentence


def test_a_file_above_its_rate_is_noticed(tmp_path: Path) -> None:
    """White noise, held against a budget just under and just over its largest slice."""
    noise = tmp_path / "noise.mov"
    picture = "nullsrc=s=144x96:r=20:d=0.1,format=yuv422p10le,geq='random(1)*1023':128:128"
    clips.run("-f", "lavfi", "-i", picture, *clips.SEED[:8], "-q:v", "1", noise)
    largest = read_movie(noise).largest_slices
    assert len(largest) == 2
    assert 2000 < max(largest) < 8000
    assert check_slice_size(largest, limit=int(max(largest)) + 1).level == "pass"
    assert check_slice_size(largest, limit=int(max(largest)) - 1).level == "warn"


def test_slice_sizes_are_read_to_the_last_slice_of_the_last_frame(tmp_path: Path) -> None:
    """The largest entry of a table is the one that was written there."""
    path = tmp_path / "grey.mov"
    clips.run("-f", "lavfi", "-i", "color=gray:s=208x40:r=24:d=0.125", *clips.SEED[:8], path)
    before = read_movie(path).largest_slices
    assert len(before) == 3
    data = bytearray(path.read_bytes())
    frame = data.rindex(b"icpf") - 4
    table = frame + 8 + int.from_bytes(data[frame + 8 : frame + 10], "big") + 8
    slices = 3 * 3  # 13 macroblocks wide: slices of 8, 4 and 1 in each of three rows
    last = table + 2 * (slices - 1)
    data[last : last + 2] = (1001).to_bytes(2, "big")  # a slice of one macroblock
    path.write_bytes(data)
    assert read_movie(path).largest_slices == (*before[:2], 8008.0)
