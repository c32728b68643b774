"""One delivery that the tests of this folder look at, and a clip large and long enough to judge."""

from pathlib import Path

import pytest

from tests import clips
from workbench.deliver.encode import convert
from workbench.deliver.recipe import Recipe
from workbench.deliver.verify import Delivery
from workbench.look.preset import load_preset


@pytest.fixture(scope="session")
def banded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of a dark gradient with something moving over it, and two tones."""
    path = tmp_path_factory.mktemp("banded") / "banded.mp4"
    tones = "aevalsrc=0.1*sin(2*PI*220*t)|0.1*sin(2*PI*330*t):d=1:s=48000"
    picture = ["-f", "lavfi", "-i", clips.sky("640x360"), "-f", "lavfi", "-i", tones]
    clips.run(*picture, "-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p", path)
    return path


@pytest.fixture(scope="session")
def delivery(banded: Path, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    path = tmp_path_factory.mktemp("delivered") / "shot.v2.mov"
    return convert(banded, path, Recipe(load_preset("classic")))
