"""The notebooks, run headless by the code that a batch uses, and what they made."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import papermill
import pytest

from workbench.batch.kernel import Kernel
from workbench.batch.notebook_files import NOTEBOOKS
from workbench.batch.notebooks import run_notebook
from workbench.errors import DestinationUnusable, NotebookFailed, ParameterError
from workbench.media.probe import open_clip

CONVERT = NOTEBOOKS / "convert.ipynb"


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    with Kernel() as kernel:
        yield kernel


def outputs(notebook: Path, kind: str) -> list[str]:
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    every = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(o["data"][kind]) for o in every if kind in o.get("data", {})]


@pytest.fixture(scope="module")
def executed(
    untagged: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("convert")
    run_notebook(
        CONVERT,
        folder / "shot.ipynb",
        {
            "source": str(untagged),
            "destination": str(folder / "shot.mov"),
            "overrides": {"deband.strength": 2.0},
        },
    )
    return folder, json.loads((folder / "shot.qc.json").read_text(encoding="utf-8"))


def test_convert_leaves_a_file_a_record_and_a_notebook(
    executed: tuple[Path, dict[str, Any]],
) -> None:
    folder, record = executed
    assert sorted(path.name for path in folder.iterdir()) == [
        *("shot.ipynb", "shot.mov", "shot.qc.json", "shot.report.html"),
    ]
    assert open_clip(folder / "shot.mov").profile == "HQ"
    assert record["verdict"] == "warn"
    assert record["preset"]["deband"]["strength"] == 2.0
    assert record["measures"]["frames"][0]["cambi_before"] > 0


def test_convert_shows_pictures_and_tables(executed: tuple[Path, dict[str, Any]]) -> None:
    folder, _ = executed
    shown = outputs(folder / "shot.ipynb", "text/html")
    pictures = [one for one in shown if "data:image/svg+xml" in one]
    tables = [one for one in shown if one not in pictures]
    assert len(pictures) == 6
    assert min(len(picture) for picture in pictures) > 3000
    report = (folder / "shot.report.html").read_text(encoding="utf-8")
    assert all(one.partition('src="')[2].partition('"')[0] in report for one in pictures)
    assert len(tables) == 3
    assert "Assumed: bt709" in tables[1]
    assert str(folder / "shot.mov") in tables[2]


def test_an_unknown_parameter_is_refused_before_the_run(untagged: Path, tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match=r"convert\.ipynb has no parameter presett \(it has"):
        run_notebook(CONVERT, tmp_path / "x.ipynb", {"source": str(untagged), "presett": "x"})
    assert list(tmp_path.iterdir()) == []


def test_papermill_alone_does_not_get_past_it_either(untagged: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.mov"
    given = {"source": str(untagged), "destination": str(target), "over_write": True}
    with pytest.raises(papermill.PapermillExecutionError, match="no parameter over_write"):
        papermill.execute_notebook(
            str(CONVERT), str(tmp_path / "x.ipynb"), given, progress_bar=False
        )
    assert not target.exists()


def test_a_failure_is_one_sentence_and_the_notebook_stays(tmp_path: Path) -> None:
    with pytest.raises(NotebookFailed, match=r"convert\.ipynb: .*nowhere\.mp4 does not exist"):
        run_notebook(CONVERT, tmp_path / "x.ipynb", {"source": str(tmp_path / "nowhere.mp4")})
    assert "nowhere.mp4 does not exist" in (tmp_path / "x.ipynb").read_text(encoding="utf-8")


def test_a_destination_that_exists_stops_it_before_it_measures(
    untagged: Path, tmp_path: Path
) -> None:
    (tmp_path / "out.mov").write_bytes(b"the old file")
    given = {"source": str(untagged), "destination": str(tmp_path / "out.mov")}
    with pytest.raises(NotebookFailed, match="already exists"):
        run_notebook(CONVERT, tmp_path / "x.ipynb", given)
    assert outputs(tmp_path / "x.ipynb", "image/png") == []


def test_tune_shows_the_desk(untagged: Path, tmp_path: Path) -> None:
    run_notebook(NOTEBOOKS / "tune.ipynb", tmp_path / "tune.ipynb", {"source": str(untagged)})
    assert "deband.strength" in outputs(tmp_path / "tune.ipynb", "text/html")[-1]
    cells = json.loads((tmp_path / "tune.ipynb").read_text(encoding="utf-8"))["cells"]
    shown = [
        output["data"] for cell in cells for output in cell.get("outputs", []) if "data" in output
    ]
    assert any("application/vnd.jupyter.widget-view+json" in data for data in shown)


def test_tune_waits_for_a_clip_to_be_chosen(tmp_path: Path) -> None:
    run_notebook(NOTEBOOKS / "tune.ipynb", tmp_path / "tune.ipynb", {})
    assert "deband.strength" in outputs(tmp_path / "tune.ipynb", "text/html")[-1]


def test_tune_left_without_its_desk_still_shows_the_picture(untagged: Path, tmp_path: Path) -> None:
    """What is saved with an executed notebook: JPEGs, and not the code values of 8 MB."""
    run_notebook(NOTEBOOKS / "tune.ipynb", tmp_path / "tune.ipynb", {"source": str(untagged)})
    notebook = json.loads((tmp_path / "tune.ipynb").read_text(encoding="utf-8"))
    saved = notebook["metadata"]["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    (viewer,) = [one for one in saved.values() if "picture" in one["state"]]
    assert {"before", "after"} <= {buffer["path"][0] for buffer in viewer["buffers"]}
    assert (tmp_path / "tune.ipynb").stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("convert.ipynb", {"source": 5}, "the source is 5: give a path"),
        ("convert.ipynb", {"destination": 5}, "the destination is 5: give a path"),
        ("convert.ipynb", {"destination": ""}, "the destination is empty: fill it in"),
        ("convert.ipynb", {"every_frame": "x"}, "Every frame must be true or false, not 'x'"),
        ("convert.ipynb", {"overwrite": "no"}, "overwrite is 'no': it must be True or False"),
        ("summary.ipynb", {"outcomes": 5}, "the file of outcomes is 5: give a path"),
    ],
)
def test_a_number_for_a_path_is_one_sentence(
    kernel: Kernel, untagged: Path, tmp_path: Path, name: str, given: dict[str, Any], told: str
) -> None:
    parameters = given if name == "summary.ipynb" else {"source": str(untagged), **given}
    with pytest.raises(NotebookFailed, match=f"^{told}"):
        kernel.run(NOTEBOOKS / name, tmp_path / "x.ipynb", parameters)


def test_what_is_no_notebook_or_no_value_is_said(tmp_path: Path, untagged: Path) -> None:
    with pytest.raises(NotebookFailed, match=r"untagged\.mp4 cannot be read as a notebook"):
        run_notebook(untagged, tmp_path / "x.ipynb", {})
    with pytest.raises(ParameterError, match=r"the parameter source is .*: give text, a number"):
        run_notebook(CONVERT, tmp_path / "x.ipynb", {"source": tmp_path})
    with pytest.raises(DestinationUnusable, match=r"gone/x\.ipynb cannot be written: give a file"):
        run_notebook(CONVERT, tmp_path / "gone/x.ipynb", {})
    assert list(tmp_path.iterdir()) == []
