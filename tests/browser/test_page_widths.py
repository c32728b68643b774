"""The report of a clip and the summary of a batch, on a phone, a tablet and a desk."""

from pathlib import Path

import pytest
from markupsafe import Markup
from playwright.sync_api import Browser

from workbench.batch.outcome import Outcome
from workbench.deliver.encode import convert
from workbench.deliver.report import page, templates
from workbench.deliver.settings import Settings
from workbench.measure.metrics import METRICS
from workbench.present import overview

LONG = "a_generated_clip_with_a_name_that_is_longer_than_any_column_of_a_table"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, untagged: Path) -> str:
    folder = tmp_path_factory.mktemp("widths")
    delivery = convert(untagged, folder / f"{LONG}.mov", Settings())
    return page(delivery, {})


@pytest.fixture(scope="module")
def summary() -> str:
    measures: dict[str, float | None] = {key: 12.34 for one in METRICS for key in one.keys}
    rows = [
        Outcome(
            name=f"{LONG}_{n}_prores",
            source=f"/in/{LONG}.mp4",
            state="delivered",
            delivered=f"/out/{LONG}_{n}_prores.mov",
            verdict="warn",
            reason="bit depth, banding, banding after grading, texture",
            measures=measures,
            seconds=12.3,
            size=123_456_789,
            duration=5.0,
        )
        for n in range(3)
    ]
    shown = (overview.totals(rows), overview.outcomes_table(rows), overview.worst_frames(rows))
    body = Markup("".join(one._repr_html_() for one in shown))
    return templates("workbench.batch").get_template("summary.html.jinja").render(body=body)


@pytest.mark.parametrize("width", [390, 768, 1000, 1280])
@pytest.mark.parametrize("name", ["report", "summary"])
def test_a_page_never_scrolls_sideways(
    browser: Browser, request: pytest.FixtureRequest, name: str, width: int
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 900})
    tab.set_content(request.getfixturevalue(name))
    wider = tab.evaluate(
        "[document.documentElement, ...document.querySelectorAll('table, div')]"
        ".filter(one => one.scrollWidth > one.clientWidth + 1 && one.clientWidth > 0)"
        ".map(one => one.outerHTML.slice(0, 80))"
    )
    tab.close()
    assert wider == []
