"""Tuner: the desk, which puts the viewer and the controls around one look."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from threading import RLock
from typing import Any

import ipywidgets as widgets
import numpy as np

from workbench.desk.banding_pass import BandingCurve, BandingPass
from workbench.desk.batch_panel import BatchPanel
from workbench.desk.clip_chooser import ClipChooser
from workbench.desk.clip_list import RemoteClip, clip_name
from workbench.desk.clip_panel import ClipPanel
from workbench.desk.clip_tasks import decode_ahead, worst_frame
from workbench.desk.clip_tiles import ClipTiles
from workbench.desk.desk_state import SavedStill, StateFile
from workbench.desk.encode_panel import EncodePanel, EncodeSource
from workbench.desk.latest_worker import LatestWorker
from workbench.desk.layout import PanelTabs, lay_out
from workbench.desk.look_controls import LookControls
from workbench.desk.look_history import LookHistory, LookSlot, LookSlots
from workbench.desk.playback import Playback
from workbench.desk.preview import FrameMeasurements, PreviewPipeline, PreviewRequest
from workbench.desk.save_panel import SavePanel
from workbench.desk.scopes import Scopes
from workbench.desk.session import Session, restore_stills
from workbench.desk.status_line import StatusLine
from workbench.desk.stills import Still, StillGallery
from workbench.desk.suggest_panel import SuggestPanel, SuggestRequest
from workbench.desk.viewer import Viewer
from workbench.desk.viewing_transform import ViewingTransforms
from workbench.errors import Cancelled, PresetError, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.defaults import DESK_DEFAULT
from workbench.look.preset import Preset, load_preset, number_parameter, user_preset_folder
from workbench.look.suggest import Suggestion
from workbench.measure.banding import cambi_map
from workbench.media.clip import Clip
from workbench.media.probe import open_clip
from workbench.present.tables import measured_html
from workbench.storage.locations import is_remote

Task = Callable[[Cancellation], None]


class Tuner:
    """Tune a look. A notebook shows `tuner.widget`; `tuner.preset` is the current look.

    `clip` is a clip, the path of one, or a folder of clips to choose from. The desk shows errors
    as messages and raises none for actions of the user. The last good picture stays on screen.
    """

    def __init__(self, clip: Clip | str | Path = "", preset: str | Preset = DESK_DEFAULT) -> None:
        """Create a desk and wait for its first picture. Raises PresetError for a bad preset."""
        base = preset if isinstance(preset, Preset) else load_preset(preset)
        self._lock = RLock()  # JupyterLab runs handlers in several threads
        given = clip.path if isinstance(clip, Clip) else clip
        self._session = Session(StateFile(str(given), base.hash))
        saved = self._session.saved
        self._history = saved.history(base) if saved else LookHistory(LookSlots.of(base))
        self._clip: Clip | None = None
        self._tagged: Clip | None = None  # the same without the input range that the user set
        self._running: set[str] = set()  # the encode and the batch, while they run
        self._location: str | None = None  # of the clip: its path, or its URL in a bucket
        self._still: Still | None = None  # shown instead of the source
        self._worst: tuple[Clip, int] | None = None  # the last result, with its clip
        self._curve: BandingCurve | None = None  # of the clip, as far as it is measured
        self._build()
        self._pipeline = PreviewPipeline(
            self._viewer, self._scopes, self._show_figures, self._show_error
        )
        self._previews: LatestWorker[PreviewRequest] = LatestWorker(self._pipeline)
        self._tasks: LatestWorker[Task] = LatestWorker(self._run_task)
        self._opening: LatestWorker[str] = LatestWorker(self._open)
        self._decoding: LatestWorker[Clip] = LatestWorker(decode_ahead)
        self._banding: LatestWorker[Clip] = LatestWorker(
            BandingPass(lambda: not self.wait(0), self._show_banding)
        )
        self._restoring: LatestWorker[Sequence[SavedStill]] = LatestWorker(
            lambda stills, stop: restore_stills(
                stills, self._session.still_files, self._gallery, stop
            )
        )
        self._controls.show(self._history)
        self._session.restore(viewer=self._viewer, scopes=self._scopes, tabs=self._tabs)
        if saved:
            # A clip that is gone leaves its folder.
            found = saved.clip and (is_remote(saved.clip) or Path(saved.clip).exists())
            self.open(saved.clip if found and saved.clip else saved.folder)
            self._restoring.submit(saved.stills)
        elif isinstance(clip, Clip):
            self._chooser.show(str(clip.path))
            self._set_clip(clip, str(clip.path))
        else:
            self.open(clip)
        self._chooser.searches.wait()
        self._opening.wait()
        if self._clip is None:
            self._tabs.selected = "clip"
        self._session.saved = None
        self._session.watch(self._keep)
        self._viewer.observe(lambda _: self._keep(), "frame")
        self._previews.wait()
        if self._session.refused:
            self._show_error(self._session.refused)

    @property
    def preset(self) -> Preset:
        """The current look."""
        return self._history.now.preset

    @property
    def clip(self) -> Clip | None:
        """The clip on the desk."""
        return self._clip

    def open(self, path: str | Path) -> None:
        """Open a clip, or list a folder's clips. The path "" is the notebook's folder."""
        self._chooser.open(path)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the desk is idle. Return False if one of its workers exceeds `timeout` s."""
        workers = (
            self._chooser.searches,
            self._opening,
            self._restoring,
            self._suggest,
            self._tasks,
            self._previews,
        )
        return all(worker.wait(timeout) for worker in (*workers, self._encode, self._batch))

    def _keep(self) -> None:
        """Write the state that a reload brings back, soon."""
        folder, frame = self._chooser.folder.value, self._viewer.frame
        self._session.keep(self._history, self._location, folder, frame, self._gallery)

    # ---- the look

    def set_parameter(self, name: str, value: Any) -> None:
        """Set one parameter of the look, such as "deband.strength", or show an error."""
        try:
            with self._lock:
                slots = self._history.now
                changed = slots.with_slot(slots.slot.with_parameter(name, value))
                self._show_error("")  # first: rendering may report another error
                self._record(changed, name)
        except PresetError as error:
            number = number_parameter(self.preset, name)
            self._controls.show(self._history)  # restore the old value in the control
            self._show_error(number.rule if number else str(error))

    def set_matrix(self, matrix: str) -> None:
        """Set the matrix, bt601 or bt709, that the look assumes for an untagged clip."""
        with self._lock:
            slots = self._history.now
            self._record(slots.with_slot(slots.slot.with_matrix(matrix)), "matrix")

    def _set_range(self) -> None:
        """Read the clip's code values in the range that the user chose."""
        with self._lock:
            if self._tagged is None:
                return
            try:
                self._clip = self._tagged.with_range(self._clip_panel.range.value)
            except WorkbenchError as error:
                self._clip_panel.forget_range()
                self._clip = self._tagged
                self._show_error(str(error))
                return
            self._viewer.stop_playback()
            self._forget_results()
            self._refresh()
            self._set_transform()
            self._curve = None
        self._banding.submit(self._clip)

    def flip(self) -> None:
        """Switch between slots A and B."""
        with self._lock:
            self._record(self._history.now.flipped(), "flip")

    def undo(self) -> None:
        """Undo the last change."""
        with self._lock:
            self._set_history(self._history.undone())

    def redo(self) -> None:
        """Redo the last change that was undone."""
        with self._lock:
            self._set_history(self._history.redone())

    def load_preset(self, name: str) -> None:
        """Start from the preset of this name, or show an error."""
        try:
            self.use(load_preset(name))
        except PresetError as error:
            self._controls.show(self._history)
            self._show_error(str(error))

    def use(self, preset: Preset) -> None:
        """Start from a preset in the active slot."""
        with self._lock:
            self._record(self._history.now.with_slot(LookSlot.of(preset)), "preset")

    def _record(self, slots: LookSlots, change: str) -> None:
        self._set_history(self._history.record(slots, change, time.monotonic()))

    def _set_history(self, history: LookHistory) -> None:
        if history is not self._history:
            self._history = history
            self._viewer.stop_playback()
            self._refresh()  # before the controls, as the user waits for the picture
            self._controls.show(self._history)
            self._clip_panel.show(self._clip, self.preset.assume_matrix)
            self._set_transform()
            self._forget_results()
            self._keep()

    def _forget_results(self) -> None:
        """Clear sentences, verdicts and links that belong to another clip or look."""
        for panel in (self._encode, self._suggest, self._save):
            panel.forget()

    # ---- the picture

    def _set_clip(self, clip: Clip, location: str) -> None:
        """Put a clip on the desk, and stop the work on the previous one."""
        self._tasks.cancel()
        self._suggest.cancel()
        self._release_frames()
        self._curve = None
        with self._lock:
            self._show_error("")
            self._forget_results()
            self._status.report("")
            self._clip, self._tagged, self._location, self._still = clip, clip, location, None
            self._clip_panel.forget_range()
            self._gallery.mark_compared(None)
            self._viewer.set_clip(clip)
            self._clip_panel.show(clip, self.preset.assume_matrix)
            self._set_transform()
            resumed = self._session.resumed(location, clip.frame_count)
            if resumed:
                self._viewer.frame, self._viewer.marks = resumed
            else:
                self._viewer.frame = clip.frame_count // 2
            self._refresh()
            self._keep()
        self._decoding.submit(clip)
        self._banding.submit(clip)

    def _open(self, location: str, superseded: Cancellation) -> None:
        try:
            clip = open_clip(self._fetched(location, superseded))
        except Cancelled:
            return
        except WorkbenchError as error:
            self._show_error(str(error))
            self._chooser.show(self._location)
            return
        if not superseded.requested:
            self._set_clip(clip, location)

    def _fetched(self, location: str, superseded: Cancellation) -> Path:
        """Return the local path of a clip. Raises Cancelled when another clip was chosen."""
        with self._status.running(f"Opening {clip_name(location)}") as change:
            if not is_remote(location):
                return Path(location)
            remote = RemoteClip.at(location)
            total, done = max(remote.stored.size, 1), 0

            def on_bytes(count: int) -> None:
                nonlocal done
                superseded.raise_if_requested(Path(clip_name(location)))
                done += count
                change(f"Fetching {clip_name(location)}: {100 * done // total} %")

            return remote.fetch(on_bytes)

    def _refresh(self, _: object = None) -> None:
        """Request the picture that the viewer should show now."""
        with self._lock:
            if self._clip is None:
                return
            if self._clip.changed_on_disk():
                self._opening.submit(self._location or str(self._clip.path))
                return
            self._previews.submit(
                PreviewRequest(
                    clip=self._clip,
                    index=min(self._viewer.frame, self._clip.frame_count - 1),
                    preset=self.preset,
                    still=self._still,
                    banding_map=self._viewer.banding_map,
                    difference=self._viewer.mode == "difference",
                )
            )

    def _view_changed(self, change: dict[str, Any]) -> None:
        """Request the data that a view needs besides the picture: banding map or difference."""
        if change["new"] in (True, "difference"):
            self._refresh()

    def _set_transform(self) -> None:
        """Send the viewing transform of the look, where the user wants to see through it."""
        path = self._clip_panel.cube.value.strip().strip("\"'")
        self._transforms.update(self._clip, self.preset, self._still, path)

    def grab_still(self) -> None:
        """Keep the picture on screen, with its look."""
        shown = self._pipeline.shown
        if shown is None:
            self._show_error("There is no picture to grab yet. Choose a clip first.")
        else:
            self._gallery.add(Still.of(shown[1], shown[0].preset, shown[0].clip))

    def compare_with(self, still: Still | None) -> None:
        """Show a still instead of the source. None shows the source again."""
        with self._lock:
            self._still = still
            self._refresh()
            self._set_transform()

    def restore_still(self, still: Still) -> None:
        """Go back to a still's look, and to its frame if it is of this clip."""
        with self._lock:
            if self._clip and str(self._clip.path) == still.clip:
                self._viewer.frame = min(still.picture.index, self._clip.frame_count - 1)
            self.use(still.preset)

    # ---- background tasks, one at a time beside the picture

    def _run_task(self, task: Task, cancellation: Cancellation) -> None:
        try:
            task(cancellation)
        except Cancelled:
            pass
        except WorkbenchError as error:
            self._show_error(str(error))
        except Exception as error:  # an unforeseen error must not end the desk
            self._show_error(f"The task failed: {type(error).__name__}: {error}")

    def go_to_worst_frame(self) -> None:
        """Go to the source frame with the most banding."""
        clip = self._clip
        if clip is None:
            return

        def task(cancellation: Cancellation) -> None:
            index, measured = self._worst_frame(clip, cancellation)
            self._viewer.frame = index
            self._status.report(f"Frame {index} has the most banding of {measured} frames")
            with self._status.running("Looking for the region with the most banding"):
                window = cambi_map(clip.frame(index)).worst_window(*_region(clip))
            cancellation.raise_if_requested()
            self._viewer.zoom_to(*window)
            self._status.report(f"Frame {index} has the most banding of {measured} frames")

        self._tasks.submit(task)

    def _worst_frame(self, clip: Clip, cancellation: Cancellation) -> tuple[int, str]:
        """Return the frame with the most banding, and of how many frames it is the worst."""
        curve = self._curve
        if curve and curve.clip is clip and curve.done and curve.worst is not None:
            return curve.worst, f"{np.count_nonzero(~np.isnan(curve.cambi))}"
        if self._worst is None or self._worst[0] is not clip:
            with self._status.running("Looking for the frame with the most banding"):
                self._worst = clip, worst_frame(clip, cancellation)
        cancellation.raise_if_requested()
        return self._worst[1], f"{clip.frame_count}"

    def _show_banding(self, curve: BandingCurve) -> None:
        """Show the banding of the clip as far as it is measured."""
        with self._lock:
            if curve.clip is self._clip:
                self._curve = curve
                self._viewer.show_banding(curve.cambi, curve.contour, curve.cuts, curve.worst)

    def play(self) -> None:
        """Play from in to out, again and again, from the playhead on."""
        clip, preset = self._clip, self.preset
        if clip is not None:
            self._tasks.submit(lambda stop: self._playback.start(clip, preset, stop))

    def _show_running(self, work: str, running: bool) -> None:
        """Tell the browser whether an encode or a batch runs, so that it asks before it leaves."""
        (self._running.add if running else self._running.discard)(work)
        if not running:
            self._tiles.forget_verdicts()
        self._viewer.encoding = bool(self._running)

    def _encode_source(self) -> EncodeSource | None:
        if self._clip is None:
            return None
        remote = self._location is not None and is_remote(self._location)
        folder = Path.cwd() if remote else self._clip.path.parent
        return EncodeSource(self._clip, self.preset, folder, self._clip_panel.range.value)

    def _delivery_folders(self, clip: Path) -> list[Path]:
        """Return the folders in which the delivered file of a listed clip may be."""
        found = [clip.parent]
        for panel in (self._encode, self._batch):
            with suppress(WorkbenchError):  # a name that the panel will refuse
                if panel.folder:
                    found.append(panel.folder)
        return found

    def _suggest_request(self) -> SuggestRequest | None:
        with self._lock:
            if self._clip is None:
                return None
            return SuggestRequest(self._clip, self.preset, self._history.now.active)

    def _use_suggestion(self, request: SuggestRequest, found: Suggestion) -> None:
        """Set the deband that was found. The user may have changed tone and dither meanwhile."""
        with self._lock:
            if request.clip is not self._clip:
                return
            slot = self._history.now.slots[request.slot]
            words = {"name": found.preset.name, "description": found.reason}
            preset = slot.preset.model_copy(update={"deband": found.preset.deband, **words})
            slots = self._history.now.with_slot(LookSlot.of(preset), request.slot)
            self._record(slots, "suggest")

    def _release_frames(self) -> None:
        """Free the memory of decoded frames. The clip decodes them again when they are needed.

        A cell that runs again leaves its old desk behind, which would keep them.
        """
        self._banding.cancel()
        self._tiles.worker.cancel()
        self._decoding.cancel()
        self._decoding.wait()
        if self._clip:
            self._clip.close()

    # ---- the widgets

    def _build(self) -> None:
        self._viewer = Viewer(self._run_command)
        self._transforms = ViewingTransforms(self._viewer, self._show_error)
        self._status = StatusLine(self._show_status)
        self._playback = Playback(self._viewer, self._status)
        self._scopes = Scopes()
        self._figures = widgets.HTML()
        self._figures.add_class("wb-figures")
        self._gallery = StillGallery(
            self._session.still_files,
            lambda: user_preset_folder().parent / "stills",
            self.compare_with,
            self.restore_still,
            self._keep,
        )
        self._encode = EncodePanel(
            self._encode_source,
            self._status,
            lambda running: self._show_running("encode", running),
        )
        self._batch = BatchPanel(
            lambda: self._encode.settings(self.preset),
            lambda: self._chooser.delivery_folder,
            self._status,
            lambda running: self._show_running("batch", running),
        )
        self._tiles = ClipTiles(lambda: not self._previews.wait(0), self._delivery_folders)
        self._chooser = ClipChooser(
            lambda location: self._opening.submit(location),
            self._show_error,
            self._status,
            self._tiles,
        )
        self._chooser.clips.observe(lambda _: self._batch.show(self._chooser.listed), "options")
        self._clip_panel = ClipPanel(self.set_matrix, self._set_range, self._set_transform)
        self._save = SavePanel(lambda: self.preset, self.use)
        self._controls = LookControls(self)
        self._suggest = SuggestPanel(self._suggest_request, self._use_suggestion, self._status)
        self._grab = widgets.Button(
            description="Grab still", tooltip="Keep this picture and its look (key g)."
        )
        self._tabs = PanelTabs()
        self._viewer.observe(self._refresh, "frame")
        self._viewer.observe(lambda _: self._set_transform(), "graded")
        self._viewer.observe(self._view_changed, ["banding_map", "mode"])
        self._scopes.observe(self._refresh, ["shown", "zoom"])
        self._grab.on_click(lambda _: self.grab_still())
        self.widget = lay_out(
            viewer=self._viewer,
            scopes=self._scopes,
            heading=[self._chooser.choice, self._figures],
            tabs=self._tabs,
            panels={
                "clip": [self._chooser.place, self._clip_panel.widget],
                "look": [
                    self._controls.widget,
                    self._save.widget,
                    self._suggest.widget,
                    self._suggest.result,
                ],
                "deliver": [self._encode.widget],
                "batch": [self._batch.widget],
                "stills": [self._grab, self._gallery.widget],
            },
        )

    def _show_figures(self, measured: FrameMeasurements | None) -> None:
        """Show the figures. None marks the last ones as those of an earlier picture."""
        if measured is None:
            self._figures.add_class("wb-stale")
        else:
            self._figures.value = measured_html(
                measured.before, measured.after, measured.comparison, self._viewer.labels["before"]
            )
            self._figures.remove_class("wb-stale")

    def _show_error(self, message: str) -> None:
        self._viewer.message = message

    def _show_status(self, text: str) -> None:
        self._viewer.status = text

    def _run_command(self, name: str) -> None:
        commands: dict[str, Callable[[], None]] = {
            "worst": self.go_to_worst_frame,
            "play": self.play,
            "stop": self._tasks.cancel,
            "view_opened": self._playback.forget,
            "flip": self.flip,
            "grab": self.grab_still,
            "undo": self.undo,
            "redo": self.redo,
            "next_clip": lambda: self._chooser.step(1),
            "previous_clip": lambda: self._chooser.step(-1),
            "all_views_closed": self._release_frames,
        }
        if name in commands:
            commands[name]()


def _region(clip: Clip) -> tuple[int, int]:
    """Return the width and height of the region that *Worst* zooms to: a third of the picture."""
    return max(1, clip.width // 3), max(1, clip.height // 3)
