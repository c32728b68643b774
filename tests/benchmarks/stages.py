"""Measure the stages of a conversion one after the other, in CPU seconds.

In a real run the stages overlap, so their sum is work and not waiting. CPU time of ffmpeg and of
this process is listed separately.
"""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.benchmarks.figures import Figure, figure, process
from workbench import ffmpeg
from workbench.deliver.command import encode_command
from workbench.deliver.inspection import _BATCH
from workbench.deliver.quicktime import read_movie
from workbench.deliver.settings import Settings
from workbench.deliver.source_frames import SourceFrame, SourceRecording, sampled_indices
from workbench.deliver.verify import expected_sound
from workbench.files import sha256_of
from workbench.look.compare import compare
from workbench.measure.frame_match import block_means, match_frames
from workbench.measure.levels import levels
from workbench.measure.loudness import loudness
from workbench.measure.motion import Motion
from workbench.media.clip import Clip
from workbench.media.frames import Frame
from workbench.media.probe import open_clip


def stages(source: Path, folder: Path) -> Iterator[Figure]:
    """Convert a clip stage by stage, as deliver.encode does, and yield the CPU time of each."""
    delivered = folder / "stages.mov"
    settings = Settings(preset="classic")
    yield from _cost("start: Python and imports", process(sys.executable, "-c", _IMPORTS))
    with open_clip(source) as clip:
        yield from _cost("read the clip's index", lambda: open_clip(source).close())
        command = encode_command(clip, settings)
        yield from _cost("encode", lambda: ffmpeg.run(["-y", *command.arguments(delivered)]))
        recording = SourceRecording(clip, folder)
        both = ["-y", *command.arguments(delivered, recording.output)]
        yield from _cost(
            "encode, and measure the source",
            lambda: ffmpeg.run(both, on_output=recording.read),
        )
        recording.close()
        yield from _cost("hash the source's sound", lambda: expected_sound(clip, settings))
        yield from _cost("read the delivered file's metadata", lambda: read_movie(delivered))
        with open_clip(delivered) as made:
            yield from _cost("decode the source, for qc alone", lambda: _decode(clip))
            yield from _cost("decode the delivered file", lambda: _decode(made))
            pairs = list(zip(clip.frames(range(24)), made.frames(range(24)), strict=True))
            share = clip.frame_count / len(pairs)
            yield from _cost("levels of every frame", lambda: _levels(pairs), share)
            means = [(block_means(before), block_means(after)) for before, after in pairs]
            yield from _cost(
                "block means and detail of every frame",
                lambda: [SourceFrame.of(after) for _, after in pairs],
                share,
            )
            yield from _cost("match frames", lambda: list(match_frames(means)), share)
            picks = sampled_indices(clip, clip.frame_count, every_frame=False)
            count = len(picks)
            before, after = list(clip.frames(picks)), list(made.frames(picks))
            parts = [slice(at, at + _BATCH) for at in range(0, count, _BATCH)]
            yield from _cost(
                f"compare {count} frames",
                lambda: [compare(before[at], settings.look, after[at]) for at in parts],
            )
        yield from _cost("loudness", lambda: loudness(delivered))
        yield from _cost("SHA-256 of the file", lambda: sha256_of(delivered))


_IMPORTS = "import workbench.cli, workbench.deliver.encode, scipy.ndimage"


def _levels(pairs: Sequence[tuple[Frame, Frame]]) -> None:
    motion = Motion()
    for _, delivered in pairs:
        levels(delivered, motion.add(delivered))


def _decode(clip: Clip) -> None:
    for _ in clip.frames(range(clip.frame_count)):
        pass


def _cost(what: str, act: Callable[[], object], times: float = 1) -> Iterator[Figure]:
    """Yield the CPU seconds of an action, in this process and in its child processes."""
    before = os.times()
    act()
    after = os.times()
    own = after.user + after.system - before.user - before.system
    others = (
        after.children_user + after.children_system
        - before.children_user - before.children_system
    )  # fmt: skip
    for where, value in (("program", others), ("Python", own)):
        if value * times >= 0.01:
            yield figure(f"{what} ({where})", [value * times], None, "s CPU")
