"""Plan: the clips that were found become jobs, one for each. Nothing is converted here."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from workbench.batch.settings import Order, Settings, make_order, plain_value, read_settings
from workbench.batch.sources import Found, find_clips
from workbench.deliver.encode import DELIVERED
from workbench.errors import BatchError, ClipNotFound


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to be converted."""

    name: str  # of what is delivered, below the destination, without its suffix
    place: str  # the source's storage
    source: str  # its name there
    identity: str  # of the source, see Stored
    size: int  # of the source, in bytes
    order: Order
    views: bool = False  # keep the worst part as pictures, for a contact sheet


def plan(
    sources: Iterable[str],
    settings: Settings,
    profile: str | None = None,
    sweep: Sequence[tuple[str, tuple[Any, ...]]] = (),
    exclude: str | None = None,
) -> list[Job]:
    """Return a job for each clip that the sources name, in their order.

    A source is a file, a folder, a glob, s3://bucket/prefix, or a .csv or .toml list, whose rows
    go over `settings`. `sweep` is a grid of parameters, for one clip. `exclude` is a place whose
    files are nobody's sources: what is delivered.

    Raises BatchError, ClipNotFound, StorageError, PresetError, PolicyError, ParameterError.
    """
    found: list[Found] = []
    seen: set[tuple[str, str]] = set()
    for source in sources:
        for one in find_clips(source, profile, exclude):
            if sweep or one.row or (one.place, one.stored.name) not in seen:
                seen.add((one.place, one.stored.name))
                found.append(one)
    if not found:
        raise ClipNotFound(f"no clip was found in {', '.join(sources)}")
    orders: dict[str, Order] = {}

    def order(row: Mapping[str, Any]) -> Order:
        key = json.dumps(row, sort_keys=True, default=str)
        if key not in orders:
            orders[key] = make_order(read_settings({**settings.model_dump(), **row}))
        return orders[key]

    jobs = [
        Job(
            f"{one.stem}{DELIVERED}",
            one.place,
            one.stored.name,
            one.stored.identity,
            one.stored.size,
            order(one.row),
        )
        for one in found
    ]
    return _swept(jobs, settings, sweep) if sweep else jobs


def clashes(jobs: Sequence[Job]) -> dict[str, str]:
    """Return why jobs cannot be run that would deliver under one name, by that name.

    Names that differ in case alone are one name to many systems.
    """
    names = Counter(job.name.casefold() for job in jobs)
    return {
        job.name: f"{names[job.name.casefold()]} clips would be delivered as {job.name}.mov: "
        "rename them, or run them into different folders"
        for job in jobs
        if names[job.name.casefold()] > 1
    }


def read_sweep(text: str) -> tuple[str, tuple[Any, ...]]:
    """Read one parameter's values. Raises BatchError.

    >>> read_sweep("deband.radius=8,16,32")
    ('deband.radius', (8, 16, 32))
    """
    name, equals, values = text.partition("=")
    found = [value.strip() for value in values.split(",")]
    if not equals or not name or not all(found):
        raise BatchError(f"{text!r} is not a sweep: give STAGE.NAME=VALUE,VALUE,...")
    if len(set(found)) < len(found):
        raise BatchError(f"{text!r} has a value twice")
    return name.strip(), tuple(plain_value(value) for value in found)


def _swept(
    jobs: list[Job], settings: Settings, sweep: Sequence[tuple[str, tuple[Any, ...]]]
) -> list[Job]:
    if len(jobs) != 1:
        raise BatchError(f"a sweep is of one clip, and {len(jobs)} were named")
    (job,) = jobs
    names = [name for name, _ in sweep]
    if len(set(names)) < len(names):
        raise BatchError(f"a parameter is swept twice: {', '.join(names)}")
    points = [dict(zip(names, values, strict=True)) for values in product(*(v for _, v in sweep))]
    if len(points) > _MOST_POINTS:
        raise BatchError(f"a sweep of {len(points)} points is more than {_MOST_POINTS}")
    stem = job.name.removesuffix(DELIVERED)

    def named(point: Mapping[str, Any]) -> str:
        said = "_".join(f"{name}-{value}" for name, value in point.items())
        return f"{stem}_{said.replace('/', '-')}{DELIVERED}"

    return [
        replace(
            job,
            name=named(point),
            order=make_order(_at(settings, point)),
            views=True,
        )
        for point in points
    ]


def _at(settings: Settings, point: Mapping[str, Any]) -> Settings:
    """Return the settings at one point: a name with a dot is a preset's parameter."""
    overrides = {name: value for name, value in point.items() if "." in name}
    others = {name: value for name, value in point.items() if "." not in name}
    values = {**settings.model_dump(), **others}
    return read_settings({**values, "overrides": {**settings.overrides, **overrides}})


_MOST_POINTS = 256
