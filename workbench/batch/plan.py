"""Plan: the clips that were found become jobs, one for each. Nothing is converted here."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from workbench.arguments import check_type, shown
from workbench.batch.settings import Order, Settings, make_order, plain_value, read_settings
from workbench.batch.sources import MISSING, Found, find_clips
from workbench.deliver.format import PRORES_422_HQ
from workbench.errors import BatchError, ClipNotFound, ParameterError
from workbench.storage.base import Stored
from workbench.storage.locations import is_remote

Sweep = Sequence[tuple[str, tuple[Any, ...]]]
"""Parameters, each with the values that are tried."""


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to be converted."""

    name: str  # of what is delivered, below the destination, without its suffix
    place: str  # the source's storage
    source: str  # its name there
    identity: str  # of the source, see Stored
    size: int  # of the source, in bytes
    order: Order
    point: Mapping[str, Any] = field(default_factory=dict)  # of a sweep: parameters that differ
    found: str = ""  # the identity of the manifest that was there when the batch began, if any


def plan(
    sources: Iterable[str],
    settings: Settings,
    profile: str | None = None,
    sweep: Sweep = (),
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
        nothing = True
        for one in find_clips(source, profile, exclude):
            nothing = False
            known = _where(one.place, one.stored.name), repr(sorted(one.row.items()))
            if known not in seen:  # a clip that is named again, with the same settings, is one job
                seen.add(known)
                found.append(one)
        if nothing:
            # What names nothing is a job that fails: the others are not stopped.
            found.append(Found(str(Path.cwd()), Stored(source, 0, MISSING), source, {}))
    if not found:
        raise ClipNotFound("no source was given: name clips, folders, patterns or lists")
    if all(one.stored.identity == MISSING for one in found):
        raise ClipNotFound(f"no clip was found in {', '.join(sources)}")
    orders: dict[str, Order] = {}

    def order(given: Settings) -> Order:
        key = given.model_dump_json()
        if key not in orders:
            orders[key] = make_order(given)
        return orders[key]

    pairs = [(one, _for_row(settings, one.row)) for one in found]
    if sweep:
        pairs = _swept(pairs, sweep)
    jobs = []
    for one, given in pairs:
        point = _point(given, sweep)
        jobs.append(
            Job(
                name=f"{one.stem}{_said(point)}{PRORES_422_HQ.name_suffix}",
                place=one.place,
                source=one.stored.name,
                identity=one.stored.identity,
                size=one.stored.size,
                order=order(given),
                point=point,
            )
        )
    return jobs


def _where(place: str, name: str) -> str:
    """Return where a clip is, the same for every way to name it."""
    return f"{place}/{name}" if is_remote(place) else os.path.normpath(Path(place, name))


def _for_row(settings: Settings, row: Mapping[str, Any]) -> Settings:
    """Return the settings for one row of a list: what it says goes over what all have."""
    given = {**settings.model_dump(exclude_unset=True), **row}
    overrides = {**settings.overrides, **row.get("overrides", {})}
    return read_settings({**given, "overrides": overrides} if overrides else given)


def clashes(jobs: Sequence[Job]) -> dict[str, str]:
    """Return why jobs cannot be run that would deliver under one name, by that name.

    Names that differ in case alone are one name to many systems.
    """
    names = Counter(job.name.casefold() for job in jobs)
    clips: dict[str, set[str]] = {}
    for job in jobs:
        clips.setdefault(job.name.casefold(), set()).add(_where(job.place, job.source))
    why = {}
    for job in jobs:
        name, file = job.name.casefold(), f"{job.name}{PRORES_422_HQ.file_suffix}"
        if names[name] > 1 and len(clips[name]) == 1:
            why[job.name] = (
                f"{job.source} is named {names[name]} times with different settings, and each "
                f"would be delivered as {file}: name it once, or use different folders"
            )
        elif names[name] > 1:
            why[job.name] = (
                f"{names[name]} clips would be delivered as {file}: rename them, or run "
                "them into different folders"
            )
    return why


def check_sweep(sweep: Sweep) -> None:
    """Raise ParameterError unless a sweep is names with their values."""
    wanted = 'names with their values, such as [("deband.radius", (8, 16))]'
    check_type("sweep", sweep, (list, tuple), wanted)
    for one in sweep:
        check_type("sweep", one, (list, tuple), wanted)
        if len(one) != 2 or not isinstance(one[0], str):
            raise ParameterError(f"sweep has {shown(one)} in it: give {wanted}")
        if not isinstance(one[1], list | tuple | range) or not one[1]:
            raise ParameterError(f"sweep has no list of values for {one[0]}: give {wanted}")
        if len(set(map(str, one[1]))) < len(one[1]):
            raise ParameterError(f"sweep has a value of {one[0]} twice: {shown(one[1])}")


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


def _swept(pairs: Sequence[tuple[Found, Settings]], sweep: Sweep) -> list[tuple[Found, Settings]]:
    """Return the one clip at each point of a grid. Raises BatchError."""
    if len(pairs) != 1:
        raise BatchError(f"a sweep is of one clip, and {len(pairs)} were named")
    ((one, settings),) = pairs
    names = [name for name, _ in sweep]
    given = {*settings.overrides, *settings.model_fields_set} - {"overrides"}
    both = [name for name in names if name in given]
    if both:
        raise BatchError(
            f"{both[0]} is swept and has a value of its own as well: leave one of the two out"
        )
    if len(set(names)) < len(names):
        raise BatchError(f"a parameter is swept twice: {', '.join(names)}")
    unfit = [name for name in names if "." not in name and name not in _SWEPT]
    if unfit:
        raise BatchError(f"{unfit[0]} cannot be swept: take a preset's parameter, {_SWEPT}")
    points = [dict(zip(names, values, strict=True)) for values in product(*(v for _, v in sweep))]
    if len(points) > _MOST_POINTS:
        raise BatchError(f"a sweep of {len(points)} points is more than {_MOST_POINTS}")
    return [(one, _at(settings, point)) for point in points]


def _at(settings: Settings, point: Mapping[str, Any]) -> Settings:
    """Return the settings at one point: a name with a dot is a preset's parameter."""
    overrides = {name: value for name, value in point.items() if "." in name}
    others = {name: value for name, value in point.items() if "." not in name}
    return _for_row(settings, {**others, "overrides": overrides})


def _point(settings: Settings, sweep: Sweep) -> dict[str, Any]:
    """Return where in a grid these settings are."""
    values = {**settings.model_dump(), **settings.overrides}
    return {name: values[name] for name, _ in sweep}


def _said(point: Mapping[str, Any]) -> str:
    """Return a point as part of a file's name."""
    return "".join(f"_{name}-{value}" for name, value in point.items()).replace("/", "-")


_SWEPT = ("preset", "encoder", "frame_rate", "audio_rate", "assume_matrix")
_MOST_POINTS = 256
