"""The demo: make a sample clip with the usual faults of a generated clip, and convert it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench import ffmpeg
from workbench.batch.notebook_files import CONVERT, notebook_path
from workbench.batch.notebooks import run_notebook
from workbench.deliver.qc import verdict_in_words
from workbench.deliver.record import read_record, record_path
from workbench.deliver.report import report_path
from workbench.errors import DestinationUnusable
from workbench.look.defaults import DESK_DEFAULT
from workbench.present.progress import progress_bar

WIDTH, HEIGHT, RATE, SECONDS = 1280, 720, 24, 5


def run_demo(folder: Path) -> str:
    """Make the sample, convert it, and return a text that lists the files and the verdict.

    Raises DestinationUnusable, NotebookFailed.
    """
    convert = notebook_path(CONVERT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DestinationUnusable(f"{folder} cannot be created: {error.strerror}") from error
    sample = make_sample(folder / "sample.mp4")
    delivered = folder / "sample_prores.mov"
    executed = folder / "sample_convert.ipynb"
    run_notebook(
        convert,
        executed.absolute(),
        {
            "source": str(sample.absolute()),
            "destination": str(delivered.absolute()),
            "preset": DESK_DEFAULT,
            "overwrite": True,
        },
    )
    record = read_record(delivered)
    findings = record.findings if record else []
    return (
        f"\nProRes   {delivered}\nreport   {report_path(delivered)}\n"
        f"notebook {executed}\nrecord   {record_path(delivered)}\n"
        f"verdict  {verdict_in_words(finding.level for finding in findings)}"
    )


def make_sample(path: Path) -> Path:
    """Encode the sample like a generator does: H.264, 8 bits, CRF 18, untagged, stereo AAC."""
    count = RATE * SECONDS
    with progress_bar(count, "sample") as follow:
        ffmpeg.run(
            [
                *("-framerate", str(RATE), *ffmpeg.raw_input("rgb24", WIDTH, HEIGHT)),
                *("-f", "lavfi", "-i", _TONES),
                *("-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"),
                *("-c:a", "aac", "-shortest", ffmpeg.file_url(path)),
            ],
            stdin=(frame.tobytes() for frame in scene(count)),
            on_progress=follow,
        )
    return path


_TONES = f"aevalsrc=0.1*sin(2*PI*220*t)|0.1*sin(2*PI*277*t):duration={SECONDS}:sample_rate=48000"


def scene(count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield `count` frames of 8-bit RGB, shape (HEIGHT, WIDTH, 3).

    They show a dusk sky over dark ground, and a lit sphere that drifts across.
    """
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    y, x = y / HEIGHT, x / HEIGHT  # in picture heights, so that a circle is round
    sky = _sky(x, y)
    for number in range(count):
        picture = sky.copy()
        _add_sphere(picture, x, y, at=0.62 + 0.5 * number / count, height=0.52, radius=0.17)
        yield (np.clip(picture, 0, 1) * 255 + 0.5).astype(np.uint8)


def _sky(x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
    night = np.array([0.03, 0.05, 0.17], np.float32)
    dusk = np.array([0.42, 0.11, 0.20], np.float32)
    glow = np.array([0.55, 0.26, 0.05], np.float32)
    ground = np.array([0.035, 0.025, 0.03], np.float32)
    depth = np.clip(y / 0.8, 0, 1)[..., None] ** 2.2
    sun = np.exp(-(((x - 1.35) / 0.55) ** 2) - ((y - 0.8) / 0.22) ** 2)[..., None]
    sky = night + (dusk - night) * depth + glow * sun
    horizon = np.clip((y - 0.8) * HEIGHT, 0, 1)[..., None]
    return np.asarray(sky * (1 - horizon) + (ground + 0.12 * sun * dusk) * horizon, np.float32)


def _add_sphere(
    picture: NDArray[np.float32],
    x: NDArray[np.float32],
    y: NDArray[np.float32],
    at: float,
    height: float,
    radius: float,
) -> None:
    columns = slice(int((at - radius) * HEIGHT), int((at + radius) * HEIGHT) + 2)
    rows = slice(int((height - radius) * HEIGHT), int((height + radius) * HEIGHT) + 2)
    picture, x, y = picture[rows, columns], x[rows, columns], y[rows, columns]
    dx, dy = (x - at) / radius, (y - height) / radius
    depth = np.sqrt(np.clip(1 - dx**2 - dy**2, 0, None))
    edge = np.clip((1 - np.hypot(dx, dy)) * radius * HEIGHT, 0, 1)[..., None]
    # Lit from the upper left, with a warm rim from the sun behind it.
    light = np.clip(-0.55 * dx - 0.6 * dy + 0.58 * depth, 0, 1)[..., None]
    rim = np.clip(0.9 * dx + 0.35 * dy - 0.35, 0, 1)[..., None] ** 2
    shine = np.clip(light, 0, 1) ** 40
    colour = (
        np.array([0.05, 0.02, 0.06], np.float32)
        + light * np.array([0.75, 0.16, 0.28], np.float32)
        + rim * np.array([0.9, 0.45, 0.1], np.float32)
        + shine * np.array([0.5, 0.5, 0.5], np.float32)
    )
    picture += edge * (colour - picture)
