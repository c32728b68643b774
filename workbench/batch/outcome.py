"""Outcome: how one clip of many fared, as one row that tables, plots and machines read."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from pydantic import ConfigDict, Field, ValidationError, model_validator

from workbench.arguments import check_type
from workbench.deliver.qc import LEVELS, Level
from workbench.deliver.record_model import Record
from workbench.errors import BatchError, ClipNotFound
from workbench.files import expanded
from workbench.measure.metrics import METRICS
from workbench.media.frames import Frame
from workbench.media.probe import open_clip
from workbench.model import Model

State = Literal["delivered", "unchanged", "failed"]
"""`unchanged` was delivered by an earlier run, of the same source, with the same look."""

_THUMBNAIL = 320  # pixels, the longer side
_FORMER_KEYS = {
    **{key: key for key in ("cambi_before", "cambi_after", "cambi_graded")},
    **{key: key for key in ("contour_before", "contour_after")},
    "texture": "texture_change",
    "bit_depth": "effective_bit_depth",
}


class Outcome(Model):
    """The result of one clip of a batch. A value that was not measured is None."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str  # of what is delivered, without its suffix
    source: str
    state: State
    reason: str = ""  # why it failed, or the findings that its verdict comes from
    verdict: Level | None = None
    delivered: str = ""
    preset: str = ""
    preset_hash: str = ""
    overrides: dict[str, Any] = Field(default_factory=dict)
    point: dict[str, Any] = Field(default_factory=dict)  # of a sweep: the parameters that differ
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration: float | None = None  # seconds of picture
    size: int | None = None  # bytes
    measures: dict[str, float | None] = Field(default_factory=dict)
    """The worst value of each metric among the measured frames, by the keys of METRICS."""
    worst: float | None = None  # seconds from the start to the most banded frame
    seconds: float | None = None  # that the job took
    worker: str = ""
    thumbnail: str = ""  # that frame as delivered: a JPEG in base64
    crops: tuple[str, str] | None = None  # its worst part before and after: PNGs in base64

    @model_validator(mode="before")
    @classmethod
    def _from_former_keys(cls, values: Any) -> Any:
        """Read rows that were written before the measures had a mapping of their own."""
        if not isinstance(values, dict) or "measures" in values:
            return values
        found = {new: values[old] for old, new in _FORMER_KEYS.items() if old in values}
        kept = {key: value for key, value in values.items() if key not in _FORMER_KEYS}
        return kept | {"measures": found} if found else values

    @property
    def speed(self) -> float | None:
        """Seconds of picture in a second of work."""
        return self.duration / self.seconds if self.duration and self.seconds else None

    @property
    def cambi(self) -> float:
        """CAMBI as delivered, by which outcomes are ordered; 0 where it was not measured."""
        return self.measures.get("cambi_after") or 0.0

    @property
    def rank(self) -> int:
        """Where it belongs in a table: what did not finish first, then the worst verdicts."""
        return len(LEVELS) if self.verdict is None else LEVELS.index(self.verdict)


@dataclass
class Standing:
    """How far a batch is: what a display shows."""

    total: int
    done: int = 0
    failed: int = 0  # did not finish
    rejected: int = 0  # finished, and failed QC
    unchanged: int = 0
    running: dict[str, str] = field(default_factory=dict)  # stage by name; "" until it begins
    fetched: int = 0  # bytes
    stored: int = 0  # bytes
    waiting: bool = False  # for workers: there are none

    def count(self, outcome: Outcome) -> None:
        """Count one more outcome."""
        check_type("outcome", outcome, Outcome, "an Outcome")
        self.done += 1
        self.failed += outcome.state == "failed"
        self.rejected += outcome.verdict == "fail"
        self.unchanged += outcome.state == "unchanged"
        self.running.pop(outcome.name, None)

    def __str__(self) -> str:
        counts = ((self.failed, "did not finish"), (self.rejected, "failed QC"))
        said = [f"{count} {what}" for count, what in counts if count] or ["none failed"]
        unchanged = [f"{self.unchanged} unchanged"] if self.unchanged else []
        return f"{self.done} of {self.total} clips: {', '.join([*said, *unchanged])}"

    @property
    def exit_code(self) -> int:
        """Return 0 when all passed, 3 when some failed QC, 1 when some did not finish."""
        return 1 if self.failed else 3 if self.rejected else 0


def read_outcomes(path: str | Path) -> list[Outcome]:
    """Read the outcomes of a batch, one a line; what did not finish first, then the worst verdicts,
    then the most banded. Raises ClipNotFound, BatchError, ParameterError."""
    path = expanded(path, "the file of outcomes")
    try:
        with path.open(encoding="utf-8") as lines:
            found = [Outcome.model_validate_json(line) for line in lines]
    except UnicodeDecodeError as error:
        raise BatchError(f"{path.name} does not hold the outcomes of a batch") from error
    except OSError as error:
        raise ClipNotFound(f"{path} cannot be read: {str(error.strerror).lower()}") from error
    except ValidationError as error:
        raise BatchError(f"{path.name} does not hold the outcomes of a batch") from error
    return sorted(found, key=lambda one: (-one.rank, -one.cambi, one.name))


def measures(record: Record) -> dict[str, Any]:
    """Return what the record of a delivered file says of it, by the names of an Outcome."""
    source, preset = record.source, record.preset
    frames = record.measures.frames if record.measures else []
    deciding = [one.id for one in record.findings if one.level == record.verdict]
    return {
        "verdict": record.verdict,
        "reason": ", ".join(deciding) if record.verdict != "pass" else "",
        "preset": preset.name if preset else "",
        "preset_hash": preset.hash if preset else "",
        "width": source.width,
        "height": source.height,
        "frames": source.frame_count,
        "duration": source.duration,
        "size": record.destination.size,
        "measures": {
            key: one.worst(getattr(frame, key) for frame in frames)
            for one in METRICS
            for key in one.keys
        },
        "worst": record.measures.most_banded.time if record.measures else None,
    }


def views(source: Path, delivered: Path, record: Record, *, crops: bool) -> dict[str, Any]:
    """Take pictures of the frame that is banded most, by the names of an Outcome.

    Raises ClipError.
    """
    if record.measures is None:
        return {}
    worst = record.measures.most_banded
    with open_clip(delivered) as clip:
        after = clip.frame(worst.delivered_frame)
    thumbnail = _encoded(after.downscaled(_THUMBNAIL), "JPEG")
    if not crops:
        return {"thumbnail": thumbnail}
    with open_clip(source) as clip:
        before = clip.frame(worst.frame)
    x, y, width, height = worst.window or (0, 0, after.width, after.height)
    box = (x, y, x + width, y + height)
    return {
        "thumbnail": thumbnail,
        "crops": (_encoded(before, "PNG", box), _encoded(after, "PNG", box)),
    }


def _encoded(frame: Frame, kind: str, box: tuple[int, int, int, int] | None = None) -> str:
    picture = Image.fromarray(frame.rgb())
    buffer = io.BytesIO()
    (picture.crop(box) if box else picture).save(buffer, kind)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
