"""Still files: the pictures of stills in the project folder, and their export as PNG or TIFF."""

import json
import re
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import cast
from zipfile import BadZipFile

import av
import numpy as np
from numpy.typing import NDArray

from workbench.errors import DestinationExists, UnsupportedClip
from workbench.files import atomic_file, write_errors_explained
from workbench.media.colour import LUMA_WEIGHTS, Colour
from workbench.media.frames import Frame

FORMATS = {
    "png": ("rgb48be", {"compression_level": "1", "pred": "sub"}),  # a fifth of the time
    "tiff": ("rgb48le", {}),
}
"""The formats of an exported still by suffix: ffmpeg's pixel format and options of its encoder."""

_PICTURES = "stills"
"""The folder of the pictures, in the folder of the desk's state."""


class StillFiles:
    """Keeps the code values of stills in a folder, a file for each still."""

    def __init__(self, folder: Path | None) -> None:
        """Keep pictures in a folder below this one. None keeps nothing."""
        self._folder = folder / _PICTURES if folder else None

    def save(self, key: str, picture: Frame) -> None:
        """Write a still's picture, unless it is there. Raises DestinationUnusable."""
        path = self._path(key)
        if path is None or path.exists():
            return
        with write_errors_explained(path):
            path.parent.mkdir(parents=True, exist_ok=True)
        words = {
            "pixel_format": picture.pixel_format,
            "bit_depth": picture.bit_depth,
            "colour": asdict(picture.colour),
            "index": picture.index,
            "time": str(picture.time),
        }
        with (
            atomic_file(path, overwrite=True) as temporary,
            write_errors_explained(path),
            temporary.open("wb") as file,
        ):
            np.savez_compressed(
                file,
                words=np.array(json.dumps(words)),
                luma=picture.luma,
                cb=picture.cb,
                cr=picture.cr,
            )

    def load(self, key: str) -> Frame | None:
        """Return a still's picture, or None where there is none or it cannot be read."""
        path = self._path(key)
        if path is None:
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                words = json.loads(str(stored["words"]))
                planes = {name: stored[name] for name in ("luma", "cb", "cr")}
            for plane in planes.values():
                plane.flags.writeable = False
            colour, time = Colour(**words.pop("colour")), Fraction(words.pop("time"))
            return Frame(**planes, **words, colour=colour, time=time)
        except (OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile):
            return None

    def delete(self, key: str) -> None:
        """Delete a still's picture, if there is one. Raises DestinationUnusable."""
        path = self._path(key)
        if path is not None:
            with write_errors_explained(path):
                path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path | None:
        if self._folder is None or not re.fullmatch(r"[0-9a-f]+", key):
            return None
        return self._folder / f"{key}.npz"


def rgb16(picture: Frame) -> NDArray[np.uint16]:
    """Convert a picture to full-range R'G'B': (height, width, 3), 16 bits.

    The formula is that of ITU-R BT.709, 3.2. Chroma is interpolated between its samples, which lie
    on the even columns. Values below black and above white are clipped: neither format holds them.
    Raises UnsupportedClip for a matrix without the formula, and for a picture that is not 4:2:2 in
    legal range, as all delivered pictures are.
    """
    colour = picture.colour.assumed()
    if colour.matrix not in LUMA_WEIGHTS or colour.range != "legal":
        raise UnsupportedClip(f"a picture of {colour} cannot be exported as RGB")
    if picture.chroma_step != (1, 2):
        raise UnsupportedClip(f"a picture in {picture.pixel_format} cannot be exported as RGB")
    red, blue = LUMA_WEIGHTS[colour.matrix]
    green = 1 - red - blue
    unit = 1 << (picture.bit_depth - 8)
    luma = (picture.luma.astype(np.float32) - 16 * unit) / (219 * unit)
    cb, cr = (
        (_between(plane, picture.width) - 128 * unit) / (224 * unit)
        for plane in (picture.cb, picture.cr)
    )
    to_red, to_blue = 2 * (1 - red) * cr, 2 * (1 - blue) * cb
    rgb = np.stack([luma + to_red, luma, luma + to_blue], axis=-1)
    rgb[..., 1] -= (red * to_red + blue * to_blue) / green
    return np.asarray(np.rint(rgb.clip(0, 1) * 65535), np.uint16)


def _between(plane: NDArray[np.uint16], width: int) -> NDArray[np.float32]:
    """Return chroma at each column: samples on the even ones, and their means between them."""
    samples = plane.astype(np.float32)
    following = np.concatenate([samples[:, 1:], samples[:, -1:]], axis=1)
    out = np.empty((len(samples), 2 * samples.shape[1]), np.float32)
    out[:, ::2], out[:, 1::2] = samples, (samples + following) / 2
    return out[:, :width]


def export_still(picture: Frame, name: str, folder: Path, suffix: str) -> Path:
    """Write a picture as a 16-bit PNG or TIFF, named after the still, and return its path.

    Never replaces a file: the name gets a number instead. `suffix` is a key of FORMATS.
    Raises UnsupportedClip, DestinationUnusable.
    """
    encoded = _encoded(rgb16(picture), suffix)
    with write_errors_explained(folder / name):
        folder.mkdir(parents=True, exist_ok=True)
    return _written(folder, file_name(name), suffix, encoded)


def file_name(name: str) -> str:
    """Return a still's name as a file name that every system accepts.

    >>> file_name("sky: A/B"), file_name("  ..")
    ('sky- A-B', 'still')
    """
    return re.sub(r"[^\w ,+-]", "-", name).strip(" -") or "still"


def _written(folder: Path, stem: str, suffix: str, content: bytes) -> Path:
    """Write a file under this name, or under the next one that is free."""
    number = 1
    while True:
        path = folder / f"{stem}{f'-{number}' if number > 1 else ''}.{suffix}"
        try:
            with atomic_file(path, overwrite=False) as temporary, write_errors_explained(path):
                temporary.write_bytes(content)
        except DestinationExists:
            number += 1
        else:
            return path


def _encoded(rgb: NDArray[np.uint16], suffix: str) -> bytes:
    codec = cast(av.VideoCodecContext, av.CodecContext.create(suffix, "w"))
    codec.height, codec.width = rgb.shape[:2]
    codec.pix_fmt, codec.options = FORMATS[suffix]
    codec.time_base = Fraction(1, 25)  # the encoder needs one
    frame = av.VideoFrame.from_ndarray(rgb, format=codec.pix_fmt)
    return b"".join(bytes(packet) for packet in (*codec.encode(frame), *codec.encode(None)))
