"""A storage with good and damaged clips, and a service for it that most tests share."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import clips
from tests.service.served import Served, serving

ODD = 'nöel "1"\r\nX-Evil: yes;\\.mp4'
"""A file name that cannot be part of an HTTP header as it is."""


@pytest.fixture(scope="session")
def storage(made: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("storage")
    (folder / "shots").mkdir()
    untagged = made("untagged")
    shutil.copy(untagged, folder / "shots" / "sky.mp4")
    shutil.copy(untagged, folder / ODD)
    (folder / "text.mp4").write_text("no video")
    whole = untagged.read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    for name, times in (("medium", 15), ("long", 240)):  # seconds; medium is about 10 MB as ProRes
        looped = ["-stream_loop", str(times - 1), "-i", untagged, "-c", "copy", "-an"]
        clips.run(*looped, folder / f"{name}.mp4")
    return folder


@pytest.fixture(scope="session")
def served(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(storage, tmp_path_factory.mktemp("served") / "temp") as service:
        yield service
        assert service.idle(), "a test left a process, a request or a temporary file behind"
