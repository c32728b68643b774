"""What is measured of a delivered file, and how it is put beside its source."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path

import pytest

from tests import clips
from workbench import ffmpeg
from workbench.deliver import inspection as inspecting
from workbench.deliver.encode import convert
from workbench.deliver.inspection import banding_rank, inspect, source_indices
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.errors import Cancelled, ResultsMissing
from workbench.look.preset import load_preset
from workbench.measure.banding import COARSE, cambi
from workbench.measure.levels import levels
from workbench.measure.motion import Motion
from workbench.media.clip import Clip, sample_indices
from workbench.media.frames import Frame
from workbench.media.probe import open_clip

Made = Callable[[str], Path]
CLASSIC = load_preset("classic")


def test_every_delivered_frame_is_measured(delivery: Delivery) -> None:
    inspection = delivery.inspection
    assert inspection is not None
    with open_clip(delivery.destination) as clip:
        assert inspection.times == clip.times
        assert inspection.end == clip.duration
        motion = Motion()
        moved = [motion.add(frame) for frame in clip.frames(range(4))][3]
        frame = clip.frame(3)
    expected = levels(frame, moved, inspection.black_limit)
    for name, value in asdict(expected).items():
        assert getattr(inspection.levels, name)[3] == pytest.approx(value), name
    assert len(inspection.frame_measures.matches) == 24


def test_frames_past_the_source_s_end_are_not_part_of_the_time(
    delivery: Delivery, tmp_path: Path
) -> None:
    short = tmp_path / "short.mp4"
    clips.run("-i", delivery.source.path, "-c", "copy", "-an", "-frames:v", "6", short)
    with open_clip(short) as source, open_clip(delivery.destination) as delivered:
        found = inspect(source, delivered, CLASSIC)
        assert source.frame_count < delivered.frame_count
        assert found.bounds == delivered.times[: source.frame_count + 1]


def test_the_frames_compared_are_the_delivered_ones(delivery: Delivery) -> None:
    inspection = delivery.inspection
    assert inspection is not None
    with open_clip(delivery.destination) as clip:
        assert [one.index for one in inspection.comparisons] == sample_indices(24, 4)
        frames = [clip.frame(one.index) for one in inspection.comparisons]
    assert [one.cambi_after for one in inspection.comparisons] == cambi(frames)
    assert [one.coarse_after for one in inspection.comparisons] == cambi(frames, COARSE)
    worst = max(inspection.comparisons, key=lambda one: one.cambi_before or 0)
    assert inspection.before.index == inspection.after.index == worst.index
    assert inspection.after.luma.tobytes() == frames[0].luma.tobytes() or worst.index > 3


def test_every_frame_can_be_asked_for(delivery: Delivery, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last few too, which are no whole handful."""
    monkeypatch.setattr("workbench.deliver.inspection._BATCH", 5)
    done: list[int] = []
    with open_clip(delivery.destination) as delivered:
        found = inspect(
            delivery.source, delivered, CLASSIC, every_frame=True, on_progress=done.append
        )
    assert [one.index for one in found.comparisons] == list(range(24))
    assert all(one.coarse_after is not None for one in found.comparisons)
    assert done == list(range(1, 25))


def test_bands_in_some_frames_alone_are_measured_in_each(tmp_path: Path) -> None:
    """The first frame that is compared has none: coarse CAMBI is measured in the others too."""
    path = tmp_path / "late.mp4"
    ends = "x0=200:y0=0:x1=500:y1=359:speed=0:seed=7"
    ramp = f"gradients=s=640x360:r=24:c0=0x101010:c1=0xd0d0d0:{ends}:d=0.33:nb_colors=2"
    coarse = "lutyuv=y='floor(val/8)*8':enable='gte(n,2)'"
    clips.run("-f", "lavfi", "-i", f"{ramp},format=yuv420p,drawbox=t=fill:color=gray:"
              f"enable='lt(n,2)',{coarse}", "-c:v", "libx264", "-crf", "4", path)  # fmt: skip
    inspection = convert(path, tmp_path / "out.mov", Settings(preset="untouched")).inspection
    assert inspection is not None
    found = [one.coarse_after or 0 for one in inspection.comparisons]
    assert [one.index for one in inspection.comparisons] == [1, 3, 5, 7]
    assert found[0] == pytest.approx(0, abs=0.1)
    assert min(found[1:]) > 10


