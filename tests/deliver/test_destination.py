"""Destination: the names that delivered files get."""

from pathlib import Path

import pytest

from workbench.deliver.destination import destination_for, is_clip
from workbench.errors import DestinationExists, DestinationUnusable


def test_where_a_conversion_goes(tmp_path: Path) -> None:
    source = tmp_path / "shot 1.mp4"
    assert destination_for(source) == tmp_path / "shot 1_prores.mov"
    assert destination_for(source, tmp_path) == tmp_path / "shot 1_prores.mov"
    assert destination_for(source, tmp_path / "x.MOV") == tmp_path / "x.MOV"
    with pytest.raises(DestinationUnusable, match=r"x\.mp4 does not end in \.mov"):
        destination_for(source, tmp_path / "x.mp4")
    (tmp_path / "same.mov").write_bytes(b"")
    with pytest.raises(DestinationUnusable, match="is the source itself"):
        destination_for(tmp_path / "same.mov", tmp_path / "same.mov")


def test_an_existing_file_is_only_overwritten_when_asked(tmp_path: Path) -> None:
    (tmp_path / "a.mov").write_bytes(b"")
    with pytest.raises(DestinationExists, match=r"a\.mov"):
        destination_for("a.mp4", tmp_path / "a.mov")
    assert destination_for("a.mp4", tmp_path / "a.mov", overwrite=True) == tmp_path / "a.mov"


@pytest.mark.parametrize(
    ("name", "clip"),
    [
        ("a.mp4", True),
        ("more/b.MOV", True),
        ("a.txt", False),
        ("a_prores.mov", False),
        ("A_PRORES.MOV", False),
        (".hidden.mp4", False),
        (".trash/a.mp4", False),
    ],
)
def test_clips_of_a_folder_are_told_by_their_names(name: str, clip: bool) -> None:
    assert is_clip(name) == clip
