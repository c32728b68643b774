"""Test the decoders and cached frames that all clips share, and clips in other processes."""

import copy
import gc
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests import clips
from workbench import errors
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.errors import ClipNotFound, ClipReplaced, FfmpegFailed, WorkbenchError
from workbench.media import frame_reader
from workbench.media.clip import Clip
from workbench.media.probe import open_clip

Made = Callable[[str], Path]
FRAME = 320 * 180 * 3 // 2
"""Bytes of a frame of these clips. Decoders pad each row, which may add a third."""


@pytest.fixture(autouse=True)
def _nothing_shared() -> Iterator[None]:
    """Start each test with empty caches."""
    gc.collect()
    frame_reader._shared.__init__()  # type: ignore[misc]
    yield
    frame_reader._shared.__init__()  # type: ignore[misc]


@pytest.fixture
def many(untagged: Path, tmp_path: Path) -> list[Path]:
    return [Path(shutil.copy(untagged, tmp_path / f"{n}.mp4")) for n in range(40)]


def open_files(paths: list[Path]) -> int:
    """Count the open handles of this process on these files."""
    return sum(Path(file.path) in paths for file in psutil.Process().open_files())


def test_forty_clips_in_use_keep_eight_files_open(many: list[Path]) -> None:
    opened = [open_clip(path) for path in many]
    assert open_files(many) == 0
    first = [clip.frame(0).luma for clip in opened]
    assert open_files(many) == frame_reader.OPEN_DECODERS == 8
    decoders, held = frame_reader._shared.held
    assert decoders == 8
    assert 40 * FRAME <= held <= 40 * FRAME * 4 // 3
    assert all(np.array_equal(clip.frame(0).luma, first[0]) for clip in opened)
    assert [clip.frame(3).index for clip in opened] == [3] * 40
    for clip in opened:
        clip.close()
    assert open_files(many) == 0
    assert frame_reader._shared.held == (0, 0)


