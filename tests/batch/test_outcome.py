"""Outcomes: one row for each clip of a batch, and the progress of the batch."""

import json
from pathlib import Path

import pytest

import workbench
from workbench.batch.outcome import Outcome, Standing, measures, read_outcomes, views
from workbench.deliver.record import record
from workbench.errors import BatchError, ClipNotFound


def outcome(name: str, **values: object) -> Outcome:
    return Outcome(name=name, source=f"/in/{name}.mp4", state="delivered", **values)  # type: ignore[arg-type]


def test_a_row_says_the_worst_of_what_was_measured(banded: Path, tmp_path: Path) -> None:
    settings = workbench.Settings(preset="classic")
    with workbench.open_clip(banded) as clip:
        delivery = workbench.convert(clip, tmp_path / "a.mov", settings)
        facts = record(delivery)
        row = Outcome(name="a", source="a", state="delivered", **measures(facts))
        shown = views(banded, delivery.destination, facts, crops=True)
    assert facts.measures is not None
    frames = facts.measures.frames
    assert row.measures["cambi_after"] == max(one.cambi_after or 0 for one in frames)
    assert row.measures["effective_bit_depth"] == min(
        one.effective_bit_depth or 99 for one in frames
    )
    assert (row.verdict, row.reason) == ("warn", "bit depth")
    kept = [one for one in facts.findings if one.level != "warn"]
    noted = facts.model_copy(update={"verdict": "note", "findings": kept})
    assert measures(noted)["reason"] == "untagged colour"
    assert (row.width, row.height, row.frames) == (640, 360, 24)
    assert row.size == delivery.size
    assert set(shown) == {"thumbnail", "crops"}


def test_they_are_read_with_what_went_wrong_first(tmp_path: Path) -> None:
    rows = [
        outcome("a", verdict="pass", measures={"cambi_after": 1.0}),
        outcome("b", verdict="pass", measures={"cambi_after": 3.0}),
        outcome("c", verdict="fail"),
        outcome("d", verdict="warn"),
        Outcome(name="e", source="e", state="failed", reason="no"),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(row.model_dump_json() + "\n" for row in rows))
    assert [row.name for row in read_outcomes(path)] == list("ecdba")
    path.write_text(json.dumps({"name": "a"}))
    with pytest.raises(BatchError, match=r"is not the summary\.jsonl of a batch"):
        read_outcomes(path)
    with pytest.raises(ClipNotFound, match="cannot be read"):
        read_outcomes(tmp_path / "none")


def test_rows_of_earlier_versions_are_read() -> None:
    former = {"name": "a", "source": "a", "state": "delivered", "verdict": "pass"}
    measured = {"cambi_before": 9.0, "cambi_after": 2.0, "texture": 1.5, "bit_depth": 8.0}
    row = Outcome.model_validate(former | measured)
    assert row.measures == {
        "cambi_before": 9.0, "cambi_after": 2.0, "texture_change": 1.5, "effective_bit_depth": 8.0
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "code", "said"),
    [
        ([outcome("a", verdict="warn")], 0, "1 of 1 clips: none failed"),
        ([outcome("a", verdict="fail")], 3, "1 of 1 clips: 1 failed QC"),
        (
            [
                outcome("a", verdict="fail"),
                Outcome(name="b", source="b", state="failed"),
                outcome("c", verdict="pass").model_copy(update={"state": "unchanged"}),
            ],
            1,
            "3 of 3 clips: 1 did not finish, 1 failed QC, 1 unchanged",
        ),
    ],
)
def test_how_a_batch_stands_is_its_exit_code(rows: list[Outcome], code: int, said: str) -> None:
    standing = Standing(len(rows))
    for row in rows:
        standing.count(row)
    assert (standing.exit_code, str(standing)) == (code, said)
