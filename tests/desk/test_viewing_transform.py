"""Viewing transform: .cube files, and the LUT that grades a look back."""

from pathlib import Path

import numpy as np
import pytest

from tests.desk.driver import DeskDriver
from workbench.desk.viewing_transform import parse_cube, source_transform, viewing_transform
from workbench.errors import ParameterError
from workbench.look.curves import apply_tone
from workbench.look.preset import load_preset

IDENTITY = "\n".join(f"{r} {g} {b}" for b in (0, 1) for g in (0, 1) for r in (0, 1))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (IDENTITY, "a.cube: LUT_3D_SIZE must be between 2 and 65"),
        (f"LUT_3D_SIZE 66\n{IDENTITY}", "LUT_3D_SIZE must be between 2 and 65"),
        (f"LUT_3D_SIZE 3\n{IDENTITY}", "27 rows|3³ rows of three numbers are needed; it has 8"),
        (f"LUT_3D_SIZE 2\n{IDENTITY}\n1 1", "2³ rows of three numbers"),
        (f"LUT_3D_SIZE 2\n{IDENTITY[:-1]}nan", "a value that is not a number"),
        (f"LUT_3D_SIZE 2\nhello there\n{IDENTITY}", "cannot understand the line 'hello there'"),
        (f"LUT_3D_SIZE 2\nDOMAIN_MAX 2 2 2\n{IDENTITY}", "domain does not end at 1"),
        ("LUT_1D_SIZE 2\n0 0 0\n1 1 1", "a 1D LUT cannot be shown"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ParameterError, match=reason):
        parse_cube(text, "a.cube")


def test_comments_titles_and_the_usual_domain_are_read() -> None:
    head = '# a comment\nTITLE "x 1"\nLUT_3D_SIZE 2\nDOMAIN_MIN 0 0 0\nDOMAIN_MAX 1 1 1\n\n'
    assert parse_cube(head + IDENTITY, "a.cube").shape == (8, 3)


def test_the_flat_tone_is_graded_back_and_no_tone_needs_nothing() -> None:
    tone = load_preset("smooth").tone
    cube = viewing_transform(tone, "bt709", "")
    assert cube is not None
    middle = cube.reshape(33, 33, 33, 3)[16, 16, 16]
    assert middle[0] == pytest.approx(middle[1], abs=4e-3)  # grey stays grey, within eq's rounding
    assert cube[-1][0] > 1  # what was lowered to less than white rises again
    assert viewing_transform(load_preset("untouched").tone, "bt709", "") is None


def test_a_source_through_a_lut_looks_as_the_look_does(tmp_path: Path) -> None:
    (tmp_path / "negative.cube").write_text(
        "LUT_3D_SIZE 2\n" + IDENTITY.replace("1", "x").replace("0", "1").replace("x", "0"),
        encoding="utf-8",
    )
    path, tone = str(tmp_path / "negative.cube"), load_preset("smooth-logc3").tone
    found = source_transform(tone, "bt709", path)
    assert found is not None
    toned = apply_tone(np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 1]]), tone, "bt709")
    assert found[[0, 32, -1]] == pytest.approx(1 - toned.clip(0, 1), abs=1e-4)
    none = load_preset("untouched").tone
    assert source_transform(none, "bt709", path) is not None  # both sides through the same LUT
    assert source_transform(none, "bt709", "") is None


def test_a_still_is_graded_back_by_its_own_tone(desk: DeskDriver) -> None:
    desk.wait()
    desk.viewer.graded = True
    flat = desk.sent("lut")[-1][1]
    desk.shortcut("grab")
    desk.choose_preset("smooth-logc3")
    desk.compare()
    before, after = (message for message in desk.sent("lut")[-2:])
    assert (before[0]["side"], before[1]) == ("before", flat)
    assert (after[0]["side"], after[1] == flat) == ("after", False)


def test_the_desk_sends_the_lut_while_it_is_wanted(desk: DeskDriver, tmp_path: Path) -> None:
    desk.wait()
    assert not desk.sent("lut")
    exact = desk.exact_picture("after")
    desk.viewer.graded = True
    (source, nothing), (content, (values,)) = desk.sent("lut")
    assert (source["side"], source["size"], nothing) == ("before", 0, [])  # it is graded already
    assert (content["side"], content["size"]) == ("after", 33)
    desk.slide("Tone", "contrast", 0.5)
    assert desk.sent("lut")[-1][1] != [values]
    desk.press("Undo")
    (tmp_path / "own.cube").write_text(f"LUT_3D_SIZE 2\n{IDENTITY}", encoding="utf-8")
    desk.choose_cube(str(tmp_path / "own.cube"))
    content, (values,) = desk.sent("lut")[-1]
    assert content["size"] == 2
    assert np.frombuffer(values, np.float32).reshape(8, 3)[1].tolist() == [1, 0, 0]
    source, (values,) = desk.sent("lut")[-2]
    assert (source["side"], source["size"]) == ("before", 33)
    white = np.frombuffer(values, np.float32).reshape(-1, 3)[-1]
    assert 0.8 < white.min() <= white.max() < 1  # the source is shown with the flat tone as well
    desk.choose_cube("nowhere.cube")
    assert desk.error == "nowhere.cube: cannot read it: no such file or directory"
    assert desk.sent("lut")[-1][0]["size"] == 0
    desk.wait()
    assert desk.exact_picture("after") == exact  # the picture that is encoded
