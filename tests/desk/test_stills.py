"""Stills: grab, name, compare, restore, export and delete."""

from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.desk.driver import DeskDriver
from workbench.desk.still_files import StillFiles, rgb16
from workbench.errors import UnsupportedClip
from workbench.look.preset import load_preset
from workbench.media.probe import open_clip


def test_a_still_is_compared_with_and_restored(desk: DeskDriver) -> None:
    desk.wait()
    grabbed = desk.exact_picture("after")
    desk.press("Grab still")
    desk.choose_preset("untouched")
    desk.go_to_frame(3)
    desk.wait()
    assert desk.still_names() == ["still 1"]
    assert "smooth, frame 12 of banded.mp4" in desk.text()
    desk.compare()
    desk.wait()
    assert desk.viewer.labels["before"] == "still 1"
    assert desk.exact_picture("before") == grabbed
    desk.rename_still("  dusk,  warm ")
    desk.wait()
    assert desk.still_names() == ["dusk, warm"]
    assert desk.viewer.labels["before"] == "dusk, warm"  # the tag on the picture
    assert "dusk, warm" in desk.text()  # heads the figures
    desk.rename_still(" ")
    assert desk.still_names() == ["dusk, warm"]
    desk.press("Restore")
    assert desk.preset == load_preset("smooth")
    assert desk.frame == 12
    desk.wait()
    assert desk.exact_picture("after") == grabbed
    desk.press("×")
    assert desk.still_names() == []
    desk.wait()
    assert desk.viewer.labels["before"] == "before"


def test_the_difference_from_a_still_is_named_after_it(desk: DeskDriver) -> None:
    desk.wait()
    desk.shortcut("grab")
    desk.choose_preset("untouched")
    desk.compare()
    desk.show_difference()
    desk.wait()
    assert desk.viewer.labels["difference"] == "difference from still 1"
    assert desk.exact_picture("reference") == desk.exact_picture("before")
    desk.compare(False)
    desk.wait()
    assert desk.viewer.labels["difference"] == "changed by the deband"


def test_a_still_of_another_size_is_fitted(desk: DeskDriver, untagged: Path) -> None:
    desk.wait()
    desk.shortcut("grab")
    grabbed, figure = desk.exact_picture("after"), desk.figures()["CAMBI"][1]
    desk.type_folder(untagged)
    desk.wait()
    desk.compare()
    desk.show_difference()
    desk.wait()
    assert desk.error == ""
    assert desk.viewer.labels["before"] == "still 1"
    assert desk.exact_picture("before") == grabbed
    picture = desk.viewer.picture
    assert (picture["width"], picture["height"], picture["beforeSize"]) == (320, 180, (640.0, 360))
    assert desk.figures()["CAMBI"][0] == figure
    assert desk.viewer.labels["difference"] == "changed by the deband"  # no pixel corresponds
    desk.choose_preset("classic")
    frame = desk.frame
    desk.go_to_frame(2)
    desk.press("Restore")  # the frame belongs to the other clip
    assert (desk.preset.name, desk.frame, frame) == ("smooth", 2, 12)


def read_back(path: Path) -> NDArray[np.uint16]:
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
    assert picture.format.name.startswith("rgb48")
    return np.asarray(picture.to_ndarray())


def ten_bit_codes(rgb: NDArray[np.uint16]) -> list[NDArray[np.int64]]:
    """Convert full-range R'G'B' back to 10-bit Y', Cb and Cr of BT.709."""
    red, green, blue = np.moveaxis(rgb / 65535, -1, 0)
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    cb, cr = (blue - luma) / 1.8556, (red - luma) / 1.5748
    return [np.rint(v).astype(int) for v in (64 + 876 * luma, 512 + 896 * cb, 512 + 896 * cr)]


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_an_exported_still_holds_the_rendered_code_values(
    desk: DeskDriver, tmp_path: Path, suffix: str
) -> None:
    desk.wait()
    desk.shortcut("grab")
    desk.rename_still("sky: 1/2")
    desk.export_still(suffix)
    path = tmp_path / f"stills/sky- 1-2.{suffix}"
    assert f"Exported {path}" in desk.text()
    rgb = read_back(path)
    luma, cb, cr = ten_bit_codes(rgb)
    inside = ((rgb > 0) & (rgb < 65535)).all(axis=-1)  # R'G'B' that the format can hold
    assert inside.mean() > 0.999
    sent = np.frombuffer(desk.exact_picture("after"), np.uint16)
    planes = np.split(sent, [luma.size, luma.size * 3 // 2])
    assert np.array_equal(luma[inside], planes[0].reshape(luma.shape)[inside])
    for found, plane in ((cb, planes[1]), (cr, planes[2])):
        at = np.s_[:, ::2]  # the columns of the chroma samples
        assert np.array_equal(found[at][inside[at]], plane.reshape(found[at].shape)[inside[at]])
    desk.export_still(suffix)
    assert (tmp_path / f"stills/sky- 1-2-2.{suffix}").read_bytes() == path.read_bytes()


def test_a_folder_that_cannot_be_written_is_one_sentence(desk: DeskDriver, tmp_path: Path) -> None:
    desk.wait()
    desk.shortcut("grab")
    (tmp_path / "file").touch()
    desk.export_still("png", tmp_path / "file")
    assert f"{tmp_path / 'file'} is a file, not a folder." in desk.text()


def test_a_source_picture_is_not_exported_as_a_delivered_one(banded: Path) -> None:
    with open_clip(banded) as clip, pytest.raises(UnsupportedClip, match="yuv420p"):
        rgb16(clip.frame(0))


def test_a_damaged_picture_is_dropped(tmp_path: Path) -> None:
    (tmp_path / "stills").mkdir()
    for key, content in (("00", b""), ("01", b"PK\3\4" + bytes(50)), ("02", b"text")):
        (tmp_path / f"stills/{key}.npz").write_bytes(content)
        assert StillFiles(tmp_path).load(key) is None
    assert StillFiles(tmp_path).load("../../elsewhere") is None


def test_a_full_gallery_says_so_and_keeps_every_still(desk: DeskDriver) -> None:
    desk.wait()
    for _ in range(25):
        desk.shortcut("grab")
    assert desk.still_names() == [f"still {number}" for number in range(1, 25)]
    assert "The desk keeps 24 stills. Delete one first." in desk.text()
