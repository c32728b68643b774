"""The files of docs/deploy are of this version, run as no root, and hold together.

`make deployment` also holds them against published schemas, and builds and runs the image.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from distributed.cli import dask_scheduler, dask_worker

from tests.deploy.files import DEPLOY, ROOT, documents, stages
from workbench import __version__
from workbench.cli import main

IMAGE = f"workbench:{__version__}"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    services: dict[str, Any] = documents("compose.yaml")["services"]
    return services


@pytest.fixture(scope="module")
def cluster() -> dict[str, Any]:
    spec: dict[str, Any] = documents("dask-cluster.yaml")
    return spec


def pods(cluster: dict[str, Any]) -> dict[str, Any]:
    return {name: cluster["spec"][name]["spec"] for name in ("worker", "scheduler")}


def test_the_image_runs_as_a_user_on_a_pinned_base() -> None:
    build, image = stages()
    assert {build.base, image.base} == {"python:3.13-slim@${DIGEST}"}
    user = image.settings["USER"].partition(":")[0]
    assert int(user) > 0
    assert f"useradd --uid {user} " in str(image.steps)
    installs = [rest for name, rest in build.steps if "pip install" in rest]
    assert all("--require-hashes" in one or one.endswith("/build") for one in installs)
    for name, rest in build.steps:
        if name == "COPY":
            assert all((ROOT / source).exists() for source in rest.split()[:-1]), rest


def test_every_command_of_the_files_is_one_that_the_programs_take(
    compose: dict[str, Any], cluster: dict[str, Any]
) -> None:
    commands = [service.get("command") for service in compose.values()]
    commands += [[*compose["batch"]["entrypoint"], "in", "--out", "out"], stages()[-1].argv("CMD")]
    commands += [pod["containers"][0]["args"] for pod in pods(cluster).values()]
    checked = 0
    for argv in filter(None, commands):
        group = {"scheduler": dask_scheduler.main, "worker": dask_worker.main}
        command = main if argv[0] == "workbench" else group[argv[1]]
        arguments = argv[1:] if argv[0] == "workbench" else argv[2:]
        done = CliRunner().invoke(command, [*arguments, "--help"])
        assert done.exit_code == 0, (argv, done.output)
        known = set(re.findall(r"--[a-z-]+", done.output))
        used = {word for word in arguments if word.startswith("--")}
        assert used <= known, argv
        checked += 1
    assert checked == 7


def test_compose_locks_its_containers_down(compose: dict[str, Any]) -> None:
    whole = documents("compose.yaml")
    assert whole["networks"]["dask"] == {"internal": True}
    for name, service in compose.items():
        assert (service["image"], service["cap_drop"]) == (IMAGE, ["ALL"]), name
        assert service["read_only"], name
        assert "healthcheck" in service or name == "service", name  # which has the image's
        ports = [str(port) for port in service.get("ports", [])]
        assert all(port.startswith("127.0.0.1:") for port in ports), "no port is open to others"
        assert "environment" not in service, "secrets come from a file"
    assert "8787/health" in str(compose["worker"]["healthcheck"])
    assert ":8787" in compose["worker"]["command"]


def test_kubernetes_runs_the_same_image_as_a_user(cluster: dict[str, Any]) -> None:
    user = int(stages()[-1].settings["USER"].partition(":")[0])
    name = cluster["metadata"]["name"]
    assert name == f"workbench-{__version__.replace('.', '-')}"
    service = cluster["spec"]["scheduler"]["service"]
    assert service["type"] == "ClusterIP"
    assert service["selector"]["dask.org/cluster-name"] == name
    for pod in pods(cluster).values():
        (container,) = pod["containers"]
        assert container["image"].endswith(f"/{IMAGE}")
        assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsNonRoot"]) == (
            user,
            True,
        )
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        named = {port["name"] for port in container["ports"]}
        assert container["livenessProbe"]["httpGet"]["port"] in named
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert mounts == {"/scratch"}


SRUN = """#!/bin/sh
exec "$@"
"""
DASK = """#!/usr/bin/env python3
import json, pathlib, sys, time
file = pathlib.Path(sys.argv[sys.argv.index("--scheduler-file") + 1])
if sys.argv[1] == "scheduler":
    file.write_text(json.dumps({"address": "tcp://127.0.0.1:1"}))
time.sleep(600)
"""
WORKBENCH = """#!/usr/bin/env python3
import os, sys
print(sys.argv[1:], os.environ["WORKBENCH_FFMPEG_THREADS"])
sys.exit(3)
"""


@pytest.mark.skipif(not shutil.which("bash"), reason="Slurm's machines have bash")
def test_the_slurm_job_runs_a_batch_and_ends_with_it(tmp_path: Path) -> None:
    """The programs are stand-ins that keep running, as a scheduler and workers do."""
    for name, text in {"srun": SRUN, "dask": DASK, "workbench": WORKBENCH}.items():
        program = tmp_path / "venv/bin" / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(text, encoding="utf-8")
        program.chmod(0o755)
    program.with_name("python").symlink_to(shutil.which("python3") or "")
    script = DEPLOY / "workbench.sbatch"
    options = re.findall(r"^#SBATCH --([a-z-]+)=\S+$", script.read_text("utf-8"), re.MULTILINE)
    assert options == ["job-name", "ntasks", "cpus-per-task", "mem-per-cpu", "time", "output"]
    done = subprocess.run(
        ["bash", str(script), "s3:///in", "--out", "s3:///out"],
        cwd=tmp_path,
        env={"PATH": "/usr/bin:/bin", "VENV": str(tmp_path / "venv"), "SLURM_CPUS_PER_TASK": "4"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    wanted = ["batch", "s3:///in", "--out", "s3:///out", "--scheduler", "tcp://127.0.0.1:1"]
    assert (done.stdout, done.returncode) == (f"{wanted} 4\n", 3), done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["venv"], "the job cleaned up"
