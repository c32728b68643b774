"""Job: one clip is fetched, run through convert.ipynb, verified and stored, with its manifest.

The manifest is what makes a batch resumable: it says what a set of files was made of, and the
SHA-256 of each. It is stored first; a set is finished when its files are those that it names.
"""

import random
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from workbench import __version__
from workbench.batch.notebooks import Kernel
from workbench.batch.outcome import Outcome, measures, views
from workbench.batch.plan import Job
from workbench.batch.shipped import CONVERT, notebook
from workbench.deliver.record import read_record, record_path
from workbench.deliver.report import report_path
from workbench.errors import (
    BatchError,
    DestinationExists,
    KernelDied,
    NotebookFailed,
    StorageError,
    VerificationFailed,
)
from workbench.ffmpeg import Cancellation, program
from workbench.files import sha256_of
from workbench.media.clip import Clip
from workbench.media.probe import open_clip
from workbench.storage.base import OnBytes, Storage, Stored, safe_name, with_retries
from workbench.temporary import require_free_space

MANIFESTS = ".batch/"
"""The folder of a destination's manifests: they are for the machine."""

_NOTEBOOK = "_convert.ipynb"
_BITS_PER_BLOCK = 2000
"""Bits that ProRes takes for 16x16 pixels, reckoned high: a noisy 720p clip took 940."""
_LONGEST_NAME = 255  # bytes, on most systems
SUFFIXES = (".mov", ".qc.json", ".report.html", _NOTEBOOK)
"""What follows a job's name in the names of the files that it leaves."""
_TRIES = 4  # of a set of files against others who write the same names


class Manifest(BaseModel):
    """What a delivered set of files was made of."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[2] = 2  # another one when a key changes its meaning
    made_of: dict[str, str]  # the source's identity, the order, the versions of what did it
    files: dict[str, str]  # SHA-256, in hex, by what follows the job's name
    replaces: dict[str, str]  # the same of the files that were there before, made by a batch too
    outcome: Outcome


@dataclass(frozen=True)
class Hands:
    """What a job works with: where to, and whom it listens to."""

    destination: Storage
    source: Storage
    folder: Path  # for its files on the way: empty, and removed afterwards
    kernel: Kernel
    overwrite: bool  # whether a file that no manifest names may be replaced
    deadline: float | None  # of time.monotonic
    cancellation: Cancellation
    tell: Callable[[str, int], None]  # told each stage, and bytes that went through in it

    def follow(self, stage: str) -> OnBytes:
        def follow(count: int) -> None:
            self.check()
            self.tell(stage, count)

        return follow

    def check(self) -> None:
        """Raise if the job is to stop."""
        self.cancellation.raise_if_requested()
        self.left()

    def pause(self, seconds: float) -> None:
        """Wait, unless the job is to stop."""
        self.cancellation.wait(seconds)
        self.check()

    def left(self) -> float | None:
        """Return the seconds left. Raises NotebookFailed when there are none."""
        if self.deadline is None:
            return None
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise NotebookFailed("stopped because its time was over; --time-limit allows more")
        return left


def manifest_name(name: str) -> str:
    """Return where the manifest of a job is, by the job's name."""
    return f"{MANIFESTS}{name}.json"


def failed_notebook(name: str) -> str:
    """Return the name under which the notebook of a job that failed is kept."""
    return f"{MANIFESTS}failed/{name}{_NOTEBOOK}"


def made_of(job: Job) -> dict[str, str]:
    """Return what tells one delivery from another."""
    return {
        "source": job.identity,
        "order": job.settings.key,
        "workbench": __version__,
        "ffmpeg": program().version,
    }


def read_manifest(storage: Storage, name: str) -> Manifest | None:
    """Return the manifest of a delivery; None when there is none, or of another version."""
    found = storage.read(manifest_name(name))
    try:
        return Manifest.model_validate_json(found) if found else None
    except ValidationError:
        return None


def finished(job: Job, destination: Storage) -> Manifest | None:
    """Return the manifest of a job that an earlier run finished: made of the same, all there."""
    manifest = read_manifest(destination, job.name)
    if manifest is None or manifest.made_of != made_of(job):
        return None
    if job.point and manifest.outcome.crops is None:
        return None
    return manifest if _whole(job.name, manifest, destination) else None


def _whole(name: str, manifest: Manifest, destination: Storage) -> bool:
    """Whether the files of a delivery are those that its manifest names."""
    return all(
        destination.sha256(name + suffix) == sha256 for suffix, sha256 in manifest.files.items()
    )


def run_job(job: Job, hands: Hands) -> Outcome:
    """Do one job. Raises WorkbenchError; the destination then holds what it held before."""
    began = time.monotonic()
    _refuse_long_name(job.name)
    _refuse_delivered_meanwhile(job, hands.destination)
    replaces = _replaceable(job, hands)
    hands.destination.abort_uploads(f"{job.name}.mov")
    require_free_space(hands.folder, job.size, job.source)
    hands.tell("fetching", 0)
    follow = hands.follow("fetching")
    source = with_retries(lambda: hands.source.fetch(job.source, hands.folder, follow), hands.pause)
    hands.check()
    with open_clip(source) as clip:
        require_free_space(hands.folder, _estimate(clip), source.name)
    delivered = hands.folder / safe_name(f"{PurePosixPath(job.name).name}.mov")
    executed = delivered.with_name(delivered.stem + _NOTEBOOK)
    hands.tell("converting", 0)
    _convert(job, source, delivered, executed, hands)
    record = read_record(delivered)
    made = (delivered, record_path(delivered), report_path(delivered), executed)
    files = dict(zip(SUFFIXES, made, strict=True))
    hashes = {suffix: sha256_of(path) for suffix, path in files.items()}
    if record is None or hashes[".mov"] != record.destination.sha256:
        raise VerificationFailed(f"{delivered.name} is not the file that was verified")
    outcome = Outcome(
        name=job.name,
        source=hands.source.url(job.source),
        state="delivered",
        delivered=hands.destination.url(f"{job.name}.mov"),
        overrides=job.settings.overrides,
        point=dict(job.point),
        seconds=round(time.monotonic() - began, 3),
        worker=socket.gethostname(),
        **measures(record),
        **views(source, delivered, record, crops=bool(job.point)),
    )
    manifest = Manifest(made_of=made_of(job), files=hashes, replaces=replaces, outcome=outcome)
    hands.tell("storing", 0)
    _store(job, files, manifest, hands)
    return outcome


