"""The record of a delivered file as a typed model; its JSON schema is generated from it.

After a change here, run `make schema` to regenerate qc.schema.json.
"""

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from workbench.deliver.format import FORMATS, Encoder
from workbench.deliver.policy import Policy
from workbench.deliver.qc import Finding, Level
from workbench.deliver.reencode import ReencodeDifference
from workbench.deliver.settings import RecordedSettings
from workbench.look.compare import Comparison
from workbench.measure.loudness import Loudness
from workbench.measure.metrics import METRICS

VERSION = 4
"""Increased when a key changes its meaning or is removed. record_versions.py reads older ones."""

SCHEMA = Path(__file__).with_name("qc.schema.json")

Planes = tuple[float, float, float]
"""Luma, Cb and Cr."""


class RecordPart(BaseModel):
    """A part of the record."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ColourRecord(RecordPart):
    """The colour tags of the source; "unspecified" where it has none."""

    range: Literal["legal", "full", "unspecified"]
    primaries: str
    transfer: str
    matrix: str


class AudioRecord(RecordPart):
    """An audio track of the source; times are seconds from the first frame."""

    index: int
    codec: str
    sample_rate: int = Field(description="Hz.")
    channels: int
    layout: str
    deep: bool = Field(description="Whether it is lossless with more than 16 bits.")
    start: float
    end: float
    gap: float = Field(description="The longest hole between two packets, in seconds.")


class SourceRecord(RecordPart):
    """The source clip."""

    path: str
    container: str
    codec: str
    profile: str
    pixel_format: str
    bit_depth: int
    width: int = Field(description="Pixels, upright.")
    height: int = Field(description="Pixels, upright.")
    sample_aspect: str = Field(description="Width of a pixel over its height, a fraction.")
    rotation: int = Field(description="Degrees clockwise that players rotate it.")
    mirrored: bool
    frame_rate: str = Field(description="Frames per second, a fraction; the average if it varies.")
    constant_frame_rate: bool
    interlaced: bool
    frame_count: int
    duration: float = Field(description="Seconds.")
    colour: ColourRecord
    untagged: list[str] = Field(description="The colour fields that the file does not state.")
    audio: list[AudioRecord]


class FileRecord(RecordPart):
    """The delivered file."""

    path: str
    size: int = Field(description="Bytes.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Checksum of the whole file.")


class LookRecord(RecordPart):
    """The preset with every stage's parameters."""

    model_config = ConfigDict(extra="allow")

    name: str
    description: str
    hash: str = Field(
        pattern="^[0-9a-f]{12}$", description="The same for presets that give the same picture."
    )
    bit_depth: int = Field(8, description="Bits of the look's least precise stage.")
    assume_matrix: Literal["bt601", "bt709"] | None = Field(
        None, description="Matrix assumed for an untagged source; null: bt709."
    )


class LevelsRecord(RecordPart):
    """One value for each delivered frame, in 10-bit legal-range code values."""

    lowest: list[float] = Field(description="Lowest luma.")
    low: list[float] = Field(description="10th percentile of luma.")
    mean: list[float] = Field(description="Mean luma.")
    high: list[float] = Field(description="90th percentile of luma.")
    highest: list[float] = Field(description="Highest luma.")
    saturation: list[float] = Field(description="Mean distance of Cb and Cr from neutral.")
    black: list[float] = Field(description="Share of pixels that are nearly black, 0 to 1.")
    outside_r103: list[float] = Field(description="Share of pixels outside EBU R103, 0 to 1.")
    change: list[float] = Field(
        description="RMS change of small cells from the previous frame, of the worst plane."
    )
    drift: list[float] = Field(
        description="The same from the first frame of a stretch, or a seventh of the largest "
        "change of a cell. From 3.5 on, the frame begins a new stretch."
    )


class MatchRecord(RecordPart):
    """The match of each delivered frame with the source frame in its place: a value for each."""

    rms_residual: list[float] = Field(
        description="RMS difference of luma block means after a fitted tone curve, in 10-bit codes."
    )
    max_residual: list[float] = Field(description="The largest difference of any block, likewise.")
    correlation: list[float | None] = Field(
        description="Correlation of the two lumas, -1 to 1; null where the source is flat."
    )
    better_neighbour: list[int] = Field(
        description="-1 or 1 where that neighbour of the source frame fits better; else 0."
    )
    mean_error: list[Planes] = Field(
        description="Mean distance of the blocks from the clip's fitted look: luma, Cb, Cr."
    )
    rms_error: list[Planes] = Field(
        description="RMS distance of the blocks from the clip's fitted look: luma, Cb, Cr."
    )
    sharpness: list[tuple[float, float]] = Field(
        description="Log ratio of the delivered frame's detail to the source's, across and down."
    )
    combing: list[float] = Field(
        description="Log ratio of the difference between neighbouring rows, as in interlaced video."
    )


