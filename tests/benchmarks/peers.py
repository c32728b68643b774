"""Run the debands of other projects, where PEERS names a Python that has VapourSynth.

That Python needs vapoursynth, vapoursynth-bestsource, vapoursynth-vszip and vsjetpack, and for
libplacebo a Vulkan driver and vs-placebo. Each deband has vsjetpack's defaults. Its result, in 16
bits, then gets the tone and the dither of the other looks, so that only the debands differ.
"""

import os
import subprocess
from pathlib import Path

import numpy as np

from workbench.media.frames import Frame

NAMES = ("f3kdb", "mdb_bilateral", "libplacebo")
_SCRIPT = """
import sys
import numpy as np
import vapoursynth as vs
import vsdeband

name, path = sys.argv[1:]
source = vs.core.resize.Point(vs.core.bs.VideoSource(path), format=vs.YUV420P16)
function = {
    "f3kdb": vsdeband.f3k_deband,
    "mdb_bilateral": vsdeband.mdb_bilateral,
    "libplacebo": vsdeband.placebo_deband,
}[name]
for frame in function(source).frames(close=True):
    for plane in range(3):
        sys.stdout.buffer.write(np.ascontiguousarray(np.asarray(frame[plane])).tobytes())
"""


def python() -> str | None:
    """Return the Python that PEERS names, if it is set."""
    return os.environ.get("PEERS") or None


def debanded(name: str, path: Path, like: Frame) -> list[Frame]:
    """Return every frame of a clip after a peer's deband, in 16 bits.

    `like` is one of the frames, with the size and the colour of all.
    """
    program = python()
    assert program, "PEERS is not set"
    done = subprocess.run(
        [program, "-c", _SCRIPT, name, str(path)], stdout=subprocess.PIPE, check=True
    )
    height, width = like.luma.shape
    rows, columns = like.cb.shape
    sizes = height * width, rows * columns, rows * columns
    frames = np.frombuffer(done.stdout, "<u2").reshape(-1, sum(sizes))
    found = []
    for index, samples in enumerate(frames):
        luma, cb, cr = np.split(samples, np.cumsum(sizes)[:2])
        chroma = cb.reshape(rows, columns), cr.reshape(rows, columns)
        frame = Frame(
            luma.reshape(height, width), *chroma, "yuv420p16le", 16, like.colour, index=index
        )
        found.append(frame)
    return found
