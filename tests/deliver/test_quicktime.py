from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest

from tests import clips
from workbench.deliver.encode import convert
from workbench.deliver.prores import parse_frame_header
from workbench.deliver.quicktime import read_movie
from workbench.deliver.settings import Settings
from workbench.errors import DamagedClip

Made = Callable[[str], Path]


@pytest.fixture(scope="module")
def movie(untagged: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movie") / "out.mov"
    convert(untagged, path, Settings(preset="classic"))
    return path


def test_a_delivered_file_is_read(movie: Path) -> None:
    found = read_movie(movie)
    (header,) = found.frame_headers
    assert (found.fourcc, found.pixel_format) == ("apch", "yuv422p10le")
    assert (header.vendor, header.width, header.height) == ("apl0", 320, 180)
    assert (header.chroma, header.progressive) == ("4:2:2", True)
    assert found.colr is not None
    assert (found.colr.primaries, found.colr.transfer, found.colr.matrix) == ("bt709",) * 3
    assert found.times == tuple(Fraction(i, 24) for i in range(24))
    assert found.duration == 1
    assert [(a.format, a.channels, a.samples) for a in found.audio] == [("PCM", 2, 44100)]


def test_each_frame_s_header_is_read(movie: Path, tmp_path: Path) -> None:
    """Overwrite the vendor of one frame in the middle."""
    data = movie.read_bytes()
    at = -1
    for _ in range(10):
        at = data.index(b"icpf", at + 1)
    patched = tmp_path / "patched.mov"
    patched.write_bytes(data[: at + 8] + b"fmpg" + data[at + 12 :])
    assert {header.vendor for header in read_movie(patched).frame_headers} == {"apl0", "fmpg"}


def test_the_colr_atom_is_read_apart_from_the_frames(movie: Path, tmp_path: Path) -> None:
    data = movie.read_bytes()
    at = data.index(b"colrnclc") + 8
    patched = tmp_path / "patched.mov"
    patched.write_bytes(data[:at] + bytes((0, 9, 0, 16, 0, 9)) + data[at + 6 :])
    found = read_movie(patched)
    assert found.colr is not None
    assert (found.colr.primaries, found.colr.transfer) == ("bt2020", "smpte2084")
    assert {header.colour.primaries for header in found.frame_headers} == {"bt709"}


def test_a_file_without_a_colr_atom(untagged: Path, tmp_path: Path) -> None:
    """ffmpeg leaves an untagged source untagged unless a filter declares its colour."""
    path = tmp_path / "plain.mov"
    clips.run("-i", untagged, *clips.SEED, path)
    assert read_movie(path).colr is None


@pytest.mark.parametrize("name", ["untagged", "sound_only"])
def test_another_kind_of_file_is_refused_in_one_sentence(made: Made, name: str) -> None:
    with pytest.raises(DamagedClip, match=rf"{name}\.mp4 cannot be read as a QuickTime file"):
        read_movie(made(name))


def test_bytes_without_a_frame_header_are_refused() -> None:
    with pytest.raises(ValueError, match="does not begin with a ProRes frame header"):
        parse_frame_header(bytes(36))
