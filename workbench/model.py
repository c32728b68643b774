"""Pydantic models whose constructors raise this package's own errors, in plain sentences."""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, get_args

from pydantic import BaseModel, PlainSerializer, ValidationError
from pydantic.fields import FieldInfo

from workbench.argument_checks import shown, unknown
from workbench.errors import ParameterError, WorkbenchError

if TYPE_CHECKING:  # pydantic defines it in a private module
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)

Seconds = Annotated[Fraction, PlainSerializer(lambda time: round(float(time), 6), float)]
"""An exact time in seconds. JSON holds it as a number, rounded to a microsecond."""


class _Raising(ModelMetaclass):
    """A metaclass that raises this package's own errors when a model is made."""

    if not TYPE_CHECKING:  # type checkers derive the arguments from the fields

        def __call__(cls, /, *values: Any, **named: Any) -> Any:  # noqa: N805 - a metaclass
            if values:
                raise ParameterError(f"{cls.__name__} takes its values by name, as in name=value")
            try:
                return super().__call__(**named)
            except ValidationError as error:
                raise translated(cls, error) from error


class Model(BaseModel, metaclass=_Raising):
    """A pydantic model made by keyword arguments; wrong values raise its class of `error`."""

    error: ClassVar[type[WorkbenchError]] = ParameterError

    @classmethod
    def validated(cls, values: Mapping[str, Any], source: str = "") -> Self:
        """Make a model from a mapping; messages begin with the `source`, such as a file's name.

        Raises `cls.error`.
        """
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise translated(cls, error, source) from error


def translated(model: type[Model], error: ValidationError, source: str = "") -> WorkbenchError:
    """Convert pydantic's validation error into one of this package's errors.

    An error that one of the model's own validators raised is returned unchanged, except for the
    `source` that its message then begins with.
    """
    details = error.errors(include_url=False)
    raised = [detail.get("ctx", {}).get("error") for detail in details]
    prefix = f"{source}: " if source else ""
    if isinstance(raised[0], WorkbenchError):
        return type(raised[0])(f"{prefix}{raised[0]}") if prefix else raised[0]
    return model.error(prefix + "; ".join(_sentence(model, detail) for detail in details))


def limits(field: FieldInfo) -> tuple[float, float] | None:
    """Return the lowest and highest value of a number's field; None for any other field."""
    low = [limit.ge for limit in field.metadata if hasattr(limit, "ge")]
    high = [limit.le for limit in field.metadata if hasattr(limit, "le")]
    return (low[0], high[0]) if low and high else None


def _sentence(model: type[BaseModel], detail: Mapping[str, Any]) -> str:
    """Describe one invalid value: its key, the expected value and the given value."""
    keys, owner, field = _located(model, detail["loc"])
    kind, value = detail["type"], detail["input"]
    if kind.startswith("union_tag") and field:
        keys, value = [*keys, str(field.discriminator)], detail.get("ctx", {}).get("tag")
    key = ".".join(keys)
    label = field_label(key) if len(keys) == 1 or (field and limits(field)) else key
    if kind == "extra_forbidden":
        return unknown(key, [".".join([*keys[:-1], name]) for name in owner.model_fields])
    if kind == "missing":
        return f"{label} is missing"
    if kind == "union_tag_not_found":
        return f"{label} is missing: give {_wanted(detail, field)}"
    if kind == "string_too_short":
        return f"{label} is empty"
    if kind == "value_error":
        reason = str(detail["ctx"]["error"])
        return f"{key}: {reason}" if key else reason
    if kind == "string_too_long":
        return f"{label} must have at most {detail['ctx']['max_length']} characters"
    return f"{label} must be {_wanted(detail, field)}, not {shown(value)}"


def _wanted(detail: Mapping[str, Any], field: FieldInfo | None) -> str:
    """Describe the expected value."""
    kind, value = detail["type"], detail["input"]
    bounds = limits(field) if field else None
    if field and bounds:
        number = isinstance(value, int | float) and not isinstance(value, bool)
        kind = "" if number else "a number "
        whole = int in (field.annotation, *get_args(field.annotation))
        return f"{'' if whole else kind}{between(*bounds, whole=whole)}"
    if kind == "literal_error":
        return str(detail["ctx"]["expected"]).replace("'", "")
    if kind.startswith("union_tag") and field:
        tag = str(field.discriminator)
        return f"one of {', '.join(one.model_fields[tag].default for one in _models(field, []))}"
    return _TYPES.get(kind) or str(detail["msg"]).removeprefix("Input should be ").lower()


_TYPES = {
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "dict_type": "a table of names and values",
    "finite_number": "a finite number",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_attributes_type": "a table of names and values",
    "model_type": "a table of names and values",
    "string_type": "text",
}
"""Descriptions of the expected value, by pydantic's name for the error."""


def _located(
    model: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[list[str], type[BaseModel], FieldInfo | None]:
    """Return the keys that lead to a value, the model that has its field, and that field.

    pydantic adds the tag of a discriminated union to the keys. It is removed, because users do
    not write it.
    """
    keys: list[str] = []
    owner, field, steps = model, None, list(map(str, location))
    while steps:
        keys.append(steps.pop(0))
        field = owner.model_fields.get(keys[-1])
        inner = _models(field, steps)
        if not steps or not inner:
            return [*keys, *steps], owner, field
        owner = inner[0]
    return keys, owner, field


def _models(field: FieldInfo | None, steps: list[str]) -> list[type[BaseModel]]:
    """Return the models that a field may hold; of a tagged union, only the one that `steps` name.

    Removes the tag of the union from `steps`.
    """
    if field is None:
        return []
    options = get_args(field.annotation) or (field.annotation,)
    found = [one for one in options if isinstance(one, type) and issubclass(one, BaseModel)]
    if steps and isinstance(field.discriminator, str):
        tag, name = steps.pop(0), field.discriminator
        found = [one for one in found if one.model_fields[name].default == tag]
    return found


def field_label(key: str) -> str:
    """Return a key as the first word of a sentence.

    >>> field_label("deband.strength"), field_label("audio_rate")
    ('Strength', 'Audio rate')
    """
    return key.rpartition(".")[2].replace("_", " ").capitalize()


def between(low: float, high: float, *, whole: bool = False) -> str:
    """Describe a range of numbers.

    >>> between(0.5, 8.0), between(16, 256, whole=True)
    ('between 0.5 and 8', 'a whole number between 16 and 256')
    """
    return f"{'a whole number ' if whole else ''}between {_decimal(low)} and {_decimal(high)}"


def _decimal(number: float) -> str:
    """Write a number without an exponent.

    >>> _decimal(0.00003), _decimal(8.0)
    ('0.00003', '8')
    """
    return format(Decimal(str(int(number) if number == int(number) else number)), "f")
