"""Outcome: the result of one clip of a batch, as one row of its summary."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from PIL import Image
from pydantic import ConfigDict, Field, ValidationError, model_validator

from workbench.argument_checks import check_type
from workbench.deliver.qc import LEVELS, Level
from workbench.deliver.record_model import Record
from workbench.errors import BatchError, ClipNotFound
from workbench.files import expanded
from workbench.measure.metrics import METRICS
from workbench.media.frames import Frame
from workbench.media.probe import open_clip
from workbench.model import Model

State = Literal["delivered", "unchanged", "failed"]
"""`unchanged`: an earlier run delivered the same source with the same settings."""

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

    name: str  # of the delivered file, without its suffix
    source: str
    state: State
    reason: str = ""  # why it failed, or the findings that decide its verdict
    verdict: Level | None = None
    delivered: str = ""
    preset: str = ""
    preset_hash: str = ""
    overrides: dict[str, Any] = Field(default_factory=dict)
    point: dict[str, Any] = Field(default_factory=dict)  # the swept parameters
    width: int | None = None
    height: int | None = None
    frames: int | None = None
    duration: float | None = None  # seconds of picture
    size: int | None = None  # bytes
    measures: dict[str, float | None] = Field(default_factory=dict)
    """The worst value of each metric among the measured frames, by the keys of METRICS."""
    worst: float | None = None  # seconds from the start to the most banded frame
    seconds: float | None = None  # of work
    worker: str = ""
    thumbnail: str = ""  # the most banded frame as delivered, a JPEG in base64
    crops: tuple[str, str] | None = None  # its most banded part before and after, PNGs in base64

    @model_validator(mode="before")
    @classmethod
    def _from_former_keys(cls, values: Any) -> Any:
        """Read rows of earlier versions, which held the measures beside the other values."""
        if not isinstance(values, dict) or "measures" in values:
            return values
        found = {new: values[old] for old, new in _FORMER_KEYS.items() if old in values}
        kept = {key: value for key, value in values.items() if key not in _FORMER_KEYS}
        return kept | {"measures": found} if found else values

    @property
    def speed(self) -> float | None:
        """Seconds of picture per second of work."""
        return self.duration / self.seconds if self.duration and self.seconds else None

    @property
    def cambi(self) -> float:
        """CAMBI as delivered, which orders outcomes; 0 where it was not measured."""
        return self.measures.get("cambi_after") or 0.0

    @property
    def rank(self) -> int:
        """Rank in a table: clips that did not finish are highest, then the worst verdicts."""
        return len(LEVELS) if self.verdict is None else LEVELS.index(self.verdict)


@dataclass
class Standing:
    """The progress of a batch, for displays."""

    total: int
    done: int = 0
    failed: int = 0  # did not finish
    rejected: int = 0  # finished, and failed QC
    unchanged: int = 0
    running: dict[str, str] = field(default_factory=dict)  # stage by clip name
    fetched: int = 0  # bytes
    stored: int = 0  # bytes
    waiting: bool = False  # whether there are no workers

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
        problems = [f"{count} {words}" for count, words in counts if count] or ["none failed"]
        unchanged = [f"{self.unchanged} unchanged"] if self.unchanged else []
        return f"{self.done} of {self.total} clips: {', '.join([*problems, *unchanged])}"

    @property
    def exit_code(self) -> int:
        """Return 0 when all passed, 3 when some failed QC, 1 when some did not finish."""
        return 1 if self.failed else 3 if self.rejected else 0


def read_outcomes(path: str | Path) -> list[Outcome]:
    """Read the outcomes of a batch from its summary.jsonl.

    Clips that did not finish come first, then the worst verdicts, then the most banding. Raises
    ClipNotFound, BatchError, ParameterError.
    """
    path = expanded(path, "the file of outcomes")
    try:
        with path.open(encoding="utf-8") as lines:
            found = [Outcome.model_validate_json(line) for line in lines]
    except UnicodeDecodeError as error:
        raise BatchError(f"{path.name} is not the summary.jsonl of a batch") from error
    except OSError as error:
        raise ClipNotFound(f"{path} cannot be read: {str(error.strerror).lower()}") from error
    except ValidationError as error:
        raise BatchError(f"{path.name} is not the summary.jsonl of a batch") from error
    return sorted(found, key=lambda one: (-one.rank, -one.cambi, one.name))


def measures(record: Record) -> dict[str, Any]:
    """Return the fields of an Outcome that come from the record of a delivered file."""
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
    """Return the fields of an Outcome that show the most banded frame.

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
