"""Status line and update guard: plain logic without widgets."""

from threading import Thread

import pytest

from workbench.desk.status_line import StatusLine
from workbench.desk.update_guard import UpdateGuard


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


def test_programmatic_updates_are_told_from_user_edits() -> None:
    guard = UpdateGuard()
    assert guard.user_edit
    with guard.updating():
        assert not guard.user_edit
        with guard.updating():
            pass
        assert not guard.user_edit
    assert guard.user_edit


def test_a_user_edit_in_another_thread_waits_for_the_update() -> None:
    guard, found = UpdateGuard(), []
    user = Thread(target=lambda: found.append(guard.user_edit))
    with guard.updating():
        user.start()
        user.join(0.1)
        assert found == []
    user.join(5)
    assert found == [True]
