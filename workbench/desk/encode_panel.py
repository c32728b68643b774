"""Encode panel: delivers the clip, with the ffmpeg command, progress, cancel and QC findings."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

from workbench import ffmpeg
from workbench.deliver.command import encode_command
from workbench.deliver.destination import destination_for
from workbench.deliver.encode import convert
from workbench.deliver.format import PRORES_422_HQ
from workbench.deliver.qc import verdict_in_words
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.desk.bundle import WEB, bundle
from workbench.desk.latest_worker import LatestWorker
from workbench.desk.layout import labelled
from workbench.desk.status_line import StatusLine
from workbench.errors import Cancelled, WorkbenchError
from workbench.files import expanded
from workbench.look.preset import Preset
from workbench.media.clip import Clip
from workbench.media.colour import InputRange
from workbench.present.tables import findings_table

_ENCODING_SHARE = 0.8  # of the progress bar; checking is the rest, about as long as it takes


class ReportLink(anywidget.AnyWidget):
    """A link that opens an HTML page in a new tab. The page itself is sent to the browser."""

    _esm = bundle(WEB / "report_link.js")

    html = traitlets.Unicode("").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)


@dataclass(frozen=True)
class EncodeSource:
    """What the desk shows, and where its file goes if no destination is named."""

    clip: Clip
    preset: Preset
    folder: Path
    input_range: InputRange | None = None


@dataclass(frozen=True)
class EncodeRequest:
    """A clip to deliver."""

    clip: Clip
    settings: Settings
    destination: Path
    overwrite: bool


class EncodePanel:
    """Encodes the clip under the current look in a background thread."""

    def __init__(
        self,
        get_source: Callable[[], EncodeSource | None],
        status: StatusLine,
        on_running: Callable[[bool], None],
    ) -> None:
        """Create a panel.

        `get_source` returns None while there is no clip. The panel calls `on_running` where an
        encode starts and where it ends.
        """
        self._get_source, self._status, self._on_running = get_source, status, on_running
        self._worker: LatestWorker[EncodeRequest] = LatestWorker(self._encode)
        self.destination = widgets.Text(
            placeholder="beside the clip",
            tooltip="Where to write the file: a .mov file or a folder. The file of a bucket's clip "
            "goes to the notebook's folder by default.",
        )
        self.encoder = widgets.Dropdown(
            options=[("finest (fast)", "finest"), ("search (plain ffmpeg command)", "search")],
            tooltip="Both deliver the same picture. Search takes several times as long.",
        )
        self.frame_rate = widgets.Text(
            placeholder="as the clip",
            tooltip="Constant frame rate, such as 24 or 24000/1001. Empty keeps the clip's timing.",
        )
        self.audio_rate = widgets.Dropdown(
            options=[("as the clip", None), ("48 kHz", 48_000), ("96 kHz", 96_000)],
            tooltip="Sample rate of the sound.",
        )
        self.overwrite = widgets.Checkbox(description="Overwrite existing file", indent=False)
        self.start_button = widgets.Button(
            description="Encode",
            button_style="primary",
            tooltip=f"Write the {PRORES_422_HQ.codec} file and check it.",
        )
        self.cancel_button = widgets.Button(
            description="Cancel", tooltip="Stop encoding.", disabled=True
        )
        self.cancel_button.add_class("wb-cancel")  # see pending_changes.js
        self._bar = widgets.FloatProgress(max=1, layout=widgets.Layout(visibility="hidden"))
        self.result = widgets.HTML()
        self.command = widgets.HTML()
        self.report = ReportLink()
        self.findings = widgets.HTML()
        self.start_button.on_click(lambda _: self.start())
        self.cancel_button.on_click(lambda _: self._worker.cancel())
        self.widget = widgets.VBox(
            [
                labelled("Deliver", widgets.HTML(f"<b>{PRORES_422_HQ.label}</b>")),
                labelled("file", self.destination),
                labelled("encoder", self.encoder),
                labelled("frame rate", self.frame_rate),
                labelled("audio rate", self.audio_rate),
                labelled("", self.overwrite),
                widgets.HBox([self.start_button, self.cancel_button]),
                self._bar,
                self.result,
                self.report,
                self.findings,
                self.command,
            ]
        )

    def start(self) -> None:
        """Start encoding, unless the panel is encoding already."""
        if not self._worker.wait(0):
            self._show("Encoding is running already. Wait for it, or cancel it.")
            return
        try:
            source = self._get_source()
            if source is None:
                self._show("There is no clip yet. Choose one first.")
                return
            clip = source.clip
            settings = self.settings(source.preset).changed(input_range=source.input_range)
            overwrite = self.overwrite.value
            destination = destination_for(
                clip.path, self.destination.value.strip() or source.folder, overwrite=overwrite
            )
            command = encode_command(clip, settings).line(destination, overwrite=overwrite)
            self._show_command(command)
        except WorkbenchError as error:
            self._show(str(error))
            return
        self.report.html = self.findings.value = ""
        # The start button stays enabled: a disabled one loses the focus, and the shortcuts fail.
        self.cancel_button.disabled = False
        self._bar.value, self._bar.layout.visibility = 0, "visible"
        self._on_running(True)
        self._worker.submit(EncodeRequest(clip, settings, destination, overwrite))

    @property
    def folder(self) -> Path | None:
        """The folder that the destination names, if it names one. Raises ParameterError."""
        typed = self.destination.value.strip()
        if not typed:
            return None
        path = expanded(typed)
        return path.parent if path.suffix.lower() == PRORES_422_HQ.file_suffix else path

    def settings(self, preset: Preset) -> Settings:
        """Return a look with the chosen delivery options. Raises ParameterError."""
        return Settings(
            preset=preset,
            encoder=self.encoder.value,
            frame_rate=self.frame_rate.value.strip() or None,
            audio_rate=self.audio_rate.value,
        )

    def forget(self) -> None:
        """Clear a result that belongs to another clip or look. A running encode stays visible."""
        if self._worker.wait(0):
            self._clear()

    def _clear(self) -> None:
        self.result.value = self.report.html = self.findings.value = self.command.value = ""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until encoding ends. Return False if that takes over `timeout` seconds."""
        return self._worker.wait(timeout)

    def _encode(self, request: EncodeRequest, cancellation: ffmpeg.Cancellation) -> None:
        clip, began = request.clip, time.monotonic()
        try:
            with self._status.running(f"Encoding {clip.path.name}"):
                delivery = convert(
                    *(clip, request.destination, request.settings),
                    report=True,
                    overwrite=request.overwrite,
                    on_progress=lambda progress: self._show_encoding(clip, progress, began),
                    on_checked=lambda frames: self._show_checking(clip, frames),
                    cancellation=cancellation,
                )
            self._show_delivery(delivery)
        except Cancelled:
            self._show("Cancelled. Nothing was written.")
        except WorkbenchError as error:
            self._show(str(error))
        except Exception as error:  # an unforeseen error must not end the desk
            self._show(f"Encoding failed: {type(error).__name__}: {error}")
        finally:
            self.cancel_button.disabled = True
            self._bar.layout.visibility = "hidden"
            self._on_running(False)

    def _show_encoding(self, clip: Clip, progress: ffmpeg.Progress, began: float) -> None:
        self._bar.value = _ENCODING_SHARE * progress.frame / clip.frame_count
        rate = progress.frame / max(time.monotonic() - began, 0.01)
        left = (
            f", {(clip.frame_count - progress.frame) / rate:.0f} s left" if progress.frame else ""
        )
        speed = f", {progress.speed:.2g}x real time" if progress.speed else ""
        self._show(
            f"Encoding: frame {progress.frame} of {clip.frame_count}, {rate:.0f} frames/s"
            f"{speed}{left}"
        )

    def _show_checking(self, clip: Clip, frames: int) -> None:
        self._bar.value = _ENCODING_SHARE + (1 - _ENCODING_SHARE) * frames / clip.frame_count
        self._show(f"Checking: frame {frames} of {clip.frame_count}")

    def _show_delivery(self, delivery: Delivery) -> None:
        verdict = verdict_in_words(finding.level for finding in delivery.findings)
        megabytes = delivery.size / 1e6
        name = escape(delivery.source.path.name)
        self._show(f"{name}: <b>{escape(verdict)}</b>", markup=True)
        notable = [finding for finding in delivery.findings if finding.level != "pass"]
        self.findings.value = f"{escape(str(delivery.destination))}, {megabytes:.1f} MB" + "".join(
            f"<p><b>{escape(row[0])}: {escape(row[1])}</b><br>{escape(row[4])}</p>"
            for row in findings_table(notable).rows
        )
        if delivery.report:
            with self.report.hold_sync():
                self.report.text = f"Open the report ({delivery.report.name})"
                self.report.html = delivery.report.read_text(encoding="utf-8")

    def _show_command(self, argv: list[str]) -> None:
        text = escape(ffmpeg.pasteable(argv))
        style = "white-space: pre-wrap; overflow-wrap: anywhere; font-size: 11px; line-height: 1.3"
        self.command.value = (
            f"<details><summary>ffmpeg command</summary><code style='{style}'>{text}</code>"
            "</details>"
        )

    def _show(self, text: str, *, markup: bool = False) -> None:
        self.result.value = text if markup else escape(text)
