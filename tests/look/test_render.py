"""Test that the rendered picture is the encoded picture, byte for byte."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests import clips
from tests.clips import SEED
from workbench import ffmpeg
from workbench.errors import DamagedClip, ResultsMissing
from workbench.look.filter_chain import encoder_input_chain, filter_chain, inverse_tone_chain
from workbench.look.preset import load_preset
from workbench.look.render import render, render_frames, render_through
from workbench.look.stages import Eq, NoDeband
from workbench.measure.code_values import to_ten_bit_luma
from workbench.media.colour import Colour
from workbench.media.probe import open_clip

Made = Callable[[str], Path]
CLASSIC = load_preset("classic")


def rendered(path: Path, preset: str = "classic") -> list[str]:
    with open_clip(path) as clip:
        pictures = (render(frame, load_preset(preset)) for frame in clip.sample(clip.frame_count))
        return [hashlib.md5(picture.tobytes()).hexdigest() for picture in pictures]


@pytest.mark.parametrize("preset", ["classic", "untouched", "smooth"])
@pytest.mark.parametrize(
    "name", ["untagged", "tagged", "sd_tagged", "full_range", "odd", "variable", "ten_bit"]
)
def test_rendered_frames_equal_the_chain_on_the_whole_file(
    made: Made, name: str, preset: str
) -> None:
    path = made(name)
    chain = encoder_input_chain(filter_chain(load_preset(preset), open_clip(path)))
    assert rendered(path, preset) == clips.frame_hashes(path, "-vf", chain)


def test_a_rotated_clip_is_rendered_upright(untagged: Path, tmp_path: Path) -> None:
    path = clips.turned(untagged, tmp_path / "turned.mp4", "-display_rotation", "90")
    chain = encoder_input_chain(filter_chain(CLASSIC, open_clip(path)))
    assert rendered(path) == clips.frame_hashes(path, "-vf", chain)


@pytest.mark.parametrize("name", ["tagged", "full_range"])
def test_the_encoder_writes_the_same_file_from_rendered_frames(
    made: Made, tmp_path: Path, name: str
) -> None:
    """Compare the original command on the file with its encoder on the rendered frames."""
    path, raw = made(name), tmp_path / "pictures.raw"
    with open_clip(path) as clip:
        raw.write_bytes(b"".join(render(f, CLASSIC).tobytes() for f in clip.sample(1000)))
    encoder = SEED[: SEED.index("-vf")]
    size = ["-f", "rawvideo", "-pixel_format", "yuv422p10le", "-video_size", "320x180"]
    clips.run(*size, "-framerate", "24", "-i", raw, *encoder, tmp_path / "rendered.mov")
    clips.run("-i", path, *SEED, tmp_path / "seed.mov")
    assert clips.frame_hashes(tmp_path / "rendered.mov") == clips.frame_hashes(
        tmp_path / "seed.mov"
    )


def test_rendered_frames_are_10_bit_legal_and_keep_their_index(made: Made) -> None:
    with open_clip(made("full_range")) as clip:
        frame = clip.frame(7)
    picture = render(frame, CLASSIC)
    assert (picture.pixel_format, picture.bit_depth) == ("yuv422p10le", 10)
    assert (picture.index, picture.time) == (frame.index, frame.time)
    assert picture.colour.range == "legal"
    assert picture.cb.shape == (180, 160)


@pytest.mark.parametrize("path", sorted(clips.REAL.glob("*.mp4")), ids=lambda path: path.stem)
def test_every_real_clip_can_be_rendered(path: Path) -> None:
    try:
        clip = open_clip(path)
    except ValueError:
        assert "audio_only" in path.name
        return
    chain = encoder_input_chain(filter_chain(CLASSIC, clip))
    try:
        found = rendered(path)
    except DamagedClip:
        assert "corrupt" in path.name
        return
    assert found == clips.frame_hashes(path, "-vf", chain)


@pytest.mark.parametrize("name", ["classic", "smooth", "smooth-logc3"])
def test_a_rendered_tone_can_be_undone(made: Made, name: str) -> None:
    preset = load_preset(name).model_copy(update={"deband": NoDeband()})
    with open_clip(made("tagged")) as clip:
        frame = clip.frame(3)
    looked = render(frame, preset)
    chain = inverse_tone_chain(preset.tone, looked.colour.assumed())
    assert chain is not None
    (back,) = render_through([looked], chain, "yuv422p16le", looked.colour)
    apart = to_ten_bit_luma(back) - to_ten_bit_luma(frame)
    assert float(np.sqrt(np.square(apart).mean())) < 3  # 10-bit code values


def test_a_tone_without_an_inverse_is_not_undone() -> None:
    assert inverse_tone_chain(Eq(saturation=0), Colour().assumed()) is None


def test_missing_frames_raise_an_error(untagged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three frames are returned, and are not read as three frames of another size."""
    real = ffmpeg.run
    with open_clip(untagged) as clip:
        frames = list(clip.sample(3))
    size = 320 * 180 * 4
    monkeypatch.setattr(ffmpeg, "run", lambda *args, **named: real(*args, **named)[: 2 * size])
    with pytest.raises(ResultsMissing, match=r"ffmpeg rendered 2 of 3 frames through setparams"):
        render_frames(frames, load_preset("classic"))
