"""Scopes: the traces and histograms that the widget sends are the measured ones."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from workbench.desk.scopes import KINDS, ZOOMS, Scopes
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure import scopes as measured
from workbench.measure.code_values import count_code_values
from workbench.media.colour import Colour
from workbench.media.frames import Frame
from workbench.media.probe import open_clip


@pytest.fixture(scope="module")
def pictures(untagged: Path) -> tuple[Frame, Frame]:
    with open_clip(untagged) as clip:
        before = clip.frame(0)
    return before, render(before, load_preset("smooth"))


def sent(scopes: Scopes) -> dict[tuple[str, str], NDArray[np.uint8]]:
    """Return the traces by kind and side."""
    found, at = {}, 0
    values = np.frombuffer(scopes.traces, np.uint8)
    for part in scopes.graphs["parts"]:
        shape = part["channels"], part["rows"], part["columns"]
        size = shape[0] * shape[1] * shape[2]
        found[part["kind"], part["side"]] = values[at : at + size].reshape(shape)
        at += size
    assert at == values.size
    return found


def test_traces_belong_to_both_pictures(pictures: tuple[Frame, Frame]) -> None:
    scopes = Scopes()
    scopes.stale = True
    scopes.shown = list(KINDS)
    scopes.show(*pictures)
    found = sent(scopes)
    assert list(found) == [(kind, side) for kind in KINDS for side in ("before", "after")]
    measures = {
        "waveform": measured.waveform,
        "parade": measured.rgb_parade,
        "vectorscope": measured.vectorscope,
    }
    for side, picture in zip(("before", "after"), pictures, strict=True):
        for kind, measure in measures.items():
            assert np.array_equal(found[kind, side].ravel() > 0, measure(picture).ravel() > 0)
        heights = found["histogram", side]
        assert heights.shape == (1, 1, 1024)
        assert np.count_nonzero(heights) == count_code_values(picture).occupied
    assert not scopes.stale


def test_only_the_scopes_that_the_user_chose_are_measured(pictures: tuple[Frame, Frame]) -> None:
    scopes = Scopes()
    scopes.shown = ["parade"]
    scopes.show(*pictures, "still 1", preview=True)
    assert {kind for kind, _ in sent(scopes)} == {"parade"}
    assert scopes.graphs["names"]["before"] == "still 1"
    assert scopes.stale  # a preview is not the picture that the encoder receives


@pytest.mark.parametrize("zoom", ZOOMS)
def test_the_vectorscope_zooms_around_grey(zoom: int) -> None:
    luma = np.full((2, 4), 512, np.uint16)
    cb, cr = np.array([[512, 612]] * 2, np.uint16), np.full((2, 2), 512, np.uint16)
    frame = Frame(luma, cb, cr, "yuv422p10le", 10, Colour())
    counts = measured.vectorscope(frame, zoom)
    row, column = np.nonzero(counts)
    assert set(row) == {128}
    assert set(column) == {128, 128 + min(127, 100 * zoom // 4)}
    assert counts.sum() == 4