def test_frames_are_ranked_by_cambi_and_by_contour_only_where_that_is_the_same(
    delivery: Delivery,
) -> None:
    assert delivery.inspection is not None
    some = delivery.inspection.comparisons[0]

    def ranked(pairs: list[tuple[float | None, float | None]]) -> int:
        found = [replace(some, cambi_before=one, contour_before=two) for one, two in pairs]
        return max(range(len(found)), key=lambda number: banding_rank(found[number]))

    assert ranked([(0, 16), (0, 16), (6.2, 8), (6.2, 8)]) == 2
    assert ranked([(0.0, 7), (0.0, 16), (0.0, 8)]) == 1
    assert ranked([(0.01, 7), (0.0, 16)]) == 0
    assert ranked([(None, 7), (None, 16)]) == 1
    assert ranked([(None, None), (None, None)]) == 0


@pytest.mark.parametrize("rate", ["12", "24000/1001", "60"])
def test_an_even_rate_is_held_against_the_frames_it_repeats_or_drops(
    made: Made, tmp_path: Path, rate: str
) -> None:
    delivery = convert(
        made("variable"), tmp_path / "out.mov", Settings(preset="classic", frame_rate=rate)
    )
    found = {finding.id: finding.level for finding in delivery.findings}
    assert found["frame order"] == "pass"
    assert found["frame content"] == "pass"
    assert delivery.inspection is not None
    assert max(match.rms_residual for match in delivery.inspection.frame_measures.matches) < 1.5


def test_places_are_in_order_and_within_the_source(made: Made) -> None:
    with open_clip(made("variable")) as clip:
        same = source_indices(clip, clip, None)
        assert same == list(range(clip.frame_count))
        slow = source_indices(clip, clip, Fraction(10))
        assert slow == sorted(slow)
        assert slow[0] == 1, "of two frames that fall on one step, the later is kept"
        assert slow[-1] <= clip.frame_count - 1


def test_a_cancellation_stops_it_and_spares_its_parent(delivery: Delivery) -> None:
    cancellation = ffmpeg.Cancellation()
    seen: list[int] = []

    def stop(frame: int) -> None:
        seen.append(frame)
        if frame == 5:
            cancellation.request()

    with open_clip(delivery.destination) as delivered, pytest.raises(Cancelled):
        inspect(delivery.source, delivered, CLASSIC, on_progress=stop, cancellation=cancellation)
    assert seen[-1] == 5


def test_a_fault_stops_the_rest_and_leaves_the_caller_s_cancellation_alone(
    delivery: Delivery,
) -> None:
    cancellation = ffmpeg.Cancellation()

    def fail(_: int) -> None:
        raise RuntimeError("the bar broke")

    with open_clip(delivery.destination) as delivered, pytest.raises(RuntimeError, match="bar"):
        inspect(delivery.source, delivered, CLASSIC, on_progress=fail, cancellation=cancellation)
    assert not cancellation.requested


def test_frames_that_were_not_measured_are_an_error_that_names_the_clip(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """libvmaf gives fewer scores than frames when it refuses a size; here it is kept from both."""
    monkeypatch.setattr("workbench.measure.banding._run", lambda *_: None)
    with (
        open_clip(delivery.destination) as delivered,
        pytest.raises(ResultsMissing, match=r"^banded\.mp4: libvmaf measured banding .* 0 of 4"),
    ):
        inspect(delivery.source, delivered, CLASSIC)


def test_only_a_few_frames_are_held_at_a_time(
    delivery: Delivery, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long the clip: what is decoded is let go of again."""
    import weakref

    alive: weakref.WeakSet[Frame] = weakref.WeakSet()
    most = 0
    real = inspecting._pairs

    def counted(
        clip: Clip, delivered: Clip, places: list[int], numbers: list[int]
    ) -> Iterator[tuple[Frame, Frame]]:
        nonlocal most
        for pair in real(clip, delivered, places, numbers):
            fresh = replace(pair[1])
            alive.add(fresh)
            most = max(most, len(alive))
            yield pair[0], fresh

    monkeypatch.setattr(inspecting, "_pairs", counted)
    with open_clip(delivery.destination) as delivered:
        inspect(delivery.source, delivered, CLASSIC, every_frame=True)
    assert most <= 20
