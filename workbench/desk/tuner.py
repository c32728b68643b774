"""Tuner: a colorist's desk - the viewer, and the controls around it, over one Preset value."""

import time
from collections.abc import Callable
from html import escape
from pathlib import Path
from threading import RLock
from typing import Any

import ipywidgets as widgets

from workbench.clip import Clip
from workbench.desk.chooser import ClipChooser
from workbench.desk.controls import LookControls
from workbench.desk.encoding import EncodePanel
from workbench.desk.errands import decode_ahead, second, worst_frame
from workbench.desk.gallery import Gallery
from workbench.desk.latest import Latest
from workbench.desk.pipeline import Measured, Pipeline, Request, Still
from workbench.desk.saving import SavePanel
from workbench.desk.scopes import Scopes
from workbench.desk.settings import History, Settings, Slot
from workbench.desk.tables import measured_html
from workbench.desk.viewer import Viewer
from workbench.errors import Cancelled, PresetError, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset, load_preset
from workbench.look.suggest import LADDER, suggest
from workbench.probe import open_clip

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
        self._history = History(Settings.of(base))
        self._clip: Clip | None = None
        self._against: Still | None = None
        self._worst: tuple[Clip, int] | None = None
        self._build()
        self._pipeline = Pipeline(self._viewer, self._scopes, self._measured, self._trouble)
        self._pictures: Latest[Request] = Latest(self._pipeline)
        self._tasks: Latest[Task] = Latest(self._do)
        self._decoding: Latest[Clip] = Latest(decode_ahead)
        self._controls.place(self._history)
        if isinstance(clip, Clip):
            self._take(clip)
        else:
            self.open(clip)

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
        return all(lane.wait(timeout) for lane in (self._tasks, self._pictures, self._encoding))

    # ---- the look

    def change(self, name: str, value: Any) -> None:
        """Set one parameter of the look, such as "deband.strength"; say so if it cannot be."""
        try:
            with self._lock:
                now = self._history.now
                self._move(now.with_slot(now.slot.changed(name, value)), name)
                self._trouble("")
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

    def _move(self, settings: Settings, about: str) -> None:
        self._go(self._history.to(settings, about, time.monotonic()))

    def _go(self, history: History) -> None:
        if history is not self._history:
            self._history = history
            self._refresh()  # first: it is what is waited for
            self._controls.place(self._history)

    # ---- the picture

    def _take(self, clip: Clip) -> None:
        with self._lock:
            self._clip, self._against = clip, None
            self._gallery.compared(None)
            self._viewer.set_clip(clip)
            self._viewer.frame = clip.frame_count // 2
            self._trouble("")
            self._refresh()
        self._pictures.wait()  # so that a notebook that was run from end to end shows it
        self._decoding.ask(clip)

    def _open(self, path: Path) -> None:
        try:
            self._take(open_clip(path))
        except WorkbenchError as error:
            self._trouble(str(error))

    def _refresh(self, _: object = None) -> None:
        """Ask for the picture that is to be seen now."""
        with self._lock:
            if self._clip is None:
                return
            self._pictures.ask(
                Request(
                    clip=self._clip,
                    index=min(self._viewer.frame, self._clip.frame_count - 1),
                    preset=self.preset,
                    against=self._against,
                    bands=self._viewer.bands,
                    difference=self._viewer.mode == "difference",
                )
            )

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
            self._viewer.frame = min(still.picture.index, int(self._viewer.clip["frames"]) - 1)
            self.use(still.preset)

    # ---- what takes longer, one at a time beside the picture

    def _do(self, task: Task, cancellation: Cancellation) -> None:
        try:
            task(cancellation)
        except Cancelled:
            self._say("Cancelled.")
        except WorkbenchError as error:
            self._say("")
            self._trouble(str(error))
        except Exception as error:  # a desk that died would take the colorist's work with it
            self._say("")
            self._trouble(f"that did not work: {type(error).__name__}: {error}")
        finally:
            self._suggesting(False)

    def suggest(self) -> None:
        """Look for the weakest deband that closes the bands, and use it."""
        clip, base = self._clip, self.preset
        if clip is None:
            self._trouble("There is no clip yet: choose one above.")
            return

        def task(cancellation: Cancellation) -> None:
            self._progress.value = 0
            self._say("looking for a deband")
            found = suggest(
                *(clip, base),
                on_progress=lambda done: setattr(self._progress, "value", done),
                cancellation=cancellation,
            )
            self.use(found.preset)
            self._say(found.reason)

        self._suggesting(True)
        self._tasks.ask(task)

    def find_worst(self) -> None:
        """Jump to the frame with the most banding in the clip as it is, among some."""
        clip = self._clip
        if clip is None:
            return

        def task(cancellation: Cancellation) -> None:
            if self._worst is None or self._worst[0] is not clip:
                self._say("looking for the worst bands")
                self._worst = clip, worst_frame(clip, cancellation)
            self._say("")
            self._viewer.frame = self._worst[1]

        self._tasks.ask(task)

    def loop(self) -> None:
        """Play a second of video, from the frame that is shown."""
        clip, preset, index = self._clip, self.preset, self._viewer.frame
        if clip is None:
            return

        def task(cancellation: Cancellation) -> None:
            self._say("making a second of video")
            made = second(clip, index, preset, cancellation)
            self._viewer.play(made.before, made.after, made.ends)
            self._say("")

        self._tasks.ask(task)

    def _rest(self) -> None:
        """Let go of what takes much memory: a cell that is run again leaves the old desk behind."""
        self._decoding.cancel()
        self._decoding.wait()
        if self._clip:
            self._clip.close()  # frames come back when they are asked for

    # ---- what is on the desk

    def _build(self) -> None:
        wide = widgets.Layout(width="auto")
        self._viewer = Viewer(self._command)
        self._scopes = Scopes()
        self._figures = widgets.HTML()
        self._gallery = Gallery(self.compare, self.restore)
        self._encoding = EncodePanel(lambda: (self._clip, self.preset) if self._clip else None)

        self._chooser = ClipChooser(self._open, self._trouble)
        self._saving = SavePanel(lambda: self.preset, self.use)
        self._controls = LookControls(self)
        self._suggest = widgets.Button(
            description="Suggest",
            tooltip="Find the weakest deband that closes this clip's bands and spares its texture.",
        )
        self._stop = widgets.Button(description="Cancel")
        self._progress = widgets.IntProgress(max=len(LADDER), layout=wide)
        self._words = widgets.HTML(layout=widgets.Layout(min_height="52px"))
        self._keep = widgets.Button(
            description="Keep a still", tooltip="Keep this picture and its look (key k)."
        )
        self._viewer.observe(self._refresh, ["frame", "bands", "mode"])
        self._scopes.observe(self._refresh, "kind")
        self._suggest.on_click(lambda _: self.suggest())
        self._stop.on_click(lambda _: self._tasks.cancel())
        self._keep.on_click(lambda _: self.keep())
        self._suggesting(False)

        column = widgets.Layout(flex="1 1 290px", max_width="420px", min_width="0")
        controls = widgets.VBox(
            [
                self._controls.widget,
                widgets.HBox([self._suggest, self._stop]),
                self._progress,
                self._words,
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

    def _measured(self, measured: Measured | None) -> None:
        """Show the figures; None leaves the last ones, marked as those of another picture."""
        if measured is None:
            self._figures.add_class("wb-stale")
        else:
            self._figures.value = measured_html(
                measured.before, measured.after, measured.comparison
            )
            self._figures.remove_class("wb-stale")

    def _trouble(self, words: str) -> None:
        self._viewer.message = words

    def _say(self, words: str) -> None:
        self._words.value = f"<div style='font-size: 12px; line-height: 1.35'>{escape(words)}</div>"

    def _suggesting(self, on: bool) -> None:
        self._suggest.disabled, self._stop.disabled = on, not on
        self._progress.layout.visibility = "visible" if on else "hidden"

    # ---- what a person does

    def _command(self, name: str) -> None:
        commands: dict[str, Callable[[], None]] = {
            "worst": self.find_worst,
            "loop": self.loop,
            "flip": self.flip,
            "keep": self.keep,
            "undo": self.undo,
            "redo": self.redo,
            "unseen": self._rest,
        }
        if name in commands:
            commands[name]()
