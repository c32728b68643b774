import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.deliver.settings import Settings
from workbench.errors import DestinationExists, DestinationUnusable, PresetError
from workbench.look.defaults import DEFAULT, DEFAULTS
from workbench.look.preset import (
    ChoiceParameter,
    NumberParameter,
    Preset,
    builtin_presets,
    load_preset,
    number_parameter,
    save_preset,
    user_preset_folder,
)
from workbench.look.stages import Eq, Flat, Gradfun, Log, Shaped, Smooth


def test_classic_is_the_original_look() -> None:
    classic = load_preset("classic")
    assert classic.deband == Gradfun(strength=1.1, radius=20)
    assert classic.tone == Eq(contrast=0.9, saturation=0.85, brightness=0.03)


def test_smooth_works_in_16_bits() -> None:
    smooth = load_preset("smooth")
    assert isinstance(smooth.deband, Smooth)
    assert isinstance(smooth.dither, Shaped)
    assert (smooth.bit_depth, load_preset("classic").bit_depth) == (16, 8)
    assert smooth.override({"deband.strength": 2}).bit_depth == 16


def test_every_builtin_preset_loads_under_its_own_name() -> None:
    assert "classic" in builtin_presets()
    for name in builtin_presets():
        preset = load_preset(name)
        assert preset.name == name
        assert preset.description.endswith(".")


def test_the_hash_depends_on_the_look_but_not_on_its_name() -> None:
    classic = load_preset("classic")
    assert classic.hash == "3ca65a7f2f2c", "a stored hash must mean the same look for ever"
    assert classic.model_copy(update={"name": "other"}).hash == classic.hash
    assert classic.override({"deband.radius": 21}).hash != classic.hash
    smooth = load_preset("smooth")
    assert smooth.override({"dither.amplitude": 1}).hash != smooth.hash
    assert smooth.model_copy(update={"assume_matrix": "bt601"}).hash != smooth.hash


def test_a_saved_preset_loads_unchanged(tmp_path: Path) -> None:
    changed = load_preset("classic").override({"deband.strength": 2.5, "tone.contrast": 1})
    save_preset(changed, tmp_path / "mine.toml")
    assert load_preset(tmp_path / "mine.toml") == changed


def test_a_preset_that_cannot_be_written_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(DestinationUnusable, match="cannot be written: its folder"):
        save_preset(load_preset("classic"), tmp_path / "no folder" / "mine.toml")


def test_an_existing_preset_is_overwritten_only_on_request(tmp_path: Path) -> None:
    save_preset(load_preset("untouched"), tmp_path / "mine.toml")
    with pytest.raises(DestinationExists, match="already exists"):
        save_preset(load_preset("classic"), tmp_path / "mine.toml")
    assert load_preset(tmp_path / "mine.toml") == load_preset("untouched")
    save_preset(load_preset("classic"), tmp_path / "mine.toml", overwrite=True)
    assert load_preset(tmp_path / "mine.toml") == load_preset("classic")


