"""Suggesting: the panel that looks for the weakest deband, with progress and cancel."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import ipywidgets as widgets

from workbench.desk.latest_worker import LatestWorker
from workbench.errors import Cancelled, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset
from workbench.look.suggest import CANDIDATES, Suggestion, suggest
from workbench.media.clip import Clip


@dataclass(frozen=True)
class SuggestRequest:
    """What a deband is wanted for."""

    clip: Clip
    preset: Preset
    setting: int  # in which the answer belongs


class SuggestPanel:
    """Asks for the clip and the look when it is pressed; tells what it found."""

    def __init__(
        self,
        ask: Callable[[], SuggestRequest | None],
        on_found: Callable[[SuggestRequest, Suggestion], None],
    ) -> None:
        self._ask, self._on_found = ask, on_found
        self._worker: LatestWorker[SuggestRequest] = LatestWorker(self._work)
        self.start = widgets.Button(
            description="Suggest",
            tooltip="Find the weakest deband that closes this clip's bands and spares its texture.",
        )
        self.stop = widgets.Button(description="Cancel", tooltip="Stop looking.", disabled=True)
        self._progress = widgets.IntProgress(
            max=len(CANDIDATES), layout=widgets.Layout(width="auto", visibility="hidden")
        )
        self.words = widgets.HTML(layout=widgets.Layout(min_height="52px"))
        self.start.on_click(lambda _: self.begin())
        self.stop.on_click(lambda _: self.cancel())
        buttons = widgets.HBox([self.start, self.stop])
        self.widget = widgets.VBox([buttons, self._progress, self.words])

    def begin(self) -> None:
        """Look for a deband, unless that is being done already; say so where there is no clip."""
        if not self._worker.wait(0):
            return
        question = self._ask()
        if question is None:
            self.say("There is no clip yet: choose one above.")
            return
        self._progress.value = 0
        self._working(True)
        self.say("looking for a deband")
        self._worker.ask(question)

    def cancel(self) -> None:
        self._worker.cancel()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until nothing is looked for; return whether that came in so many seconds."""
        return self._worker.wait(timeout)

    def say(self, words: str) -> None:
        self.words.value = f"<div style='font-size: 12px; line-height: 1.35'>{escape(words)}</div>"

    def _work(self, question: SuggestRequest, cancellation: Cancellation) -> None:
        try:
            found = suggest(
                *(question.clip, question.preset),
                on_progress=lambda done: setattr(self._progress, "value", done),
                cancellation=cancellation,
            )
            cancellation.raise_if_requested()
            self._on_found(question, found)
            self.say(found.reason)
        except Cancelled:
            self.say("Cancelled.")
        except WorkbenchError as error:
            self.say(str(error))
        except Exception as error:  # a desk that died would take the colorist's work with it
            self.say(f"That did not work: {type(error).__name__}: {error}")
        finally:
            self._working(False)

    def _working(self, on: bool) -> None:
        # Start stays as it is: a button that is disabled loses the focus, and the desk its keys.
        self.stop.disabled = not on
        self._progress.layout.visibility = "visible" if on else "hidden"
