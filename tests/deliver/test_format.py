"""A delivery format is one value: another one is encoded, named and checked as it says."""

from dataclasses import replace
from pathlib import Path

import av
import pytest

from workbench.deliver.encode import convert
from workbench.deliver.file_checks import check_file
from workbench.deliver.format import FORMATS, PRORES_422_HQ, clip_name, is_delivered
from workbench.deliver.quicktime import read_movie
from workbench.deliver.settings import Settings
from workbench.media.picture_format import PRORES_422
from workbench.media.probe import open_clip

STANDARD = replace(
    PRORES_422_HQ,
    label="ProRes 422",
    name_suffix="_standard",
    picture=replace(PRORES_422, label="422", coding_error=(3, 1, 10, 60)),
    encoder_options={"finest": ("-profile:v", "2", "-vendor", "wbch"), "search": ()},
    fourcc="apcn",
    vendor="wbch",
    bits_per_macroblock=4000,
)


def test_another_format_is_delivered_from_its_value_alone(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Settings, "format", property(lambda _: STANDARD))
    delivery = convert(untagged, tmp_path, Settings())
    assert delivery.destination.name == f"{untagged.stem}_standard.mov"
    with av.open(str(delivery.destination)) as container:
        assert container.streams.video[0].codec_context.codec_tag == "apcn"
    found = {one.id: one for one in delivery.findings}
    assert (found["fourcc"].limit, found["vendor"].limit) == ("apcn", "wbch")
    assert found["fourcc"].sentence == "The codec is ProRes 422."
    assert found["slice size"].limit == "at most 4000"


def test_a_file_of_another_format_fails(untagged: Path, tmp_path: Path) -> None:
    path = tmp_path / "hq.mov"
    convert(untagged, path, Settings())
    with open_clip(untagged) as clip, pytest.MonkeyPatch.context() as patch:
        patch.setattr(Settings, "format", property(lambda _: STANDARD))
        found = check_file(clip, read_movie(path), Settings(), ("s",), ("s",))
    failed = {one.id for one in found if one.level == "fail"}
    assert failed == {"fourcc", "vendor"}


@pytest.mark.parametrize("name", FORMATS)
def test_a_delivered_file_is_known_by_its_name(name: str) -> None:
    one = FORMATS[name]
    assert one.name == name
    assert is_delivered(f"shot{one.name_ending}".upper())
    assert not is_delivered(f"shot{one.file_suffix}")
    assert clip_name(f"shot{one.name_suffix}") == "shot"
