import errno
import re
import sys
from pathlib import Path, PureWindowsPath

import numpy as np
import pytest

from workbench import ffmpeg
from workbench.errors import DestinationUnusable, ParameterError
from workbench.look import lut
from workbench.look.curves import apply_tone
from workbench.look.stages import AnyTone, Eq, Flat, Log, NoTone

CODES = 940 - 64  # 10-bit code values from legal black to legal white
AFFINE: list[AnyTone] = [NoTone(), Flat(), Flat(contrast=0.7, saturation=0.6, brightness=0)]
GREYS = np.repeat(np.linspace(0, 1, CODES + 1)[:, None], 3, axis=1)
COLOURS = np.concatenate(
    [
        np.stack(np.meshgrid(*[np.linspace(0, 1, 17)] * 3), axis=-1).reshape(-1, 3),
        np.random.default_rng(5).random((20_000, 3)),
    ]
)

# The largest error of a round trip, in 10-bit codes: greys, mean of colours, worst colour.
# Near black, a log curve is straight but a display's curve is not: all shadows lie between two or
# three of 65 points. Canon's curve is the flattest there, and has one point just below black.
RETURN = {
    "logc3": (8, 2.6, 65),
    "logc4": (9, 3.5, 77),
    "slog3": (9.5, 2.5, 70),
    "canonlog3": (19.5, 3.3, 70),
    "acescct": (8, 2.5, 79),
    "cineon": (10.5, 0.55, 12.5),
}


def log(curve: str, rolloff: float = 0) -> Log:
    return Log.model_validate({"curve": curve, "rolloff": float(rolloff)})


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep the tests out of the user's cache of LUTs."""
    monkeypatch.setattr(lut, "lut_cache_folder", lambda: tmp_path / "cubes")
    return tmp_path / "cubes"


