"""The record: its schema, and reading it back, whatever version wrote it."""

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from workbench.deliver.recheck import recheck
from workbench.deliver.record import (
    read_record,
    record,
    record_path,
    recorded_settings,
    write_record,
)
from workbench.deliver.record_model import SCHEMA, Record
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.errors import DestinationUnusable, RecordError
from workbench.look.preset import load_preset
from workbench.measure.levels import LevelsTimeline
from workbench.measure.metrics import METRICS
from workbench.media.probe import open_clip

FORMER = Path(__file__).with_name("records")
"""Records of a clip of five frames, as versions 1 to 3 wrote them."""


def valid(values: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(values, schema)


def placed(version: int, folder: Path) -> Path:
    """Put the record of a former version beside a delivered file's name, and return that name."""
    delivered = folder / "tiny_prores.mov"
    shutil.copy(FORMER / f"version_{version}.qc.json", record_path(delivered))
    return delivered


def test_the_committed_schema_is_the_one_of_the_model() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == Record.schema_text(), "run `make schema`"


def test_every_value_of_a_record_is_described() -> None:
    parts = json.loads(SCHEMA.read_text(encoding="utf-8"))["$defs"]
    frames = parts["Comparison"]["properties"]
    assert all(frames[key]["description"] for metric in METRICS for key in metric.keys)
    assert set(parts["LevelsRecord"]["properties"]) == {one.name for one in fields(LevelsTimeline)}


def test_the_record_holds_what_was_done_and_found(delivery: Delivery) -> None:
    path = write_record(delivery)
    assert path == delivery.destination.with_name("shot.v2.qc.json")
    written = json.loads(path.read_text(encoding="utf-8"))
    valid(written)
    assert written["verdict"] == "warn"
    assert written["preset"]["hash"] == load_preset("classic").hash
    assert written["source"]["frame_count"] == 24
    assert written["destination"]["size"] == delivery.destination.stat().st_size
    assert written["command"] == list(delivery.command)
    assert {f["id"] for f in written["findings"]} >= {"fourcc", "frame order", "bit depth"}
    measures = written["measures"]
    assert len(measures["levels"]["mean"]) == len(measures["match"]["rms_residual"]) == 24
    assert len(measures["frames"]) == 4
    assert measures["loudness"][0]["integrated"] < 0
    assert written["versions"]["ffmpeg"]


def test_a_file_from_elsewhere_has_a_valid_record_too(delivery: Delivery) -> None:
    other = replace(delivery, settings=Settings(preset=None), command=(), inspection=None)
    values = record(other).as_json()
    valid(values)
    assert values["preset"] is values["encoder"] is values["command"] is values["measures"] is None


def test_a_key_that_the_schema_does_not_know_is_noticed(delivery: Delivery) -> None:
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        valid({**record(delivery).as_json(), "surprise": 1})


def test_what_is_written_can_be_read_again(delivery: Delivery) -> None:
    write_record(delivery)
    read = read_record(delivery.destination)
    assert read == record(delivery)
    assert read is not None
    settings = recorded_settings(read)
    assert settings.look == delivery.settings.look
    assert settings.encoder == delivery.settings.encoder
    assert settings.frame_rate == delivery.settings.frame_rate
    assert settings.audio_rate == delivery.settings.audio_rate
    assert read.destination.sha256 == delivery.sha256


def test_a_record_of_version_3_is_read_whole(tmp_path: Path) -> None:
    read = read_record(placed(3, tmp_path))
    assert read is not None
    settings = recorded_settings(read)
    assert settings.look == load_preset("classic").override({"deband.strength": 1.4})
    assert (settings.encoder, settings.frame_rate) == ("finest", 24)
    assert read.measures is not None
    assert len(read.measures.times) == len(read.measures.match.rms_residual) == 10
    assert read.measures.frames[0].difference is not None
    assert read.measures.frames[0].difference.rms < 1
    valid(read.as_json())


def test_a_record_of_version_2_is_read_without_its_measures(tmp_path: Path) -> None:
    read = read_record(placed(2, tmp_path))
    assert read is not None
    settings = recorded_settings(read)
    assert (settings.look, settings.encoder) == (load_preset("classic"), "search")
    assert read.measures is None
    assert "bit depth" in {finding.id for finding in read.findings}
    valid(read.as_json())


def test_a_record_of_version_1_says_that_it_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RecordError, match="it has version 1, and only 2 to 4 can be read"):
        read_record(placed(1, tmp_path))


@pytest.mark.parametrize(
    ("written", "read"), [("prores_ks", "search"), ("prores", None), ("finest", "finest")]
)
def test_the_encoder_of_a_former_record_is_read(
    tmp_path: Path, written: str, read: str | None
) -> None:
    path = record_path(placed(2, tmp_path))
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, "encoder": written}), encoding="utf-8")
    found = read_record(tmp_path / "tiny_prores.mov")
    assert found is not None
    assert found.encoder == read


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"preset": 1}', "\x00", '{"preset": {}}', "1"])
def test_a_file_of_another_kind_is_no_record(tmp_path: Path, text: str) -> None:
    record_path(tmp_path / "x.mov").write_text(text, encoding="utf-8")
    with pytest.raises(RecordError, match=r"x\.qc\.json is not a record"):
        read_record(tmp_path / "x.mov")
    assert read_record(tmp_path / "nothing.mov") is None


def test_checking_says_when_the_record_cannot_be_read(delivery: Delivery, tmp_path: Path) -> None:
    shutil.copy(delivery.destination, path := placed(1, tmp_path))
    with open_clip(delivery.source.path) as clip:
        checked = recheck(clip, path)
    first = checked.findings[0]
    assert (first.id, first.level) == ("record", "note")
    assert "version 1" in first.measured
    assert checked.settings.look is None


def test_a_record_that_cannot_be_written_leaves_nothing(delivery: Delivery, tmp_path: Path) -> None:
    (tmp_path / "shot.qc.json").mkdir()
    with pytest.raises(DestinationUnusable, match=r"shot\.qc\.json is a folder"):
        write_record(replace(delivery, destination=tmp_path / "shot.mov"))
    assert [path.name for path in tmp_path.iterdir()] == ["shot.qc.json"]
