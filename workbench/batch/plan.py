"""Plan: one job for each clip that the sources name. Nothing is converted here."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

from workbench.argument_checks import check_type, parse_value, shown
from workbench.batch.packing import PackedSettings, pack
from workbench.batch.sources import MISSING, Found, find_clips
from workbench.deliver.format import PRORES_422_HQ
from workbench.deliver.settings import Settings
from workbench.errors import BatchError, ClipNotFound, ParameterError
from workbench.storage.base import Stored
from workbench.storage.locations import is_remote

Sweep = Sequence[tuple[str, tuple[Any, ...]]]
"""Parameter names, each with the values to try."""


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to be converted."""

    name: str  # of the delivered file, below the destination, without its suffix
    place: str  # the source's storage
    source: str  # the source's name there
    identity: str  # of the source, see Stored
    size: int  # of the source, in bytes
    settings: PackedSettings
    point: Mapping[str, Any] = field(default_factory=dict)  # the values of a sweep
    found: str = ""  # identity of the manifest that existed when the batch began, if any


def plan(
    sources: Iterable[str],
    settings: Settings,
    profile: str | None = None,
    sweep: Sweep = (),
    exclude: str | None = None,
) -> list[Job]:
    """Return a job for each clip that the sources name, in their order.

    A source is a file, a folder, a glob, s3://bucket/prefix, or a .csv or .toml list. The values in
    a list's rows override `settings`. `sweep` is a grid of parameters for one clip. `exclude` is
    the place of the delivered files, which are never sources.

    Raises BatchError, ClipNotFound, StorageError, PresetError, PolicyError, ParameterError.
    """
    found = _all_clips(sources, profile, exclude)
    rows = {_row_key(one): one.row for one in found}
    merged = {key: _merged(settings, row) for key, row in rows.items()}
    if sweep:
        if len(found) != 1:
            raise BatchError(f"a sweep takes one clip, not {len(found)}: name one source")
        points = _points(merged[_row_key(found[0])], sweep)
        return [_job(found[0], pack(given), point) for given, point in points]
    packed = {key: pack(given) for key, given in merged.items()}
    return [_job(one, packed[_row_key(one)], {}) for one in found]


def _all_clips(sources: Iterable[str], profile: str | None, exclude: str | None) -> list[Found]:
    """Return the clips of all sources. A clip named twice with the same settings comes once.

    A source without a clip becomes a missing clip: its job fails, and the others run.
    """
    found: dict[tuple[str, str], Found] = {}
    named = list(sources)
    for source in named:
        clips = list(find_clips(source, profile, exclude))
        for one in clips or [Found(str(Path.cwd()), Stored(source, 0, MISSING), source, {})]:
            found.setdefault((_where(one.place, one.stored.name), _row_key(one)), one)
    if not found:
        raise ClipNotFound("no source was given: name clips, folders, patterns or lists")
    if all(one.stored.identity == MISSING for one in found.values()):
        raise ClipNotFound(f"no clip was found in {', '.join(named)}")
    return list(found.values())


def _row_key(one: Found) -> str:
    """Return text that is the same for rows with the same values."""
    return repr(sorted(one.row.items()))


def _merged(settings: Settings, row: Mapping[str, Any]) -> Settings:
    """Return settings with a row's values. Its overrides are added to those of the settings."""
    if not row:
        return settings
    overrides = {**settings.overrides, **row.get("overrides", {})}
    return settings.changed(**{**row, "overrides": overrides} if overrides else row)


def _job(one: Found, settings: PackedSettings, point: Mapping[str, Any]) -> Job:
    return Job(
        name=f"{one.stem}{_point_suffix(point)}{PRORES_422_HQ.name_suffix}",
        place=one.place,
        source=one.stored.name,
        identity=one.stored.identity,
        size=one.stored.size,
        settings=settings,
        point=point,
    )


def _where(place: str, name: str) -> str:
    """Return a clip's address, in the same form for every spelling of its path."""
    return f"{place}/{name}" if is_remote(place) else os.path.normpath(Path(place, name))


def clashes(jobs: Sequence[Job]) -> dict[str, str]:
    """Return why each job whose file name is taken cannot run, by job name.

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
    """Raise ParameterError unless a sweep is parameter names with their values."""
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
    """Read one parameter of a sweep and its values. Raises BatchError.

    >>> read_sweep("deband.radius=8,16,32")
    ('deband.radius', (8, 16, 32))
    """
    name, equals, values = text.partition("=")
    found = [value.strip() for value in values.split(",")]
    if not equals or not name or not all(found):
        raise BatchError(f"{text!r} is not a sweep: give STAGE.NAME=VALUE,VALUE,...")
    if len(set(found)) < len(found):
        raise BatchError(f"{text!r} has a value twice: give each value once")
    return name.strip(), tuple(parse_value(value) for value in found)


def _points(settings: Settings, sweep: Sweep) -> list[tuple[Settings, dict[str, Any]]]:
    """Return the settings at each point of a sweep's grid, with the values there.

    Raises BatchError, and as Settings does.
    """
    names = [name for name, _ in sweep]
    given = {*settings.overrides, *settings.given()} - {"overrides"}
    both = [name for name in names if name in given]
    if both:
        raise BatchError(f"{both[0]} is both swept and set to one value: remove one of the two")
    if len(set(names)) < len(names):
        raise BatchError(f"a parameter is in the sweep twice: {', '.join(names)}")
    wrong = [name for name in names if "." not in name and name not in _SWEPT]
    if wrong:
        raise BatchError(
            f"{wrong[0]} cannot be swept: give a parameter of the preset, or one of "
            f"{', '.join(_SWEPT)}"
        )
    points = [dict(zip(names, values, strict=True)) for values in product(*(v for _, v in sweep))]
    if len(points) > _MOST_POINTS:
        raise BatchError(f"a sweep has at most {_MOST_POINTS} points, not {len(points)}")
    return [(_at(settings, point), point) for point in points]


def _at(settings: Settings, point: Mapping[str, Any]) -> Settings:
    """Return the settings at one point. A name with a dot is a parameter of the preset."""
    overrides = {name: value for name, value in point.items() if "." in name}
    others = {name: value for name, value in point.items() if "." not in name}
    return _merged(settings, {**others, "overrides": overrides})


def _point_suffix(point: Mapping[str, Any]) -> str:
    """Return a point as part of a file's name."""
    return "".join(f"_{name}-{value}" for name, value in point.items()).replace("/", "-")


_SWEPT = ("preset", "encoder", "frame_rate", "audio_rate", "input_range", "assume_matrix")
"""The settings that a sweep can take besides a preset's parameters."""
_MOST_POINTS = 256
