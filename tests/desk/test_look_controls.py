"""Look controls: sliders, numbers, filters, presets, slots, undo and redo."""

from pathlib import Path

import psutil
import pytest

from tests.desk.driver import DeskDriver
from workbench.look.lut import cube_text
from workbench.look.lut_file import import_lut
from workbench.look.preset import load_preset, preset_text, save_preset
from workbench.look.render import render
from workbench.look.stages import NoTone, Shaped


def rendered(desk: DeskDriver) -> bytes:
    """The picture that the encoder would receive for the frame on screen."""
    return render(desk.clip.frame(desk.frame), desk.preset).tobytes()


def test_a_slider_changes_the_look_and_the_picture(desk: DeskDriver) -> None:
    desk.wait()
    exact, preview = desk.exact_picture("after"), desk.preview
    desk.slide("Tone", "contrast", 0.6)
    assert desk.parameter("tone.contrast") == 0.6
    assert desk.number("Tone", "contrast").value == 0.6
    desk.wait()
    assert desk.preview != preview
    assert desk.exact_picture("after") != exact
    assert desk.exact_picture("after") == rendered(desk)


def test_a_burst_of_changes_ends_with_the_last(desk: DeskDriver) -> None:
    for step in range(100):
        desk.slide("Tone", "contrast", 0.5 + step / 100)
    desk.wait()
    assert desk.parameter("tone.contrast") == 1.49
    assert desk.exact_picture("after") == rendered(desk)
    desk.press("Undo")
    assert desk.preset == load_preset("smooth")
    desk.finish_background_work()
    assert not [
        child for child in psutil.Process().children() if "ffmpeg" in " ".join(child.cmdline())
    ]


def test_the_browsers_rounding_to_a_slider_step_changes_nothing(desk: DeskDriver) -> None:
    desk.type_number("Deband", "radius", 70.4)
    desk.slide("Deband", "radius", 70.0)  # noUiSlider answers with the nearest step
    assert desk.parameter("deband.radius") == 70.4


def test_a_number_out_of_range_is_an_error_and_the_last_good_one_stays(desk: DeskDriver) -> None:
    desk.wait()
    exact = desk.exact_picture("after")
    desk.type_number("Deband", "strength", 99.0)
    assert desk.error == "Strength must be between 0.5 and 8."
    assert desk.number("Deband", "strength").value == 1
    assert desk.preset == load_preset("smooth")
    desk.wait()
    assert desk.exact_picture("after") == exact
    desk.type_number("Deband", "strength", 2.0)
    assert desk.error == ""


def test_the_number_box_accepts_ffmpegs_whole_range(desk: DeskDriver) -> None:
    desk.choose_preset("classic")
    assert desk.slider("Tone", "contrast").max == 2
    desk.type_number("Tone", "contrast", 40.0)
    assert desk.parameter("tone.contrast") == 40
    assert desk.slider("Tone", "contrast").value == 2


def test_a_filter_has_controls_of_its_own(desk: DeskDriver) -> None:
    desk.choose_filter("Tone", "log")
    assert list(desk.rows("Tone")) == ["curve", "rolloff"]
    desk.choose_option("Tone", "curve", "slog3")
    assert desk.parameter("tone.curve") == "slog3"
    desk.choose_filter("Tone", "none")
    assert desk.preset.tone == NoTone()
    assert not desk.rows("Tone")
    for _ in range(3):
        desk.press("Undo")
    assert desk.preset == load_preset("smooth")
    assert "contrast" in desk.rows("Tone")


def test_every_control_has_a_tooltip_of_a_sentence(desk: DeskDriver) -> None:
    for preset in ("smooth", "classic", "smooth-logc3"):
        desk.choose_preset(preset)
        for stage in ("Deband", "Tone", "Dither"):
            for name, controls in desk.rows(stage).items():
                sentence = controls[0].tooltip.partition(".")[0]
                assert sentence.count(" ") > 3, f"{preset}: {stage}, {name}"


def test_a_reset_goes_back_to_the_preset(desk: DeskDriver) -> None:
    assert desk.reset_button("Tone", "brightness").disabled
    desk.type_number("Tone", "brightness", 0.2)
    assert not desk.reset_button("Tone", "brightness").disabled
    desk.reset_button("Tone", "brightness").click()
    assert desk.preset == load_preset("smooth")
    assert desk.number("Tone", "brightness").value == 0.03


def test_undo_redo_and_the_two_looks(desk: DeskDriver) -> None:
    desk.type_number("Deband", "strength", 4.0)
    desk.press("B")
    assert desk.preset == load_preset("smooth")
    desk.type_number("Deband", "strength", 6.0)
    desk.shortcut("flip")
    assert desk.parameter("deband.strength") == 4.0
    desk.press("A")  # active already
    assert desk.parameter("deband.strength") == 4.0
    desk.press("Undo")
    assert desk.parameter("deband.strength") == 6.0
    desk.shortcut("redo")
    assert desk.parameter("deband.strength") == 4.0
    desk.shortcut("undo")
    assert desk.parameter("deband.strength") == 6.0


def test_a_look_with_8_bit_filters_has_a_warning(desk: DeskDriver) -> None:
    assert "8-bit filters" not in desk.text()
    desk.choose_preset("classic")
    assert "8-bit filters: gradfun, eq." in desk.text()


def test_a_copied_preset_file_has_its_files_name(desk: DeskDriver, tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    text = preset_text(load_preset("smooth-strong"))
    for name in ("mine", "smooth"):
        (tmp_path / "presets" / f"{name}.toml").write_text(text, encoding="utf-8")
    desk.choose_preset("classic")
    assert [name for _, name in desk.presets.options].count("smooth") == 1
    desk.choose_preset("mine")
    assert desk.preset.deband == load_preset("smooth-strong").deband
    assert desk.presets.value == "mine"


def test_a_damaged_preset_file_is_an_error(desk: DeskDriver, tmp_path: Path) -> None:
    desk.save_as("dusk")
    (tmp_path / "presets" / "dusk.toml").write_text("name = 1", encoding="utf-8")
    desk.choose_preset("smooth")
    desk.choose_preset("dusk")
    assert "dusk.toml" in desk.error
    assert desk.presets.value == "smooth"
    assert desk.preset.dither == Shaped()


@pytest.mark.parametrize("name", ["deband.nonsense", "nonsense.strength", "tone"])
def test_an_unknown_parameter_is_an_error(desk: DeskDriver, name: str) -> None:
    desk.tuner.set_parameter(name, 1)
    assert name in desk.error
    assert desk.preset == load_preset("smooth")


def test_an_imported_look_is_shown_and_can_be_left_again(desk: DeskDriver, tmp_path: Path) -> None:
    cube = tmp_path / "show.cube"
    cube.write_text(cube_text(lambda rgb: 0.5 * rgb, 33, "show"), encoding="utf-8")
    (tmp_path / "presets").mkdir()
    preset = load_preset("smooth").model_copy(update={"tone": import_lut(cube)})
    save_preset(preset.renamed("show"), tmp_path / "presets" / "show.toml")
    desk.choose_preset("classic")
    desk.choose_preset("show")
    desk.wait()
    assert desk.error == ""
    assert desk.preset.tone.filter == "lut"
    assert desk.exact_picture("after") == rendered(desk)
    desk.choose_preset("smooth")
    desk.wait()
    assert desk.preset == load_preset("smooth")
