"""Manifests: an earlier run's delivery is recognized, also when an older version wrote it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from workbench.batch.manifest import finished, made_of, manifest_name, read_manifest
from workbench.batch.plan import Job, plan
from workbench.deliver.settings import Settings
from workbench.storage.folder import Folder


@pytest.fixture
def job(tmp_path: Path) -> Job:
    (tmp_path / "a.mp4").write_bytes(b"clip")
    (job,) = plan([str(tmp_path / "a.mp4")], Settings())
    return job


def write(folder: Folder, job: Job, made_from: dict[str, str], outcome: dict[str, Any]) -> Path:
    """Write a delivery of one file with its manifest; return the path of the file."""
    (file := folder.root / f"{job.name}.mov").parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"movie")
    manifest = {
        "version": 2,
        "made_of": made_from,
        "files": {".mov": hashlib.sha256(b"movie").hexdigest()},
        "replaces": {},
        "outcome": {"name": job.name, "source": "a.mp4", "state": "delivered", **outcome},
    }
    path = folder.root / manifest_name(job.name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(manifest))
    return file


def test_a_delivery_counts_while_its_files_and_its_job_are_unchanged(
    job: Job, tmp_path: Path
) -> None:
    folder = Folder(tmp_path / "out")
    assert finished(job, folder) is None
    file = write(folder, job, made_of(job), {})
    assert finished(job, folder) is not None
    (other,) = plan([str(tmp_path / "a.mp4")], Settings(preset="smooth"))
    assert finished(other, folder) is None
    file.write_bytes(b"changed")
    assert finished(job, folder) is None


def test_a_manifest_of_an_older_version_is_read(job: Job, tmp_path: Path) -> None:
    """It called the settings "order", and had one key for each measure."""
    folder = Folder(tmp_path / "out")
    former = {"order" if key == "settings" else key: value for key, value in made_of(job).items()}
    write(folder, job, former, {"cambi_after": 1.5, "texture": 0.5})
    found = finished(job, folder)
    assert found is not None
    assert found.outcome.measures == {"cambi_after": 1.5, "texture_change": 0.5}


@pytest.mark.parametrize("content", ["", "{}", "[]", "no JSON", '{"version": 3}'])
def test_an_unreadable_manifest_counts_as_none(job: Job, tmp_path: Path, content: str) -> None:
    folder = Folder(tmp_path / "out")
    path = folder.root / manifest_name(job.name)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert read_manifest(folder, job.name) is None
