"""Viewer: the messages that it sends to the browser and receives."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from workbench.desk.viewer import Viewer, jpeg
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.media.frames import Frame
from workbench.media.probe import open_clip


class Sent(list[tuple[dict[str, Any], list[bytes]]]):
    """The messages that a viewer sent to the browser."""

    def watch(self, viewer: Viewer, monkeypatch: pytest.MonkeyPatch) -> "Sent":
        monkeypatch.setattr(
            viewer, "send", lambda content, buffers=(): self.append((content, list(buffers)))
        )
        return self


def frame(path: Path) -> Frame:
    with open_clip(path) as clip:
        return clip.frame(3)


def test_an_exact_picture_is_the_frames_bytes(
    untagged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = frame(untagged)
    after = render(source, load_preset("smooth"))
    viewer = Viewer()
    sent = Sent().watch(viewer, monkeypatch)
    viewer.show_exact("before", source, 1)
    viewer.show_exact("after", after, 7)
    (_, before_planes), (layout, planes) = sent
    assert b"".join(before_planes) == source.tobytes()
    assert b"".join(planes) == after.tobytes()
    assert (layout["bits"], layout["chroma"], layout["generation"]) == (10, [2, 1], 7)
    assert (layout["width"], layout["height"], layout["full"]) == (320, 180, False)
    assert layout["red"] == pytest.approx(0.2126)  # BT.709's


def test_a_view_that_opens_later_receives_the_exact_pictures(
    untagged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    viewer = Viewer()
    viewer.show_exact("before", frame(untagged), 1)
    sent = Sent().watch(viewer, monkeypatch)
    viewer._handle_custom_msg({"command": "view_opened"}, [])
    assert [content["side"] for content, _ in sent] == ["before"]


def test_commands_reach_the_desk() -> None:
    heard: list[str] = []
    viewer = Viewer(heard.append)
    viewer._handle_custom_msg({"command": "undo"}, [])
    viewer._handle_custom_msg({"nonsense": 1}, [])
    assert heard[0] == "undo"


def test_a_jpeg_shows_the_frame(untagged: Path) -> None:
    source = frame(untagged)
    with Image.open(io.BytesIO(jpeg(source))) as shown:
        error = np.abs(np.asarray(shown, int) - source.rgb().astype(int))
    assert shown.size == (source.width, source.height)
    assert error.mean() < 2


def test_a_clip_sets_the_frame_count_and_the_timing(untagged: Path) -> None:
    viewer = Viewer()
    with open_clip(untagged) as clip:
        viewer.set_clip(clip)
    assert viewer.clip == {
        "path": str(untagged),
        "frames": 24,
        "rate": 24.0,
        "even": True,
        "aspect": 1.0,
        "times": [],
    }
