"""Locations: a folder or a URL opens the right storage, and one table lists the schemes."""

from pathlib import Path

import pytest

from workbench.batch.plan import plan
from workbench.deliver.settings import Settings
from workbench.errors import StorageRefused
from workbench.storage.folder import Folder
from workbench.storage.locations import OPENERS, is_remote, open_storage


def test_a_path_opens_a_folder(tmp_path: Path) -> None:
    assert open_storage(tmp_path) == Folder(tmp_path)
    assert not is_remote(tmp_path)


@pytest.mark.parametrize("location", ["https://me:secret@host/a", "gs://clips/in", "S3://clips"])
def test_an_unknown_scheme_raises_without_the_url(location: str) -> None:
    with pytest.raises(StorageRefused, match=r"use a folder, or s3://bucket/prefix$") as caught:
        open_storage(location)
    assert "secret" not in str(caught.value)
    assert "clips/" not in str(caught.value)


def test_an_entry_in_the_table_adds_a_backend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A batch then finds its clips by a prefix, a key and a pattern."""
    (tmp_path / "clips/in/b").mkdir(parents=True)
    for name in ("in/a.mp4", "in/b/c.mp4"):
        (tmp_path / "clips" / name).write_bytes(b"clip")

    def open_disk(url: str, profile: str | None) -> Folder:
        assert profile == "studio"
        return Folder(tmp_path / url.removeprefix("disk://").rstrip("/"))

    monkeypatch.setitem(OPENERS, "disk", open_disk)
    found = {
        source: [job.source for job in plan([source], Settings(), "studio")]
        for source in ("disk://clips/in", "disk://clips/in/a.mp4", "disk://clips/in/b/*.mp4")
    }
    assert list(found.values()) == [["a.mp4", "b/c.mp4"], ["a.mp4"], ["c.mp4"]]
