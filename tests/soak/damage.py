"""Convert damaged clips and check damaged deliveries: each ends in time, well or with one sentence.

    python -m tests.soak.damage                            1,000 damaged clips, converted
    python -m tests.soak.damage --of containers            the same for AVI, MPEG-TS, FLV and MXF
    python -m tests.soak.damage --of deliveries --count 200    damaged deliveries, checked again
    python -m tests.soak.damage --first 417 --count 1      one case once more

The first cases are the undamaged clips cut at every 1/50; then come the mutations in turn. The
number of a case is its random seed. A worker process runs the conversions one after another, and is
replaced when it crashes or hangs. The program compares successful conversions with plain ffmpeg's.
"""

import argparse
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Literal

import numpy as np
import psutil
from numpy.typing import NDArray

from tests import clips
from tests.soak import mutations
from workbench import ffmpeg

SECONDS = 120.0
"""Timeout of a case. Most take half a second; a busy machine takes longer."""
MEMORY = 2 * 1024**3
"""Memory limit, in bytes, of the process that converts and of each of its ffmpeg processes."""
PARTS = 50
OLD = b"the old file"

Of = Literal["clips", "containers", "deliveries"]
Outcome = Literal["same", "other", "refused", "doubt", "FAULT"]
_OF_CLIPS: dict[Outcome, str] = {
    "same": "delivered, as the undamaged clip is",
    "other": "delivered as the clip decodes, and bare ffmpeg sees no damage in it either",
    "refused": "refused in a sentence",
    "doubt": "delivered, and bare ffmpeg complains of the clip: look at it",
    "FAULT": "anything else",
}
OUTCOMES: dict[Of, dict[Outcome, str]] = {
    "clips": _OF_CLIPS,
    "containers": _OF_CLIPS,
    "deliveries": {
        "same": "nothing failed, and the picture is the undamaged one",
        "other": "found to fail",
        "refused": "refused in a sentence",
        "doubt": "nothing failed, and the picture is another: look at it",
        "FAULT": "anything else",
    },
}


# Cases.


@dataclass(frozen=True)
class Case:
    """One damaged file."""

    number: int
    kind: str  # the name of a mutation, or cut
    file: str  # the name of the undamaged file
    data: bytes = field(repr=False)

    def __str__(self) -> str:
        return f"{self.number} ({self.kind} of {self.file})"


def make_seeds(folder: Path, of: Of = "clips") -> list[Path]:
    """Make the clips to damage: small, and encoded by one thread, so that they are reproducible.

    Clips that are there already are used again.
    """
    exact = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-flags:a", "+bitexact"]
    small = ["-threads", "1", "-vf", "scale=160:90", "-c:v", "libx264", "-pix_fmt", "yuv420p"]
    small += ["-crf", "12", "-fps_mode", "passthrough", "-c:a", "aac", *exact]

    def seed(name: str, *options: str | Path) -> Path:
        path = folder / name
        if not path.exists():
            clips.run(*options, path)
        return path

    with tempfile.TemporaryDirectory() as scratch:
        large = Path(scratch) / "large.mp4"
        untagged = seed("untagged.mp4", "-i", clips.untagged(large), "-t", "0.5", *small)
        if of == "containers":
            # AVI and MXF do not state when a B-frame is shown.
            pcm = ["-i", untagged, *small, "-bf", "0", "-c:a", "pcm_s16le", "-ar", "48000"]
            return [
                seed("interleaved.avi", *pcm),
                seed("transport.ts", "-i", untagged, "-c", "copy", *exact),
                seed("flash.flv", "-i", untagged, "-c", "copy", *exact),
                seed("exchange.mxf", *pcm),
            ]
        gop = ["-g", "30", "-bf", "3", "-x264-params", "open-gop=1:scenecut=0"]
        long_gop = ["-i", clips.long_gop(large), "-t", "1", *small, *gop]
        variable = ["-i", clips.variable(large), "-t", "0.5", *small]
        parts = ["-g", "4", "-movflags", "frag_keyframe+empty_moov"]
        return [
            untagged,
            seed("long_gop.mp4", *long_gop),
            seed("variable.mp4", *variable),
            seed("faststart.mp4", "-i", untagged, "-c", "copy", *exact, "-movflags", "faststart"),
            seed("fragmented.mp4", "-i", untagged, *small, *parts),
            seed("quicktime.mov", "-i", untagged, "-c", "copy", *exact),
            seed("matroska.mkv", "-i", untagged, "-c", "copy", *exact),
        ]


