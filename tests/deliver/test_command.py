"""Command: the ffmpeg arguments of a conversion."""

from pathlib import Path

from tests.clips import SEED
from workbench.deliver.command import encode_command
from workbench.deliver.settings import Settings
from workbench.media.probe import open_clip

CLASSIC = Settings(preset="classic")


def value_after(argv: list[str], option: str) -> str:
    return argv[argv.index(option) + 1]


def test_the_arguments_hold_the_seed_s_options_and_values(untagged: Path) -> None:
    argv = encode_command(open_clip(untagged), CLASSIC).arguments(Path("out.mov"))
    for option, value in zip(SEED[::2], SEED[1::2], strict=True):
        assert argv.count(option) == 1
        if option == "-vf":
            declaration, _, chain = value_after(argv, "-vf").partition(",")
            assert chain == value
            assert declaration.startswith("setparams=")
        else:
            assert value_after(argv, option) == value
    added = [argument for argument in argv if argument.startswith("-") and argument not in SEED]
    door = ["-protocol_whitelist", "-format_whitelist", "-max_streams", "-max_pixels", "-i"]
    assert added == [
        *("-xerror", *door, "-map", "-map", "-q:v", "-fps_mode", "-enc_time_base:v", "-f")
    ]


def test_a_command_names_the_filters_that_it_needs(untagged: Path, tmp_path: Path) -> None:
    command = encode_command(open_clip(untagged), CLASSIC)
    assert command.filters[0] == "setparams"
    assert "gradfun" in command.filters
    assert command.line(tmp_path / "a.mov", overwrite=False)[-1] == f"file:{tmp_path / 'a.mov'}"


def test_the_chain_is_the_one_that_a_person_sees(untagged: Path, tmp_path: Path) -> None:
    """The command in the record and the one that runs differ in the file's name alone."""
    command = encode_command(open_clip(untagged), CLASSIC)
    shown = command.line(tmp_path / "a.mov", overwrite=True)
    run = command.arguments(tmp_path / "b.mov")
    assert shown[-len(run) : -1] == run[:-1]
