"""Convert bad input: each error is one sentence that names the file and the cause.

No temporary file stays behind, and an existing destination does not change.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests import clips
from tests.cli.running import workbench
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.errors import WorkbenchError
from workbench.media.probe import open_clip

Made = Callable[[str], Path]
CLASSIC = Settings(preset="classic")
COMMAND = [sys.executable, "-m", "workbench", "convert"]


@pytest.fixture(scope="session")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip that takes some seconds to encode and whose delivery exceeds 4 MB."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    picture = f"{clips.sky('1280x720', seconds=6)},noise=alls=20:allf=t:all_seed=7"
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast", path)
    return path


def cut(source: Path, path: Path, keep: float, *options: str) -> Path:
    whole = path.with_suffix(".whole.mp4")
    clips.run("-i", source, "-c", "copy", *options, whole)
    data = whole.read_bytes()
    whole.unlink()
    path.write_bytes(data[: int(len(data) * keep)])
    return path


def bad_source(kind: str, made: Made, folder: Path) -> Path:
    path = folder / f"{kind}.mp4"
    match kind:
        case "folder":
            path.mkdir()
        case "empty":
            path.touch()
        case "text":
            path.write_text("#!/bin/sh\n# not a film at all\n" * 50)
        case "sound only":
            shutil.copy(made("sound_only"), path)
        case "cut, index lost":
            cut(made("untagged"), path, 0.6)
        case "cut, index first":
            cut(made("untagged"), path, 0.6, "-movflags", "faststart")
        case "nothing decodes":
            source = made("untagged").read_bytes()
            start = source.index(b"mdat") + 4
            end = source.index(b"moov")
            path.write_bytes(source[:start] + bytes(end - start) + source[end:])
        case "damaged in the middle":
            source = bytearray(made("long_gop").read_bytes())
            middle = (source.index(b"mdat") + source.index(b"moov")) // 2
            source[middle : middle + 60_000] = b"\xff" * 60_000
            path.write_bytes(source)
        case "cut webm":
            whole = folder / "whole.webm"
            clips.run(
                *("-f", "lavfi", "-i", clips.sky()),
                *("-c:v", "libvpx-vp9", "-pix_fmt", "yuv420p", whole),
            )
            path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
            whole.unlink()
        case "cover picture":
            cover = folder / "cover.png"
            clips.run("-f", "lavfi", "-i", clips.sky(), "-frames:v", "1", cover)
            pinned = ["-c", "copy", "-disposition:v", "attached_pic"]
            clips.run(
                "-i", made("sound_only"), "-i", cover, "-map", "0", "-map", "1", *pinned, path
            )
            cover.unlink()
        case "zero duration":
            clips.run(
                *("-f", "lavfi", "-i", clips.sky(), "-t", "0"),
                *("-c:v", "libx264", "-movflags", "empty_moov", path),
            )
    return path


@pytest.mark.parametrize(
    ("kind", "cause"),
    [
        ("missing", "does not exist"),
        ("folder", "is a folder"),
        ("empty", "is empty (0 bytes)"),
        ("text", "cannot be opened as video"),
        ("sound only", "has no video, only audio"),
        ("cut, index lost", "is cut short or damaged"),
        ("cut, index first", "is cut short"),
        ("nothing decodes", "does not decode"),
        ("damaged in the middle", "is damaged"),
        ("cut webm", "is cut short"),
        ("cover picture", "only a cover picture"),
        ("zero duration", "none of its frames decodes"),
    ],
)
def test_a_bad_source(made: Made, tmp_path: Path, kind: str, cause: str) -> None:
    source = bad_source(kind, made, tmp_path)
    target = tmp_path / "out.mov"
    target.write_bytes(b"the old file")
    done = workbench("convert", source, target, "--overwrite")
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("Error: ")
    assert done.stderr.count("\n") == 1, done.stderr
    assert source.name in done.stderr
    assert cause in done.stderr
    assert target.read_bytes() == b"the old file"
    assert {path.name for path in tmp_path.iterdir()} <= {source.name, "out.mov"}


def test_an_odd_size_works_and_is_said(made: Made, tmp_path: Path) -> None:
    delivery = convert(made("odd"), tmp_path / "out.mov", CLASSIC)
    (note,) = [finding for finding in delivery.findings if finding.id == "odd size"]
    assert "rounded up" in note.sentence
    with open_clip(tmp_path / "out.mov") as clip:
        assert (clip.width, clip.height) == (319, 179)
        assert clip.frame(0).cb.shape == (179, 160)


@pytest.mark.parametrize(
    "name",
    [
        "two words.mp4",
        'it\'s "quoted".mp4',
        "-vf.mp4",
        "a:b:c.mp4",
        "100%d %s.mp4",
        "夕焼けの空.mp4",
        "http:__x.mp4",
        "[a]{b};c,d=e|f\\g.mp4",
        "two\nlines.mp4",
    ],
)
def test_any_file_name_works(untagged: Path, tmp_path: Path, name: str) -> None:
    source = tmp_path / name
    shutil.copy(untagged, source)
    # The bare file name, typed in the folder of the file.
    done = workbench("convert", "--", name, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {name, f"{source.stem}_prores.mov"}


def test_a_name_with_control_characters_stays_on_one_line() -> None:
    done = workbench("convert", "two\nlines\x1b[31m.mp4")
    assert done.stderr == "Error: two\\nlines\\x1b[31m.mp4 does not exist\n"


def test_a_name_too_long_is_said(untagged: Path, tmp_path: Path) -> None:
    done = workbench("convert", "x" * 300 + ".mp4")
    assert done.returncode == 1
    assert done.stderr.endswith("cannot be read: File name too long\n")
    with pytest.raises(WorkbenchError, match="cannot be written: file name too long"):
        convert(untagged, tmp_path / ("x" * 300 + ".mov"), CLASSIC)


def test_the_destination_s_folder_is_missing(untagged: Path, tmp_path: Path) -> None:
    target = tmp_path / "no such folder" / "out.mov"
    with pytest.raises(WorkbenchError, match=r"out\.mov cannot be written: .* does not exist"):
        convert(untagged, target, CLASSIC)


def test_an_existing_destination_is_refused(untagged: Path, tmp_path: Path) -> None:
    (tmp_path / "out.mov").write_bytes(b"the old file")
    with pytest.raises(FileExistsError, match=r"out\.mov already exists"):
        convert(untagged, tmp_path / "out.mov", CLASSIC)
    assert (tmp_path / "out.mov").read_bytes() == b"the old file"
    convert(untagged, tmp_path / "out.mov", CLASSIC, overwrite=True)
    assert (tmp_path / "out.mov").stat().st_size > 1000


def in_a_small_world(source: Path, mount: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Convert onto a small file system that holds an old file; list the files left on it."""
    folder.mkdir()
    script = (
        f'mount -t tmpfs -o size=4m tmpfs "{folder}" && printf old > "{folder}/out.mov" && {mount} '
        f'"$@"; code=$?; ls -A "{folder}"; cat "{folder}/out.mov"; exit $code'
    )
    return subprocess.run(
        [
            *("unshare", "-rm", "sh", "-c", script, "sh"),
            *(*COMMAND, source, folder / "out.mov", "--overwrite"),
        ],
        capture_output=True,
        text=True,
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a file system")
def test_a_full_disk(long: Path, tmp_path: Path) -> None:
    done = in_a_small_world(long, "", tmp_path / "small")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert f"the disk of {tmp_path / 'small'} is full" in done.stderr
    assert done.stdout == "out.mov\nold"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="mounts a file system")
