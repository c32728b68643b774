"""A workbench for grading and checking clips: banded 8-bit MP4 in, verified ProRes 422 HQ out.

A clip is pulled, given a look, measured, delivered; a batch does that to many; the desk lets a
colorist do it by hand. Each folder is one word of that sentence, and imports run only from left to
right:

    errors, arguments, model, owned, files, ffmpeg, atoms, opening, colour, frames, reader, clip,
        ending, probe -> measure -> look -> deliver -> batch

    errors    every error the package raises        arguments wrong types, refused
    model     wrong values of models, refused       owned     temporary files
    files     named only when they are whole        ffmpeg    the one door to the program
    atoms     what MP4 files are made of            opening   what may come in, and how much
    colour    range, primaries, transfer, matrix    frames    planar pictures
    reader    frames by index, cached               clip      what a file is, and its frames
    ending    whether a file was cut                probe     reads a file into a clip
    measure   what is seen in a picture             look      what is done to a picture
    deliver   encode, verify, record                batch     many clips
    desk      what a person sees and touches        service   clips converted over HTTP
    demo      a sample clip, converted              cli       the command

The names below are the public ones; each is loaded when it is first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.batch.batch import run_batch
    from workbench.batch.notebooks import run_notebook
    from workbench.batch.outcome import Outcome, Standing, read_outcomes
    from workbench.batch.parameters import refuse_unknown_parameters
    from workbench.batch.settings import Settings
    from workbench.deliver.encode import convert, destination_for
    from workbench.deliver.policy import Policy, load_policy
    from workbench.deliver.recheck import recheck
    from workbench.deliver.recipe import Recipe, read_recipe
    from workbench.deliver.record import write_record
    from workbench.deliver.report import write_report
    from workbench.deliver.verify import Delivery
    from workbench.errors import WorkbenchError
    from workbench.look.compare import Comparison, compare
    from workbench.look.preset import Preset, load_preset, save_preset
    from workbench.look.render import render
    from workbench.look.suggest import Suggestion, suggest
    from workbench.media.clip import Clip
    from workbench.media.frames import Frame
    from workbench.media.probe import open_clip

__version__ = "0.1.0"

_HOME = {
    "Clip": "media.clip",
    "Comparison": "look.compare",
    "Delivery": "deliver.verify",
    "Frame": "media.frames",
    "Preset": "look.preset",
    "Outcome": "batch.outcome",
    "Policy": "deliver.policy",
    "Recipe": "deliver.recipe",
    "Settings": "batch.settings",
    "Standing": "batch.outcome",
    "Suggestion": "look.suggest",
    "WorkbenchError": "errors",
    "compare": "look.compare",
    "convert": "deliver.encode",
    "destination_for": "deliver.encode",
    "open_clip": "media.probe",
    "load_policy": "deliver.policy",
    "load_preset": "look.preset",
    "read_outcomes": "batch.outcome",
    "read_recipe": "deliver.recipe",
    "recheck": "deliver.recheck",
    "refuse_unknown_parameters": "batch.parameters",
    "render": "look.render",
    "run_batch": "batch.batch",
    "run_notebook": "batch.notebooks",
    "save_preset": "look.preset",
    "suggest": "look.suggest",
    "write_record": "deliver.record",
    "write_report": "deliver.report",
}

__all__ = [
    "Clip",
    "Comparison",
    "Delivery",
    "Frame",
    "Outcome",
    "Policy",
    "Preset",
    "Recipe",
    "Settings",
    "Standing",
    "Suggestion",
    "WorkbenchError",
    "compare",
    "convert",
    "destination_for",
    "load_policy",
    "load_preset",
    "open_clip",
    "read_outcomes",
    "read_recipe",
    "recheck",
    "refuse_unknown_parameters",
    "render",
    "run_batch",
    "run_notebook",
    "save_preset",
    "suggest",
    "write_record",
    "write_report",
]


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(f"workbench.{_HOME[name]}"), name)
