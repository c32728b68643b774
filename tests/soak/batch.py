"""Run a large batch while workers die, the scheduler restarts, the bucket fails and the disk fills.

    python -m tests.soak.batch                         500 clips of 5 s; about an hour
    python -m tests.soak.batch --clips 20 --seconds 1  a short form

A real Dask scheduler and its workers run as processes, and the strict bucket of tests/storage holds
the clips. A service manager is imitated: a scheduler, a worker or a batch that ended starts again.
Every few seconds one fault happens, chosen at random from the seed. The rules: in the end each job
is delivered and verified, no unfinished upload, temporary file or process stays, and no worker does
the same job twice without a fault. The program prints each fault, and exits with 1 if a rule broke.

A worker's disk fills where this user may mount. No clock jumps: libfaketime breaks time.sleep.
"""

import argparse
import hashlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from tests import clips
from tests.batch.running import command, encoding, family_of, kill, started, waited_for
from tests.storage.bucket import Bucket, serving

_DISK = 1 << 30  # bytes of a worker's temporary folder
_PICTURES = (
    "gradients=s=1280x720:c0=0x203050:c1=0x6080a0:x0=0:y0=0:x1=0:y1=720:speed=0.00001",
    "testsrc2=s=1280x720",
    "gradients=s=1280x720:c0=0x101010:c1=0x404040:type=radial:speed=0.00001",
)


class Service:
    """A process that starts again when it ends, as a service manager would start it."""

    def __init__(self, argv: list[str], environment: dict[str, str], log: Path) -> None:
        self._start = lambda: started(argv, environment, log)
        self._stack = ExitStack()
        self.process: psutil.Popen = self._stack.enter_context(self._start())
        self.starts = 1

    def check(self) -> None:
        """Start the process again if it ended."""
        if self.process.poll() is not None:
            self.stop()
            self.process = self._stack.enter_context(self._start())
            self.starts += 1

    def stop(self) -> None:
        """Kill the process and its descendants."""
        self._stack.close()
        self._stack = ExitStack()


