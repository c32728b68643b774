import json
from pathlib import Path

import pytest

from workbench.deliver.encode import Delivery, Recipe, convert
from workbench.deliver.report import write_qc
from workbench.errors import DestinationUnusable
from workbench.look.compare import compare
from workbench.look.preset import load_preset


@pytest.fixture(scope="module")
def delivery(untagged: Path, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    path = tmp_path_factory.mktemp("report") / "shot.v2.mov"
    return convert(untagged, path, Recipe(load_preset("classic")))


def test_the_record_holds_what_was_done_and_found(delivery: Delivery) -> None:
    comparison = compare(delivery.source, delivery.recipe.preset, samples=4)
    path = write_qc(delivery, comparison)
    assert path == delivery.destination.with_name("shot.v2.qc.json")
    record = json.loads(path.read_text(encoding="utf-8"))
    assert record["verdict"] == "note"
    assert record["preset"]["hash"] == load_preset("classic").hash
    assert record["source"]["frame_count"] == 24
    assert record["destination"]["size"] == delivery.destination.stat().st_size
    assert "gradfun=1.1:20" in record["command"]
    assert {finding["id"] for finding in record["findings"]} >= {"fourcc", "frames", "audio"}
    assert len(record["measures"]["cambi"]["after"]) == 4
    assert record["measures"]["occupied_luma_codes"]["before"] == comparison.codes_before.occupied
    assert record["versions"]["ffmpeg"]


def test_a_record_that_cannot_be_written_leaves_nothing(delivery: Delivery) -> None:
    folder = delivery.destination.with_suffix(".qc.json")
    folder.unlink(missing_ok=True)
    folder.mkdir()
    with pytest.raises(DestinationUnusable, match=r"shot\.v2\.qc\.json is a folder"):
        write_qc(delivery)
    folder.rmdir()
    assert list(folder.parent.iterdir()) == [delivery.destination]
