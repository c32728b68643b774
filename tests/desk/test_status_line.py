"""Status line: running work and outcomes."""

import pytest

from workbench.desk.status_line import StatusLine


def test_running_work_is_shown_together_and_goes_when_it_ends() -> None:
    seen: list[str] = []
    status = StatusLine(seen.append)
    with status.running("Opening"), status.running("Rendering"):
        pass
    assert seen == ["Opening", "Opening · Rendering", "Opening", ""]


def test_work_that_fails_leaves_nothing_behind() -> None:
    seen: list[str] = []
    status = StatusLine(seen.append)
    with pytest.raises(ValueError, match="bad"), status.running("Opening"):
        raise ValueError("bad")
    assert seen[-1] == ""


def test_an_outcome_stays_until_other_work_starts() -> None:
    seen: list[str] = []
    status = StatusLine(seen.append)
    with status.running("Looking"):
        pass
    status.report("Found")
    assert seen[-1] == "Found"
    with status.running("Opening"):
        assert seen[-1] == "Opening"
    assert seen[-1] == ""