def test_a_folder_that_cannot_be_written(untagged: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sealed"
    done = in_a_small_world(untagged, f'mount -o remount,ro "{folder}" &&', folder)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1, done.stderr
    assert "out.mov cannot be written: read-only file system" in done.stderr
    assert done.stdout == "out.mov\nold"


def started(source: Path, target: Path) -> tuple[subprocess.Popen[str], psutil.Process]:
    """Start a conversion and wait until its ffmpeg runs."""
    run = subprocess.Popen(
        [*COMMAND, source, target, "--overwrite"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        children = psutil.Process(run.pid).children()
        partial = [path for path in target.parent.iterdir() if "partial" in path.name]
        if children and partial and partial[0].stat().st_size > 100_000:
            return run, children[0]
        time.sleep(0.05)
    raise TimeoutError("ffmpeg did not start")


def check_nothing_is_left(target: Path, encoder: psutil.Process) -> None:
    assert not encoder.is_running()
    assert [path.name for path in target.parent.iterdir()] == [target.name]
    assert target.read_bytes() == b"the old file"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "out.mov"
    path.write_bytes(b"the old file")
    return path


def test_ffmpeg_killed_midway(long: Path, target: Path) -> None:
    run, encoder = started(long, target)
    encoder.kill()
    _, errors = run.communicate(timeout=120)
    assert run.returncode == 1
    assert errors == "Error: ffmpeg failed on long.mp4: it was killed (signal 9)\n"
    check_nothing_is_left(target, encoder)
