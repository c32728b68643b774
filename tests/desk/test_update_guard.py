"""Update guard: user edits and programmatic updates."""

from threading import Thread

from workbench.desk.update_guard import UpdateGuard


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
