"""Scopes: the traces and histograms that the widget sends are the measured ones."""

from pathlib import Path

import numpy as np
import pytest

from workbench.desk.scopes import KINDS, Scopes
from workbench.look.preset import load_preset
from workbench.look.render import render
from workbench.measure import scopes as measured
from workbench.measure.code_values import count_code_values
from workbench.media.probe import open_clip


@pytest.mark.parametrize("kind", KINDS)
def test_traces_and_histograms_belong_to_both_pictures(untagged: Path, kind: str) -> None:
    with open_clip(untagged) as clip:
        before = clip.frame(0)
    after = render(before, load_preset("smooth"))
    scopes = Scopes()
    scopes.stale = True
    scopes.kind = kind
    scopes.show(before, after)
    layout, found = scopes.geometry, np.frombuffer(scopes.traces, np.uint8)
    size = layout["channels"] * layout["rows"] * layout["columns"]
    assert found.size == size + layout["channels"] * layout["rows"] * layout["after_columns"]
    measure = {
        "waveform": measured.waveform,
        "parade": measured.rgb_parade,
        "vectorscope": measured.vectorscope,
    }[kind]
    assert np.array_equal(found[:size] > 0, measure(before).ravel() > 0)
    shares = np.frombuffer(scopes.histograms, np.float32).reshape(2, 1024)
    assert shares.sum(axis=1) == pytest.approx([1, 1])
    assert np.count_nonzero(shares[1]) == count_code_values(after).occupied
    assert not scopes.stale
