"""Run one job: fetch a clip, convert it with convert.ipynb, and store the delivered files."""

import random
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.batch.kernel import TIMED_OUT, Kernel
from workbench.batch.manifest import (
    MANIFESTS,
    Manifest,
    is_intact,
    made_of,
    manifest_name,
    read_manifest,
)
from workbench.batch.notebook_files import CONVERT, notebook_path
from workbench.batch.outcome import Outcome, measures, views
from workbench.batch.plan import Job
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
from workbench.ffmpeg import Cancellation
from workbench.files import sha256_of
from workbench.media.clip import Clip
from workbench.media.probe import open_clip
from workbench.storage.base import OnBytes, Storage, Stored, safe_name, with_retries
from workbench.temporary import require_free_space

_NOTEBOOK = "_convert.ipynb"


def executed_notebook_path(delivered: Path) -> Path:
    """Return the path of a delivered file's executed notebook."""
    return delivered.with_name(delivered.stem + _NOTEBOOK)


FILES: Mapping[str, Callable[[Path], Path]] = {
    ".mov": lambda delivered: delivered,
    ".qc.json": record_path,
    ".report.html": report_path,
    _NOTEBOOK: executed_notebook_path,
}
"""The files that a job delivers: the suffix of each, and its path beside the .mov file."""

_BITS_PER_BLOCK = 2000  # ProRes bits for 16x16 pixels, a high estimate: a noisy 720p clip took 940
_LONGEST_NAME = 255  # bytes of a file name on most systems
_STORE_ATTEMPTS = 4  # to store a set of files while another process writes the same names


@dataclass(frozen=True)
class JobContext:
    """The storages, limits and callbacks that a worker gives to a job."""

    destination: Storage
    source: Storage
    folder: Path  # empty, for the job's temporary files; the worker removes it afterwards
    kernel: Kernel
    overwrite: bool  # whether to overwrite files that no batch delivered
    deadline: float | None  # on the clock of time.monotonic
    cancellation: Cancellation
    report: Callable[[str, int], None]  # receives the stage, and the bytes transferred in it

    def on_bytes(self, stage: str) -> OnBytes:
        """Return a callback that reports transferred bytes, and stops a transfer if necessary."""

        def on_bytes(count: int) -> None:
            self.check()
            self.report(stage, count)

        return on_bytes

    def check(self) -> None:
        """Raise Cancelled if the job was cancelled, and NotebookFailed if it timed out."""
        self.cancellation.raise_if_requested()
        self.remaining()

    def pause(self, seconds: float) -> None:
        """Wait before a retry. Raises as `check` does."""
        self.cancellation.wait(seconds)
        self.check()

    def remaining(self) -> float | None:
        """Return the seconds until the deadline, None without one. Raises NotebookFailed."""
        if self.deadline is None:
            return None
        remaining = self.deadline - time.monotonic()
        if remaining <= 0:
            raise NotebookFailed(TIMED_OUT)
        return remaining


def run_job(job: Job, context: JobContext) -> Outcome:
    """Run one job, and return its outcome.

    Raises WorkbenchError. Until the first file is stored, the destination is unchanged, except for
    the notebook of a failed conversion. After that, the manifest shows that the set is incomplete.
    """
    started = time.monotonic()
    _refuse_long_name(job.name)
    _refuse_newer_delivery(job, context.destination)
    replaces = _files_to_replace(job, context)
    context.destination.abort_uploads(f"{job.name}.mov")
    source = _fetch(job, context)
    delivered = context.folder / safe_name(f"{PurePosixPath(job.name).name}.mov")
    context.report("converting", 0)
    _convert(job, source, delivered, context)
    record = read_record(delivered)
    files = {suffix: path_of(delivered) for suffix, path_of in FILES.items()}
    hashes = {suffix: sha256_of(path) for suffix, path in files.items()}
    if record is None or hashes[".mov"] != record.destination.sha256:
        raise VerificationFailed(f"{delivered.name} changed after it was verified: run it again")
    outcome = Outcome(
        name=job.name,
        source=context.source.url(job.source),
        state="delivered",
        delivered=context.destination.url(f"{job.name}.mov"),
        overrides=job.settings.overrides,
        point=dict(job.point),
        seconds=round(time.monotonic() - started, 3),
        worker=socket.gethostname(),
        **measures(record),
        **views(source, delivered, record, crops=bool(job.point)),
    )
    manifest = Manifest(made_of=made_of(job), files=hashes, replaces=replaces, outcome=outcome)
    context.report("storing", 0)
    _store(job, files, manifest, context)
    return outcome


def _fetch(job: Job, context: JobContext) -> Path:
    """Return a local path to the clip, after checking that the disk has space for the job."""
    require_free_space(context.folder, job.size, job.source)
    context.report("fetching", 0)
    on_bytes = context.on_bytes("fetching")
    source = with_retries(
        lambda: context.source.fetch(job.source, context.folder, on_bytes), context.pause
    )
    context.check()
    with open_clip(source) as clip:
        require_free_space(context.folder, _delivered_size(clip), source.name)
    return source