def _convert(job: Job, source: Path, delivered: Path, executed: Path, hands: Hands) -> None:
    for name, text in job.settings.files.items():
        hands.folder.joinpath(name).write_text(text, encoding="utf-8")
    # What was fetched is named as it is beside the notebook, not by this machine's folders.
    named = source.name if source.parent == hands.folder else str(source)
    parameters = {**job.settings.parameters, "source": named, "destination": delivered.name}

    def run() -> None:
        hands.kernel.run(
            notebook(CONVERT),
            executed,
            parameters,
            seconds=hands.left(),
            cancellation=hands.cancellation,
        )

    try:
        try:
            run()
        except KernelDied:  # killed by somebody, as a worker may be: not the clip's fault
            delivered.unlink(missing_ok=True)
            run()
    except NotebookFailed:
        if executed.is_file():  # for whoever wants to know more than the sentence
            _upload(failed_notebook(job.name), executed, sha256_of(executed), hands)
        raise


def _replaceable(job: Job, hands: Hands) -> dict[str, str]:
    """Return the SHA-256 of each file that this job replaces, all of them made by a batch.

    Raises DestinationExists for one that comes from elsewhere, or was made of another clip, unless
    it may be overwritten.
    """
    manifest = read_manifest(hands.destination, job.name)
    source = hands.source.url(job.source)
    found: dict[str, str] = {}
    for suffix in SUFFIXES:
        name = job.name + suffix
        there = hands.destination.find(name)
        if there is None or there.size == 0:  # an empty file is nobody's work
            continue
        sha256 = hands.destination.sha256(name)
        ours = manifest is not None and sha256 in (
            manifest.files.get(suffix),
            manifest.replaces.get(suffix),
        )
        if not hands.overwrite and not ours:
            raise DestinationExists(
                f"{hands.destination.url(name)} exists already and is not what a batch delivered "
                "there; --overwrite replaces it"
            )
        if sha256 is not None:
            found[suffix] = sha256
    if manifest and found and manifest.outcome.source != source and not hands.overwrite:
        raise DestinationExists(
            f"{hands.destination.url(job.name)}.mov exists already and was made of "
            f"{manifest.outcome.source}; --overwrite replaces it"
        )
    return found


def _refuse_delivered_meanwhile(job: Job, destination: Storage, *, whole: bool = False) -> None:
    """Raise DestinationExists for what another batch delivered after this one began.

    Replacing it would make that batch's summary speak of a file that is gone. A manifest is the
    first that a batch stores, so that it counts before its files are there, unless they must be
    `whole`. One that was made of the same as this job is as good as its own.
    """
    there = destination.find(manifest_name(job.name))
    if there is None or there.identity == job.found:
        return
    manifest = read_manifest(destination, job.name)
    if manifest is None or manifest.made_of == made_of(job):
        return
    if whole and not _whole(job.name, manifest, destination):
        return
    raise DestinationExists(
        f"{destination.url(job.name)}.mov was delivered by another batch while this one ran, with "
        f"the look {manifest.outcome.preset or 'of its own'}: run them one after the other, or "
        "into different folders"
    )


def _refuse_long_name(name: str) -> None:
    """Raise BatchError for a name that its longest file could not have."""
    last = PurePosixPath(name).name
    if len(f"{last}{_NOTEBOOK}".encode()) > _LONGEST_NAME:
        raise BatchError(f"{last} is too long a name for its files: rename the clip")


def _store(job: Job, files: Mapping[str, Path], manifest: Manifest, hands: Hands) -> None:
    """Store the manifest and then the set; make sure that it is one set.

    Two batches on one destination write the same names in the same order, and the manifest first.
    One that finds the other's manifest there gives up. Each looks at all of its files when it is
    done: of two that mixed, the later one waits, and stores all again unless the other's are whole.
    Raises DestinationExists, StorageError.
    """
    path = hands.folder / "manifest.json"
    path.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    wanted = {manifest_name(job.name): (path, sha256_of(path))}
    for suffix, file in files.items():
        wanted[job.name + suffix] = (file, manifest.files[suffix])
    for attempt in range(_TRIES):
        if attempt:
            hands.cancellation.wait(random.uniform(0, 2**attempt))
        _refuse_delivered_meanwhile(job, hands.destination, whole=attempt > 0)
        stored = [_upload(name, file, sha256, hands) for name, (file, sha256) in wanted.items()]
        if all(hands.destination.find(one.name) == one for one in stored):
            return
    raise StorageError(
        f"{hands.destination.url(job.name)}.mov: somebody else writes files of the same names"
    )


def _upload(name: str, file: Path, sha256: str, hands: Hands) -> Stored:
    hands.check()
    follow = hands.follow("storing")
    return with_retries(lambda: hands.destination.store(file, name, sha256, follow), hands.pause)


def _estimate(clip: Clip) -> int:
    """Return about how many bytes the delivered file will take, reckoned high."""
    blocks = -(-clip.width // 16) * -(-clip.height // 16)
    return clip.frame_count * blocks * _BITS_PER_BLOCK // 8
