"""Suggest panel: searches for the gentlest sufficient deband, with progress and cancel."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import ipywidgets as widgets

from workbench.desk.latest_worker import LatestWorker
from workbench.desk.status_line import StatusLine
from workbench.errors import Cancelled, WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.look.preset import Preset
from workbench.look.suggest import CANDIDATES, Suggestion, suggest
from workbench.media.clip import Clip


@dataclass(frozen=True)
class SuggestRequest:
    """The clip and look that need a deband, and the slot that receives it."""

    clip: Clip
    preset: Preset
    slot: int  # index in SLOT_NAMES


class SuggestPanel:
    """Two buttons and a progress bar (`widget`), and the reason for the suggestion (`result`)."""

    def __init__(
        self,
        get_request: Callable[[], SuggestRequest | None],
        on_found: Callable[[SuggestRequest, Suggestion], None],
        status: StatusLine,
    ) -> None:
        """Create a panel.

        `get_request` returns None while there is no clip. The panel calls `on_found` in its
        background thread.
        """
        self._get_request, self._on_found, self._status = get_request, on_found, status
        self._worker: LatestWorker[SuggestRequest] = LatestWorker(self._work)
        self.start_button = widgets.Button(
            description="Suggest",
            tooltip="Find the gentlest deband that removes this clip's banding and keeps its "
            "shading and texture.",
        )
        self.cancel_button = widgets.Button(
            description="Cancel", tooltip="Stop the search.", disabled=True
        )
        self.cancel_button.add_class("wb-cancel")  # see pending_changes.js
        self._progress = widgets.IntProgress(
            max=len(CANDIDATES), layout=widgets.Layout(visibility="hidden")
        )
        self.result = widgets.HTML()
        self.start_button.on_click(lambda _: self.start())
        self.cancel_button.on_click(lambda _: self.cancel())
        self.widget = widgets.HBox([self.start_button, self.cancel_button, self._progress])

    def start(self) -> None:
        """Start a search, unless one is running."""
        if not self._worker.wait(0):
            return
        request = self._get_request()
        if request is None:
            self._show("There is no clip yet. Choose one first.")
            return
        self._progress.value = 0
        self._set_running(True)
        self._show("")
        self._worker.submit(request)

    def cancel(self) -> None:
        """Cancel the running search."""
        self._worker.cancel()

    def forget(self) -> None:
        """Clear a reason that belongs to another clip or look."""
        self._show("")

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until no search runs. Return False if that takes over `timeout` seconds."""
        return self._worker.wait(timeout)

    def _work(self, request: SuggestRequest, cancellation: Cancellation) -> None:
        try:
            with self._status.running("Looking for a deband"):
                found = suggest(
                    *(request.clip, request.preset),
                    on_progress=lambda done: setattr(self._progress, "value", done),
                    cancellation=cancellation,
                )
            cancellation.raise_if_requested()
            self._on_found(request, found)
            self._show(found.reason)
        except Cancelled:
            self._show("Cancelled.")
        except WorkbenchError as error:
            self._show(str(error))
        except Exception as error:  # an unforeseen error must not end the desk
            self._show(f"The search failed: {type(error).__name__}: {error}")
        finally:
            self._set_running(False)

    def _set_running(self, on: bool) -> None:
        # The start button stays enabled: a disabled one loses the focus, and the shortcuts fail.
        self.cancel_button.disabled = not on
        self._progress.layout.visibility = "visible" if on else "hidden"

    def _show(self, text: str) -> None:
        self.result.value = escape(text)