def filtered(rgb: np.ndarray, *filters: str) -> np.ndarray:
    """Return R'G'B' (count, 3) after these filters, as a gbrp16le picture one pixel high."""
    codes = np.rint(rgb * 65535).astype("<u2")
    columns = 256
    rows = -(-len(codes) // columns)
    padded = np.resize(codes, (rows * columns, 3))
    raw = ffmpeg.run(
        [
            *ffmpeg.raw_input("gbrp16le", columns, rows),
            *("-vf", ",".join(filters), "-f", "rawvideo", "pipe:1"),
        ],
        stdin=[padded[:, [1, 2, 0]].T.tobytes()],
    )
    return np.frombuffer(raw, "<u2").reshape(3, -1).T[: len(rgb), [2, 0, 1]] / 65535


def written(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return f"lut3d=file={lut.escape_filter_path(path)}:interp=tetrahedral"


@pytest.mark.parametrize("points", [33, 65])
def test_a_cube_file_has_a_header_and_its_points_with_red_fastest(points: int) -> None:
    lines = lut.cube_text(lambda rgb: rgb * [1, 0.5, 0.25], points, "A look").splitlines()
    assert lines[:4] == [
        'TITLE "A look"',
        f"LUT_3D_SIZE {points}",
        "DOMAIN_MIN 0 0 0",
        "DOMAIN_MAX 1 1 1",
    ]
    values = np.array([line.split() for line in lines[4:]], float).reshape(*[points] * 3, 3)
    assert values[0, 0, 1] == pytest.approx([1 / (points - 1), 0, 0], abs=1e-6)
    assert values[0, 1, 0] == pytest.approx([0, 0.5 / (points - 1), 0], abs=1e-6)
    assert values[1, 0, 0] == pytest.approx([0, 0, 0.25 / (points - 1)], abs=1e-6)


@pytest.mark.parametrize("points", [0, 17, 32, 64, 129])
def test_any_other_number_of_points_raises_an_error(points: int) -> None:
    with pytest.raises(ParameterError, match=f"points is {points}: give 33 or 65"):
        lut.forward_cube(NoTone(), "bt709", points)


@pytest.mark.parametrize("title", ['"\n0.5 0.5 0.5\n"', "\r\nLUT_3D_SIZE 2", "Ünï", "x" * 5000, ""])
def test_every_title_gives_a_valid_cube_file(title: str, tmp_path: Path) -> None:
    text = lut.cube_text(lambda rgb: rgb, 33, title)
    first = text.splitlines()[0]
    assert first.isascii()
    assert first.count('"') == 2
    assert len(text.splitlines()) == 4 + 33**3
    found = filtered(COLOURS, written(tmp_path / "x.cube", text))
    assert np.abs(found - COLOURS).max() * CODES < 0.05


@pytest.mark.parametrize("tone", [*AFFINE, *map(log, RETURN), log("slog3", 4)], ids=str)
def test_ffmpeg_applies_a_look_to_within_two_codes(tone: AnyTone) -> None:
    sent = np.concatenate([GREYS, COLOURS])
    found = filtered(sent, lut.lut3d_filter(tone, "bt709"))
    off = np.abs(found - apply_tone(sent, tone, "bt709").clip(0, 1)) * CODES
    assert off.max() < (2 if isinstance(tone, Log) else 0.05)


def test_65_points_are_within_a_code(tmp_path: Path) -> None:
    """The Academy's curve has the largest error with 33 points."""
    tone = log("acescct", rolloff=2)
    sent = np.concatenate([GREYS, COLOURS])
    found = filtered(sent, written(tmp_path / "x.cube", lut.forward_cube(tone, "bt709", 65)))
    assert np.abs(found - apply_tone(sent, tone, "bt709")).max() * CODES < 0.5


def test_cineon_with_a_roll_off_exceeds_two_codes() -> None:
    """Its curve is not straight near black, where the smallest channel of a bright colour lies."""
    tone = log("cineon", rolloff=4)
    sent = np.concatenate([GREYS, COLOURS])
    found = filtered(sent, lut.lut3d_filter(tone, "bt709"))
    off = np.abs(found - apply_tone(sent, tone, "bt709").clip(0, 1)) * CODES
    assert off[: len(GREYS)].max() < 2
    assert off.mean() < 0.3
    assert off.max() < 12


@pytest.mark.parametrize("tone", AFFINE, ids=str)
def test_the_inverse_of_a_linear_look_is_exact(tone: AnyTone) -> None:
    sent = np.concatenate([GREYS, COLOURS])
    there, back = (lut.lut3d_filter(tone, "smpte170m", inverse=back) for back in (False, True))
    assert lut.describe_clipping(tone, "smpte170m") is None
    assert np.abs(filtered(sent, there, back) - sent).max() * CODES < 0.1


@pytest.mark.parametrize("curve", RETURN)
def test_the_inverse_of_a_log_look_is_inexact_only_in_deep_shadows(curve: str) -> None:
    sent = np.concatenate([GREYS, COLOURS])
    there, back = (lut.lut3d_filter(log(curve), "bt709", inverse=back) for back in (False, True))
    off = np.abs(filtered(sent, there, back) - sent) * CODES
    greys, colours = off[: len(GREYS)], off[len(GREYS) :]
    greys_at_most, colours_on_average, colours_at_most = RETURN[curve]
    assert greys[CODES // 4 :].max() < 1
    assert greys.max() < greys_at_most
    assert colours.mean() < colours_on_average
    assert colours.max() < colours_at_most


def test_clipped_tones_are_reported() -> None:
    """Exactly the reported greys change in a round trip."""
    tone = Flat(contrast=1.4, brightness=0)
    said = lut.describe_clipping(tone, "bt709")
    assert said is not None
    first, last = 195, 819  # 1.4 times luma, less 52, within 16 and 235; and a trace of tint
    assert said.startswith(f"Greys of 64 to {first - 1} and {last + 1} to 940, and saturated")
    there, back = (lut.lut3d_filter(tone, "bt709", inverse=back) for back in (False, True))
    off = np.abs(filtered(GREYS, there, back) - GREYS).max(axis=1) * CODES
    assert off[first - 64 : last - 64 + 1].max() < 1
    assert off[: first - 64].max() > 100


@pytest.mark.parametrize(
    ("tone", "said"),
    [
        (Flat(), None),
        (log("logc3", rolloff=4), None),
        (Flat(saturation=2), "^Saturated colours are clipped"),
        (log("cineon", rolloff=4), "^Greys of 931 to 940, and saturated colours are clipped"),
        (Eq(contrast=0), "^All tones become one and"),
        (Eq(saturation=0), "^All colours become one and"),
    ],
    ids=str,
)
def test_every_kind_of_clipping_has_its_sentence(tone: AnyTone, said: str | None) -> None:
    found = lut.describe_clipping(tone, "bt709")
    assert (
        found == said if said is None else re.match(f"{said}.*cannot be restored\\.$", str(found))
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such names")
@pytest.mark.parametrize(
    "name",
    [
        "a b",
        "it's",
        "C:\\new",
        "a,b;c",
        "[in][out]",
        "'",
        "\\",
        "\\'",
        "x=y:z",
        " ",
        "é%d#",
        "a\nb",
    ],
)
def test_ffmpeg_reads_a_cube_file_from_any_folder(name: str, tmp_path: Path) -> None:
    path = tmp_path / name / "x.cube"
    path.parent.mkdir()
    negative = written(path, lut.cube_text(lambda rgb: 1 - rgb, 33, "Negative"))
    assert filtered(GREYS, negative, "null") == pytest.approx(1 - GREYS, abs=1e-4)


def test_a_windows_drive_is_escaped() -> None:
    path = PureWindowsPath(r"C:\Users\O'Neil\x.cube")
    assert lut.escape_filter_path(path) == r"'C\:/Users/O\'\''Neil/x.cube'"


def test_a_cube_file_is_cached_and_written_again_after_deletion(folder: Path) -> None:
    command = lut.lut3d_filter(Flat(), "bt709")
    (path,) = folder.iterdir()
    written_at = path.stat().st_mtime_ns
    assert lut.lut3d_filter(Flat(), "bt709") == command
    assert path.stat().st_mtime_ns == written_at
    path.unlink()
    assert lut.lut3d_filter(Flat(), "bt709") == command
    assert list(folder.iterdir()) == [path]
    assert lut.lut3d_filter(Flat(), "smpte170m") != command


def test_a_truncated_cube_file_is_written_again(folder: Path) -> None:
    lut.lut3d_filter(Flat(), "bt709")
    (path,) = folder.iterdir()
    whole = path.read_text(encoding="utf-8")
    path.write_text(whole[:5000], encoding="utf-8")
    lut.lut3d_filter(Flat(), "bt709")
    assert path.read_text(encoding="utf-8") == whole


def test_the_error_names_a_folder_that_cannot_be_created(folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(DestinationUnusable, match=r"cubes for LUTs cannot be created: \w"):
        lut.lut3d_filter(Flat(), "bt709")


def test_a_full_disk_raises_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(DestinationUnusable, match=r"\.cube cannot be written: no space left"):
        lut.lut3d_filter(Flat(), "bt709")
    assert not list(folder.iterdir())