def _convert(job: Job, source: Path, delivered: Path, context: JobContext) -> None:
    """Run convert.ipynb. A kernel that dies is replaced once: the clip is rarely the cause."""
    for name, text in job.settings.files.items():
        context.folder.joinpath(name).write_text(text, encoding="utf-8")
    # The notebook is delivered, so the path of a fetched clip must not reveal a local folder.
    path = source.name if source.parent == context.folder else str(source)
    parameters = {**job.settings.parameters, "source": path, "destination": delivered.name}
    executed = executed_notebook_path(delivered)
    try:
        try:
            _run_notebook(executed, parameters, context)
        except KernelDied:
            delivered.unlink(missing_ok=True)
            _run_notebook(executed, parameters, context)
    except NotebookFailed:
        if executed.is_file():  # it shows more than the error's message
            name = f"{MANIFESTS}failed/{job.name}{_NOTEBOOK}"
            _upload(name, executed, sha256_of(executed), context)
        raise


def _run_notebook(executed: Path, parameters: Mapping[str, Any], context: JobContext) -> None:
    context.kernel.run(
        notebook_path(CONVERT),
        executed,
        parameters,
        timeout=context.remaining(),
        cancellation=context.cancellation,
    )


def _files_to_replace(job: Job, context: JobContext) -> dict[str, str]:
    """Return the SHA-256 of each existing file that the job will replace, by suffix.

    Raises DestinationExists for a file that no batch delivered, or that was made from another
    clip, unless overwriting is allowed.
    """
    manifest = read_manifest(context.destination, job.name)
    source = context.source.url(job.source)
    found: dict[str, str] = {}
    for suffix in FILES:
        name = job.name + suffix
        existing = context.destination.find(name)
        if existing is None or existing.size == 0:  # nothing is lost with an empty file
            continue
        sha256 = context.destination.sha256(name)
        known = manifest is not None and sha256 in (
            manifest.files.get(suffix),
            manifest.replaces.get(suffix),
        )
        if not context.overwrite and not known:
            raise DestinationExists(
                f"{context.destination.url(name)} already exists, and no batch delivered it: use "
                "--overwrite to replace it"
            )
        if sha256 is not None:
            found[suffix] = sha256
    if manifest and found and manifest.outcome.source != source and not context.overwrite:
        raise DestinationExists(
            f"{context.destination.url(job.name)}.mov already exists, made from "
            f"{manifest.outcome.source}: use --overwrite to replace it"
        )
    return found


def _refuse_newer_delivery(job: Job, destination: Storage, *, intact: bool = False) -> None:
    """Raise DestinationExists if another batch delivered the files after this batch started.

    Replacing them would make that batch's summary wrong. Batches store the manifest first, so a
    manifest counts before its files exist, unless they must be `intact`. A delivery from the same
    source with the same settings as this job is accepted.
    """
    stored = destination.find(manifest_name(job.name))
    if stored is None or stored.identity == job.found:
        return
    manifest = read_manifest(destination, job.name)
    if manifest is None or manifest.made_of == made_of(job):
        return
    if intact and not is_intact(job.name, manifest, destination):
        return
    preset = manifest.outcome.preset or "(unknown)"
    raise DestinationExists(
        f"another batch delivered {destination.url(job.name)}.mov while this one ran, with the "
        f"preset {preset}: run the batches one after the other, or into different folders"
    )


def _refuse_long_name(name: str) -> None:
    """Raise BatchError if the longest name of the job's files would be too long."""
    last = PurePosixPath(name).name
    if len(f"{last}{_NOTEBOOK}".encode()) > _LONGEST_NAME:
        raise BatchError(f"the name {last} is too long for its output files: rename the clip")


def _store(job: Job, files: Mapping[str, Path], manifest: Manifest, context: JobContext) -> None:
    """Store the manifest and then the files, and make sure that they form one set.

    Two batches with one destination may write the same names at once, each its manifest first. A
    batch that finds the other's manifest gives up. After storing, a batch checks all of its files.
    If they were mixed with the other's, it waits a random time and stores them again, unless the
    other's set is intact by then. Raises DestinationExists, StorageError.
    """
    path = context.folder / "manifest.json"
    path.write_text(manifest.model_dump_json(indent=1), encoding="utf-8")
    wanted = {manifest_name(job.name): (path, sha256_of(path))}
    for suffix, file in files.items():
        wanted[job.name + suffix] = (file, manifest.files[suffix])
    for attempt in range(_STORE_ATTEMPTS):
        if attempt:
            context.cancellation.wait(random.uniform(0, 2**attempt))
        _refuse_newer_delivery(job, context.destination, intact=attempt > 0)
        stored = [_upload(name, file, sha256, context) for name, (file, sha256) in wanted.items()]
        if all(context.destination.find(one.name) == one for one in stored):
            return
    raise StorageError(
        f"another process keeps writing {context.destination.url(job.name)}.mov and its files: "
        "stop it, or use different folders"
    )


def _upload(name: str, file: Path, sha256: str, context: JobContext) -> Stored:
    context.check()
    on_bytes = context.on_bytes("storing")
    return with_retries(
        lambda: context.destination.store(file, name, sha256, on_bytes), context.pause
    )


def _delivered_size(clip: Clip) -> int:
    """Return a high estimate of the delivered file's size in bytes."""
    blocks = -(-clip.width // 16) * -(-clip.height // 16)
    return clip.frame_count * blocks * _BITS_PER_BLOCK // 8
