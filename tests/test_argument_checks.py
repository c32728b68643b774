"""Wrong types and values, given to every public function, method and model: each is an error of the
package, and nothing is made."""

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel

import workbench
from workbench.errors import (
    BatchError,
    ClipNotFound,
    NoSuchFrame,
    ParameterError,
    PolicyError,
    PresetError,
    WorkbenchError,
)

JUNK: tuple[Any, ...] = (
    *(None, True, -3, 0, 1.5, math.nan, math.inf, "", "no such thing", "nul\0", b"bytes", [], {}),
    *([3], {"no such": 3}, {3: 3}, object(), len),
)


@dataclass(frozen=True)
class Given:
    """Right values for everything, of which the tests replace one at a time."""

    clip: workbench.Clip
    frame: workbench.Frame
    preset: workbench.Preset
    delivery: workbench.Delivery
    outcome: workbench.Outcome
    folder: Path


def right(*kinds: type, values: tuple[Any, ...] = ()) -> Callable[[Any], bool]:
    """Return what tells which of JUNK is no junk for a parameter: these types, and these values."""

    def test(value: Any) -> bool:
        fits = isinstance(value, kinds) and not (isinstance(value, bool) and bool not in kinds)
        return fits or any(value is one for one in values)

    return test


OPTIONAL = right(values=(None,))
FLAG = right(bool)
FUNCTION = right(values=(None, len))
PATH = right()  # no junk value names an existing file
Row = tuple[
    Callable[[Given], Callable[..., Any]], Callable[[Given], dict[str, Any]], dict[str, Any]
]

