"""Argument checks that public functions share: a wrong value raises ParameterError."""

import json
import math
from collections.abc import Callable, Collection
from difflib import get_close_matches
from typing import Any

from workbench.errors import ParameterError

Kinds = type | tuple[type, ...]


def check_type(name: str, value: object, kinds: Kinds, wanted: str) -> None:
    """Raise ParameterError unless a value has one of these types; `wanted` says what to give.

    >>> check_type("preset", 3, str, "a preset's name")
    Traceback (most recent call last):
    workbench.errors.ParameterError: preset is 3: give a preset's name
    """
    wanted_bool = kinds is bool or (isinstance(kinds, tuple) and bool in kinds)
    if not isinstance(value, kinds) or (isinstance(value, bool) and not wanted_bool):
        raise ParameterError(f"{name} is {shown(value)}: give {wanted}")


def check_optional(name: str, value: object, kinds: Kinds, wanted: str) -> None:
    """Check like check_type, and allow None."""
    if value is not None:
        check_type(name, value, kinds, f"{wanted}, or None")


def check_flag(name: str, value: object) -> None:
    """Raise ParameterError unless a value is True or False: Python counts the text "no" as true."""
    if not isinstance(value, bool):
        raise ParameterError(f"{name} is {shown(value)}: it must be True or False")


def check_whole(name: str, value: object, least: int, most: int | None = None) -> None:
    """Raise ParameterError unless a value is a whole number from `least` to `most`."""
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= least
    if not fits or (most is not None and isinstance(value, int) and value > most):
        allowed = f"{least} or more" if most is None else f"from {least} to {most}"
        raise ParameterError(f"{name} is {shown(value)}: give a whole number, {allowed}")


def check_positive(name: str, value: object, unit: str) -> None:
    """Raise ParameterError unless a value is a finite number above 0; `unit` names its unit."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (number and isinstance(value, int | float) and math.isfinite(value) and value > 0):
        raise ParameterError(f"{name} is {shown(value)}: give {unit}, a number above 0")


def check_callbacks(**callbacks: Callable[..., Any] | None) -> None:
    """Raise ParameterError unless each value is callable or None."""
    for name, callback in callbacks.items():
        if callback is not None and not callable(callback):
            raise ParameterError(f"{name} is {shown(callback)}: give a function, or None")


def unknown(name: str, known: Collection[str]) -> str:
    """Return a message about an unknown name, with the most similar known one.

    >>> unknown("overides", ["preset", "overrides"])
    'overides is not known; did you mean overrides?'
    >>> unknown("colour", ["preset", "overrides"])
    'colour is not known (known: preset, overrides)'
    """
    alike = get_close_matches(name.lower(), known, n=1)
    if alike:
        return f"{name} is not known; did you mean {alike[0]}?"
    return f"{name} is not known (known: {', '.join(known)})"


def parse_value(text: str) -> Any:
    """Parse text as a number, true or false; return any other text without its JSON quotes.

    >>> parse_value("2"), parse_value("true"), parse_value("logc3"), parse_value('"logc3"')
    (2, True, 'logc3', 'logc3')
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, int | float | bool | str) else text


def shown(value: object) -> str:
    """Return a value as messages show it: its repr, cut to 80 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


_LONGEST = 80
