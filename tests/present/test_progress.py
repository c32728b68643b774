"""Progress bars."""

import io

from workbench.ffmpeg import Progress
from workbench.present.progress import progress_bar


def test_the_bar_follows_a_run_to_its_end() -> None:
    stream = io.StringIO()
    with progress_bar(120, "encoding", stream) as follow:
        follow(Progress(frame=60, speed=None))
        follow(Progress(frame=130, speed=None))
    assert "encoding: 100%" in stream.getvalue()
    assert "120/120" in stream.getvalue()