TABLE: dict[str, Row] = {
    "Clip.frame": (
        lambda given: given.clip.frame,
        lambda _: {"index": 0},
        {"index": right(int, bool)},  # True is 1 to Python as well
    ),
    "Clip.frames": (
        lambda given: given.clip.frames,
        lambda _: {"indices": [0]},
        {"indices": lambda value: value is None or value in ([], [3])},
    ),
    "Clip.sample": (lambda given: given.clip.sample, lambda _: {"n": 1}, {"n": right()}),
    "Clip.with_range": (
        lambda given: given.clip.with_range,
        lambda _: {"range": None},
        {"range": OPTIONAL},
    ),
    "Frame.with_matrix": (
        lambda given: given.frame.with_matrix,
        lambda _: {"matrix": None},
        {"matrix": OPTIONAL},
    ),
    "Frame.downscaled": (
        lambda given: given.frame.downscaled,
        lambda _: {"longest": 64},
        {"longest": right()},
    ),
    "Frame.frombytes": (
        lambda _: workbench.Frame.frombytes,
        lambda given: {
            "data": bytes(96),
            "width": 8,
            "height": 8,
            "pixel_format": "yuv420p",
            "colour": given.frame.colour,
        },
        {"data": right(), "width": right(), "height": right(), "pixel_format": right()},
    ),
    "Preset.override": (
        lambda given: given.preset.override,
        lambda _: {"overrides": {}},
        {"overrides": lambda value: value == {}},
    ),
    "Preset.with_matrix": (
        lambda given: given.preset.with_matrix,
        lambda _: {"matrix": None},
        {"matrix": OPTIONAL},
    ),
    "Preset.renamed": (
        lambda given: given.preset.renamed,
        lambda _: {"name": "mine"},
        {"name": lambda value: value == "no such thing"},
    ),
    "Standing.count": (
        lambda _: workbench.Standing(1).count,
        lambda given: {"outcome": given.outcome},
        {"outcome": right()},
    ),
    "Settings": (
        lambda _: workbench.Settings,
        lambda _: {},
        {
            "preset": OPTIONAL,
            "overrides": lambda value: value == {},
            "encoder": OPTIONAL,
            "frame_rate": right(values=(None, 1.5)),
            "audio_rate": OPTIONAL,
            "assume_matrix": OPTIONAL,
            "input_range": OPTIONAL,
            "policy": right(),
            "every_frame": lambda value: isinstance(value, bool) or value == 0,
            "no_such_setting": right(),
        },
    ),
    "Settings.changed": (
        lambda _: workbench.Settings().changed,
        lambda _: {},
        {"values": lambda value: value is None, "frame_rate": right(values=(None, 1.5))},
    ),
    "Policy": (
        lambda _: workbench.Policy,
        lambda _: {"name": "mine"},
        {"name": lambda value: isinstance(value, str | bytes) and value != "", "cambi": OPTIONAL},
    ),
    "Preset": (
        lambda _: workbench.Preset,
        lambda _: {"name": "mine"},
        {"name": lambda value: value == "no such thing", "deband": right(), "tone": right()},
    ),
    "Outcome": (
        lambda _: workbench.Outcome,
        lambda _: {"name": "a", "source": "a.mp4", "state": "failed"},
        {"name": right(str, bytes), "state": right(), "verdict": OPTIONAL, "no_such": right()},
    ),
    "compare": (
        lambda _: workbench.compare,
        lambda given: {"sources": [given.frame], "preset": given.preset},
        {
            "sources": right(),
            "preset": OPTIONAL,
            "delivered": OPTIONAL,
            "coarse": FLAG,
            "target": right(),
            "cancellation": OPTIONAL,
        },
    ),
    "convert": (
        lambda _: workbench.convert,
        lambda given: {
            "source": given.clip,
            "destination": given.folder / "out.mov",
            "settings": given.delivery.settings,
        },
        {
            "source": PATH,
            "destination": OPTIONAL,
            "settings": right(),
            "report": FLAG,
            "overwrite": FLAG,
            "on_progress": FUNCTION,
            "on_checked": FUNCTION,
            "cancellation": OPTIONAL,
        },
    ),
    "destination_for": (
        lambda _: workbench.destination_for,
        lambda given: {"source": given.clip.path},
        {"source": right(str), "destination": OPTIONAL, "overwrite": FLAG, "format": right()},
    ),
    "load_policy": (lambda _: workbench.load_policy, lambda _: {"name": ""}, {"name": right()}),
    "load_preset": (lambda _: workbench.load_preset, lambda _: {"name": ""}, {"name": right()}),
    "open_clip": (lambda _: workbench.open_clip, lambda _: {"path": ""}, {"path": PATH}),
    "read_outcomes": (lambda _: workbench.read_outcomes, lambda _: {"path": ""}, {"path": PATH}),
    "recheck": (
        lambda _: workbench.recheck,
        lambda given: {"source": given.clip, "delivered": given.delivery.destination},
        {
            "source": PATH,
            "delivered": PATH,
            "settings": OPTIONAL,
            "report": FLAG,
            "on_progress": FUNCTION,
            "cancellation": OPTIONAL,
        },
    ),
    "refuse_unknown_parameters": (
        lambda _: workbench.refuse_unknown_parameters,
        lambda _: {"cells": []},
        {"cells": lambda value: value == []},
    ),
    "render": (
        lambda _: workbench.render,
        lambda given: {"frame": given.frame, "preset": given.preset},
        {"frame": right(), "preset": right(), "cancellation": OPTIONAL, "target": right()},
    ),
    "run_batch": (
        lambda _: workbench.run_batch,
        lambda given: {"sources": given.clip.path, "out": given.folder / "out"},
        {
            "sources": right(),
            "out": right(str),
            "settings": OPTIONAL,
            "sweep": lambda value: value == [],
            "workers": OPTIONAL,
            "scheduler": lambda value: value is None or value in ("no such thing", "nul\0"),
            "profile": right(str, values=(None,)),
            "temp": OPTIONAL,
            "time_limit": right(values=(None, 1.5)),
            "overwrite": FLAG,
            "on_change": FUNCTION,
            "on_outcome": FUNCTION,
        },
    ),
    "run_notebook": (
        lambda _: workbench.run_notebook,
        lambda given: {
            "notebook": given.folder / "a.ipynb",
            "output": given.folder / "b.ipynb",
            "parameters": {},
        },
        {"notebook": PATH, "output": right(str), "parameters": right()},
    ),
    "save_preset": (
        lambda _: workbench.save_preset,
        lambda given: {"preset": given.preset, "path": given.folder / "mine.toml"},
        {"preset": right(), "path": right(), "overwrite": FLAG},
    ),
    "suggest": (
        lambda _: workbench.suggest,
        lambda given: {"clip": given.clip},
        {"clip": right(), "base": OPTIONAL, "on_progress": FUNCTION, "cancellation": OPTIONAL},
    ),
    "write_record": (
        lambda _: workbench.write_record,
        lambda given: {"delivery": given.delivery},
        {"delivery": right()},
    ),
    "write_report": (
        lambda _: workbench.write_report,
        lambda given: {"delivery": given.delivery, "figures": {}},
        {"delivery": right(), "figures": lambda value: value == {}},
    ),
}


@pytest.fixture(scope="module")
def given(banded: Path, tmp_path_factory: pytest.TempPathFactory) -> Given:
    folder = tmp_path_factory.mktemp("given")
    clip = workbench.open_clip(banded)
    return Given(
        clip=clip,
        frame=clip.frame(0),
        preset=workbench.load_preset("smooth"),
        delivery=workbench.convert(clip, folder / "a.mov", workbench.Settings(preset="classic")),
        outcome=workbench.Outcome(name="a", source="a.mp4", state="failed"),
        folder=folder,
    )


def sentence(call: Callable[[], Any], what: str) -> str:
    """Return what a call says when it refuses."""
    try:
        call()
    except WorkbenchError as error:
        return str(error)
    pytest.fail(f"{what} was taken")


