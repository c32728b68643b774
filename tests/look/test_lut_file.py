"""Looks from other programs: what is rendered equals the file, and hostile files are refused."""

from pathlib import Path

import numpy as np
import pytest

from tests.soak import lut_files
from workbench.errors import PresetError
from workbench.look import lut
from workbench.look.curves import apply_tone
from workbench.look.filter_chain import inverse_tone_chain
from workbench.look.grade_files import cdl_text, clf_text
from workbench.look.lut import cube_text, sampling_error
from workbench.look.lut_file import import_lut
from workbench.look.preset import Preset, load_preset, save_preset
from workbench.look.render import render
from workbench.look.stages import AnyTone, Flat, Log
from workbench.media.colour import Colour
from workbench.media.frames import Frame

ENTITIES = """<?xml version="1.0"?>
<!DOCTYPE ProcessList [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<ProcessList xmlns="urn:AMPAS:CLF:v3.0" compCLFversion="3" id="x"><Description>&b;</Description>
</ProcessList>"""
EXTERNAL = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>
<ColorCorrection id="x"><SOPNode><Slope>&a; 1 1</Slope></SOPNode></ColorCorrection>"""

ANOTHER_FORMAT = """<?xml version="1.0"?><ProcessList version="1.7" id="x">
<Matrix inBitDepth="32f" outBitDepth="32f"><Array dim="3 3">1 0 0 0 1 0 0 0 1</Array></Matrix>
</ProcessList>"""
REFERENCE = """<?xml version="1.0"?><ProcessList version="1.7" id="x">
<Reference inBitDepth="32f" outBitDepth="32f" path="other.clf"/></ProcessList>"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lut, "lut_cache_folder", lambda: tmp_path / "cubes")


def picture() -> Frame:
    """Return a 10-bit picture of grey and coloured gradients."""
    y, x = np.mgrid[0:64, 0:96]
    luma = np.asarray(120 + 6 * x + 2 * y, np.uint16)
    cb = np.asarray(480 + x[:, ::2] // 2, np.uint16)
    cr = np.asarray(500 + y[:, ::2] // 2, np.uint16)
    return Frame(luma, cb, cr, "yuv422p10le", 10, Colour("legal", "bt709", "bt709", "bt709"))


@pytest.mark.parametrize(
    ("name", "tone", "worst"),
    [("x.cdl", Flat(), 1), ("x.clf", Flat(), 1), ("x.clf", Log(curve="logc3", rolloff=0), 2),
     ("x.cube", Log(curve="logc3", rolloff=0), 1)],
)  # fmt: skip
def test_an_imported_look_renders_as_the_look_it_was_exported_from(
    name: str, tone: AnyTone, worst: int, tmp_path: Path
) -> None:
    path = tmp_path / name
    text = {
        ".cdl": lambda: cdl_text(tone, "bt709", "x"),
        ".clf": lambda: clf_text(tone, "bt709", "x"),
        ".cube": lambda: cube_text(lambda rgb: apply_tone(rgb, tone, "bt709"), 33, "x"),
    }[path.suffix]()
    path.write_text(text, encoding="utf-8")
    ours = render(picture(), Preset(name="x", tone=tone))
    theirs = render(picture(), Preset(name="x", tone=import_lut(path)))
    for one, two in zip((ours.luma, ours.cb, ours.cr), (theirs.luma, theirs.cb, theirs.cr)):  # noqa: B905
        assert np.abs(one.astype(int) - two).max() <= worst


def test_the_sampling_error_is_none_for_a_cube_of_the_same_points(tmp_path: Path) -> None:
    same = tmp_path / "same.cube"
    same.write_text(cube_text(lambda rgb: rgb**2, 33, "x"), encoding="utf-8")
    assert max(sampling_error(import_lut(same))) < 0.01
    curve = tmp_path / "curve.cube"
    steps = "\n".join(f"{v} {v} {v}" for v in (np.linspace(0, 1, 1024) ** 3).tolist())
    curve.write_text(f"LUT_1D_SIZE 1024\n{steps}\n", encoding="utf-8")
    greys, colours = sampling_error(import_lut(curve))
    assert 0.01 < greys < 1
    assert 0.01 < colours < 1


def test_a_preset_keeps_an_imported_look_and_refuses_a_changed_file(tmp_path: Path) -> None:
    path = tmp_path / "show.cube"
    path.write_text(cube_text(lambda rgb: 0.8 * rgb, 33, "x"), encoding="utf-8")
    preset = load_preset("smooth").model_copy(update={"tone": import_lut(path)}).renamed("show")
    loaded = load_preset(save_preset(preset, tmp_path / "show.toml"))
    assert loaded.hash == preset.hash
    assert loaded.bit_depth == 16
    before = render(picture(), loaded)
    assert inverse_tone_chain(loaded.tone, Colour()) is None
    path.write_text(cube_text(lambda rgb: 0.7 * rgb, 33, "x"), encoding="utf-8")
    assert load_preset(tmp_path / "show.toml").tone == loaded.tone
    again = preset.model_copy(update={"tone": import_lut(path)})
    assert again.hash != preset.hash
    assert render(picture(), again).luma.mean() < before.luma.mean() - 20
    lut._cached_cube_text.cache_clear()
    from workbench.look import lut_file

    lut_file.lut_function.cache_clear()
    with pytest.raises(PresetError, match=r"show\.cube has changed since it was imported"):
        render(picture(), loaded)
    path.unlink()
    with pytest.raises(PresetError, match="is missing: put it back"):
        render(picture(), loaded)


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("x.clf", ENTITIES, "declares a document type or entities"),
        ("x.cc", EXTERNAL, "declares a document type or entities"),
        ("x.cube", ANOTHER_FORMAT, "cannot be read as a cube file"),
        ("x.cube", f"LUT_3D_SIZE 2\n{ANOTHER_FORMAT}", "cannot be read as a cube file"),
        ("x.clf", REFERENCE, "refers to another file"),
        ("x.clf", f"<a>{'<b/>' * 10000}</a>", "more than 10000 elements"),
        ("x.clf", "not XML", "is not an XML file"),
        ("x.clf", "<ProcessList/>", "cannot be read as a clf file"),
        ("x.cdl", "<html></html>", "cannot be read as a cdl file"),
        ("x.cube", "LUT_3D_SIZE 33\n0 0 0\n", "cannot be read as a cube file"),
        ("x.cube", "LUT_3D_SIZE 999999\n0 0 0\n", "cannot be read as a cube file"),
        ("x.cube", "LUT_3D_SIZE 2\n" + "1e30 0 0\n" * 8, "far beyond white"),
        ("x.cube", "\0" * 5000, "cannot be read as a cube file"),
        ("x.txt", "0 0 0", "must be a .cube"),
    ],
)
def test_a_hostile_file_ends_in_one_sentence(
    name: str, content: str, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(PresetError, match=sentence.replace(".", r"\.")) as caught:
        import_lut(path)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_mutated_files_end_in_one_sentence(tmp_path: Path) -> None:
    outcomes = [lut_files.tried(tmp_path, seed) for seed in range(150)]
    assert [one for one in outcomes if one.broken] == []
    assert 5 < sum(one.said == "" for one in outcomes) < 100  # some are read, others refused


def test_a_missing_and_a_huge_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PresetError, match="is missing"):
        import_lut(tmp_path / "none.cube")
    huge = tmp_path / "huge.cube"
    with huge.open("wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    with pytest.raises(PresetError, match="larger than 64 MB"):
        import_lut(huge)
