"""Models raise the package's own errors, in plain sentences, for values that pydantic rejects."""

from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from workbench.errors import ClipError, NotAVideo, ParameterError, WorkbenchError
from workbench.model import Model


class Plain(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)
    filter: Literal["plain"] = "plain"


class Round(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    filter: Literal["round"] = "round"
    strength: float = Field(1, ge=0.00003, le=8)
    radius: int = Field(4, ge=1, le=9)
    colour: Literal["red", "blue"] = "red"


class Look(Model):
    model_config = ConfigDict(extra="forbid")
    error: ClassVar[type[WorkbenchError]] = ClipError

    name: str = Field(min_length=1, max_length=5)
    stage: Annotated[Plain | Round, Field(discriminator="filter")] = Plain()
    limit: Round | None = None
    frame_rate: float | None = Field(None, ge=1, le=240)
    on: bool = False

    @field_validator("name")
    @classmethod
    def _check_name(cls, name: str) -> str:
        if name == "video":
            raise NotAVideo("video is not a name")
        if name == "odd":
            raise ValueError("odd names are refused")
        return name


ROUND = {"filter": "round"}


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({}, "Name is missing"),
        ({"name": ""}, "Name is empty"),
        ({"name": "too long"}, "Name must have at most 5 characters"),
        ({"name": 3}, "Name must be text, not 3"),
        ({"name": "odd"}, "name: odd names are refused"),
        ({"name": "a", "nmae": 1}, "nmae is not known; did you mean name?"),
        ({"name": "a", "on": "perhaps"}, "On must be true or false, not 'perhaps'"),
        ({"name": "a", "frame_rate": 0.5}, "Frame rate must be between 1 and 240, not 0.5"),
        ({"name": "a", "frame_rate": "x"}, "Frame rate must be a number between 1 and 240, not"),
        ({"name": "a", "stage": 3}, "Stage must be a table of names and values, not 3"),
        ({"name": "a", "limit": 3}, "Limit must be a table of names and values, not 3"),
        ({"name": "a", "stage": {}}, "stage.filter is missing: give one of plain, round"),
        ({"name": "a", "stage": {"filter": "x"}}, "must be one of plain, round, not 'x'"),
        ({"name": "a", "stage": {**ROUND, "strength": 9}}, "between 0.00003 and 8, not 9"),
        ({"name": "a", "stage": {**ROUND, "radius": 2.5}}, "Radius must be a whole number between"),
        ({"name": "a", "stage": {**ROUND, "color": 1}}, "stage.color is not known; did you mean"),
        (
            {"name": "a", "limit": {"colour": "green"}},
            "limit.colour must be red or blue",
        ),
        ({"name": "a", "on": "x", "frame_rate": 0}, "not 0; On must be true or false"),
    ],
)
def test_each_mistake_is_one_sentence(values: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ClipError) as caught:
        Look(**values)
    assert sentence in str(caught.value)
    with pytest.raises(ClipError) as caught:
        Look.validated(values, "mine.toml")
    assert str(caught.value).startswith("mine.toml: ")
    assert sentence in str(caught.value)


def test_an_error_of_the_package_is_raised_as_it_is() -> None:
    with pytest.raises(NotAVideo, match=r"^video is not a name$"):
        Look(name="video")
    with pytest.raises(NotAVideo, match=r"^mine\.toml: video is not a name$"):
        Look.validated({"name": "video"}, "mine.toml")


def test_values_are_given_by_name() -> None:
    with pytest.raises(ParameterError, match="Look takes its values by name"):
        Look("a")  # type: ignore[misc]
    with pytest.raises(ClipError, match="cls is not known"):
        Look(**{"name": "a", "cls": 1})