@pytest.mark.parametrize(
    ("name", "parameter"),
    [(name, parameter) for name, (_, _, parameters) in TABLE.items() for parameter in parameters],
)
def test_a_wrong_argument_is_an_error_of_the_package(
    given: Given, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, parameter: str
) -> None:
    monkeypatch.chdir(tmp_path)  # where a path that was taken for one would leave something
    before = sorted(given.folder.iterdir())
    find, values, parameters = TABLE[name]
    for junk in JUNK:
        if parameters[parameter](junk):
            continue
        call = functools.partial(find(given), **{**values(given), parameter: junk})
        said = sentence(call, f"{name}({parameter}={junk!r})")
        assert said
        assert "\n" not in said
    assert list(tmp_path.iterdir()) == []
    assert sorted(given.folder.iterdir()) == before


def public() -> dict[str, Mapping[str, inspect.Parameter]]:
    """Return every public function, and method of a public class, that takes arguments."""
    found: dict[str, Mapping[str, inspect.Parameter]] = {}
    for name in workbench.__all__:
        one = getattr(workbench, name)
        if not inspect.isclass(one):
            found[name] = inspect.signature(one).parameters
            continue
        if issubclass(one, WorkbenchError):
            continue
        for method, what in vars(one).items():
            own = not method.startswith("_") and method not in vars(BaseModel)
            if own and (inspect.isfunction(what) or isinstance(what, classmethod)):
                parameters = dict(inspect.signature(getattr(one, method)).parameters)
                parameters.pop("self", None)
                if parameters:
                    found[f"{one.__name__}.{method}"] = parameters
    return found


@pytest.mark.parametrize("name", sorted(public()))
def test_the_table_has_every_public_function_and_each_of_its_parameters(name: str) -> None:
    missing = set(public()[name]) - set(TABLE[name][2])
    assert missing <= {"colour"}, f"{name}: {missing}"


def test_frames_that_do_not_belong_together_are_not_compared(given: Given) -> None:
    small = given.frame.downscaled(160)
    with pytest.raises(ParameterError, match="sources are empty: give at least one Frame"):
        workbench.compare([], given.preset)
    with pytest.raises(
        ParameterError, match=r"differ in size or format \(160x90 yuv420p, 640x360 yuv420p\)"
    ):
        workbench.compare([given.frame, small], given.preset)
    with pytest.raises(ParameterError, match="frames of 640x360 cannot be compared with frames of"):
        workbench.compare([given.frame], given.preset, [small])
    with pytest.raises(ParameterError, match="1 frames cannot be compared with 2"):
        workbench.compare([given.frame], given.preset, [given.frame, given.frame])
    with pytest.raises(ParameterError, match="there is nothing to compare with"):
        workbench.compare([given.frame], None)


def test_indices_and_times_of_a_clip(given: Given) -> None:
    clip = given.clip
    assert clip.frame_count == 24
    with pytest.raises(NoSuchFrame, match=r"frames 0 to 23; there is no frame 24"):
        clip.frame(24)
    with pytest.raises(NoSuchFrame, match=r"there is no frame -25"):
        clip.frame(-25)
    assert clip.frame(-24).index == 0
    assert clip.frame(np.int64(23)).index == 23
    with pytest.raises(ParameterError, match=r"1\.5 is not a frame index"):
        clip.frame(1.5)  # type: ignore[arg-type]
    assert [frame.index for frame in clip.frames([-24, -1])] == [0, 23]
    for wrong in ([3, 1], [3, 3], [-1, 0]):
        with pytest.raises(ParameterError, match="give them in ascending order"):
            clip.frames(wrong)
    with pytest.raises(NoSuchFrame):
        clip.frames([0, 24])


def test_a_file_that_holds_no_outcomes_is_said(given: Given, tmp_path: Path) -> None:
    for content in (given.clip.path.read_bytes(), b"\xff\xfe", b"{}", b"[1]", b"text"):
        (tmp_path / "summary.jsonl").write_bytes(content)
        with pytest.raises(BatchError, match=r"is not the summary\.jsonl of a batch"):
            workbench.read_outcomes(tmp_path / "summary.jsonl")
    with pytest.raises(ClipNotFound, match="cannot be read: is a directory"):
        workbench.read_outcomes(tmp_path)


def test_a_path_as_text_is_as_good_as_a_path() -> None:
    assert workbench.destination_for("a/shot.mp4") == Path("a/shot_prores.mov")
    with pytest.raises(ParameterError, match="the destination is empty: fill it in"):
        workbench.destination_for("a/shot.mp4", "")


def test_a_misspelt_setting_is_answered_with_the_one_that_was_meant() -> None:
    with pytest.raises(ParameterError, match=r"^overides is not known; did you mean overrides\?$"):
        workbench.Settings(overides={})  # type: ignore[call-arg]
    with pytest.raises(PresetError, match="Deband must be a table"):
        workbench.Preset(name="mine", deband=3)  # type: ignore[arg-type]
    with pytest.raises(PolicyError, match="Cambi must be a table"):
        workbench.Policy(name="mine", cambi=3)  # type: ignore[arg-type]