def test_all_clips_share_one_least_recently_used_cache(
    many: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = [open_clip(path) for path in many[:12]]
    opened[0].frame(0)
    most = 10 * frame_reader._shared.held[1] + FRAME // 2
    monkeypatch.setattr(frame_reader, "CACHE_BYTES", most)
    for clip in opened:
        clip.frame(0)
        opened[0].frame(0)
        assert frame_reader._shared.held[1] <= most
    assert opened[0]._reader.cached == 1
    assert sum(clip._reader.cached for clip in opened) == 10
    assert [clip._reader.cached for clip in opened[-3:]] == [1, 1, 1]


def test_a_garbage_collected_clip_releases_its_decoder_and_frames(many: list[Path]) -> None:
    clip = open_clip(many[0])
    clip.frame(5)
    assert frame_reader._shared.held == (1, frame_reader._shared.held[1])
    del clip
    assert open_files(many) == 0
    assert frame_reader._shared.held == (0, 0)


def test_a_clip_collected_while_the_lock_is_held_is_released_later(
    many: list[Path],
) -> None:
    clip = open_clip(many[0])
    clip.frame(0)
    with frame_reader._shared._lock:
        del clip
    with open_clip(many[1]) as other:
        other.frame(0)
        assert frame_reader._shared.held[0] == 1
        assert open_files(many) == 1


def test_more_threads_than_decoders_get_the_right_frames(many: list[Path]) -> None:
    """Afterwards, the number of open files is within the limit."""
    opened = [open_clip(path) for path in many[:24]]
    expected = [opened[0].frame(index).tobytes() for index in range(24)]
    found: list[bool] = []

    def look(clip: Clip, index: int) -> None:
        found.append(clip.frame(index).tobytes() == expected[index])

    threads = [
        threading.Thread(target=look, args=(clip, (7 * at) % 24)) for at, clip in enumerate(opened)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 24
    assert open_files(many) <= frame_reader.OPEN_DECODERS


def test_a_clip_does_not_depend_on_the_current_folder(
    untagged: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(untagged.parent)
    with open_clip(untagged.name) as clip:
        monkeypatch.chdir(tmp_path)
        assert clip.frame(0).index == 0
        assert pickle.loads(pickle.dumps(clip)).path == untagged
        assert str(clip.path) == untagged.name


@pytest.mark.parametrize("how", ["frame", "sample"])
def test_a_replaced_file_raises_an_error(made: Made, tmp_path: Path, how: str) -> None:
    path = tmp_path / "take.mp4"
    shutil.copy(made("untagged"), path)
    clip = pickle.loads(pickle.dumps(open_clip(path)))
    shutil.copy(made("long_gop"), path)
    with pytest.raises(ClipReplaced, match=r"take\.mp4 has changed since it was opened"):
        clip.frame(0) if how == "frame" else list(clip.sample(2))
    path.unlink()
    with pytest.raises(ClipNotFound, match=r"take\.mp4 can no longer be opened: no such file"):
        clip.frame(0) if how == "frame" else list(clip.sample(2))


def test_a_copied_clip_has_a_decoder_of_its_own(untagged: Path) -> None:
    clip = open_clip(untagged)
    clip.frame(2)
    other = copy.deepcopy(clip)
    assert other._reader.cached == 0
    assert other.frame(2).tobytes() == clip.frame(2).tobytes()


def converted(clip: Clip, target: Path) -> Delivery:
    return convert(clip, target, Settings(preset="classic"))


def third_frame(clip: Clip) -> bytes:
    return clip.frame(3).tobytes()


def failed() -> None:
    raise FfmpegFailed(["ffmpeg", "-i", "a.mp4"], Path("a.mp4"), ["line", "why"], "why")


def test_clips_and_deliveries_can_be_pickled_for_a_process_pool(
    untagged: Path, tmp_path: Path
) -> None:
    """The start method is spawn, as on Windows, so a process inherits nothing."""
    clip = open_clip(untagged)
    expected = clip.frame(3).tobytes()
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert pool.submit(third_frame, clip).result() == expected
        delivery = pool.submit(converted, clip, tmp_path / "out.mov").result()
        with pytest.raises(FfmpegFailed, match=r"ffmpeg failed on a\.mp4: why") as caught:
            pool.submit(failed).result()
    assert caught.value.log == ("line", "why")
    assert delivery.verdict == "warn"
    assert delivery.destination.stat().st_size == delivery.size
    assert delivery.source.frame(3).tobytes() == expected
    assert delivery.inspection is not None
    assert not delivery.inspection.before.luma.flags.writeable
    assert delivery.settings == Settings(preset="classic")


@pytest.mark.parametrize(
    "kind",
    sorted(
        (
            kind
            for kind in vars(errors).values()
            if isinstance(kind, type) and issubclass(kind, WorkbenchError) and kind != FfmpegFailed
        ),
        key=lambda kind: kind.__name__,
    ),
    ids=lambda kind: kind.__name__,
)
def test_every_error_can_be_pickled(kind: type[WorkbenchError]) -> None:
    found = pickle.loads(pickle.dumps(kind("a.mp4 is damaged")))
    assert (type(found), str(found)) == (kind, "a.mp4 is damaged")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no such processes here")
def test_a_forked_process_does_not_use_its_parent_s_decoders(untagged: Path) -> None:
    """Their threads do not exist there: decoding, and even closing, would never return."""
    script = (
        "import os, signal, sys\n"
        "from workbench import open_clip\n"
        f"clips = [open_clip({str(untagged)!r}) for _ in range(9)]\n"
        "expected = [next(clip.frames([9])).tobytes() for clip in clips]\n"
        "for clip in clips:\n"
        "    clip.frame(3)\n"
        "child = os.fork()\n"
        "signal.alarm(120)\n"  # of both
        "if child == 0:\n"
        "    os._exit([clip.frame(9).tobytes() for clip in clips] != expected)\n"
        "sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    assert subprocess.run([sys.executable, "-c", script]).returncode == 0


def test_a_renamed_clip_raises_an_error(untagged: Path, tmp_path: Path) -> None:
    path = tmp_path / "take.mp4"
    shutil.copy(untagged, path)
    clip = open_clip(path)
    path.rename(tmp_path / "other.mp4")
    with pytest.raises(ClipNotFound, match=r"take\.mp4 does not exist"):
        converted(clip, tmp_path / "out.mov")
    clips.sound_only(path)
    with pytest.raises(ClipReplaced, match=r"take\.mp4 has changed since it was opened"):
        converted(clip, tmp_path / "out.mov")
