"""Manifests: the source, settings and checksums of each delivered set. They let a batch resume.

A manifest holds the SHA-256 of each file of its set. It is stored before the files. A set is
complete when all of its files match the manifest.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from workbench import __version__
from workbench.batch.outcome import Outcome
from workbench.batch.plan import Job
from workbench.ffmpeg import program
from workbench.storage.base import Storage

MANIFESTS = ".batch/"
"""The folder of a destination that holds manifests and other files for the program alone."""


class Manifest(BaseModel):
    """The source, settings and checksums of a delivered set of files."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: Literal[2] = 2  # changes when the meaning of a key changes
    made_of: dict[str, str]  # the identity of source and settings, and the versions of the programs
    files: dict[str, str]  # SHA-256 in hex, by the suffix that follows the job's name
    replaces: dict[str, str]  # the same for the files that a batch delivered there before
    outcome: Outcome

    @field_validator("made_of", mode="before")
    @classmethod
    def _from_former_key(cls, values: Any) -> Any:
        """Read manifests that call the key of the settings "order"."""
        if not isinstance(values, dict):
            return values
        return {"settings" if key == "order" else key: value for key, value in values.items()}


def manifest_name(job_name: str) -> str:
    """Return the name of a job's manifest in the destination."""
    return f"{MANIFESTS}{job_name}.json"


def made_of(job: Job) -> dict[str, str]:
    """Return everything that determines a job's files. A change makes the job run again."""
    return {
        "source": job.identity,
        "settings": job.settings.key,
        "workbench": __version__,
        "ffmpeg": program().version,
    }


def read_manifest(storage: Storage, job_name: str) -> Manifest | None:
    """Return a job's manifest, or None if there is none of this version."""
    found = storage.read(manifest_name(job_name))
    try:
        return Manifest.model_validate_json(found) if found else None
    except ValidationError:
        return None


def finished(job: Job, destination: Storage) -> Manifest | None:
    """Return the manifest of a job that an earlier run finished, else None.

    It was made from the same source with the same settings, and all its files are intact.
    """
    manifest = read_manifest(destination, job.name)
    if manifest is None or manifest.made_of != made_of(job):
        return None
    if job.point and manifest.outcome.crops is None:  # a sweep's summary shows crops
        return None
    return manifest if is_intact(job.name, manifest, destination) else None


def is_intact(job_name: str, manifest: Manifest, destination: Storage) -> bool:
    """Return whether all files of a delivery match their checksums in the manifest."""
    return all(
        destination.sha256(job_name + suffix) == sha256 for suffix, sha256 in manifest.files.items()
    )