def make_delivery(source: Path, folder: Path) -> Path:
    """Make the delivery to damage, with its record beside it."""
    from workbench.deliver.encode import convert
    from workbench.deliver.record import write_record

    path = folder / "delivered.mov"
    write_record(convert(source, path, _classic(), overwrite=True))
    return path


def case(number: int, seeds: list[Path]) -> Case:
    """Return the case of this number: first each seed cut at each part, then the mutations."""
    cuts = (PARTS - 1) * len(seeds)
    if number < cuts:
        part, which = divmod(number, len(seeds))
        seed = seeds[which]
        return Case(number, "cut", seed.name, mutations.cuts(seed.read_bytes(), PARTS)[part])
    has_boxes = any(seed.suffix in (".mp4", ".mov") for seed in seeds)
    kinds = [*mutations.OF_ANY_FILE, *(mutations.OF_BOXES if has_boxes else ())]
    turn, which = divmod(number - cuts, len(kinds))
    kind, seed = kinds[which], seeds[turn % len(seeds)]
    if seed.suffix == ".mkv" and kind in mutations.OF_BOXES:
        seed = seeds[0]
    mutation = {**mutations.OF_ANY_FILE, **mutations.OF_BOXES}[kind]
    whole, chance = seed.read_bytes(), Random(number)
    damaged = mutation(whole, chance)
    while damaged == whole:
        damaged = mutation(whole, chance)
    return Case(number, kind, seed.name, damaged)


# The worker process.


@dataclass(frozen=True)
class Answer:
    """The result of a case in the worker process."""

    error: str = ""  # the message of an error of the package
    trace: str = ""  # the traceback of any other error
    levels: dict[str, str] = field(default_factory=dict)  # of the findings, by id
    memory: int = 0  # bytes, the peak of the process or one of its ffmpeg processes
    processes: int = 0  # left running


def _classic() -> "Settings":  # noqa: F821
    from workbench.deliver.settings import Settings

    return Settings(preset="classic")


def _serve(connection: Connection) -> None:
    from workbench.deliver.encode import convert
    from workbench.deliver.recheck import recheck
    from workbench.deliver.record import write_record
    from workbench.errors import WorkbenchError

    with suppress(EOFError):
        while True:
            of, source, target = connection.recv()
            answer: dict[str, object] = {}
            try:
                if of != "deliveries":
                    delivery = convert(source, target, _classic(), overwrite=True)
                    write_record(delivery)
                else:
                    delivery = recheck(source, target)
                answer["levels"] = {finding.id: finding.level for finding in delivery.findings}
            except WorkbenchError as error:
                answer["error"] = str(error) or "(no words)"
            except BaseException:
                answer["trace"] = traceback.format_exc()
            left = psutil.Process().children(recursive=True)
            connection.send(Answer(**answer, memory=_peak(), processes=len(left)))


def _peak() -> int:
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit
    if sys.platform == "linux":
        # On Linux, ru_maxrss of a new process begins with the memory of the process that started
        # it, such as a test process that has just held pictures of 8K.
        status = Path("/proc/self/status").read_text(encoding="ascii")
        own = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]
    else:
        own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return max(own, children)


