"""A workbench for grading and checking clips: banded 8-bit MP4 in, verified ProRes 422 HQ out.

Open a clip, give it a look, measure it, deliver it. A batch does that for many clips, the desk lets
a colorist do it interactively, the service does it over HTTP. The folders are named after these
steps. Each module imports only from those above it in this list:

    errors           the errors that callers catch, as a tree
    argument_checks  checks and parsing of arguments that public functions share
    host_check       which Host headers name this machine
    model            pydantic models that raise this package's errors
    signals          delay, ignore and translate SIGINT and SIGTERM
    temporary        temporary files and folders, and their cleanup
    files            atomic writes, checksums, files that users wrote
    ffmpeg           find, query, run and cancel the ffmpeg program
    media            read clips: containers, colour tags, frames
    measure          the list of metrics; banding, contour, texture, levels, scopes, loudness
    look             presets, the filter chain, curves, LUTs; compare before and after
    deliver          settings, format, encode, verify, QC, record, report
    storage          local folders and S3
    batch            many clips
    present          tables, progress bars, overviews
    desk             the interactive desk
    service          conversion over HTTP
    demo             a sample clip, converted
    notebook_server  JupyterLab and the desk's page, for this user alone
    cli              the command

The public names below are loaded when they are first used, so that `import workbench` is fast.
"""

from importlib import import_module

TYPE_CHECKING = False  # type checkers know this name; importing it takes as long as all the rest

# Type checkers and editors read these imports; Python reads the table below. A single list would
# either lose the types or load every module at once. A test compares the two.
if TYPE_CHECKING:
    from typing import Any

    from workbench.batch.batch import run_batch as run_batch
    from workbench.batch.notebooks import run_notebook as run_notebook
    from workbench.batch.outcome import Outcome as Outcome
    from workbench.batch.outcome import Standing as Standing
    from workbench.batch.outcome import read_outcomes as read_outcomes
    from workbench.batch.parameters import refuse_unknown_parameters as refuse_unknown_parameters
    from workbench.deliver.destination import destination_for as destination_for
    from workbench.deliver.encode import convert as convert
    from workbench.deliver.policy import Policy as Policy
    from workbench.deliver.policy import load_policy as load_policy
    from workbench.deliver.recheck import recheck as recheck
    from workbench.deliver.record import write_record as write_record
    from workbench.deliver.report import write_report as write_report
    from workbench.deliver.settings import Settings as Settings
    from workbench.deliver.verify import Delivery as Delivery
    from workbench.errors import WorkbenchError as WorkbenchError
    from workbench.look.compare import Comparison as Comparison
    from workbench.look.compare import compare as compare
    from workbench.look.preset import Preset as Preset
    from workbench.look.preset import load_preset as load_preset
    from workbench.look.preset import save_preset as save_preset
    from workbench.look.render import render as render
    from workbench.look.suggest import Suggestion as Suggestion
    from workbench.look.suggest import suggest as suggest
    from workbench.media.clip import Clip as Clip
    from workbench.media.frames import Frame as Frame
    from workbench.media.probe import open_clip as open_clip

__version__ = "0.1.0"

_MODULES = {
    "run_batch": "batch.batch",
    "run_notebook": "batch.notebooks",
    "Outcome": "batch.outcome",
    "Standing": "batch.outcome",
    "read_outcomes": "batch.outcome",
    "refuse_unknown_parameters": "batch.parameters",
    "destination_for": "deliver.destination",
    "convert": "deliver.encode",
    "Policy": "deliver.policy",
    "load_policy": "deliver.policy",
    "recheck": "deliver.recheck",
    "write_record": "deliver.record",
    "write_report": "deliver.report",
    "Settings": "deliver.settings",
    "Delivery": "deliver.verify",
    "WorkbenchError": "errors",
    "Comparison": "look.compare",
    "compare": "look.compare",
    "Preset": "look.preset",
    "load_preset": "look.preset",
    "save_preset": "look.preset",
    "render": "look.render",
    "Suggestion": "look.suggest",
    "suggest": "look.suggest",
    "Clip": "media.clip",
    "Frame": "media.frames",
    "open_clip": "media.probe",
}
"""The module of each public name."""

__all__ = sorted(_MODULES)


def __dir__() -> list[str]:
    return __all__


def __getattr__(name: str) -> "Any":
    if name not in _MODULES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(f"workbench.{_MODULES[name]}"), name)
