"""Tuner: a colorist's desk - the viewer, and the controls around it, over one Preset value."""

import time
from collections.abc import Callable
from pathlib import Path
from threading import RLock
from typing import Any

import ipywidgets as widgets

from workbench.desk.clip_chooser import ClipChooser
from workbench.desk.clip_tasks import decode_ahead, render_loop, worst_frame
from workbench.desk.encode_panel import EncodePanel
from workbench.desk.latest_worker import LatestWorker
from workbench.desk.look_controls import LookControls
from workbench.desk.look_history import LookHistory, LookSlots, Slot
from workbench.desk.preview import FrameMeasurements, PreviewPipeline, PreviewRequest, Still
from workbench.desk.save_panel import SavePanel
from workbench.desk.scopes import Scopes
from workbench.desk.stills import StillGallery
from workbench.desk.suggest_panel import SuggestPanel, SuggestRequest
from workbench.desk.viewer import Viewer
from workbench.errors import Cancelled, PresetError, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset, load_preset
from workbench.look.suggest import Suggestion
from workbench.media.clip import Clip
from workbench.media.probe import open_clip
from workbench.present.tables import measured_html

Task = Callable[[Cancellation], None]


class Tuner:
    """Tune a look by hand. `tuner.widget` is shown by a notebook; `tuner.preset` is the look now.

    `clip` is a clip, the path of one, or a folder of clips to choose from. Nothing that a person
    does or that a file is raises here: it is said on the desk, and the last good picture stays.
    """

    def __init__(self, clip: Clip | str | Path = "", preset: str | Preset = "smooth") -> None:
        """Raises PresetError for a preset that there is not."""
        base = preset if isinstance(preset, Preset) else load_preset(preset)
        self._lock = RLock()  # handlers run in several threads of the kernel
        self._history = LookHistory(LookSlots.of(base))
        self._clip: Clip | None = None
        self._against: Still | None = None
        self._worst: tuple[Clip, int] | None = None
        self._build()
        self._pipeline = PreviewPipeline(self._viewer, self._scopes, self._measured, self._trouble)
        self._pictures: LatestWorker[PreviewRequest] = LatestWorker(self._pipeline)
        self._tasks: LatestWorker[Task] = LatestWorker(self._do)
        self._opening: LatestWorker[Path] = LatestWorker(self._open)
        self._decoding: LatestWorker[Clip] = LatestWorker(decode_ahead)
        self._controls.place(self._history)
        if isinstance(clip, Clip):
            self._chooser.show(clip.path)
            self._take(clip)
        else:
            self.open(clip)
        self._opening.wait()  # so that a notebook that was run from end to end shows the picture
        self._pictures.wait()

    @property
    def preset(self) -> Preset:
        """The look now, as a value of its own."""
        return self._history.now.preset

    @property
    def clip(self) -> Clip | None:
        return self._clip

    def open(self, path: str | Path) -> None:
        """Open a clip, or list the clips of a folder; "" is the folder that the notebook is in."""
        self._chooser.open(path)

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the desk is at rest; return whether it was within so many seconds."""
        lanes = (self._opening, self._suggesting, self._tasks, self._pictures, self._encoding)
        return all(lane.wait(timeout) for lane in lanes)

    # ---- the look

    def change(self, name: str, value: Any) -> None:
        """Set one parameter of the look, such as "deband.strength"; say so if it cannot be."""
        try:
            with self._lock:
                now = self._history.now
                settings = now.with_slot(now.slot.changed(name, value))
                self._trouble("")  # before the picture has its say
                self._move(settings, name)
        except PresetError as error:
            self._controls.place(self._history)  # the controls go back to what is
            self._trouble(str(error))

    def flip(self) -> None:
        """Go to the other of the two settings."""
        with self._lock:
            self._move(self._history.now.flipped(), "flip")

    def undo(self) -> None:
        with self._lock:
            self._go(self._history.undone())

    def redo(self) -> None:
        with self._lock:
            self._go(self._history.redone())

    def begin_with(self, preset: str) -> None:
        """Begin anew with a preset by its name; say so if it cannot be loaded."""
        try:
            self.use(load_preset(preset))
        except PresetError as error:
            self._controls.place(self._history)
            self._trouble(str(error))

    def use(self, preset: Preset) -> None:
        """Begin anew with a preset, in the slot that is on."""
        with self._lock:
            self._move(self._history.now.with_slot(Slot(preset, preset)), "preset")

    def _move(self, settings: LookSlots, about: str) -> None:
        self._go(self._history.to(settings, about, time.monotonic()))

    def _go(self, history: LookHistory) -> None:
        if history is not self._history:
            self._history = history
            self._refresh()  # first: it is what is waited for
            self._controls.place(self._history)

    # ---- the picture

    def _take(self, clip: Clip) -> None:
        """Put a clip on the desk; what was under way for the last one is stopped."""
        self._tasks.cancel()
        self._suggesting.cancel()
        self._rest()
        with self._lock:
            self._trouble("")
            self._clip, self._against = clip, None
            self._gallery.compared(None)
            self._viewer.set_clip(clip)
            self._viewer.frame = clip.frame_count // 2
            self._refresh()
        self._decoding.ask(clip)

    def _open(self, path: Path, overtaken: Cancellation) -> None:
        try:
            clip = open_clip(path)
        except WorkbenchError as error:
            self._trouble(str(error))
            self._chooser.show(self._clip.path if self._clip else None)
            return
        if not overtaken.requested:  # by another choice
            self._take(clip)

    def _refresh(self, _: object = None) -> None:
        """Ask for the picture that is to be seen now."""
        with self._lock:
            if self._clip is None:
                return
            if self._clip.changed_on_disk():
                self._opening.ask(self._clip.path)
                return
            self._pictures.ask(
                PreviewRequest(
                    clip=self._clip,
                    index=min(self._viewer.frame, self._clip.frame_count - 1),
                    preset=self.preset,
                    against=self._against,
                    bands=self._viewer.banding_map,
                    difference=self._viewer.mode == "difference",
                )
            )

    def _wanted(self, change: dict[str, Any]) -> None:
        """Ask for what a view needs besides the picture: a map, or a difference's other side."""
        if change["new"] in (True, "difference"):
            self._refresh()

    def keep(self) -> None:
        """Keep the picture that is shown, with its look."""
        shown = self._pipeline.shown
        if shown is None:
            self._trouble("There is no picture to keep yet.")
        else:
            self._gallery.keep(shown[0].preset, shown[1])

    def compare(self, still: Still | None) -> None:
        """Put a still in the place of the picture before, or that back."""
        if (
            still
            and self._clip
            and still.picture.luma.shape != (self._clip.height, self._clip.width)
        ):
            self._gallery.compared(None)
            self._trouble(f"{still.name} is of another size than this clip.")
            still = None
        with self._lock:
            self._against = still
            self._refresh()

    def restore(self, still: Still) -> None:
        """Go back to a still's look and frame."""
        with self._lock:
            if self._clip:
                self._viewer.frame = min(still.picture.index, self._clip.frame_count - 1)
            self.use(still.preset)

    # ---- what takes longer, one at a time beside the picture

    def _do(self, task: Task, cancellation: Cancellation) -> None:
        try:
            task(cancellation)
        except Cancelled:
            self._suggesting.say("")
        except WorkbenchError as error:
            self._suggesting.say("")
            self._trouble(str(error))
        except Exception as error:  # a desk that died would take the colorist's work with it
            self._suggesting.say("")
            self._trouble(f"that did not work: {type(error).__name__}: {error}")

    def _question(self) -> SuggestRequest | None:
        with self._lock:
            if self._clip is None:
                return None
            return SuggestRequest(self._clip, self.preset, self._history.now.active)

    def _take_suggestion(self, question: SuggestRequest, found: Suggestion) -> None:
        """Take the deband that was found; tone and dither may have been turned meanwhile."""
        with self._lock:
            if question.clip is not self._clip:
                return
            slot = self._history.now.slots[question.setting]
            words = {"name": found.preset.name, "description": found.reason}
            preset = slot.preset.model_copy(update={"deband": found.preset.deband, **words})
            settings = self._history.now.with_slot(Slot(preset, preset), question.setting)
            self._move(settings, "suggest")

    def find_worst(self) -> None:
        """Jump to the frame with the most banding in the clip as it is, among some."""
        clip = self._clip
        if clip is None:
            return

        def task(cancellation: Cancellation) -> None:
            if self._worst is None or self._worst[0] is not clip:
                self._suggesting.say("looking for the worst bands")
                self._worst = clip, worst_frame(clip, cancellation)
            self._suggesting.say("")
            cancellation.raise_if_requested()
            self._viewer.frame = self._worst[1]

        self._tasks.ask(task)

    def loop(self) -> None:
        """Play a second of video, from the frame that is shown."""
        clip, preset, index = self._clip, self.preset, self._viewer.frame
        if clip is None:
            return

        def task(cancellation: Cancellation) -> None:
            self._suggesting.say("making a second of video")
            made = render_loop(clip, index, preset, cancellation)
            cancellation.raise_if_requested()
            self._viewer.play(made.before, made.after, made.ends)
            self._suggesting.say("")

        self._tasks.ask(task)

    def _rest(self) -> None:
        """Let go of what takes much memory: a cell that is run again leaves the old desk behind."""
        self._decoding.cancel()
        self._decoding.wait()
        if self._clip:
            self._clip.close()  # frames come back when they are asked for

    # ---- what is on the desk

    def _build(self) -> None:
        self._viewer = Viewer(self._command)
        self._scopes = Scopes()
        self._figures = widgets.HTML()
        self._gallery = StillGallery(self.compare, self.restore)
        self._encoding = EncodePanel(lambda: (self._clip, self.preset) if self._clip else None)

        self._chooser = ClipChooser(lambda path: self._opening.ask(path), self._trouble)
        self._saving = SavePanel(lambda: self.preset, self.use)
        self._controls = LookControls(self)
        self._suggesting = SuggestPanel(self._question, self._take_suggestion)
        self._keep = widgets.Button(
            description="Keep a still", tooltip="Keep this picture and its look (key k)."
        )
        self._viewer.observe(self._refresh, "frame")
        self._viewer.observe(self._wanted, ["banding_map", "mode"])
        self._scopes.observe(self._refresh, "kind")
        self._keep.on_click(lambda _: self.keep())

        column = widgets.Layout(flex="1 1 290px", max_width="420px", min_width="0")
        controls = widgets.VBox(
            [
                self._controls.widget,
                self._suggesting.widget,
                self._saving.widget,
                self._encoding.widget,
            ],
            layout=column,
        )
        self._viewer.layout.width = self._scopes.layout.width = "auto"
        stills = widgets.VBox(
            [self._keep, self._gallery.widget],
            layout=widgets.Layout(flex="1 1 0", min_width="0", margin="0 0 0 14px"),
        )
        pictures = widgets.VBox(
            [
                self._viewer,
                self._scopes,
                widgets.HBox([self._figures, stills]),
            ],
            layout=widgets.Layout(flex="3 1 560px", min_width="0", margin="0 14px 0 0"),
        )
        self.widget = widgets.VBox(
            [
                self._chooser.widget,
                widgets.HBox(
                    [pictures, controls],
                    layout=widgets.Layout(flex_flow="row wrap", align_items="flex-start"),
                ),
                self._encoding.findings,
            ]
        )

    def _measured(self, measured: FrameMeasurements | None) -> None:
        """Show the figures; None leaves the last ones, marked as those of another picture."""
        if measured is None:
            self._figures.add_class("wb-stale")
        else:
            self._figures.value = measured_html(
                measured.before, measured.after, measured.comparison, self._viewer.labels["before"]
            )
            self._figures.remove_class("wb-stale")

    def _trouble(self, words: str) -> None:
        self._viewer.message = words

    # ---- what a person does

    def _command(self, name: str) -> None:
        commands: dict[str, Callable[[], None]] = {
            "worst": self.find_worst,
            "loop": self.loop,
            "flip": self.flip,
            "grab": self.keep,
            "undo": self.undo,
            "redo": self.redo,
            "unseen": self._rest,
        }
        if name in commands:
            commands[name]()