class Worker:
    """Runs cases in a worker process and replaces the process when it crashes or hangs."""

    def __init__(self) -> None:
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self.memory = 0

    def do(self, of: Of, source: Path, target: Path) -> Answer | str:
        """Return the result, or a sentence about how the process ended without one."""
        if self._connection is None:
            context = multiprocessing.get_context("spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
            self._process.start()
            theirs.close()
        try:
            self._connection.send((of, source, target))
            if not self._connection.poll(SECONDS):
                self.close()
                return f"it hung: no answer in {SECONDS:.0f} s"
            answer: Answer = self._connection.recv()
        except (EOFError, OSError):
            assert self._process is not None
            self._process.join(10)
            code = self._process.exitcode
            self.close()
            return f"the process crashed, exit code {code}"
        self.memory = max(self.memory, answer.memory)
        if answer.memory > MEMORY:
            self.close()
        return answer

    def close(self) -> None:
        if self._process is None or self._connection is None:
            return
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(self._process.pid)
            for one in (*process.children(recursive=True), process):
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        self._process.join()
        self._connection.close()
        self._process = self._connection = None


# Verdicts.


@dataclass(frozen=True)
class Result:
    """The verdict on a case."""

    case: Case
    outcome: Outcome
    words: str  # the error message, or the fault
    seconds: float

    def __str__(self) -> str:
        return f"{self.outcome}: case {self.case}, {self.seconds:.1f} s: {self.words}"


class Run:
    """Runs cases in a worker and judges their results."""

    def __init__(self, of: Of, folder: Path, seed_folder: Path | None = None) -> None:
        self._of, self._folder = of, folder
        self.worker = Worker()
        seeds = seed_folder or folder / "seeds"
        seeds.mkdir(exist_ok=True)
        self.seeds = make_seeds(seeds, of)
        self._source = self.seeds[0]
        if of == "deliveries":
            self.seeds = [make_delivery(self._source, seeds)]
        self._undamaged: dict[str, list[str]] = {}

    def close(self) -> None:
        self.worker.close()

    def take(self, number: int) -> Result:
        """Run the case of this number."""
        one = case(number, self.seeds)
        folder = self._folder / f"{one.number}"
        folder.mkdir()
        judge: Callable[[Case, Path], tuple[Outcome, str]]
        judge = self._checked if self._of == "deliveries" else self._converted
        start = time.monotonic()
        outcome, words = judge(one, folder)
        shutil.rmtree(folder)
        return Result(one, outcome, words, time.monotonic() - start)

    def _converted(self, one: Case, folder: Path) -> tuple[Outcome, str]:
        source = folder / f"clip {one.file}"
        target = folder / "out.mov"
        source.write_bytes(one.data)
        target.write_bytes(OLD)
        answer = self.worker.do("clips", source, target)
        wrong = faults(answer, source)
        expected = {source.name, target.name}
        if isinstance(answer, Answer) and not answer.error:
            expected.add("out.qc.json")
        elif target.read_bytes() != OLD:
            wrong.append("the destination is another, though nothing was delivered")
        left = {path.name for path in folder.iterdir()} ^ expected
        if left:
            wrong.append(f"files that should not be there, or should: {', '.join(sorted(left))}")
        if source.read_bytes() != one.data:
            wrong.append("the source was changed")
        if wrong or not isinstance(answer, Answer):
            return "FAULT", "; ".join(wrong)
        if answer.error:
            return "refused", answer.error
        wrong, doubts = against_ffmpeg(source, target, folder, answer.levels)
        if wrong:
            return "FAULT", "; ".join(wrong)
        if doubts:
            return "doubt", "; ".join(doubts)
        same = frame_hashes(target) + sound_hashes(target) == self._delivered_undamaged(one.file)
        return "same" if same else "other", " ".join(answer.levels.values())

    def _delivered_undamaged(self, name: str) -> list[str]:
        """Return the hashes of the frames and audio in the delivery of the undamaged clip."""
        if name not in self._undamaged:
            source = next(seed for seed in self.seeds if seed.name == name)
            target = self._folder / "undamaged.mov"
            answer = self.worker.do("clips", source, target)
            assert isinstance(answer, Answer)
            assert answer.levels, answer
            self._undamaged[name] = frame_hashes(target) + sound_hashes(target)
        return self._undamaged[name]

    def _checked(self, one: Case, folder: Path) -> tuple[Outcome, str]:
        path = folder / one.file
        path.write_bytes(one.data)
        beside = {path.name}
        record = self.seeds[0].with_suffix(".qc.json")
        if one.number % 2:
            shutil.copy(record, folder)
            beside.add(record.name)
        answer = self.worker.do("deliveries", self._source, path)
        wrong = faults(answer, path)
        if {file.name for file in folder.iterdir()} != beside or path.read_bytes() != one.data:
            wrong.append("checking changed the folder")
        checked = isinstance(answer, Answer) and answer.levels
        if checked and one.number % 2 and checked.get("checksum") != "fail":
            wrong.append("the record beside it does not tell that it was changed")
        if wrong or not isinstance(answer, Answer):
            return "FAULT", "; ".join(wrong)
        if answer.error:
            return "refused", answer.error
        failed = [name for name, level in answer.levels.items() if level in ("warn", "fail")]
        off = furthest_off(pictures(self.seeds[0]), pictures(path))
        found = set(failed) - {"bit depth", "checksum", "banding", "contour"}
        if sound_hashes(path) != sound_hashes(self.seeds[0]) and not found:
            return "doubt", "the sound is another"
        if off > 16 and not found:
            return "doubt", f"a block is {off:.0f} code values off; failed: {failed or 'nothing'}"
        return ("other", ", ".join(failed)) if found else ("same", "")


def faults(answer: Answer | str, file: Path) -> list[str]:
    """Return the faults that no case may have."""
    if isinstance(answer, str):
        return [answer]
    if answer.trace:
        return [f"an error that is not the package's own:\n{answer.trace}"]
    wrong = []
    if answer.processes:
        wrong.append(f"{answer.processes} processes were left running")
    if answer.memory > MEMORY:
        wrong.append(f"it took {answer.memory / 1e9:.1f} GB")
    if answer.error:
        wrong += [f"{why}: {answer.error!r}" for why in no_sentence(answer.error, file)]
    return wrong


_JARGON = {
    "an address": r"0x[0-9a-f]{4}",
    "a trace": r"Traceback|File \"",
    "Python's own words": r"out of range|zip\(\)|unpack|not iterable|Fraction\(|argument \d",
    "a repr": r"<\w+[. ]|\w+Error\(|\bobject at\b|\[Errno|\bNone\b|\bb'|NoneType",
    "a temporary name": r"partial",
    "ffmpeg's own brackets": r"\[\w+ @|\[\w+#\d",
}


def no_sentence(error: str, file: Path) -> Iterator[str]:
    """Yield the reasons why an error message is no sentence for a user.

    >>> list(no_sentence("a.mp4 is cut short: download it again", Path("/x/a.mp4")))
    []
    >>> list(no_sentence("it failed", Path("/x/a.mp4")))
    ['the file is not named']
    """
    if file.name not in error:
        yield "the file is not named"
    if not error.isprintable():
        yield "more than one line, or control characters"
    if len(error) > 400:
        yield "very long"
    for what, sign in _JARGON.items():
        if re.search(sign, error):
            yield f"it has {what} in it"


def bare(*arguments: str | Path) -> tuple[int, list[str], str]:
    """Run ffmpeg without the code under test; return its exit code, errors and output."""
    argv = [ffmpeg.find(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments]
    done = subprocess.run(argv, capture_output=True, timeout=SECONDS)
    lines = done.stderr.decode(errors="replace").splitlines()
    return done.returncode, lines, done.stdout.decode()


def frame_hashes(path: Path) -> list[str]:
    """Return a hash of each decoded frame."""
    passed = ["-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "pipe:1"]
    listing = bare("-i", path, *passed)[2].splitlines()
    return [line.rpartition(",")[2].strip() for line in listing if not line.startswith("#")]


def seed_frames(source: Path, folder: Path) -> tuple[list[str], list[str]]:
    """Convert with the plain ffmpeg command; return the frame hashes and the errors."""
    path = folder / "bare.mov"
    _, complaints, _ = bare("-i", source, *clips.SEED, "-an", "-fps_mode", "passthrough", path)
    return (frame_hashes(path) if path.exists() else []), complaints


def sound_hashes(path: Path, *options: str) -> list[str]:
    """Return a hash of the samples of each audio track."""
    decoded = ["-vn", "-map", "0:a?", "-c:a", "pcm_s16le", *options, "-f", "streamhash", "pipe:1"]
    return [line.rpartition("=")[2] for line in bare("-i", path, *decoded)[2].splitlines()]


def against_ffmpeg(
    source: Path, target: Path, folder: Path, levels: dict[str, str]
) -> tuple[list[str], list[str]]:
    """Compare a delivered file with plain ffmpeg's; return the faults and ffmpeg's errors."""
    frames, complaints = seed_frames(source, folder)
    delivered = frame_hashes(target)
    wrong = []
    if len(delivered) != len(frames):
        wrong.append(f"{len(delivered)} frames delivered, {len(frames)} by bare ffmpeg")
    elif delivered != frames:
        at = next(
            i for i, pair in enumerate(zip(delivered, frames, strict=True)) if len({*pair}) > 1
        )
        wrong.append(f"frame {at} is another than bare ffmpeg's")
    filled = ["-af", "aresample=async=1:min_hard_comp=0.02"]  # fills gaps with silence
    if sound_hashes(target) not in (sound_hashes(source), sound_hashes(source, *filled)):
        wrong.append("the sound is another than bare ffmpeg's")
    strict = ["-xerror", "-err_detect", "explode+crccheck+bitstream+buffer", "-i", source]
    code, more, _ = bare(*strict, "-map", "0:v:0", "-map", "0:a?", "-f", "null", "-")
    more = [line for line in more if not line.startswith("[null")]  # errors of writing
    if code:
        more.append(f"strict decoding ends with {code}")
    if "fail" in levels.values() and (complaints or more):
        return wrong, []
    return wrong, list(dict.fromkeys(re.sub(r" @ 0x\w+", "", line) for line in complaints + more))


def pictures(path: Path) -> list[NDArray[np.float32]]:
    """Return the 10-bit luma block means of every frame, as ffmpeg decodes it."""
    raw = [*("-fps_mode", "passthrough", "-vf", "scale=160:90,format=gray10le")]
    argv = [ffmpeg.find(), "-loglevel", "quiet", "-nostdin", "-i", path, *raw, "-f", "rawvideo"]
    done = subprocess.run([*argv, "pipe:1"], capture_output=True, timeout=SECONDS)
    frames = np.frombuffer(done.stdout, np.uint16).reshape(-1, 90, 160)
    blocks = frames.reshape(-1, 9, 10, 16, 10).mean((2, 4), dtype=np.float32)
    return list(blocks)


def furthest_off(whole: list[NDArray[np.float32]], other: list[NDArray[np.float32]]) -> float:
    """Return the largest block difference in code values; 1023 if frames are missing."""
    if len(whole) != len(other):
        return 1023.0
    return max(float(np.abs(a - b).max()) for a, b in zip(whole, other, strict=True))


# The command.


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--of", choices=list(OUTCOMES), default="clips")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed-folder", type=Path, help="keep the undamaged files here")
    parser.add_argument("--keep", type=Path, help="a folder for the files of faults and doubts")
    parser.add_argument("--verbose", action="store_true", help="tell how each case ends")
    options = parser.parse_args()
    start = time.monotonic()
    found: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="damage-") as folder:
        run = Run(options.of, Path(folder), options.seed_folder)
        try:
            for number in range(options.first, options.first + options.count):
                result = run.take(number)
                found.append(result)
                if options.verbose or result.outcome in ("doubt", "FAULT"):
                    print(result, flush=True)
                if options.keep and result.outcome in ("doubt", "FAULT"):
                    options.keep.mkdir(exist_ok=True)
                    (options.keep / f"{number}_{result.case.file}").write_bytes(result.case.data)
        finally:
            run.close()
    print(table(options.of, found))
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    print(
        f"{len(found)} cases in {time.monotonic() - start:.0f} s, the slowest "
        f"{max(one.seconds for one in found):.1f} s; most memory of a process "
        f"{run.worker.memory / 1e6:.0f} MB; {os.cpu_count()} cores{load}"
    )
    return any(one.outcome == "FAULT" for one in found)


def table(of: Of, found: list[Result]) -> str:
    """Return a table of the outcomes of each kind of case."""
    count = Counter((one.case.kind, one.outcome) for one in found)
    kinds = list(dict.fromkeys(one.case.kind for one in found))
    lines = [f"{'':24}" + "".join(f"{outcome:>9}" for outcome in OUTCOMES[of])]
    for kind in kinds:
        lines.append(f"{kind:24}" + "".join(f"{count[kind, o] or '':>9}" for o in OUTCOMES[of]))
    total = Counter(one.outcome for one in found)
    lines.append(f"{'all':24}" + "".join(f"{total[o]:>9}" for o in OUTCOMES[of]))
    return "\n".join([*lines, "", *(f"{o}: {words}" for o, words in OUTCOMES[of].items())])


if __name__ == "__main__":
    sys.exit(main())