GRADFUN, EQ = "[deband]\nfilter = 'gradfun'\n", "[tone]\nfilter = 'eq'\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{GRADFUN}strength = 0.5", "Strength must be between 0.51 and 64, not 0.5"),
        (f"{GRADFUN}radius = 33", "Radius must be a whole number between 4 and 32, not 33"),
        (f"{GRADFUN}radius = 8.5", "Radius must be a whole number between 4 and 32, not 8.5"),
        (f"{GRADFUN}strength = nan", "Strength must be between 0.51 and 64, not nan"),
        (f"{EQ}contrast = inf", "Contrast must be between -1000 and 1000, not inf"),
        (
            f"{EQ}contrast = '1:enable=0'",
            "Contrast must be a number between",
        ),
        (f"{EQ}contrast = true", "Contrast must be a number between -1000 and 1000, not True"),
        (f"{EQ}gama = 1.0", "tone.gama is not known (known: tone.filter, tone.contrast"),
        (
            "[tone]\nfilter = 'curves'",
            "tone.filter must be one of none, eq, flat, log",
        ),
        ("[tone]\ncontrast = 1.0", "tone.filter is missing: give one of none, eq"),
        ("tone = 'eq'", "Tone must be a table of names and values, not 'eq'"),
        (
            "[tone]\nfilter = 'log'\ncurve = 'logc2'",
            "tone.curve must be logc3, logc4",
        ),
        ("assume_matrix = 'bt2020'", "Assume matrix must be bt601 or bt709, not 'bt2020'"),
        ("grain = 'none'", "grain is not known (known: name, description, assume_matrix"),
        ("description = 7", "Description must be text, not 7"),
    ],
)
def test_the_error_names_the_key_and_the_range(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(f"name = 'wrong'\n{text}", encoding="utf-8")
    with pytest.raises(PresetError) as caught:
        load_preset(path)
    assert str(caught.value).startswith("wrong.toml: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_preset_without_a_name_raises_an_error(tmp_path: Path) -> None:
    path = tmp_path / "nameless.toml"
    path.write_text("", encoding="utf-8")
    with pytest.raises(PresetError, match="Name is missing"):
        load_preset(path)


def test_a_file_that_is_not_toml_raises_an_error(tmp_path: Path) -> None:
    path = tmp_path / "letter.toml"
    path.write_text("Dear Sir", encoding="utf-8")
    with pytest.raises(PresetError, match=r"letter\.toml is not a TOML file"):
        load_preset(path)


def test_the_error_for_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(PresetError, match=r"no preset clasic: use one of classic, .* \.toml file"):
        load_preset("clasic")


@pytest.mark.parametrize("key", ["strength", "deband.strenth", "dither.strength", "name", "", "."])
def test_an_unknown_override_raises_an_error(key: str) -> None:
    with pytest.raises(PresetError, match=r"has no parameter|is not known"):
        load_preset("classic").override({key: 1})


def test_an_override_changes_the_name() -> None:
    classic = load_preset("classic")
    assert classic.override({}) is classic
    assert classic.override({"tone.contrast": 1.0}).name == "classic, changed"


@given(st.sampled_from(["deband.strength", "tone.contrast", "tone.brightness"]), st.floats())
def test_every_number_outside_its_range_raises_an_error(key: str, value: float) -> None:
    low, high = {
        p.name: (p.low, p.high)
        for p in load_preset("classic").adjustable()
        if isinstance(p, NumberParameter)
    }[key]
    if low <= value <= high:
        assert load_preset("classic").override({key: value}).parameters()[key] == value
    else:
        with pytest.raises(PresetError, match="must be between"):
            load_preset("classic").override({key: value})


@given(
    st.recursive(
        st.none() | st.booleans() | st.text() | st.just(math.nan),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_an_invalid_value_raises_an_error_of_one_line(junk: Any) -> None:
    with pytest.raises(PresetError) as caught:
        load_preset("classic").override({"tone.contrast": junk})
    assert "\n" not in str(caught.value)


def test_a_changed_look_drops_the_description_of_its_base() -> None:
    smooth = load_preset("smooth")
    assert smooth.override({"deband.strength": 3}).description == ""
    assert smooth.override({}).description == smooth.description


def test_a_changed_look_with_a_long_name_can_be_loaded(tmp_path: Path) -> None:
    changed = load_preset("smooth").renamed("x" * 80).override({"deband.strength": 2})
    assert changed.name.endswith("x, changed")
    save_preset(changed, tmp_path / "long.toml")
    assert load_preset(tmp_path / "long.toml") == changed


def test_a_new_filter_begins_with_its_own_defaults() -> None:
    smooth = load_preset("smooth")
    changed = smooth.override({"tone.curve": "slog3", "tone.filter": "log"})
    assert changed.tone == Log(curve="slog3")
    assert changed.deband == smooth.deband
    assert smooth.override({"tone.filter": "flat", "tone.contrast": 0.8}).tone == Flat(
        contrast=0.8, saturation=0.85, brightness=0.03
    )
    with pytest.raises(PresetError, match=r"tone.filter must be one of none, eq, flat, log"):
        smooth.override({"tone.filter": ["log"]})


def test_the_adjustable_parameters_of_a_preset() -> None:
    numbers = {
        p.name: p for p in load_preset("classic").adjustable() if isinstance(p, NumberParameter)
    }
    assert list(numbers) == [
        *("deband.strength", "deband.radius"),
        *("tone.contrast", "tone.saturation", "tone.brightness"),
    ]
    assert numbers["deband.radius"].whole
    assert all(p.description.endswith(".") and p.low <= p.value <= p.high for p in numbers.values())
    (curve,) = [
        p for p in load_preset("smooth-logc3").adjustable() if isinstance(p, ChoiceParameter)
    ]
    assert (curve.name, curve.value) == ("tone.curve", "logc3")
    assert "slog3" in curve.options


def test_missing_stages_have_no_effect() -> None:
    assert Preset(name="bare").parameters() == {
        "deband.filter": "none",
        "tone.filter": "none",
        "dither.filter": "none",
    }


def test_a_user_preset_is_found_by_name_in_every_folder_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / "out" / "monday"
    deep.mkdir(parents=True)
    (tmp_path / "presets").mkdir()
    mine = load_preset("smooth").override({"deband.radius": 40})
    save_preset(mine, tmp_path / "presets" / "night.toml")
    monkeypatch.chdir(deep)
    assert user_preset_folder() == tmp_path / "presets"
    assert load_preset("night") == mine.renamed("night")
    with pytest.raises(PresetError, match=r"use one of classic, .*, night, or"):
        load_preset("knight")


def test_the_first_user_preset_goes_beside_the_notebooks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    assert user_preset_folder() == tmp_path / "presets"
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert user_preset_folder() == tmp_path / "presets"


def test_the_name_of_a_builtin_preset_always_means_that_preset(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "presets").mkdir()
    save_preset(load_preset("untouched"), tmp_path / "presets" / "classic.toml")
    monkeypatch.chdir(tmp_path)
    assert load_preset("classic").bit_depth == 8


@pytest.mark.parametrize(
    "name",
    ["README.md", "docs/command-line.md", "docs/looks.md", "notebooks/convert.ipynb"],
)
def test_the_documentation_says_which_look_is_the_default_and_why(name: str) -> None:
    text = (Path(__file__).parents[2] / name).read_text(encoding="utf-8")
    assert DEFAULTS in " ".join(text.replace("`", "").split())
    assert Settings().look == load_preset(DEFAULT)


def test_a_rule_states_the_range_of_a_number() -> None:
    preset = load_preset("classic")
    strength, radius = (
        number_parameter(preset, f"deband.{name}") for name in ("strength", "radius")
    )
    assert strength is not None
    assert radius is not None
    assert strength.rule == "Strength must be between 0.51 and 64."
    assert radius.rule.startswith("Radius must be a whole number between ")
    assert number_parameter(preset, "tone.filter") is None
