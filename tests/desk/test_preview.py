"""Preview: the desk shows the picture that the encoder receives, and its figures."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests import clips
from tests.desk.driver import DeskDriver
from tests.desk.test_look_controls import rendered
from workbench import ffmpeg
from workbench.look.preset import load_preset
from workbench.look.render import render


def test_it_shows_the_picture_that_the_encoder_receives(desk: DeskDriver) -> None:
    assert desk.preset == load_preset("smooth")
    desk.wait()
    assert desk.frame == 12  # the middle of the clip
    assert desk.exact_picture("after") == rendered(desk)
    assert desk.exact_picture("before") == desk.clip.frame(12).tobytes()
    assert len(desk.preview) > 1000
    assert "CAMBI" in desk.text()
    assert desk.shown_scopes() == {"histogram", "waveform", "vectorscope"}


def test_the_difference_is_from_the_look_without_its_deband(desk: DeskDriver) -> None:
    desk.show_difference()
    desk.wait()
    plain = desk.preset.override({"deband.filter": "none"})
    expected = render(desk.clip.frame(12), plain).tobytes()
    assert desk.exact_picture("reference") == expected


def test_the_banding_map_is_sent_when_the_user_asks_for_it(desk: DeskDriver) -> None:
    desk.wait()
    assert not desk.sent("map")
    desk.show_banding_map()
    desk.wait()
    maps = {
        content["side"]: np.frombuffer(opacity, np.uint8).reshape(
            content["height"], content["width"]
        )
        for content, (opacity,) in desk.sent("map")
    }
    assert maps["before"].shape == (180, 320)
    assert maps["before"].mean() > 4 * maps["after"].mean()


def test_another_scope_is_measured_when_the_user_chooses_it(desk: DeskDriver) -> None:
    desk.scopes.shown = ["parade"]
    desk.wait()
    assert desk.shown_scopes() == {"parade"}
    assert not desk.scopes.stale


def test_the_scopes_follow_a_moving_slider_with_a_smaller_picture(
    desk: DeskDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.wait()
    traces, seen = desk.scopes.traces, []
    show = desk.scopes.show

    def watch(*pictures: Any, preview: bool = False) -> None:
        show(*pictures, preview=preview)
        seen.append((preview, desk.scopes.stale, desk.scopes.traces != traces))

    monkeypatch.setattr(desk.scopes, "show", watch)
    desk.slide("Tone", "contrast", 0.5)
    desk.wait()
    assert seen == [(True, True, True), (False, False, True)]


def test_a_frame_that_cannot_be_decoded_is_an_error(tmp_path: Path) -> None:
    path = clips.long_gop(tmp_path / "long.mp4")
    desk = DeskDriver(path)
    desk.wait()
    preview = desk.preview
    desk.forget_decoded_frames()
    size = path.stat().st_size
    with path.open("r+b") as file:  # something truncates the file while the desk has it open
        file.truncate(size // 3)
    desk.go_to_frame(47)
    desk.wait()
    assert "long.mp4" in desk.error
    assert desk.preview == preview


def test_without_ffmpeg_there_is_an_error_until_it_is_back(
    desk: DeskDriver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.wait()
    preview = desk.preview
    with monkeypatch.context() as without:
        without.setenv("IMAGEIO_FFMPEG_EXE", str(tmp_path / "gone"))
        desk.type_number("Tone", "contrast", 0.5)
        desk.wait()
        assert "IMAGEIO_FFMPEG_EXE" in desk.error
        assert desk.preview == preview
    desk.type_number("Tone", "contrast", 0.6)
    desk.wait()
    assert desk.error == ""
    assert desk.preview != preview


def test_without_libvmaf_everything_but_cambi_is_shown(
    banded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = ffmpeg.program()
    without = replace(program, filters=program.filters - {"libvmaf"})
    monkeypatch.setattr(ffmpeg, "program", lambda: without)
    desk = DeskDriver(banded)
    desk.wait()
    assert "libvmaf" in desk.error
    assert len(desk.exact_picture("after")) > 1000
    assert "bit depth" in desk.text().lower()


def test_a_picture_too_small_for_cambi_is_no_error(untagged: Path) -> None:
    desk = DeskDriver(untagged)
    desk.wait()
    assert len(desk.exact_picture("after")) > 1000
    assert desk.error == ""
