"""Labels of clips in plots."""

from workbench.batch.outcome import Outcome
from workbench.present.labels import labels

LONG = "a_generated_shot_with_a_name_that_no_axis_can_hold"


def point(value: float, source: str = f"/in/{LONG}.mp4") -> Outcome:
    return Outcome(
        name=f"{LONG}_deband.strength_{value}_tone.contrast_0.9_prores",
        source=source,
        state="delivered",
        point={"deband.strength": value, "tone.contrast": 0.9},
    )


def test_the_points_of_a_sweep_are_told_apart_by_their_values() -> None:
    assert labels([point(2), point(16)]) == [
        "strength 2, contrast 0.9",
        "strength 16, contrast 0.9",
    ]


def test_the_points_of_several_clips_name_the_clip_too() -> None:
    found = labels([point(2), point(16), point(2, "/in/b.mp4"), point(16, "/in/b.mp4")])
    assert len(set(found)) == 4
    assert found[2] == "b: strength 2, contrast 0.9"
    assert all(value in label for value, label in zip((" 2,", " 16,"), found[:2], strict=True))


def test_no_two_labels_are_alike() -> None:
    names = [f"{LONG}_{n:03}_of_a_long_row_of_shots_that_end_alike" for n in range(40)]
    names += [f"{n}_{LONG}" for n in range(20)]
    found = labels([Outcome(name=n, source=n, state="delivered") for n in names])
    assert len(set(found)) == len(names)
    assert max(map(len, found)) <= 40
