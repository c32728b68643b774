from pathlib import Path

import pytest

from workbench.deliver.policy import Rule, builtin_policies, load_policy
from workbench.errors import PolicyError


def test_the_built_in_policies_are_valid_and_named_as_their_files() -> None:
    assert "mezzanine" in builtin_policies()
    for name in builtin_policies():
        assert load_policy(name).name == name


def test_a_rule_allows_up_to_its_limit() -> None:
    assert Rule(at_most=5).allows(5)
    assert not Rule(at_most=5).allows(5.01)
    assert Rule(at_least=5).allows(5)
    assert not Rule(at_least=5).allows(4.99)
    assert str(Rule(at_most=0.5)) == "at most 0.5"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('name = "x"\nbanding = { at_most = 1 }', "banding is not known"),
        ('name = "x"\ncambi = { at_most = 1, at_least = 0 }', "either at_most or at_least"),
        ('name = "x"\ncambi = {}', "either at_most or at_least"),
        ('name = "x"\ncambi = { at_most = "much" }', "cambi.at_most"),
        ('name = "x"\ncambi = { at_most = nan }', "cambi.at_most"),
        ('name = "x"\ncambi = { at_most = true }', "cambi.at_most"),
        ('name = "x"\ncambi = { at_most = ' + "9" * 5000 + " }", "is not a TOML file"),
        ('name = "x"\ncambi = ' + "[" * 5000, "is not a TOML file"),
        ('name = "x"\ncambi = { at_most = 1, level = "maybe" }', "cambi.level"),
        ("cambi = { at_most = 1 }", "Name is missing"),
        ("name = ", "is not a TOML file"),
    ],
)
def test_a_wrong_policy_is_explained(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(PolicyError, match=rf"mine\.toml.*{told}"):
        load_policy(path)


def test_an_unknown_policy_is_explained(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match="there is no policy lax: use mezzanine, or"):
        load_policy("lax")
    with pytest.raises(PolicyError, match=r"gone\.toml cannot be read"):
        load_policy(tmp_path / "gone.toml")
