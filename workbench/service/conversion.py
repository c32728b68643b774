"""Conversion: what one request asks for, found and then made. Blocks: for threads."""

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from workbench import __version__, ffmpeg
from workbench.deliver.encode import convert
from workbench.deliver.qc import Level
from workbench.deliver.recipe import Recipe
from workbench.errors import ClipReplaced, ObjectDamaged, ObjectMissing, PresetError
from workbench.look.preset import Preset, load_preset, own, shipped
from workbench.media.probe import open_clip
from workbench.storage.base import Storage, Stored

_LONGEST = 1024  # bytes of a key in S3


@dataclass(frozen=True)
class Order:
    """A clip as it is in the storage, and the look that it is to have."""

    stored: Stored
    preset: Preset

    @property
    def etag(self) -> str:
        """The name of the file that this gives: the same order gives the same bytes."""
        facts = [self.stored.identity, self.preset.hash, __version__, ffmpeg.program().version]
        return f'"{hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]}"'


@dataclass(frozen=True)
class Made:
    """A converted file."""

    path: Path
    verdict: Level
    seconds: float  # that encoding and checking took


def find_order(storage: Storage, key: str, preset: str) -> Order:
    """Find what a request asks for. Raises PresetError, StorageError; ObjectMissing."""
    look = named_preset(preset)
    stored = storage.find(key) if _possible(key) else None
    if stored is None:
        raise ObjectMissing(f"nothing in the storage has the key {key}")
    return Order(stored, look)


def named_preset(name: str) -> Preset:
    """Load a preset by its name alone: a path would make the service open any file.

    Raises PresetError.
    """
    names = (*shipped(), *own())
    if name not in names or name.endswith(".toml"):
        raise PresetError(f"there is no preset {name}: take one of {', '.join(names)}")
    return load_preset(name)


def make(storage: Storage, order: Order, folder: Path, cancellation: ffmpeg.Cancellation) -> Made:
    """Fetch the clip and convert it, all in `folder`, which is the request's own.

    Raises StorageError, ClipError, DeliveryError, FfmpegError, and OSError where the disk is full.
    """
    key = order.stored.name
    fetched = folder / "source"
    fetched.mkdir()
    source = storage.fetch(key, fetched, lambda _: cancellation.raise_if_requested())
    with open_clip(source) as clip:
        if storage.find(key) != order.stored:  # the ETag would name another file
            raise ObjectDamaged(f"{key} changed while its conversion waited: ask again")
        began = time.perf_counter()
        delivery = convert(
            clip, folder / "converted.mov", Recipe(order.preset), cancellation=cancellation
        )
        seconds = time.perf_counter() - began
        if clip.replaced():
            raise ClipReplaced(f"{key} changed while it was converted: ask again")
    shutil.rmtree(fetched)  # a slow client keeps the rest for long
    return Made(delivery.destination, delivery.verdict, seconds)


def _possible(key: str) -> bool:
    """Whether something could have this key, so that the storage can be asked for it.

    A key with a part of dots is never asked for: what lies between here and a bucket may take it
    for a path, and a path that leads out of the prefix.
    """
    odd = key.endswith("/") or "\0" in key or any(part in (".", "..") for part in key.split("/"))
    return bool(key) and not odd and len(key.encode()) <= _LONGEST