class Studio:
    """A scheduler, its workers and the bucket, with the faults that befall them."""

    def __init__(self, folder: Path, bucket: Bucket, workers: int, chance: random.Random) -> None:
        self.bucket, self._chance = bucket, chance
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"
        dask, here = [sys.executable, "-m", "dask"], ["--host", "127.0.0.1"]
        scheduler = [*dask, "scheduler", *here, "--port", str(self._port), "--no-dashboard"]
        self.scheduler = Service(scheduler, {}, folder / "scheduler.log")
        self.workers: list[Service] = []
        self.temporary: list[Path] = []
        self._disks: list[Path] = []
        for number in range(workers):
            home = folder / f"worker{number}"
            (temp := home / "temp").mkdir(parents=True)
            self.temporary.append(temp)
            mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", str(temp)]
            if subprocess.run(mount, capture_output=True, check=False).returncode == 0:
                self._disks.append(temp)
            own = {"HOME": str(home), "TMPDIR": str(temp), **bucket.environment}
            own["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"  # see docs/batch.md
            options = ["--nthreads", "1", "--local-directory", str(home), "--dashboard-address"]
            argv = [*dask, "worker", self.address, *here, *options, "127.0.0.1:0"]
            self.workers.append(Service(argv, own, home / "worker.log"))

    def check(self) -> None:
        """Start what ended."""
        for service in (self.scheduler, *self.workers):
            service.check()

    def close(self) -> None:
        for service in (self.scheduler, *self.workers):
            service.stop()
        for disk in self._disks:
            subprocess.run(["umount", "-l", str(disk)], check=False)

    # Faults. Each returns a line about what it did, or "" if it found nothing to do.

    def faults(self) -> list[Callable[[], str]]:
        """Return the faults that can happen, the frequent ones several times."""
        bucket = [self.errors, self.cut_downloads, self.cut_uploads, self.slow_bucket]
        processes = [self.kill_worker, self.kill_nanny, self.kill_ffmpeg]
        often = 3 * [*bucket, *processes, *([self.fill_disk] if self._disks else [])]
        return [*often, self.no_bucket, self.kill_scheduler]

    def errors(self) -> str:
        status, count = self._chance.choice((500, 503)), self._chance.randint(1, 30)
        self.bucket.answer(status, count=count, skip=self._chance.randint(0, 5))
        return f"the bucket answers {status} to {count} requests"

    def cut_downloads(self) -> str:
        self.bucket.cut(self._chance.randint(0, 100_000), method="GET", count=3)
        return "three downloads end early"

    def cut_uploads(self) -> str:
        self.bucket.cut(self._chance.choice((None, 50_000)), method="PUT", count=3)
        return "three uploads end early"

    def slow_bucket(self) -> str:
        self.bucket.delay(5, count=5)
        return "five requests wait for 5 s"

    def no_bucket(self) -> str:
        self.bucket.down()
        time.sleep(5)
        self.bucket.up()
        return "the bucket was away for 5 s"

    def kill_worker(self) -> str:
        nanny = self._chance.choice(self.workers).process
        for child in family_of(nanny)[:1]:
            kill(child)
            return "a worker is killed"
        return ""

    def kill_nanny(self) -> str:
        kill(self._chance.choice(self.workers).process)
        return "a nanny is killed"

    def kill_ffmpeg(self) -> str:
        found = encoding(self._chance.choice(self.workers).process)
        if found:
            kill(found)
        return "an ffmpeg is killed" if found else ""

    def kill_scheduler(self) -> str:
        kill(self.scheduler.process)
        return "the scheduler is killed"

    def fill_disk(self) -> str:
        file = self._chance.choice(self._disks) / "filled"
        with suppress(OSError), file.open("wb") as filled:
            while True:
                filled.write(bytes(1 << 20))
        time.sleep(5)
        file.unlink(missing_ok=True)
        return "a worker's disk was full for 5 s"


def make_clips(folder: Path, seconds: float) -> list[Path]:
    """Make a few different clips of this length, in 720p."""
    found = []
    for number, picture in enumerate(_PICTURES):
        path = folder / f"{number}.mp4"
        source = f"{picture}:r=24:d={seconds},noise=alls=2:allf=t,format=yuv420p"
        sound = ["-f", "lavfi", "-i", f"sine=r=48000:d={seconds}"]
        clips.run("-f", "lavfi", "-i", source, *sound, "-c:v", "libx264", "-c:a", "aac", path)
        found.append(path)
    return found


@contextmanager
def disturbed(studio: Studio, mean: float, chance: random.Random) -> Iterator[Counter[str]]:
    """Let faults happen while the block runs, `mean` seconds apart; yield their count."""
    ended = threading.Event()
    count: Counter[str] = Counter()
    faults = studio.faults()

    def disturb() -> None:
        while not ended.wait(chance.expovariate(1 / mean)):
            fault = chance.choice(faults)
            if said := fault():
                count[fault.__name__] += 1
                print(f"  {time.strftime('%X')} {said}", flush=True)

    def restart() -> None:
        while not ended.wait(1):
            studio.check()

    threads = [threading.Thread(target=work) for work in (disturb, restart)]
    for thread in threads:
        thread.start()
    try:
        yield count
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def run_until_done(studio: Studio, most: int) -> tuple[int, list[dict[str, Any]]]:
    """Run the batch command until no job fails; return the number of runs and all outcomes."""
    argv = command("s3:///in", "--out", "s3:///out", "--scheduler", studio.address, "--json")
    outcomes: list[dict[str, Any]] = []
    for run in range(1, most + 1):
        with started(argv, studio.bucket.environment) as process:
            output, _ = process.communicate()
        lines = [line for line in output.splitlines() if line]
        rows = [json.loads(line) for line in lines if line.startswith("{")]
        outcomes += rows
        said = [line for line in lines if not line.startswith("{")]
        states = Counter(row["state"] for row in rows)
        print(f"run {run} ends with {process.returncode}: {dict(states)} {' '.join(said[-1:])}")
        for row in rows:
            if row["state"] == "failed":
                print(f"  {row['name']}: {row['reason']}")
        if process.returncode in (0, 3):
            return run, outcomes
        time.sleep(5)
    return most, outcomes


def broken_rules(studio: Studio, names: list[str]) -> list[str]:
    """Return the rules that the destination and the workers break now."""
    bucket, broken = studio.bucket, []
    for name in names:
        try:
            manifest = json.loads(bucket.get(f"out/.batch/{name}.json"))
            record = json.loads(bucket.get(f"out/{name}.qc.json"))
            for suffix, sha256 in manifest["files"].items():
                if hashlib.sha256(bucket.get(f"out/{name}{suffix}")).hexdigest() != sha256:
                    broken.append(f"{name}{suffix} is not the one in its manifest")
                if bucket.head(f"out/{name}{suffix}")["Metadata"].get("sha256") != sha256:
                    broken.append(f"{name}{suffix} has another checksum in its metadata")
            if record["destination"]["sha256"] != manifest["files"][".mov"]:
                broken.append(f"{name}: the record is of another file")
        except Exception as error:
            broken.append(f"{name} is not complete: {error}")
    if uploads := bucket.multipart_uploads():
        broken.append(f"unfinished uploads: {uploads}")
    left = [path for temp in studio.temporary for path in temp.iterdir() if path.name != "filled"]
    if left:
        broken.append(f"temporary files: {', '.join(path.name for path in left[:5])}")
    if any(encoding(worker.process) for worker in studio.workers):
        broken.append("an ffmpeg still runs")
    return broken


def stored(bucket: Bucket) -> Counter[str]:
    """Return how often each delivered file was stored."""
    return Counter(
        one.path
        for one in bucket.requests
        if one.path.endswith(".mov")
        and one.status == 200
        and (
            (one.method == "PUT" and "partNumber" not in one.query)
            or (one.method == "POST" and "uploadId" in one.query)
        )
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each clip")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=float, default=15.0, help="mean seconds between faults")
    parser.add_argument("--runs", type=int, default=100, help="of the batch command, at most")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    os.environ["MOTO_S3_DEFAULT_KEY_BUFFER_SIZE"] = str(1 << 20)  # larger objects are on disk
    chance = random.Random(options.seed)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as place, serving() as bucket:
        folder = Path(place)
        made = make_clips(folder, options.seconds)
        sources = [f"{number:04}" for number in range(options.clips)]
        for number, source in enumerate(sources):
            bucket.put(f"in/{source}.mp4", made[number % len(made)])
        studio = Studio(folder, bucket, options.workers, chance)
        try:
            with disturbed(studio, options.every, chance) as faults:
                runs, outcomes = run_until_done(studio, options.runs)
            bucket.clear()
            with suppress(AssertionError):
                waited_for(lambda: not broken_rules(studio, []))
            broken = broken_rules(studio, [f"{source}_prores" for source in sources])
            times = Counter(stored(bucket).values())
        finally:
            studio.close()
    for rule in broken:
        print(f"BROKEN: {rule}")
    print(
        f"{options.clips} clips in {runs} runs and {time.monotonic() - begin:.0f} s; faults: "
        f"{sum(faults.values())} {dict(faults)}; outcomes: "
        f"{dict(Counter(one['state'] for one in outcomes))}; .mov files by how often they were "
        f"stored: {dict(sorted(times.items()))}; {len(broken)} broken rules"
    )
    return bool(broken)


if __name__ == "__main__":
    sys.exit(main())
