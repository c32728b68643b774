"""Run some cases of tests/soak/damage.py, which repeats one with `--first N --count 1`."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.soak import mutations
from tests.soak.damage import PARTS, Of, Run, case, make_seeds

CUTS = PARTS - 1
SEEDS = 7
KINDS = [*mutations.OF_ANY_FILE, *mutations.OF_BOXES]
CUT = [part * SEEDS + seed for seed in (3, 4, 6) for part in range(4, CUTS, 5)]
CUT += [322, 327]
"""Cuts at every 1/10 with the index first, in fragments and in Matroska; two in a last index."""
MUTATED = [CUTS * SEEDS + which + len(KINDS) * (which % 5) for which in range(len(KINDS))]
"""Each mutation once, over different clips."""
KNOWN = [342, 459, 487, 532, 803]
"""Cases that once failed: lost last frames, lost audio, or an error without a sentence."""
CONTAINED = [*range(100, 104), *range(196, 204), 413]
"""Cuts and mutations of AVI, MPEG-TS, FLV and MXF. The last one has a codec that is not known."""
DELIVERED = [CUTS // 2, *(CUTS + which for which in range(0, len(KINDS), 3)), 160, 191, 209]
"""The last three once failed: MediaInfo hung, or an audio track of unknown kind raised an error."""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield from running("clips", tmp_path_factory.mktemp("clips"))


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield from running("containers", tmp_path_factory.mktemp("containers"))


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    yield from running("deliveries", tmp_path_factory.mktemp("deliveries"))


def running(of: Of, folder: Path) -> Iterator[Run]:
    run = Run(of, folder)
    yield run
    run.close()


@pytest.mark.parametrize("number", CUT)
def test_a_cut_clip_is_refused(converted: Run, number: int) -> None:
    result = converted.take(number)
    assert result.outcome == "refused", result


@pytest.mark.parametrize("number", [*MUTATED, *KNOWN])
def test_a_damaged_clip_ends_well_or_in_a_sentence(converted: Run, number: int) -> None:
    result = converted.take(number)
    assert result.outcome != "FAULT", result


@pytest.mark.parametrize("number", CONTAINED)
def test_other_containers_end_well_or_in_a_sentence(contained: Run, number: int) -> None:
    result = contained.take(number)
    assert result.outcome != "FAULT", result


@pytest.mark.parametrize("number", DELIVERED)
def test_a_damaged_delivery_is_detected(checked: Run, number: int) -> None:
    result = checked.take(number)
    assert result.outcome in ("same", "other", "refused"), result


@pytest.mark.parametrize("number", [403, 430] * 4)
def test_a_patched_frame_never_passes(converted: Run, number: int) -> None:
    """With several threads, ffmpeg's -xerror misses one of six."""
    result = converted.take(number)
    assert result.outcome == "refused", result


def test_a_case_is_reproducible(converted: Run, tmp_path: Path) -> None:
    again = make_seeds(tmp_path)
    assert len(again) == SEEDS
    for number in (0, 100, 400, 500, 600):
        assert case(number, again) == case(number, converted.seeds)


def test_removing_a_box_adjusts_the_enclosing_sizes(converted: Run) -> None:
    whole = converted.seeds[0].read_bytes()
    for seed in range(20):
        smaller = mutations.box_gone(whole, Random(seed))
        outer = [box for box in mutations.boxes(smaller) if box.parent == -1]
        assert sum(box.size for box in outer) == len(smaller) < len(whole)
