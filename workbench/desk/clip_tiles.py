"""Clip tiles: a list of clips with a thumbnail and the verdict of the delivered file of each.

The browser asks for the tiles that it shows. A worker makes them in the background, at low
priority.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from workbench.deliver.format import PRORES_422_HQ
from workbench.deliver.qc import Level
from workbench.deliver.record import read_record, record_path
from workbench.desk.banding_pass import lower_priority
from workbench.desk.bundle import WEB, bundle
from workbench.desk.latest_worker import LatestWorker
from workbench.desk.viewer import jpeg
from workbench.errors import WorkbenchError
from workbench.ffmpeg import Cancellation
from workbench.files import file_stamp
from workbench.media.clip import Clip
from workbench.media.probe import open_clip
from workbench.storage.locations import is_remote

_LONGEST = 128  # pixels of a thumbnail's longer side
_MAX_CACHED = 1000  # thumbnails: about 4 MB
_POLL = 0.05  # seconds between two looks at whether the desk is busy


class ClipTiles(anywidget.AnyWidget):
    """Show clips as tiles. `chosen` is the location of the clip on the desk, or ""."""

    _esm = bundle(WEB / "clip_tiles.js")

    clips = traitlets.List(traitlets.Tuple()).tag(sync=True)  # (name, location) of each
    chosen = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self, is_busy: Callable[[], bool], folders: Callable[[Path], Sequence[Path]]
    ) -> None:
        """Create a list whose worker pauses while the desk `is_busy` with a picture.

        `folders` returns the folders in which a clip's delivered file may be.
        """
        super().__init__()
        self._is_busy, self._folders = is_busy, folders
        self._thumbnails: OrderedDict[tuple[str, tuple[int, int]], bytes] = OrderedDict()
        self.worker: LatestWorker[Sequence[str]] = LatestWorker(self._make)
        self.on_msg(self._receive)

    def forget_verdicts(self) -> None:
        """Let the browser ask again, because a file was delivered."""
        self.send({"kind": "changed"})

    def _receive(self, _: object, content: dict[str, Any], __: object) -> None:
        wanted = content.get("wanted")
        if isinstance(wanted, list) and wanted:
            self.worker.submit([str(one) for one in wanted])

    def _make(self, locations: Sequence[str], superseded: Cancellation) -> None:
        lower_priority()
        for location in locations:
            while self._is_busy():
                if superseded.wait(_POLL):
                    return
            if superseded.requested:
                return
            if not is_remote(location):
                self._send_tile(Path(location))

    def _send_tile(self, path: Path) -> None:
        content = {"kind": "tile", "clip": str(path)}
        try:
            picture = self._thumbnail(path)
            verdict = delivered_verdict(path, self._folders(path))
        except (WorkbenchError, OSError) as error:
            self.send({**content, "verdict": None, "problem": str(error)}, [b""])
        else:
            self.send({**content, "verdict": verdict, "problem": ""}, [picture])

    def _thumbnail(self, path: Path) -> bytes:
        key = str(path), file_stamp(path)
        if key not in self._thumbnails:
            with open_clip(path) as clip:
                frame = clip.frame(middle_keyframe(clip))
                self._thumbnails[key] = jpeg(frame.downscaled(_LONGEST))
        self._thumbnails.move_to_end(key)
        while len(self._thumbnails) > _MAX_CACHED:
            self._thumbnails.popitem(last=False)
        return self._thumbnails[key]


def middle_keyframe(clip: Clip) -> int:
    """Return the keyframe nearest to the middle of a clip: it decodes without other frames."""
    middle = clip.frame_count // 2
    keyframes = [at for at, position in enumerate(clip.positions) if position.keyframe]
    return min(keyframes or [0], key=lambda at: abs(at - middle))


def delivered_verdict(clip: Path, folders: Sequence[Path]) -> Level | None:
    """Return the verdict of the newest file that was delivered from a clip, or None.

    It is read from the record beside the file. A record that is older than the clip does not count.
    Raises OSError for a clip that is gone.
    """
    name, changed = f"{clip.stem}{PRORES_422_HQ.name_ending}", clip.stat().st_mtime
    found: list[tuple[float, Level]] = []
    for delivered in {folder / name for folder in folders}:
        try:
            record = read_record(delivered)
            written = record_path(delivered).stat().st_mtime
        except (WorkbenchError, OSError):
            continue
        if record and Path(record.source.path).name == clip.name and written >= changed:
            found.append((written, record.verdict))
    return max(found)[1] if found else None
