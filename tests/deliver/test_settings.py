"""Settings: what a person may write, and what is refused before anything runs."""

import pickle
from fractions import Fraction
from pathlib import Path
from typing import get_args

import click
import pytest

from workbench.cli import main
from workbench.cli.options import _SETTINGS
from workbench.deliver.format import Encoder
from workbench.deliver.policy import Policy, Rule
from workbench.deliver.settings import Settings
from workbench.errors import ParameterError, PolicyError, PresetError
from workbench.look.preset import load_preset, save_preset


def test_a_name_a_file_and_a_preset_are_the_same_look(tmp_path: Path) -> None:
    smooth = load_preset("smooth")
    file = save_preset(smooth, tmp_path / "mine.toml")
    for given in ("smooth", str(file), file, smooth):
        assert Settings(preset=given).look == smooth


def test_overrides_and_an_assumed_matrix_change_the_look() -> None:
    settings = Settings(preset="smooth", overrides={"deband.strength": 2.0}, assume_matrix="bt601")
    assert settings.base == load_preset("smooth")
    assert settings.look is not None
    assert settings.look.parameters()["deband.strength"] == 2.0
    assert settings.look.assume_matrix == "bt601"


def test_a_policy_can_be_given_as_a_value() -> None:
    mine = Policy(name="mine", cambi=Rule(at_most=1))
    assert Settings(policy=mine).rules == mine
    assert Settings().rules.name == "mezzanine"


@pytest.mark.parametrize(
    ("written", "rate"),
    [
        (24, Fraction(24)),
        ("24", Fraction(24)),
        (24.5, Fraction(49, 2)),
        ("24000/1001", Fraction(24000, 1001)),
        (23.976, Fraction(24000, 1001)),
        ("23.98", Fraction(24000, 1001)),
        (Fraction(25), Fraction(25)),
    ],
)
def test_a_written_frame_rate_is_the_exact_one(written: object, rate: Fraction) -> None:
    assert Settings(frame_rate=written).frame_rate == rate


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"preset": "nonesuch"}, PresetError, "there is no preset nonesuch"),
        ({"preset": 3}, ParameterError, "Preset must be a name, the path of a .toml file"),
        ({"policy": "nonesuch"}, PolicyError, "there is no policy nonesuch"),
        ({"policy": None}, ParameterError, "Policy must be a name, the path of a .toml file"),
        ({"encoder": "prores_fast"}, ParameterError, "Encoder must be finest or search, not"),
        ({"encoder": "prores"}, ParameterError, "encoder prores is no longer offered"),
        ({"frame_rate": "often"}, ParameterError, "Frame rate must be a number or a fraction"),
        ({"frame_rate": "24/0"}, ParameterError, "Frame rate must be a number or a fraction"),
        ({"frame_rate": "-24"}, ParameterError, "Frame rate must be a number or a fraction"),
        ({"frame_rate": "nan"}, ParameterError, "Frame rate must be a number or a fraction"),
        ({"frame_rate": ""}, ParameterError, "Frame rate must be a number or a fraction"),
        ({"frame_rate": "1e99999999"}, ParameterError, "Frame rate must be a number"),
        ({"frame_rate": True}, ParameterError, "Frame rate must be a number"),
        ({"frame_rate": 999}, ParameterError, "Frame rate must be between 1 and 240, not 999"),
        ({"audio_rate": 1}, ParameterError, "between 8000 and 192000, not 1"),
        ({"audio_rate": "48000; rm"}, ParameterError, "Audio rate must be a whole number"),
        ({"audio_rate": 0}, ParameterError, "between 8000 and 192000, not 0"),
        ({"assume_matrix": "bt2020"}, ParameterError, "Assume matrix must be bt601 or bt709"),
        ({"overrides": ["deband.strength"]}, ParameterError, "Overrides must be a table of names"),
        ({"overrides": {"deband.radius": 99}}, PresetError, "between 4 and 32, not 99"),
        ({"every_frame": "maybe"}, ParameterError, "Every frame must be true or false"),
        ({"overides": {}}, ParameterError, "did you mean overrides?"),
        ({"preset": None, "overrides": {"deband.radius": 9}}, ParameterError, "name a preset"),
        ({"preset": None, "assume_matrix": "bt601"}, ParameterError, "name a preset"),
    ],
)
def test_settings_that_make_no_sense_are_refused(
    wrong: dict[str, object], error: type[Exception], message: str
) -> None:
    with pytest.raises(error) as caught:
        Settings(**wrong)
    assert message in str(caught.value)
    with pytest.raises(error):
        Settings().changed(**wrong)


def test_text_that_means_false_is_false() -> None:
    """papermill passes `-p every_frame no` as text, which Python would take for true."""
    assert Settings(every_frame="no").every_frame is False


def test_settings_arrive_in_another_process() -> None:
    settings = Settings(preset="smooth", overrides={"deband.strength": 2.0}, frame_rate="23.98")
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_a_changed_value_keeps_the_others_that_were_given() -> None:
    settings = Settings(preset="smooth", audio_rate=48000).changed(audio_rate=None)
    assert settings.given() == {"preset": "smooth", "audio_rate": None}


def test_every_setting_has_an_option_with_the_same_default() -> None:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in ("convert", "batch")}
    assert set(_SETTINGS) == set(Settings.model_fields)
    for command in commands.values():
        assert command is not None
        options = {option.name: option for option in command.params}
        for name, field in Settings.model_fields.items():
            default = options[name].get_default(context)
            if isinstance(default, str | bool):
                assert default == field.default
        assert options["encoder"].metavar == f"[{'|'.join(get_args(Encoder))}]"
        choices = options["assume_matrix"].type
        assert isinstance(choices, click.Choice)
        assert set(choices.choices) == {"bt601", "bt709"}
        for matrix in choices.choices:
            assert Settings(assume_matrix=matrix).look is not None
