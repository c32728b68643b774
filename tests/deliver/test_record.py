import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from workbench.deliver.record import (
    SCHEMA,
    record,
    record_path,
    recorded,
    write_record,
)
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.errors import DestinationUnusable
from workbench.look.preset import load_preset


def valid(values: dict[str, Any]) -> None:
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(values, schema)


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
    assert {f["id"] for f in written["findings"]} >= {"fourcc", "frames in place", "bit depth"}
    measures = written["measures"]
    assert len(measures["levels"]["mean"]) == len(measures["match"]["left"]) == 24
    assert len(measures["frames"]) == 4
    assert measures["loudness"][0]["integrated"] < 0
    assert written["versions"]["ffmpeg"]


def test_a_file_from_elsewhere_has_a_valid_record_too(delivery: Delivery) -> None:
    values = record(replace(delivery, settings=Settings(preset=None), command=(), inspection=None))
    valid(values)
    assert values["preset"] is values["encoder"] is values["command"] is values["measures"] is None


def test_a_key_that_the_schema_does_not_know_is_noticed(delivery: Delivery) -> None:
    with pytest.raises(jsonschema.ValidationError, match="surprise"):
        valid({**record(delivery), "surprise": 1})


def test_what_is_written_can_be_read_again(delivery: Delivery) -> None:
    write_record(delivery)
    read = recorded(delivery.destination)
    assert read is not None
    assert read.settings.look == delivery.settings.look
    assert read.settings.encoder == delivery.settings.encoder
    assert read.settings.frame_rate == delivery.settings.frame_rate
    assert read.settings.audio_rate == delivery.settings.audio_rate
    assert read.command == delivery.command
    assert read.sha256 == delivery.sha256


@pytest.mark.parametrize(
    ("written", "read"), [("prores_ks", "search"), ("prores", None), ("finest", "finest")]
)
def test_the_encoder_of_a_former_record_is_read(
    delivery: Delivery, written: str, read: str | None
) -> None:
    path = write_record(delivery)
    values = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**values, "schema": 2, "encoder": written}), encoding="utf-8")
    found = recorded(delivery.destination)
    assert found is not None
    assert found.settings.encoder == read


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"preset": 1}', "\x00", '{"preset": {}}'])
def test_a_record_of_another_kind_is_none(tmp_path: Path, text: str) -> None:
    record_path(tmp_path / "x.mov").write_text(text, encoding="utf-8")
    assert recorded(tmp_path / "x.mov") is None
    assert recorded(tmp_path / "nothing.mov") is None


def test_a_record_that_cannot_be_written_leaves_nothing(delivery: Delivery, tmp_path: Path) -> None:
    (tmp_path / "shot.qc.json").mkdir()
    with pytest.raises(DestinationUnusable, match=r"shot\.qc\.json is a folder"):
        write_record(replace(delivery, destination=tmp_path / "shot.mov"))
    assert [path.name for path in tmp_path.iterdir()] == ["shot.qc.json"]
