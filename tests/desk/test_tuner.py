"""The tuner without a browser: the desk does what is asked, and says what cannot be done."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import ipywidgets as widgets
import numpy as np
import psutil
import pytest

from tests import clips
from workbench import ffmpeg
from workbench.deliver import figures
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.desk.look_controls import StageControls
from workbench.desk.tuner import Tuner
from workbench.errors import ClipReplaced
from workbench.look.preset import load_preset, preset_text
from workbench.look.render import render
from workbench.look.stages import NoTone, Shaped
from workbench.measure.banding import cambi
from workbench.media.probe import open_clip

PATIENCE = 60  # seconds


@pytest.fixture
def desk(banded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Tuner]:
    """A desk in a project of its own."""
    monkeypatch.chdir(tmp_path)
    tuner = Tuner(banded)
    yield tuner
    tuner.wait(PATIENCE)


def row(desk: Tuner, stage: str, name: str) -> tuple[widgets.Widget, ...]:
    """The slider, the box and the reset of a parameter."""
    controls: StageControls = desk._controls.stages[stage]
    return tuple(controls._by_name[f"{stage}.{name}"].widget.children[1:])


def press(container: widgets.Widget, words: str) -> None:
    (button,) = [one for one in buttons(container) if one.description == words]
    button.click()


def buttons(widget: widgets.Widget) -> Iterator[widgets.Button]:
    if isinstance(widget, widgets.Button):
        yield widget
    for child in getattr(widget, "children", ()):
        yield from buttons(child)


def message(desk: Tuner) -> str:
    return str(desk._viewer.message)


def after(desk: Tuner) -> bytes:
    """The exact picture that the browser was given."""
    return b"".join(desk._viewer._sent["exact", "after"][1])


def test_it_shows_the_picture_that_the_encoder_is_fed(desk: Tuner) -> None:
    assert desk.preset == load_preset("smooth")
    assert desk.wait(PATIENCE)
    assert desk.clip is not None
    source = desk.clip.frame(12)
    assert after(desk) == render(source, desk.preset).tobytes()
    assert b"".join(desk._viewer._sent["exact", "before"][1]) == source.tobytes()
    assert len(desk._viewer.after) > 1000
    assert "CAMBI" in desk._figures.value
    assert desk._scopes.geometry["kind"] == "waveform"


def test_a_slider_changes_the_look_and_the_picture(desk: Tuner) -> None:
    desk.wait(PATIENCE)
    shown, lossy = after(desk), desk._viewer.after
    slider, box, _ = row(desk, "tone", "contrast")
    slider.value = 0.6
    assert desk.preset.parameters()["tone.contrast"] == 0.6
    assert box.value == 0.6
    assert desk.wait(PATIENCE)
    assert desk._viewer.after != lossy
    assert after(desk) != shown
    assert desk.clip is not None
    assert after(desk) == render(desk.clip.frame(12), desk.preset).tobytes()


def test_a_burst_of_changes_ends_with_the_last(desk: Tuner) -> None:
    slider, _, _ = row(desk, "tone", "contrast")
    for step in range(100):
        slider.value = 0.5 + step / 100
    assert desk.wait(PATIENCE)
    assert desk.preset.parameters()["tone.contrast"] == 1.49
    assert desk.clip is not None
    assert after(desk) == render(desk.clip.frame(12), desk.preset).tobytes()
    desk.undo()
    assert desk.preset == load_preset("smooth")
    assert not [
        child for child in psutil.Process().children() if "ffmpeg" in " ".join(child.cmdline())
    ]


def test_what_a_browser_answers_between_two_steps_changes_nothing(desk: Tuner) -> None:
    desk.change("deband.radius", 70.4)
    slider, _, _ = row(desk, "deband", "radius")
    slider.value = 70.0  # noUiSlider's nearest step
    assert desk.preset.parameters()["deband.radius"] == 70.4


def test_a_number_out_of_range_is_said_and_the_last_good_one_stays(desk: Tuner) -> None:
    desk.wait(PATIENCE)
    shown = after(desk)
    _, box, _ = row(desk, "deband", "strength")
    box.value = 99.0
    assert message(desk) == ("Strength must be between 0.5 and 8, not 99.0")
    assert box.value == 1.5
    assert desk.preset == load_preset("smooth")
    assert desk.wait(PATIENCE)
    assert after(desk) == shown
    box.value = 2.0
    assert message(desk) == ""


def test_the_box_takes_ffmpegs_whole_range(desk: Tuner) -> None:
    desk.use(load_preset("classic"))
    slider, box, _ = row(desk, "tone", "contrast")
    assert slider.max == 2
    box.value = 40.0
    assert desk.preset.parameters()["tone.contrast"] == 40
    assert slider.value == 2


def test_a_filter_brings_its_own_controls(desk: Tuner) -> None:
    desk._controls.stages["tone"]._filter.value = "log"
    rows = desk._controls.stages["tone"]._by_name
    assert list(rows) == ["tone.curve", "tone.rolloff"]
    rows["tone.curve"].widget.children[1].value = "slog3"
    assert desk.preset.parameters()["tone.curve"] == "slog3"
    desk._controls.stages["tone"]._filter.value = "none"
    assert desk.preset.tone == NoTone()
    assert not desk._controls.stages["tone"]._by_name
    for _ in range(3):
        desk.undo()
    assert desk.preset == load_preset("smooth")
    assert "tone.contrast" in desk._controls.stages["tone"]._by_name


def test_every_control_says_what_it_does_in_a_sentence(desk: Tuner) -> None:
    for preset in ("smooth", "classic", "smooth-logc3"):
        desk.use(load_preset(preset))
        for stage, controls in desk._controls.stages.items():
            for one in controls._by_name.values():
                assert one.widget.children[1].tooltip.partition(".")[0].count(" ") > 3, stage


def test_a_reset_goes_back_to_the_preset(desk: Tuner) -> None:
    _, box, reset = row(desk, "tone", "brightness")
    assert reset.disabled
    box.value = 0.2
    assert not reset.disabled
    reset.click()
    assert desk.preset is load_preset("smooth") or desk.preset == load_preset("smooth")
    assert box.value == 0.03


def test_undo_redo_and_the_two_settings(desk: Tuner) -> None:
    desk.change("deband.strength", 4.0)
    desk.flip()
    assert desk.preset == load_preset("smooth")
    desk.change("deband.strength", 6.0)
    desk._command("flip")
    assert desk.preset.parameters()["deband.strength"] == 4.0
    press(desk.widget, "Undo")
    assert desk.preset.parameters()["deband.strength"] == 6.0
    desk._command("redo")
    assert desk.preset.parameters()["deband.strength"] == 4.0


def test_a_look_in_8_bits_is_said(desk: Tuner) -> None:
    assert desk._controls.depth.value == ""
    desk.use(load_preset("classic"))
    assert "gradfun and eq work in 8 bits" in desk._controls.depth.value


def test_stills_are_kept_compared_with_and_restored(desk: Tuner) -> None:
    desk.wait(PATIENCE)
    kept = after(desk)
    desk._command("grab")
    desk.use(load_preset("untouched"))
    desk._viewer.frame = 3
    desk.wait(PATIENCE)
    (still,) = desk._gallery.stills
    desk._gallery._toggles[1].value = True
    assert desk.wait(PATIENCE)
    assert desk._viewer.labels["before"] == "still 1"
    assert b"".join(desk._viewer._sent["exact", "before"][1]) == kept
    press(desk.widget, "Restore")
    assert desk.preset == load_preset("smooth")
    assert desk._viewer.frame == 12
    assert desk.wait(PATIENCE)
    assert after(desk) == kept
    press(desk.widget, "×")
    assert desk._gallery.stills == ()
    assert desk.wait(PATIENCE)
    assert desk._viewer.labels["before"] == "before"
    assert still.name == "still 1"


def test_the_difference_is_from_the_look_without_its_deband(desk: Tuner) -> None:
    desk._viewer.mode = "difference"
    assert desk.wait(PATIENCE)
    plain = desk.preset.override({"deband.filter": "none"})
    assert desk.clip is not None
    expected = render(desk.clip.frame(12), plain).tobytes()
    assert b"".join(desk._viewer._sent["exact", "reference"][1]) == expected


def test_the_map_of_the_bands_is_sent_when_it_is_asked_for(
    desk: Tuner, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.wait(PATIENCE)
    maps: dict[str, np.ndarray] = {}
    monkeypatch.setattr(
        desk._viewer, "show_banding_map", lambda side, found, _: maps.update({side: found})
    )
    desk._viewer.banding_map = True
    assert desk.wait(PATIENCE)
    assert maps["before"].shape == (180, 320)
    assert maps["before"].mean() > 4 * maps["after"].mean()


def test_the_worst_frame_is_found(desk: Tuner) -> None:
    desk._command("worst")
    assert desk.wait(PATIENCE)
    assert desk.clip is not None
    scores = cambi(list(desk.clip.frames()))
    assert scores[desk._viewer.frame] == max(scores)


def test_a_second_of_video_is_played(desk: Tuner, monkeypatch: pytest.MonkeyPatch) -> None:
    played: list[tuple[list[bytes], list[bytes], list[float]]] = []
    monkeypatch.setattr(desk._viewer, "play", lambda *given: played.append(given))
    desk._command("loop")
    assert desk.wait(PATIENCE)
    ((before, looked, gone),) = played
    assert len(before) == len(looked) == len(gone) == 24
    assert gone[-1] == pytest.approx(1)
    assert before[0] != looked[0]


def test_suggest_takes_what_it_finds_and_can_be_undone(desk: Tuner) -> None:
    desk._suggesting.begin()
    assert not desk._suggesting.start.disabled  # it would lose the focus, and the desk its keys
    assert not desk._suggesting.stop.disabled
    desk._suggesting.begin()  # a second press while it runs
    assert desk.wait(PATIENCE)
    assert desk.preset.name == "suggested"
    assert desk._controls.presets.value == "suggested"
    assert desk.preset.description in desk._suggesting.words.value.replace("&#x27;", "'")
    assert desk._suggesting.stop.disabled
    desk.undo()
    assert desk.preset == load_preset("smooth")


def test_suggest_can_be_cancelled(desk: Tuner) -> None:
    desk._suggesting.begin()
    desk._suggesting.stop.click()
    assert desk.wait(PATIENCE)
    assert desk.preset == load_preset("smooth")
    assert "Cancelled" in desk._suggesting.words.value


def test_a_preset_is_saved_and_found_by_name(desk: Tuner, tmp_path: Path) -> None:
    desk.change("tone.contrast", 0.7)
    desk._saving.name.value = "dusk"
    press(desk.widget, "Save preset")
    path = tmp_path / "presets" / "dusk.toml"
    assert f"Saved in {path}" in desk._saving.words.value
    assert load_preset("dusk").parameters()["tone.contrast"] == 0.7
    assert "dusk" in desk._controls.presets.options
    assert desk.preset.name == desk._controls.presets.value == "dusk"


def test_a_name_that_is_taken_is_replaced_only_when_asked(desk: Tuner) -> None:
    desk._saving.save("dusk")
    desk.change("tone.contrast", 0.7)
    assert desk._saving.save("dusk") is None
    assert "There is a preset dusk already" in desk._saving.words.value
    assert load_preset("dusk").parameters()["tone.contrast"] == 0.9
    desk._saving.name.value = "dusk"
    press(desk.widget, "Replace it")
    assert load_preset("dusk").parameters()["tone.contrast"] == 0.7
    assert desk._saving.replace.layout.display == "none"


@pytest.mark.parametrize("name", ["", "a/b", "..\\x", "smooth", "<b>", "x" * 200])
def test_a_name_that_cannot_be_is_said(desk: Tuner, name: str, tmp_path: Path) -> None:
    assert desk._saving.save(name) is None
    assert "choose another name" in desk._saving.words.value
    assert not list(tmp_path.rglob("*.toml"))


def test_replace_means_the_name_that_was_asked_about(desk: Tuner) -> None:
    desk._saving.save("dawn")
    desk._saving.save("dusk")
    desk.change("tone.contrast", 0.7)
    desk._saving.name.value = "dusk"
    press(desk.widget, "Save preset")
    assert desk._saving.replace.layout.display is None
    desk._saving.name.value = "dawn"
    assert desk._saving.replace.layout.display == "none"
    press(desk.widget, "Replace it")
    assert load_preset("dawn").parameters()["tone.contrast"] == 0.9


def test_a_preset_copied_by_hand_has_its_files_name(desk: Tuner, tmp_path: Path) -> None:
    (tmp_path / "presets").mkdir()
    text = preset_text(load_preset("smooth-strong"))
    for name in ("mine", "smooth"):
        (tmp_path / "presets" / f"{name}.toml").write_text(text, encoding="utf-8")
    desk.use(load_preset("classic"))
    assert [*desk._controls.presets.options].count("smooth") == 1
    desk._controls.presets.value = "mine"
    assert desk.preset.deband == load_preset("smooth-strong").deband
    assert desk._controls.presets.value == "mine"


def test_a_folder_that_cannot_be_written_is_said(desk: Tuner, tmp_path: Path) -> None:
    (tmp_path / "presets").write_text("a file in its place", encoding="utf-8")
    assert desk._saving.save("dusk") is None
    assert "presets" in desk._saving.words.value
    assert "choose another name" in desk._saving.words.value


def test_it_encodes_what_it_shows(desk: Tuner, tmp_path: Path) -> None:
    panel = desk._encoding
    panel._destination.value = str(tmp_path / "out.mov")
    panel._start.click()
    assert not panel._start.disabled  # it would lose the focus, and the desk its keys
    assert not panel._stop.disabled
    panel.start()  # a second press while it runs
    assert "already" in panel._words.value or panel.delivery
    assert desk.wait(PATIENCE)
    assert "prores_ks" in panel._command.value
    assert panel.delivery is not None
    assert panel.delivery.settings.look == desk.preset
    assert open_clip(tmp_path / "out.mov").profile == "HQ"
    assert "note" in panel._words.value
    assert panel._page.html == (tmp_path / "out.report.html").read_text(encoding="utf-8")
    assert panel._stop.disabled
    panel._start.click()
    assert "exists already" in panel._words.value


def test_without_its_report_nothing_is_written_and_the_reason_is_shown(
    desk: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError("no room for figures")

    monkeypatch.setattr(figures, "draw_figures", fail)
    panel = desk._encoding
    panel._destination.value = str(tmp_path / "out.mov")
    panel._start.click()
    assert desk.wait(PATIENCE)
    assert panel.delivery is None
    assert "no room for figures" in panel._words.value
    assert list(tmp_path.iterdir()) == []


def test_an_encode_can_be_cancelled_and_leaves_nothing(desk: Tuner, tmp_path: Path) -> None:
    panel = desk._encoding
    panel._destination.value = str(tmp_path / "out.mov")
    panel._start.click()
    panel._stop.click()
    assert desk.wait(PATIENCE)
    assert "Cancelled" in panel._words.value
    assert panel._stop.disabled
    assert list(tmp_path.iterdir()) == []


def test_a_folder_lists_its_clips(banded: Path, untagged: Path) -> None:
    desk = Tuner(banded.parent)
    assert desk.clip is None
    assert ("banded.mp4", str(banded)) in desk._chooser.clips.options
    desk._chooser.clips.value = str(untagged)
    assert desk.wait(PATIENCE)
    assert desk.clip is not None
    assert desk.clip.path == untagged
    assert len(after(desk)) > 1000
    # A picture under 216 pixels both ways is fine; CAMBI alone has nothing to say.
    assert message(desk) == ""


def test_without_a_clip_every_button_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    desk = Tuner()
    assert message(desk) == ""
    desk.open(tmp_path)
    assert message(desk) == f"There are no clips in {tmp_path}: write another folder above."
    for button in buttons(desk.widget):
        button.click()
    for command in ("worst", "loop", "flip", "grab", "undo", "redo", "nonsense"):
        desk._command(command)
    desk.change("tone.contrast", 0.5)
    assert desk.wait(PATIENCE)
    assert desk.preset.parameters()["tone.contrast"] == 0.5


def test_a_clip_that_cannot_be_opened_leaves_the_last_picture(desk: Tuner, tmp_path: Path) -> None:
    desk.wait(PATIENCE)
    shown = desk._viewer.after
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    desk._chooser.folder.value = str(tmp_path)
    desk._chooser.clips.value = str(tmp_path / "broken.mp4")
    assert desk.wait(PATIENCE)
    assert "broken.mp4" in message(desk)
    assert desk._chooser.clips.value == str(desk.clip.path if desk.clip else None)
    desk.change("tone.contrast", 0.5)
    assert desk.wait(PATIENCE)
    assert desk._viewer.after != shown


def test_a_mistyped_path_stays_to_be_mended(banded: Path) -> None:
    desk = Tuner(banded.parent)
    box = desk._chooser.folder
    wrong = str(banded.parent / "nowhere" / "x.mp4")
    box.value = wrong
    assert message(desk).startswith(f"There is no folder and no clip {wrong}")
    assert box.value == wrong
    box.value = str(banded.parent)
    assert message(desk) == ""


def test_what_was_delivered_is_not_offered_again(banded: Path, tmp_path: Path) -> None:
    shutil.copy(banded, tmp_path / "take.mp4")
    for name in ("take_prores.mov", ".hidden.mov", "theirs.mov"):
        (tmp_path / name).touch()
    offered = [name for name, _ in Tuner(tmp_path)._chooser.clips.options]
    assert offered == ["choose a clip", "take.mp4", "theirs.mov"]


def test_a_clip_that_was_made_anew_is_opened_anew(tmp_path: Path) -> None:
    path = clips.banded(tmp_path / "take.mp4")
    desk = Tuner(path)
    assert desk.wait(PATIENCE)
    first, shown = desk.clip, after(desk)
    clips.run(
        "-f", "lavfi", "-i", clips.sky("640x360", seconds=2), "-c:v", "libx264", tmp_path / "2.mp4"
    )
    (tmp_path / "2.mp4").replace(path)
    assert first is not None
    with pytest.raises(ClipReplaced, match=r"take\.mp4 was replaced since it was opened"):
        convert(first, tmp_path / "out.mov", Settings(preset=desk.preset))
    desk.change("tone.contrast", 0.7)
    assert desk.wait(PATIENCE)
    assert desk.clip is not first
    assert desk.clip is not None
    assert desk.clip.frame_count == 48
    assert after(desk) != shown


def test_another_clip_lets_go_of_the_last_ones_frames(desk: Tuner, untagged: Path) -> None:
    desk.wait(PATIENCE)
    first = desk.clip
    assert first is not None
    desk._decoding.wait(PATIENCE)
    assert first._reader.cached == 24
    desk.open(untagged)
    assert desk.wait(PATIENCE)
    assert first._reader.cached == 0


def test_a_folder_is_read_again(desk: Tuner, banded: Path, tmp_path: Path) -> None:
    desk.open(tmp_path)
    (tmp_path / "late.mp4").write_bytes(banded.read_bytes())
    (tmp_path / "._late.mp4").write_bytes(b"the system's own")
    press(desk.widget, "↻")
    assert [name for name, _ in desk._chooser.clips.options] == ["choose a clip", "late.mp4"]


def test_a_path_that_cannot_be_is_said(desk: Tuner) -> None:
    for path in ("x" * 300, "a\0b"):
        desk._chooser.folder.value = path
        assert message(desk) != ""


def test_a_suggestion_goes_where_it_was_asked_for(desk: Tuner) -> None:
    desk._suggesting.begin()
    desk.change("tone.contrast", 0.55)
    desk.flip()
    assert desk.wait(PATIENCE)
    assert desk.preset == load_preset("smooth")
    desk.flip()
    assert desk.preset.name == "suggested"
    assert desk.preset.parameters()["tone.contrast"] == 0.55


def test_a_clip_that_is_left_takes_no_suggestion(desk: Tuner, untagged: Path) -> None:
    desk._suggesting.begin()
    desk._command("worst")
    desk.open(untagged)
    assert desk.wait(PATIENCE)
    assert desk.preset == load_preset("smooth")
    assert desk._viewer.frame == 12


def test_a_loop_does_not_stop_a_suggestion(desk: Tuner) -> None:
    desk._suggesting.begin()
    desk._command("loop")
    assert desk.wait(PATIENCE)
    assert desk.preset.name == "suggested"


def test_a_frame_that_does_not_decode_is_said(tmp_path: Path) -> None:
    path = clips.long_gop(tmp_path / "long.mp4")
    desk = Tuner(path)
    assert desk.wait(PATIENCE)
    assert desk.clip is not None
    shown = desk._viewer.after
    desk._decoding.cancel()
    desk._decoding.wait(PATIENCE)
    desk.clip.close()
    size = path.stat().st_size
    with path.open("r+b") as file:  # the file is cut short while the desk is open
        file.truncate(size // 3)
    desk._viewer.frame = 47
    assert desk.wait(PATIENCE)
    assert "long.mp4" in message(desk)
    assert desk._viewer.after == shown


def test_without_ffmpeg_it_says_so_and_goes_on_when_it_is_back(
    desk: Tuner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.wait(PATIENCE)
    shown = desk._viewer.after
    with monkeypatch.context() as without:
        without.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
        desk.change("tone.contrast", 0.5)
        assert desk.wait(PATIENCE)
        assert "IMAGEIO_FFMPEG_EXE names" in message(desk)
        assert desk._viewer.after == shown
    desk.change("tone.contrast", 0.6)
    assert desk.wait(PATIENCE)
    assert message(desk) == ""
    assert desk._viewer.after != shown


def test_without_libvmaf_all_but_cambi_is_there(
    banded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = ffmpeg.program()
    without = replace(program, filters=program.filters - {"libvmaf"})
    monkeypatch.setattr(ffmpeg, "program", lambda: without)
    desk = Tuner(banded)
    assert desk.wait(PATIENCE)
    assert "was built without the filter libvmaf" in message(desk)
    assert len(after(desk)) > 1000
    assert "Bit depth" in desk._figures.value


def test_a_preset_file_gone_bad_is_said(desk: Tuner, tmp_path: Path) -> None:
    desk._saving.save("dusk")
    (tmp_path / "presets" / "dusk.toml").write_text("name = 1", encoding="utf-8")
    desk.use(load_preset("smooth"))
    desk._controls.presets.value = "dusk"
    assert "dusk.toml" in message(desk)
    assert desk._controls.presets.value == "smooth"
    assert desk.preset.dither == Shaped()
