"""Model: a pydantic model whose constructor raises the package's own errors."""

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from workbench.errors import ParameterError, WorkbenchError

if TYPE_CHECKING:  # where it is defined is private to pydantic
    from pydantic._internal._model_construction import ModelMetaclass
else:
    ModelMetaclass = type(BaseModel)


class _Refusing(ModelMetaclass):
    """Turns pydantic's own error into one of this package when a model is made."""

    if not TYPE_CHECKING:  # a checker looks at the fields instead

        def __call__(cls, *values: Any, **named: Any) -> Any:  # noqa: N805 - a metaclass
            if values:
                raise ParameterError(f"{cls.__name__} takes its values by name, as in name=value")
            try:
                return super().__call__(**named)
            except ValidationError as error:
                raise cls.refusal(error) from error


class Model(BaseModel, metaclass=_Refusing):
    """A pydantic model that is made by name; wrong values raise what `refusal` returns."""

    @classmethod
    def refusal(cls, error: ValidationError) -> WorkbenchError:
        """Return the error of this package for what pydantic found wrong."""
        return ParameterError(f"{cls.__name__}: {problems(error)}")


def problems(error: ValidationError) -> str:
    """Say what pydantic found wrong, on one line: each key and what it must be."""
    return "; ".join(
        f"{'.'.join(map(str, detail['loc']))}: {detail['msg'].lower()}" for detail in error.errors()
    )
