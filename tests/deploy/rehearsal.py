"""Rehearse the image without Docker: build it in a small Debian root, and run what Compose runs.

`make deployment` calls this as root on Linux with mmdebstrap and iproute2. It takes the steps from
docs/deploy/Dockerfile and the commands from docs/deploy/compose.yaml. Debian's Python stands for
the base image's. What runs has a read-only root, no capability, and a network of its own.
"""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.deploy.files import ROOT, documents, stages

CERTIFICATES = ("SSL_CERT_FILE", "PIP_CERT")  # of a network with an authority of its own
TIMEOUT = 600.0  # seconds to become healthy, and to stop
UID = "10001"


def run(*argv: str | Path, **options: Any) -> None:
    subprocess.run(list(map(str, argv)), check=True, **options)


def build(folder: Path) -> Path:
    """Run the steps of the Dockerfile; return the root of its last stage."""
    base = folder / "base"
    run("mmdebstrap", "--quiet", "--variant=minbase", "--include=python3-venv,ca-certificates",
        os.environ.get("SUITE", "bookworm"), base)  # fmt: skip
    outside = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"}
    for variable in CERTIFICATES:
        if value := os.environ.get(variable):
            (base / value.lstrip("/")).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(value, base / value.lstrip("/"))
            outside[variable] = value
    shutil.copy("/etc/resolv.conf", base / "etc/resolv.conf")
    roots: dict[str, Path] = {}
    for number, stage in enumerate(stages()):
        root = folder / f"stage{number}"
        run("cp", "-a", base, root)
        run("mount", "-t", "proc", "proc", root / "proc")
        run("mount", "--rbind", "/dev", root / "dev")
        roots[stage.name] = root
        for name, rest in stage.steps:
            print(f"{name} {rest}"[:110], flush=True)
            if name == "RUN":
                run("chroot", root, "sh", "-c", rest, env=outside | stage.environment)
                continue
            words = shlex.split(rest)
            origin = ROOT
            if words[0].startswith("--from="):
                origin = roots[words.pop(0).removeprefix("--from=")]
            *sources, target = words
            copy(origin, sources, root / target.lstrip("/"), into=target.endswith("/"))
    return root


def copy(origin: Path, sources: list[str], target: Path, *, into: bool) -> None:
    """Copy as COPY does: the content of a folder, or files into a folder that ends in a slash."""
    for source in sources:
        path = origin / source.lstrip("/")
        if into or path.is_dir():
            target.mkdir(parents=True, exist_ok=True)
        run("cp", "-a", f"{path}/." if path.is_dir() else path, target)


class Container:
    """Runs commands in the image as Compose does."""

    def __init__(self, root: Path, environment: dict[str, str]) -> None:
        self.environment = environment
        drop = ("--clear-groups", "--no-new-privs", "--inh-caps=-all", "--bounding-set=-all")
        user = ("setpriv", f"--reuid={UID}", f"--regid={UID}", *drop)
        self.prefix = ["chroot", str(root), *user]  # chroot itself needs a capability

    def run(self, argv: list[str], **extra: str) -> None:
        run(*self.prefix, *argv, env=self.environment | extra)

    @contextmanager
    def running(self, argv: list[str], **extra: str) -> Iterator[None]:
        with subprocess.Popen([*self.prefix, *argv], env=self.environment | extra) as process:
            try:
                yield
            finally:
                process.terminate()
                process.wait(TIMEOUT)

    def healthy(self, argv: list[str]) -> None:
        """Run a health check until it passes. Raises CalledProcessError after the timeout."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            try:
                return self.run(argv)
            except subprocess.CalledProcessError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)


def rehearse(root: Path) -> None:
    """Start the service, and a batch on a scheduler and a worker, in a network of their own."""
    run("ip", "link", "set", "lo", "up")
    (root / "etc/hosts").write_text("127.0.0.1 localhost scheduler\n", encoding="utf-8")
    scratch = root / "scratch"
    run("mount", "-t", "tmpfs", "-o", f"uid={UID},gid={UID}", "tmpfs", scratch)
    run("mount", "--rbind", root, root)
    run("mount", "-o", "remount,bind,ro", root)
    image = stages()[-1]
    container = Container(root, image.environment)
    services = documents("compose.yaml")["services"]
    container.run(["workbench", "doctor"])
    container.run(["workbench", "demo", "/scratch/demo"])
    for path in ("/opt/workbench/new", "/new"):
        assert subprocess.run([*container.prefix, "touch", path], check=False).returncode, path
    token = {"WORKBENCH_TOKEN": "rehearsal-rehearsal-rehearsal-rehearsal"}
    serve = [*services["service"]["command"], "--source", "/scratch/demo"]
    with container.running(serve, **token):
        container.healthy(image.argv("HEALTHCHECK"))
        print("the service is healthy", flush=True)
    scheduler, worker = services["scheduler"], services["worker"]
    moved = [word.replace("8787", "8789") for word in worker["command"]]  # they share a network
    with container.running(scheduler["command"]):
        container.healthy(scheduler["healthcheck"]["test"][1:])
        with container.running(moved):
            test = worker["healthcheck"]["test"][1:]
            container.healthy([word.replace("8787", "8789") for word in test])
            print("the scheduler and the worker are healthy", flush=True)
            batch = services["batch"]["entrypoint"]
            container.run([*batch, "/scratch/demo/sample.mp4", "--out", "/scratch/out"])
    assert (root / "scratch/out/sample_prores.mov").stat().st_size > 0
    print("rehearsed: the image is built, the service, a worker and a batch ran in it")


def main() -> None:
    """Call this file again in namespaces, so that the mounts and processes end with them."""
    here = [sys.executable, "-m", "tests.deploy.rehearsal"]
    if sys.argv[1:2] == ["--inside"]:
        root = build(Path(sys.argv[2]))
        run("unshare", "--net", *here, "--run", root, cwd=ROOT)
    elif sys.argv[1:2] == ["--run"]:
        rehearse(Path(sys.argv[2]))
    else:
        missing = [name for name in ("mmdebstrap", "ip", "unshare") if not shutil.which(name)]
        if missing or os.geteuid() != 0:
            sys.exit(f"needs root, and the commands {', '.join(missing) or 'that are installed'}")
        with tempfile.TemporaryDirectory() as folder:
            inside = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
            run(*inside, *here, "--inside", folder, cwd=ROOT)


if __name__ == "__main__":
    main()
