"""Find the clip that a request names, and convert it. Functions here block: use threads."""

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import workbench
from workbench import ffmpeg
from workbench.deliver.encode import convert
from workbench.deliver.qc import Level
from workbench.deliver.settings import Settings
from workbench.errors import ClipReplaced, ObjectDamaged, ObjectMissing, PresetError
from workbench.look.preset import Preset, builtin_presets, load_preset, user_presets
from workbench.media.clip import Clip
from workbench.media.probe import open_clip
from workbench.storage.base import Storage, Stored

_MAX_KEY_BYTES = 1024  # as in S3


@dataclass(frozen=True)
class RequestedFile:
    """The file that a request asks for: a clip in the storage, converted with a preset."""

    source: Stored
    url: str  # of the source, which tells storages apart
    preset: Preset

    @property
    def key(self) -> str:
        """A digest of everything that determines the file's bytes."""
        versions = [code_digest(), ffmpeg.program().version]
        facts = [self.url, self.source.identity, self.preset.hash, *versions]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:32]

    @property
    def etag(self) -> str:
        """The entity tag for HTTP headers."""
        return f'"{self.key}"'


@cache
def code_digest() -> str:
    """Return a digest of the package's code, presets and policies.

    The version number is not enough: it stays the same between releases, and a cache may outlive
    a change of the code.
    """
    package = Path(workbench.__file__).parent
    found = hashlib.sha256()
    for path in sorted((*package.rglob("*.py"), *package.rglob("*.toml"))):
        content = path.read_bytes()
        found.update(f"{path.relative_to(package).as_posix()} {len(content)}\n".encode() + content)
    return found.hexdigest()


@dataclass(frozen=True)
class ConvertedFile:
    """A converted and verified file."""

    path: Path
    verdict: Level


def find_requested(storage: Storage, key: str, preset: str) -> RequestedFile:
    """Find a clip by its key and a preset by its name.

    Raises PresetError, StorageError; ObjectMissing where the storage has no such key.
    """
    look = load_named_preset(preset)
    source = storage.find(key) if _is_valid_key(key) else None
    if source is None:
        raise ObjectMissing(f"the storage has no clip with the key {key}")
    return RequestedFile(source, storage.url(key), look)


def load_named_preset(name: str) -> Preset:
    """Load a preset by its name only: a client must not make the service open a path.

    Raises PresetError.
    """
    names = (*builtin_presets(), *user_presets())
    if name not in names or name.endswith(".toml"):
        raise PresetError(f"there is no preset {name}: use one of {', '.join(names)}")
    return load_preset(name)


def fetch_clip(
    storage: Storage, requested: RequestedFile, folder: Path, cancellation: ffmpeg.Cancellation
) -> Clip:
    """Fetch the requested clip, into `folder` if the storage is remote, and open it.

    Raises StorageError, ObjectDamaged for a clip that changed since it was requested; ClipError,
    Cancelled.
    """
    key = requested.source.name
    fetched = folder / "source"
    fetched.mkdir()
    clip = open_clip(storage.fetch(key, fetched, lambda _: cancellation.raise_if_requested()))
    with clip:
        if storage.find(key) != requested.source:  # the ETag would name another file
            raise ObjectDamaged(f"{key} changed while it was being fetched: try again")
    return clip


def encode_clip(
    clip: Clip, requested: RequestedFile, folder: Path, cancellation: ffmpeg.Cancellation
) -> tuple[ConvertedFile, float]:
    """Convert a fetched clip in `folder`. Return the file, and the seconds that this took.

    Raises ClipError, DeliveryError, FfmpegError, and OSError when the disk is full.
    """
    key = requested.source.name
    if clip.changed_on_disk():
        raise ClipReplaced(f"{key} changed while its conversion waited: try again")
    began = time.perf_counter()
    delivery = convert(
        *(clip, folder / "converted.mov", Settings(preset=requested.preset)),
        cancellation=cancellation,
    )
    seconds = time.perf_counter() - began
    if clip.changed_on_disk():
        raise ClipReplaced(f"{key} changed while it was being converted: try again")
    shutil.rmtree(folder / "source")  # only the converted file is still needed
    return ConvertedFile(delivery.destination, delivery.verdict), seconds


def _is_valid_key(key: str) -> bool:
    """Tell whether a storage can have this key.

    Keys with a part "." or ".." are never looked up: a proxy on the way to a bucket could resolve
    them as a path that leads out of the prefix.
    """
    if not key or key.endswith("/") or "\0" in key or len(key.encode()) > _MAX_KEY_BYTES:
        return False
    return not {".", ".."} & {*key.split("/")}
