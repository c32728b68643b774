"""Encoding: the panel that delivers a clip - the exact command, progress, cancel, the verdict."""

import time
from collections.abc import Callable
from html import escape
from pathlib import Path

import anywidget
import ipywidgets as widgets
import traitlets

from workbench import ffmpeg
from workbench.deliver.command import encode_command
from workbench.deliver.destination import destination_for
from workbench.deliver.encode import convert
from workbench.deliver.qc import verdict_in_words
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.desk.bundle import WEB, bundle
from workbench.desk.latest_worker import LatestWorker
from workbench.errors import Cancelled, WorkbenchError
from workbench.look.preset import Preset
from workbench.media.clip import Clip
from workbench.present.tables import findings_table


class ReportLink(anywidget.AnyWidget):
    """A link that opens an HTML page in a new tab. The page itself travels to the browser."""

    _esm = bundle(WEB / "report_link.js")

    html = traitlets.Unicode("").tag(sync=True)
    text = traitlets.Unicode("").tag(sync=True)


class EncodePanel:
    """Encodes the clip under the look of the moment when asked, in a thread of its own."""

    def __init__(self, ask: Callable[[], tuple[Clip, Preset] | None]) -> None:
        """`ask` gives what is to be encoded, or None where there is no clip yet."""
        self._ask = ask
        self._worker: LatestWorker[tuple[Clip, Settings, Path, bool]] = LatestWorker(self._encode)
        self.delivery: Delivery | None = None
        wide = widgets.Layout(width="auto")
        self._destination = widgets.Text(
            placeholder="beside the clip", layout=wide, tooltip="A .mov, or a folder."
        )
        self._encoder = widgets.Dropdown(
            options=[("finest: fast", "finest"), ("search: plain ffmpeg command", "search")],
            description="Encoder",
            layout=wide,
            tooltip="Both write the same picture. Search takes several times as long.",
        )
        self._replace = widgets.Checkbox(
            description="replace a file that is there", indent=False, layout=wide
        )
        self._start = widgets.Button(
            description="Encode", button_style="primary", tooltip="Write and check the ProRes file."
        )
        self._stop = widgets.Button(description="Cancel", disabled=True)
        self._bar = widgets.FloatProgress(max=1, layout=widgets.Layout(width="auto"))
        self._words = widgets.HTML()
        self._command = widgets.HTML()
        self._page = ReportLink()
        self._findings = widgets.HTML()
        self._start.on_click(lambda _: self.start())
        self._stop.on_click(lambda _: self._worker.cancel())
        self.widget = widgets.VBox(
            [
                widgets.HTML("<b>Encode to ProRes 422 HQ</b>"),
                self._destination,
                self._encoder,
                self._replace,
                widgets.HBox([self._start, self._stop]),
                self._bar,
                self._words,
                self._page,
                self._command,
            ]
        )
        self.findings = self._findings

    def start(self) -> None:
        """Encode, unless that is being done already."""
        if not self._worker.wait(0):
            self._say("It is being encoded already: wait, or cancel it.")
            return
        try:
            asked = self._ask()
            if asked is None:
                self._say("There is no clip yet: choose one above.")
                return
            clip, preset = asked
            settings = Settings(preset=preset, encoder=self._encoder.value)
            replace = self._replace.value
            destination = destination_for(
                clip.path, self._destination.value.strip() or None, overwrite=replace
            )
            command = encode_command(clip, settings).line(destination, overwrite=replace)
            self._show_command(command)
        except WorkbenchError as error:
            self._say(str(error))
            return
        self._page.html = self._findings.value = ""
        # Start stays as it is: a button that is disabled loses the focus, and the desk its keys.
        self._stop.disabled = False
        self._worker.ask((clip, settings, destination, replace))

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is being encoded; return whether that came in so many seconds."""
        return self._worker.wait(timeout)

    def _encode(
        self, order: tuple[Clip, Settings, Path, bool], cancellation: ffmpeg.Cancellation
    ) -> None:
        clip, settings, destination, replace = order
        began = time.monotonic()
        try:
            delivery = convert(
                *(clip, destination, settings),
                report=True,
                overwrite=replace,
                on_progress=lambda progress: self._encoding(clip, progress, began),
                on_checked=lambda frames: self._checking(clip, frames),
                cancellation=cancellation,
            )
            self._bar.value = 1
            self._deliver(delivery)
        except Cancelled:
            self._say("Cancelled; nothing was written.")
        except WorkbenchError as error:
            self._say(str(error))
        except Exception as error:
            self._say(f"The file could not be made: {type(error).__name__}: {error}")
        finally:
            self._stop.disabled = True

    def _encoding(self, clip: Clip, progress: ffmpeg.Progress, began: float) -> None:
        """Encoding is the first eight tenths of the bar, checking the rest: about as it takes."""
        share = progress.frame / clip.frame_count
        self._bar.value = 0.8 * share
        rate = progress.frame / max(time.monotonic() - began, 0.01)
        left = (
            f", {(clip.frame_count - progress.frame) / rate:.0f} s left" if progress.frame else ""
        )
        speed = f", {progress.speed:.2g} times real time" if progress.speed else ""
        self._say(
            f"encoding: frame {progress.frame} of {clip.frame_count}, {rate:.0f} frames/s"
            f"{speed}{left}"
        )

    def _checking(self, clip: Clip, frames: int) -> None:
        self._bar.value = 0.8 + 0.2 * frames / clip.frame_count
        self._say(f"checking: frame {frames} of {clip.frame_count}")

    def _deliver(self, delivery: Delivery) -> None:
        self.delivery = delivery
        verdict = verdict_in_words(finding.level for finding in delivery.findings)
        megabytes = delivery.size / 1e6
        self._say(f"<b>{escape(verdict)}</b>", markup=True)
        telling = [finding for finding in delivery.findings if finding.level != "pass"]
        self._findings.value = f"{escape(str(delivery.destination))}, {megabytes:.1f} MB" + (
            findings_table(telling)._repr_html_() if telling else ""
        )
        if delivery.report:
            with self._page.hold_sync():
                self._page.text = f"Open the report ({delivery.report.name})"
                self._page.html = delivery.report.read_text(encoding="utf-8")

    def _show_command(self, argv: list[str]) -> None:
        text = escape(ffmpeg.pasteable(argv))
        style = "white-space: pre-wrap; overflow-wrap: anywhere; font-size: 11px; line-height: 1.3"
        self._command.value = (
            f"<details><summary>the exact command</summary><code style='{style}'>{text}</code>"
            "</details>"
        )

    def _say(self, words: str, *, markup: bool = False) -> None:
        self._words.value = words if markup else escape(words)
