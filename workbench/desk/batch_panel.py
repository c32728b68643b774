"""Batch panel: delivers the listed clips with the current look, as a batch does."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

import ipywidgets as widgets

from workbench.batch.batch import run_batch
from workbench.batch.outcome import Outcome, Standing
from workbench.batch.summary import PAGE
from workbench.deliver.settings import Settings
from workbench.desk.encode_panel import ReportLink
from workbench.desk.latest_worker import LatestWorker
from workbench.desk.layout import labelled
from workbench.desk.status_line import StatusLine
from workbench.errors import Cancelled, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.files import expanded
from workbench.present.tables import outcome_text
from workbench.storage.locations import is_remote, open_storage

_FOLDER = "delivered"


@dataclass(frozen=True)
class BatchRequest:
    """Clips to deliver with one look."""

    sources: Sequence[str]
    destination: str
    settings: Settings
    overwrite: bool


class BatchPanel:
    """Runs a batch in a background thread."""

    def __init__(
        self,
        get_settings: Callable[[], Settings],
        get_folder: Callable[[], Path],
        status: StatusLine,
        on_running: Callable[[bool], None],
    ) -> None:
        """Create a panel.

        `get_settings` returns the current look and the delivery options. `get_folder` returns the
        folder in which `delivered` is made when no destination is named. The panel calls
        `on_running` where a batch starts and where it ends.
        """
        self._get_settings, self._get_folder = get_settings, get_folder
        self._status, self._on_running = status, on_running
        self._worker: LatestWorker[BatchRequest] = LatestWorker(self._run)
        self.clips = widgets.SelectMultiple(
            rows=8, tooltip="The clips to deliver. Hold ctrl or shift to choose several."
        )
        self.clips.add_class("wb-clips")
        self.destination = widgets.Text(
            placeholder=f"{_FOLDER}, in the clips' folder",
            tooltip="Where the files go: a folder, or s3://bucket/folder.",
        )
        self.overwrite = widgets.Checkbox(description="Overwrite existing files", indent=False)
        self.start_button = widgets.Button(
            button_style="primary",
            tooltip="Convert and check every chosen clip, and write a summary.",
        )
        self.cancel_button = widgets.Button(
            description="Cancel", tooltip="Stop the batch. Delivered clips stay.", disabled=True
        )
        self.cancel_button.add_class("wb-cancel")  # see pending_changes.js
        self._bar = widgets.FloatProgress(max=1, layout=widgets.Layout(visibility="hidden"))
        self.result = widgets.HTML()
        self.summary = ReportLink()
        self.outcomes = widgets.HTML()
        self._label_button()
        self.clips.observe(self._label_button, "value")
        self.start_button.on_click(lambda _: self.start())
        self.cancel_button.on_click(lambda _: self._worker.cancel())
        self.widget = widgets.VBox(
            [
                self.clips,
                labelled("folder", self.destination),
                labelled("", self.overwrite),
                widgets.HBox([self.start_button, self.cancel_button]),
                self._bar,
                self.result,
                self.summary,
                self.outcomes,
            ]
        )

    def _label_button(self, _: object = None) -> None:
        chosen, listed = len(self.clips.value), len(self.clips.options)
        count = "all" if chosen == listed else f"{chosen} of {listed}"
        self.start_button.description = f"Deliver {count} with this look"

    def show(self, clips: Mapping[str, str]) -> None:
        """List clips, the location of each by its name, and choose all of them."""
        if self.clips.options != tuple(clips.items()):
            self.clips.options = tuple(clips.items())
            self.clips.value = tuple(clips.values())

    @property
    def folder(self) -> Path | None:
        """The folder that the files go to, or None for a bucket. Raises ParameterError."""
        typed = self.destination.value.strip()
        if is_remote(typed):
            return None
        return expanded(typed) if typed else self._get_folder() / _FOLDER

    def start(self) -> None:
        """Start a batch, unless one is running already."""
        if not self._worker.wait(0):
            self._show("A batch is running already. Wait for it, or cancel it.")
            return
        if not self.clips.value:
            self._show("No clip is chosen. Choose a folder under Clip first.")
            return
        try:
            settings = self._get_settings()
            destination = str(self.folder or self.destination.value.strip())
        except WorkbenchError as error:
            self._show(str(error))
            return
        self.summary.html = self.outcomes.value = ""
        self.cancel_button.disabled = False
        self._bar.value, self._bar.layout.visibility = 0, "visible"
        self._on_running(True)
        self._worker.submit(
            BatchRequest(self.clips.value, destination, settings, self.overwrite.value)
        )

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the batch ends. Return False if that takes over `timeout` seconds."""
        return self._worker.wait(timeout)

    def _run(self, request: BatchRequest, cancellation: Cancellation) -> None:
        try:
            with self._status.running("Starting a batch") as change:

                def on_change(standing: Standing) -> None:
                    cancellation.raise_if_requested()
                    self._bar.value = standing.done / max(standing.total, 1)
                    self._show(str(standing))
                    change(f"Batch: {standing.done} of {standing.total} clips")

                standing = run_batch(
                    *(request.sources, request.destination, request.settings),
                    overwrite=request.overwrite,
                    on_change=on_change,
                    on_outcome=self._add,
                )
            self._show(f"{standing}; {request.destination}")
            page = open_storage(request.destination).read(PAGE)
            with self.summary.hold_sync():
                self.summary.text = "Open the summary"
                self.summary.html = page.decode("utf-8") if page else ""
        except Cancelled:
            self._show("Cancelled. Clips that were delivered stay; start again to resume.")
        except WorkbenchError as error:
            self._show(str(error))
        except Exception as error:  # an unforeseen error must not end the desk
            self._show(f"The batch failed: {type(error).__name__}: {error}")
        finally:
            self._on_running(False)
            self.cancel_button.disabled = True
            self._bar.layout.visibility = "hidden"

    def _add(self, outcome: Outcome) -> None:
        self.outcomes.value += f"<p>{escape(outcome_text(outcome))}</p>"

    def _show(self, text: str) -> None:
        self.result.value = escape(text)