class MostBandedFrame(RecordPart):
    """The measured frame with the most banding in the source."""

    frame: int = Field(description="Of the source, from 0.")
    delivered_frame: int = Field(description="The same frame's number in the delivered file.")
    time: float = Field(description="Seconds after the first frame.")
    window: tuple[int, int, int, int] | None = Field(
        description="Left, top, width and height of its most banded part, in pixels; null where "
        "CAMBI cannot be measured."
    )


class Measures(RecordPart):
    """Everything that was measured of the picture and the sound."""

    times: list[float] = Field(description="Seconds from the first frame to each delivered frame.")
    end: float = Field(description="When the last of these frames ends, in seconds.")
    black_limit: int = Field(
        description="10-bit luma up to which a pixel counts as nearly black under this look."
    )
    levels: LevelsRecord
    match: MatchRecord
    encoded_again: ReencodeDifference | None = Field(
        description="One frame rendered and encoded again; null where that was not done."
    )
    corrupt_frames: list[int] = Field(
        description="Delivered frames that did not decode without errors."
    )
    damaged_frames: list[int] = Field(
        description="Delivered frames that differ from the look's rendering; for an unknown look, "
        "those with a block far from the fitted tone curve."
    )
    frames: list[Comparison] = Field(
        description="The measured frames; null is a value that was not or cannot be measured."
    )
    most_banded: MostBandedFrame
    loudness: list[Loudness] = Field(description="Of each audio track.")


class Record(RecordedSettings, RecordPart):
    """The record of a delivered file: NAME.qc.json beside NAME.mov, written by the workbench."""

    version: Literal[4] = Field(description="The version of these keys.")
    verdict: Level = Field(description="The worst level among the findings.")
    source: SourceRecord
    destination: FileRecord
    format: Literal[tuple(FORMATS)] = Field(  # type: ignore[valid-type]
        description="The delivery format."
    )
    preset: LookRecord | None = Field(description="null when it is not known.")
    encoder: Encoder | None = Field(description="null when it is not known.")
    command: list[str] | None = Field(
        description="The ffmpeg command, argument by argument; null when it is not known."
    )
    policy: Policy = Field(description="The limits of the measures; null where there is no rule.")
    findings: list[Finding]
    measures: Measures | None = Field(
        description="null when the frames cannot be compared with the source's."
    )
    versions: dict[str, str] = Field(description="The programs that made and measured the file.")

    def as_json(self) -> dict[str, Any]:
        """Return the record in plain JSON types, its version first."""
        values = self.model_dump(mode="json")
        return {"version": values.pop("version"), **values}

    def text(self) -> str:
        """Return the record as its file has it."""
        return json.dumps(self.as_json(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def schema_text(cls) -> str:
        """Return the JSON schema of the record, as qc.schema.json has it."""
        schema = cls.model_json_schema(mode="serialization")
        described = {part.__name__ for part in RecordPart.__subclasses__()}
        for name, part in schema["$defs"].items():
            if part.get("type") == "object":
                part.setdefault("additionalProperties", False)
            if name not in described:  # a docstring for programmers
                part.pop("description", None)
        frames = schema["$defs"][Comparison.__name__]["properties"]
        for metric in METRICS:
            for key in metric.keys:
                side = "" if metric.before is None else _SIDES[key == metric.key]
                unit = f", stored as a share of 1, shown in {metric.unit}" * (metric.factor != 1)
                unit = unit or (f", in {metric.unit}" if metric.unit else "")
                frames[key]["description"] = f"{metric.label}{side}{unit}. {metric.sentence}"
        frames["shading_error"]["description"] = (
            "Contour and detail change together, with what rounding was expected to leave, in "
            "hundredths of a 10-bit code value per pixel. Lowest for the best deband."
        )
        dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
        return json.dumps(dialect | schema, indent=1, ensure_ascii=False) + "\n"


_SIDES = (" before the look", " after the look")

if __name__ == "__main__":
    SCHEMA.write_text(Record.schema_text(), encoding="utf-8")
