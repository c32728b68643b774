"""Disturb runs with signals, full disks, read-only folders, little memory and concurrent runs.

This is the long form, which takes 15 minutes or more; tests/faults/test_machine.py is the short.

    python -m tests.soak.machine [--seed N] [--count 20] [convert|batch|disk|sealed|twice|memory]

The rules: a destination holds the complete old or new set of files, no temporary file or process
stays behind, an error is one line, and the same command resumes. Moments are random, from the seed.
The program prints a line for each run, and exits with 1 if a run broke a rule.
"""

import argparse
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests import clips
from tests.batch.running import SECONDS, hidden, whole

WORKBENCH = [sys.executable, "-m", "workbench"]
MOV, RECORD, REPORT = "out.mov", "out.qc.json", "out.report.html"
NAMES = ("a", "b", "c", "d")
"""The clips of a batch."""
SIGNALS = ("int", "int to all", "int twice", "term")
"""Ways to stop a run. A terminal sends SIGINT to all processes. `kill` is SIGKILL."""
_MARK = "WORKBENCH_MACHINE"
_SETTLE = 60.0  # seconds for all processes of a run to end


@dataclass
class Ended:
    """The end of a run."""

    code: int
    output: str
    errors: str
    seconds: float
    broken: list[str] = field(default_factory=list)  # the broken rules

    def hold(self, rule: bool, words: str) -> None:
        if not rule:
            self.broken.append(words)


@dataclass(frozen=True)
class World:
    """A folder for runs, with its own home and temporary folders."""

    root: Path

    @property
    def temp(self) -> Path:
        return self.root / "temp"

    def environment(self, mark: str) -> dict[str, str]:
        own = {"HOME": self.root / "home", "TMPDIR": self.temp, _MARK: mark}
        own |= {f"XDG_{name}_HOME": self.root / "home" / name for name in ("CACHE", "CONFIG")}
        own |= {"JUPYTER_RUNTIME_DIR": self.root / "runtime"}
        for name in ("home", "temp", "runtime"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        return {**os.environ, **{name: str(value) for name, value in own.items()}}

    def run(
        self,
        argv: Sequence[str | Path],
        how: str | None = None,
        moment: float = 0,
        *,
        others: Callable[[psutil.Popen], None] | None = None,
    ) -> Ended:
        """Run a command, stop it at a moment if asked, and wait for all its processes to end.

        Nothing of Python runs between fork and exec: with other threads it could wait forever for
        a lock that one of them held.
        """
        mark = uuid.uuid4().hex
        began = time.monotonic()
        process = psutil.Popen(
            list(map(str, argv)),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.environment(mark),
            start_new_session=True,
        )
        try:
            if others:
                others(process)
            if how:
                time.sleep(max(0.0, moment - (time.monotonic() - began)))
                if process.poll() is None:
                    stop(process, how)
            output, errors = process.communicate(timeout=SECONDS)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
            left = alive(mark)
            deadline = time.monotonic() + _SETTLE
            while left and time.monotonic() < deadline:
                time.sleep(0.1)
                left = alive(mark)
            for one in left:
                one.kill()
        ended = Ended(process.returncode, output, errors, time.monotonic() - began)
        ended.hold(not left, f"processes left: {[one.name() for one in left if one.is_running()]}")
        return ended


def stop(process: psutil.Popen, how: str) -> None:
    match how:
        case "int":
            process.send_signal(signal.SIGINT)
        case "int to all":
            os.killpg(process.pid, signal.SIGINT)
        case "int twice":
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.2)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
        case "term":
            process.send_signal(signal.SIGTERM)
        case "kill":
            process.send_signal(signal.SIGKILL)


