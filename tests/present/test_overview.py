"""Overview: the tables, plots and pictures of a batch."""

import base64
import io

import numpy as np
from PIL import Image

from workbench.batch.outcome import Outcome
from workbench.present import overview, summary_plots


def crop(step: int) -> str:
    """Return a crop: a dark gradient with steps of this many codes, as a PNG in base64."""
    ramp = np.arange(240, dtype=np.uint8)[None, :] // 24 * step + 20
    picture = np.broadcast_to(ramp[..., None], (60, 240, 3))
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


def outcome(name: str, **values: object) -> Outcome:
    known = {"verdict": "pass", "state": "delivered", "delivered": name}
    return Outcome(name=name, source=name, **{**known, **values})  # type: ignore[arg-type]


def test_a_clip_name_is_escaped_everywhere() -> None:
    odd = outcome(
        "<b> $x$ #1'\"_prores",
        measures={"cambi_before": 8.0, "cambi_after": 1.0, "contour_after": 2.0},
    )
    table = overview.outcomes_table([odd])._repr_html_()
    assert "&lt;b&gt; $x$ #1&#x27;&quot;</a>" in table
    assert "href='%3Cb%3E%20%24x%24%20%231%27%22_prores.report.html'" in table
    assert "<b> $x" not in overview.worst_frames([odd])._repr_html_()


def test_the_plots_of_a_batch_are_pictures_even_of_odd_names() -> None:
    clips = [
        outcome(name, measures={"cambi_before": 8.0, "cambi_after": 1.0, "contour_after": 2.0})
        for name in ("$x$_prores", "$\\bad{_prores")  # Matplotlib could take them for formulas
    ]
    for sheet in (summary_plots.banding_sheet(clips), summary_plots.spread_sheet(clips)):
        assert isinstance(sheet, summary_plots.Png)
        with Image.open(io.BytesIO(sheet)) as picture:
            assert picture.width == 976


def test_a_failed_clip_shows_its_reason() -> None:
    failed = outcome("a", state="failed", verdict=None, delivered="", reason="no <video> in it")
    table = overview.outcomes_table([failed])._repr_html_()
    assert "did not finish" in table
    assert "no &lt;video&gt; in it" in table
    assert "href" not in table
    assert ("did not finish", "1") in overview.totals([failed]).rows
    assert "not measured" in repr(summary_plots.banding_sheet([failed])._repr_html_())  # type: ignore[union-attr]


def test_a_long_table_says_how_many_rows_it_leaves_out() -> None:
    table = overview.outcomes_table([outcome(f"{n}") for n in range(510)])._repr_html_()
    assert table.count("<tr>") == 501
    assert "10 more are in summary.csv" in table


def test_a_contact_sheet_is_sorted_by_value() -> None:
    rows = [
        outcome(f"a_{value}", point={"deband.strength": value}, crops=(crop(1), crop(value)))
        for value in (16, 2, 8)
    ]
    page = overview.contact_sheet(rows)._repr_html_()
    places = [page.index(f"deband.strength {value}<") for value in (2, 8, 16)]
    assert places == sorted(places)
    assert page.count("<img") == 8
    assert overview.contact_sheet([outcome("a")])._repr_html_() == ""


def test_the_boost_makes_a_step_six_times_as_high() -> None:
    with Image.open(io.BytesIO(base64.b64decode(overview._boosted(crop(1))))) as picture:
        line = np.asarray(picture.convert("L"), int)[30]
    edge = 120  # between two steps of one code
    assert line[edge] - line[edge - 1] in (5, 6)  # the ground under it rises a little as well