def alive(mark: str) -> list[psutil.Process]:
    """Return every process with this mark in its environment, even if its parent is gone."""
    found = []
    for one in psutil.process_iter():
        try:
            if one.environ().get(_MARK) == mark and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one)
        except psutil.Error:
            continue
    return found


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def contents(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file in a folder."""
    return {path.name: sha256(path) for path in sorted(folder.iterdir()) if path.is_file()}


def python_was_starting(errors: str) -> bool:
    """Return whether a traceback is from before the first lines of the package."""
    files = re.findall(r'File "(.+?)"', errors)
    ours = "__main__.py" in errors and "import signal" not in errors
    return bool(files) and files[0].startswith("<frozen") and not ours


def told(ended: Ended, how: str | None) -> None:
    """Check that a stopped run prints one line, or nothing if it had not begun."""
    # After SIGKILL, Python's resource tracker may print a warning.
    lines = [] if how == "kill" else ended.errors.splitlines()
    if how and python_was_starting(ended.errors):
        return
    ended.hold("Traceback" not in ended.errors, "a traceback")
    ended.hold("Exception ignored" not in ended.errors, "an exception that was ignored")
    if ended.code == 1:
        ended.hold(len(lines) == 1, f"{len(lines)} lines on stderr")
        ended.hold(lines[:1] != ["Aborted!"], "Aborted!")
    elif ended.code == 0:
        ended.hold(not lines, "it ended well and complained")
    else:
        unheard = {"int": -2, "int to all": -2, "int twice": -2, "term": -15, "kill": -9}
        ended.hold(ended.code == unheard.get(how or ""), f"exit code {ended.code}")
        # If SIGINT interrupts exec() of text, as in dataclasses and templates, Python 3.11 ends
        # by the signal although the package handled it. The package's message is printed.
        own = all(re.fullmatch(r"Error: (.+: )?stopped(; .+)?", line) for line in lines)
        ended.hold(len(lines) <= 1 and own, "words of one that did not hear")


# --- convert -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Conversions:
    """A clip, its old set of files, and its new set."""

    world: World
    clip: Path
    old: Path  # a folder
    new: Mapping[str, str]  # SHA-256 of the .mov
    seconds: float  # the duration of a conversion

    def command(self, folder: Path, *options: str) -> list[str | Path]:
        return [*WORKBENCH, "convert", self.clip, folder / MOV, *options]

    def fresh(self, name: str = "out") -> Path:
        folder = self.world.root / name
        shutil.rmtree(folder, ignore_errors=True)
        return Path(shutil.copytree(self.old, folder))

    def check(self, folder: Path, ended: Ended, *, leftovers: bool = False) -> str:
        """Check a folder against the rules; return whether its set is old or new."""
        found = contents(folder)
        old = contents(self.old)
        state = "?"
        if MOV not in found:
            ended.hold(False, "the destination is gone")
        elif found[MOV] == old[MOV]:
            state = "old"
            ended.hold({name: found.get(name) for name in old} == old, "an old file, another set")
        elif found[MOV] == self.new[MOV]:
            state = "new"
            for name in (RECORD, REPORT):
                if name in found:
                    ended.hold(
                        found[MOV] in (folder / name).read_text(encoding="utf-8"),
                        f"{name} of another file",
                    )
                else:
                    ended.hold(ended.code != 0, f"it ended well, and {name} is not there")
        else:
            ended.hold(False, "half a file")
        if not leftovers:
            ended.hold(
                set(found) <= {MOV, RECORD, REPORT}, f"left: {sorted(set(found) - set(old))}"
            )
            left = [str(path) for path in self.world.temp.rglob("*")]
            ended.hold(not left, f"left in TMPDIR: {left}")
        if ended.code == 0:
            ended.hold(state == "new", "it ended well, and the file is not the new one")
        if "no file was written" in ended.errors:
            ended.hold(state == "old", "it says that nothing was written, and there is a new file")
        return state


def conversions(root: Path, seconds: float = 3, size: str = "640x360") -> Conversions:
    """Make a clip and an old set; convert it to learn the new set."""
    world = World(root)
    root.mkdir(parents=True, exist_ok=True)
    clip = root / "clip.mp4"
    picture = f"{clips.sky(size, seconds=seconds)},noise=alls=12:allf=t:all_seed=7"
    clips.run("-f", "lavfi", "-i", picture, "-c:v", "libx264", "-preset", "ultrafast", clip)
    (old := root / "old").mkdir()
    (first := root / "first").mkdir()
    argv = [*WORKBENCH, "convert", clip]
    ended = world.run([*argv, old / MOV, "--report", "--preset", "untouched", "--encoder=search"])
    assert ended.code in (0, 3), ended.errors
    ended = world.run([*argv, first / MOV, "--report"])
    assert ended.code == 0, ended.errors
    return Conversions(world, clip, old, contents(first), ended.seconds)


def stopped_conversion(
    given: Conversions, how: str, moment: float, *, again: bool = False
) -> tuple[Ended, str]:
    """Stop a conversion at a moment. Run it again if asked, or after SIGKILL."""
    folder = given.fresh()
    argv = given.command(folder, "--report", "--overwrite")
    ended = given.world.run(argv, how, moment)
    told(ended, how)
    state = given.check(folder, ended, leftovers=how == "kill")
    if again or how == "kill":
        rerun = given.world.run(argv)
        ended.hold(rerun.code == 0, f"the rerun ended with {rerun.code}: {rerun.errors}")
        given.check(folder, rerun, leftovers=True)
        ended.broken += [f"rerun: {words}" for words in rerun.broken]
    if how == "kill":
        left = [p.name for p in (*folder.iterdir(), *given.world.temp.iterdir())]
        state += f", left after the rerun: {sorted(set(left) - {MOV, RECORD, REPORT})}"
        shutil.rmtree(given.world.temp)
    return ended, state


# --- batch ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batches:
    """Clips, their old sets of files, and their new files."""

    world: World
    clips: Path
    old: Path  # a folder
    new: str  # SHA-256 of every .mov: the clips are identical
    seconds: float  # the duration of a batch
    names: Sequence[str] = NAMES  # of the clips

    def command(self, out: Path, *options: str) -> list[str | Path]:
        return [*WORKBENCH, "batch", self.clips, "--out", out, "--workers", "2", *options]

    def fresh(self, name: str = "out") -> Path:
        folder = self.world.root / name
        shutil.rmtree(folder, ignore_errors=True)
        return Path(shutil.copytree(self.old, folder))

    def check(self, out: Path, ended: Ended, *, leftovers: bool = False) -> str:
        """Check a folder against the rules; return how many sets are new."""
        new = 0
        for name in self.names:
            mov, record = out / f"{name}_prores.mov", out / f"{name}_prores.qc.json"
            if not mov.is_file():
                ended.hold(False, f"{mov.name} is gone")
                continue
            found = sha256(mov)
            new += found == self.new
            known = (self.new, sha256(self.old / mov.name))
            ended.hold(found in known, f"{mov.name} is half a file")
            if record.is_file():
                ended.hold(found in record.read_text(), f"{record.name} is of another file")
        if not leftovers:
            ended.hold(not hidden(out), f"left: {hidden(out)}")
            for folder in (self.world.temp, self.world.root / "runtime"):
                left = [path.name for path in folder.iterdir() if path.name != "dask-scratch-space"]
                ended.hold(not left, f"left in {folder.name}: {left}")
        if ended.code == 0:
            ended.hold(new == len(self.names), f"it ended well, and {new} are new")
        return f"{new} new"

    def finish(self, out: Path, ended: Ended) -> str:
        """Run the same command again and check it against the rules."""
        rerun = self.world.run(self.command(out))
        rerun.hold(rerun.code == 0, f"ended with {rerun.code}: {rerun.errors} {rerun.output}")
        self.check(out, rerun)
        for name in self.names:
            rerun.hold(whole(out, f"{name}_prores"), f"{name} is no whole set")
        lines = (out / "summary.jsonl").read_text(encoding="utf-8").splitlines()
        states = sorted(json.loads(line)["state"] for line in lines)
        rerun.hold(
            set(states) <= {"delivered", "unchanged"} and len(states) == len(self.names),
            f"{states}",
        )
        page = (out / "summary.html").read_text(encoding="utf-8")
        rerun.hold(
            all(f"{name}_prores.report.html" in page for name in self.names), "a poor summary"
        )
        ended.broken += [f"rerun: {words}" for words in rerun.broken]
        return f"rerun {rerun.seconds:.0f} s, {states.count('unchanged')} unchanged"


def batches(root: Path, names: Sequence[str] = NAMES, scheduler: str | None = None) -> Batches:
    """Convert the clips with two looks, which gives the old and the new sets.

    The workers of a scheduler save the time that starting local ones takes.
    """
    world = World(root)
    (folder := root / "in").mkdir(parents=True)
    for name in names:
        clips.banded(folder / f"{name}.mp4")
    options = ("--scheduler", scheduler) if scheduler else ()
    given = Batches(world, folder, root / "old", "", 0, names)
    ended = world.run(given.command(given.old, "--preset", "untouched", *options))
    assert ended.code in (0, 3), ended.errors + ended.output
    ended = world.run(given.command(root / "first", *options))
    assert ended.code == 0, ended.errors + ended.output
    new = sha256(root / "first/a_prores.mov")
    return Batches(world, folder, given.old, new, ended.seconds, names)


def stopped_batch(given: Batches, how: str, moment: float) -> tuple[Ended, str]:
    out = given.fresh()
    ended = given.world.run(given.command(out), how, moment)
    told(ended, how)
    state = given.check(out, ended, leftovers=how == "kill")
    if how == "kill":  # kernels' connection files
        for name in ("runtime", "temp"):
            shutil.rmtree(given.world.root / name)
    return ended, f"{state}, {given.finish(out, ended)}"


# --- disks, folders, memory, and others ----------------------------------------------------------


def small(folder: Path, size: int, old: Path | None, argv: Sequence[str | Path]) -> list[str]:
    """Return a command that runs another with `folder` on a small file system.

    What is left there is copied into FOLDER-left. The old files, if any, are there first.
    """
    left = folder.with_name(f"{folder.name}-left")
    shutil.rmtree(left, ignore_errors=True)
    left.mkdir()
    folder.mkdir(exist_ok=True)
    script = f"""
        mount -t tmpfs -o size={size} tmpfs "{folder}" || exit 99
        {f'cp -a "{old}/." "{folder}/" || exit 99' if old else ""}
        "$@"; code=$?
        cp -a "{folder}/." "{left}/"; exit $code"""
    return ["unshare", "-rm", "sh", "-c", script, "sh", *map(str, argv)]


def sealed(folders: Sequence[Path], argv: Sequence[str | Path]) -> list[str]:
    """Return a command that runs another while some folders are read-only."""
    binds = "".join(
        f'mount --bind "{one}" "{one}" && mount -o remount,ro,bind "{one}" || exit 99\n'
        for one in folders
    )
    return ["unshare", "-rm", "sh", "-c", f'{binds} exec "$@"', "sh", *map(str, argv)]


def at_once(world: World, *commands: Sequence[str | Path], apart: float = 0) -> list[Ended]:
    """Run commands concurrently, started `apart` seconds after each other."""
    with ThreadPoolExecutor() as pool:
        runs = []
        for argv in commands:
            runs.append(pool.submit(world.run, argv))
            time.sleep(apart)
        return [run.result() for run in runs]


# --- the long form -------------------------------------------------------------------------------


class Long:
    """The long form: runs one after another and prints a line for each."""

    def __init__(self, root: Path, seed: int, count: int) -> None:
        self.root, self.count = root, count
        self.random = random.Random(seed)
        self.broken = 0
        self.runs = 0

    def say(self, what: str, ended: Ended, state: str = "") -> None:
        self.runs += 1
        self.broken += bool(ended.broken)
        words = "ok" if not ended.broken else f"BROKEN: {'; '.join(ended.broken)}"
        said = ended.errors.strip().replace("\n", " | ")
        print(
            f"{what}: {ended.code}, {ended.seconds:.1f} s, {state}; {words} [{said[-700:]}]",
            flush=True,
        )

    def moments(self) -> list[float]:
        """Return random moments as parts of a run, more of them very early and near its end."""
        found = [self.random.uniform(0, 1) for _ in range(self.count)]
        if self.count >= 8:
            found[:2] = [self.random.uniform(0, 0.05), self.random.uniform(0.03, 0.15)]
            found[-4:] = [self.random.uniform(0.9, 1.02) for _ in range(4)]
        return found

    def convert(self) -> None:
        given = conversions(self.root / "convert")
        print(f"a conversion takes {given.seconds:.1f} s")
        whole = given.seconds
        for number, part in enumerate(self.moments()):
            for how in (SIGNALS[number % len(SIGNALS)], *(["kill"] if number % 2 else [])):
                moment = part * whole
                ended, state = stopped_conversion(given, how, moment, again=number % 5 == 0)
                self.say(f"convert, {how} at {moment:.2f} s", ended, state)
                if ended.code == 0:  # the speed of the machine may vary
                    whole = ended.seconds

    def batch(self) -> None:
        given = batches(self.root / "batch")
        print(f"a batch takes {given.seconds:.1f} s")
        ways = [*SIGNALS, "kill"]
        whole = given.seconds
        for number, part in enumerate(self.moments()):
            how, moment = ways[number % len(ways)], part * whole
            ended, state = stopped_batch(given, how, moment)
            self.say(f"batch, {how} at {moment:.2f} s", ended, state)
            if ended.code == 0:
                whole = ended.seconds

    def disk(self) -> None:
        given = conversions(self.root / "disk")
        world = given.world
        old = sum(path.stat().st_size for path in given.old.iterdir())
        first = [given.old.with_name("first") / name for name in (MOV, RECORD, REPORT)]
        new, record, report = (path.stat().st_size for path in first)
        room = {
            "no file": 60_000,
            "some frames": new // 3,
            "the last frames": new - 50_000,
            "the record": new + 12_000,
            "the report": new + record + report // 2,
            "nothing": new + record + report + 60_000,
        }
        for what, size in room.items():
            folder = world.root / "out"
            argv = given.command(folder, "--report", "--overwrite")
            ended = world.run(small(folder, old + size, given.old, argv))
            told(ended, None)
            state = given.check(folder.with_name("out-left"), ended)
            self.say(f"convert, a disk with no room for {what}", ended, state)
        for size in (4096, 40_000, 400_000):
            folder = given.fresh()
            argv = given.command(folder, "--report", "--overwrite")
            ended = world.run(small(world.temp, size, None, argv))
            told(ended, None)
            self.say(f"convert, TMPDIR of {size} bytes", ended, given.check(folder, ended))
        many = batches(self.root / "disks")
        world = many.world
        old = sum(path.stat().st_size for path in many.old.rglob("*") if path.is_file())
        mov = (world.root / "first/a_prores.mov").stat().st_size
        for size in (100_000, 6_500_000, 5_600_000 + mov, 12_500_000):
            out = world.root / "out"
            shutil.rmtree(out, ignore_errors=True)
            ended = world.run(small(out, old + size, many.old, many.command(out)))
            said = ended.output.replace("\n", " | ")
            ended.hold(ended.code in (0, 1), f"exit code {ended.code}")
            ended.hold("Traceback" not in ended.errors + ended.output, "a traceback")
            state = many.check(left := out.with_name("out-left"), ended)
            shutil.rmtree(out)
            left.rename(out)
            state += f", {many.finish(out, ended)} ({said})"
            self.say(f"batch, {size} bytes free", ended, state)
        for size in (4096, 200_000):
            out = many.fresh()
            ended = world.run(small(world.temp, size, None, many.command(out)))
            ended.hold("Traceback" not in ended.errors + ended.output, "a traceback")
            said = ended.output.replace("\n", " | ")
            state = f"{many.check(out, ended)}, {many.finish(out, ended)} ({said})"
            self.say(f"batch, TMPDIR of {size} bytes", ended, state)

    def sealed(self) -> None:
        given = conversions(self.root / "sealed")
        world = given.world
        home = Path(world.environment("")["HOME"])
        for what, options in {"out": (), "temp": (), "home": ("--preset", "smooth-logc3")}.items():
            folder = given.fresh()
            argv = given.command(folder, "--report", "--overwrite", *options)
            ended = world.run(
                sealed([{"out": folder, "temp": world.temp, "home": home}[what]], argv)
            )
            if what == "home":  # Matplotlib prints a warning of its own
                ended.hold("Traceback" not in ended.errors, "a traceback")
                state = ""
            else:
                told(ended, None)
                state = given.check(folder, ended)
            self.say(f"convert, {what} is read-only", ended, state)
        many = batches(self.root / "seals")
        world = many.world
        home = Path(world.environment("")["HOME"])
        for what in ("out", ".batch", "temp", "home", "runtime"):
            out = many.fresh()
            shutil.rmtree(home)
            home.mkdir()
            folder = {"out": out, ".batch": out / ".batch"}.get(what, world.root / what)
            ended = world.run(sealed([folder], many.command(out)))
            ended.hold("Traceback" not in ended.errors + ended.output, "a traceback")
            ended.hold(ended.code in (0, 1), f"exit code {ended.code}")
            said = ended.output.replace("\n", " | ")
            state = f"{many.check(out, ended)}, {many.finish(out, ended)} ({said})"
            self.say(f"batch, {what} is read-only", ended, state)

    def twice(self) -> None:
        given = conversions(self.root / "twice", seconds=1)
        for apart in (0, 0.05, 0.4, given.seconds / 2):
            folder = given.fresh()
            argv = given.command(folder, "--report", "--overwrite")
            other = [*argv, "--preset", "untouched", "--encoder", "search"]
            one, two = at_once(given.world, argv, other, apart=apart)
            for ended in (one, two):
                told(ended, None)
            ended, words = one, (folder / RECORD).read_text(encoding="utf-8")
            ended.hold(one.code == 0 and two.code == 0, f"{one.code}, {two.code}")
            found = contents(folder)
            ended.hold(set(found) == {MOV, RECORD, REPORT}, f"{set(found)}")
            ended.hold(found[MOV] in words, "a record of another file")
            ended.hold(found[MOV] in (folder / REPORT).read_text(encoding="utf-8"), "a report too")
            ended.hold(found[MOV] in (given.new[MOV], contents(given.old)[MOV]), "half a file")
            self.say(f"convert twice, {apart:.2f} s apart, --overwrite", ended)
            shutil.rmtree(folder)
            folder.mkdir()
            argv = given.command(folder, "--report")
            one, two = at_once(given.world, argv, argv, apart=apart)
            one.hold(sorted((one.code, two.code)) == [0, 1], f"{one.code}, {two.code}")
            one.hold("already exists" in one.errors + two.errors, "not the sentence")
            done = one if one.code == 0 else two
            given.check(folder, done)
            one.broken += [words for words in done.broken if words not in one.broken]
            one.errors += two.errors
            self.say(f"convert twice, {apart:.2f} s apart", one)
        many = batches(self.root / "twins")
        for apart, options in ((0, []), (1, []), (0, ["--preset", "untouched"])):
            out = many.fresh()
            argv = many.command(out)
            one, two = at_once(many.world, argv, [*argv, *options], apart=apart)
            one.errors += two.errors
            for ended in (one, two):
                one.hold(ended.code in (0, 1), f"exit code {ended.code}")
                one.hold("Traceback" not in ended.errors + ended.output, "a traceback")
            for name in NAMES:
                one.hold(whole(out, f"{name}_prores"), f"{name} is no whole set")
            one.hold(not hidden(out), f"left: {hidden(out)}")
            said = (one.output + two.output).replace("\n", " | ")
            state = f"{one.code}, {two.code}, {many.finish(out, one)} ({said})"
            self.say(f"batch twice, {apart} s apart {options}", one, state)

    def memory(self) -> None:
        given = conversions(self.root / "memory", seconds=1, size="1280x720")
        for megabytes in (100, 250, 400, 600, 800, 1000, 1300, 1600, 2000, 2500, 3000, 4000):
            limit = megabytes << 20
            folder = given.fresh()
            argv = given.command(folder, "--report", "--overwrite")
            ended = given.world.run(["prlimit", f"--as={limit}", *argv])
            told(ended, None)
            self.say(f"convert in {megabytes} MB", ended, given.check(folder, ended))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ["convert", "batch", "disk", "sealed", "twice", "memory"]
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=20, help="moments of convert, and of batch")
    given = parser.parse_args()
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    with tempfile.TemporaryDirectory() as folder:
        long = Long(Path(folder), given.seed, given.count)
        began = time.monotonic()
        for part in given.parts or parts:
            getattr(long, part)()
        print(f"{long.runs} runs in {time.monotonic() - began:.0f} s, {long.broken} broke a rule")
    sys.exit(1 if long.broken else 0)


if __name__ == "__main__":
    main()
