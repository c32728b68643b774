"""Sources: find the clips in a file, a folder, a glob, a bucket's prefix or a list."""

import csv
import glob
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path, PurePath, PurePosixPath
from typing import Any

from workbench.argument_checks import parse_value
from workbench.deliver.destination import CLIPS, is_clip
from workbench.deliver.format import is_delivered
from workbench.deliver.settings import Settings
from workbench.errors import BatchError
from workbench.files import expanded, read_toml
from workbench.storage.base import Stored
from workbench.storage.locations import (
    is_remote,
    open_storage,
    refuse_unknown_scheme,
    split_url,
)

MISSING = "missing"
"""The identity of a named file that does not exist."""
_WILD = "*?["


@dataclass(frozen=True, slots=True)
class Found:
    """A clip that was found, and the settings in its row of a list."""

    place: str
    stored: Stored
    stem: str  # its path below the named source, without suffix
    row: Mapping[str, Any]


def find_clips(source: str, profile: str | None, exclude: str | None) -> Iterator[Found]:
    """Yield the clips of one source. Raises StorageRefused, BatchError.

    `profile` is an AWS profile, `exclude` the place of the delivered files.
    """
    refuse_unknown_scheme(source)
    if is_remote(source):
        yield from _in_bucket(source, profile, exclude)
        return
    path = expanded(source).absolute()
    if path.is_dir():
        yield from _below(str(path), profile, exclude)
    elif path.suffix.lower() in (".csv", ".toml"):
        for number, row in enumerate(_rows(path), 1):
            yield from _listed(path, number, row, profile, exclude)
    elif not path.exists() and any(c in source for c in _WILD):
        fixed = _fixed_part(path.as_posix())
        is_excluded = _delivered(fixed, exclude, profile)
        for match in sorted(glob.glob(path.as_posix(), recursive=True)):  # noqa: PTH207 - from / on
            name = Path(match).relative_to(fixed).as_posix()
            stored = None if is_excluded(name) else open_storage(fixed).find(name)
            if stored is not None:
                yield Found(fixed, stored, _stem(name), {})
    else:
        # A missing file becomes a job too. That job fails, and the others run.
        stored = open_storage(path.parent).find(path.name) or Stored(path.name, 0, MISSING)
        yield Found(str(path.parent), stored, _stem(path.name), {})


def _in_bucket(source: str, profile: str | None, exclude: str | None) -> Iterator[Found]:
    """Yield clips of a bucket: one key, the keys below a prefix, or those that match a glob."""
    bucket, key = split_url(source)
    above, _, last = key.rpartition("/")
    place = f"{bucket}{above}"
    alone = open_storage(place, profile).find(last) if last else None
    if alone is not None:
        yield Found(place, alone, _stem(last), {})
    elif any(c in key for c in _WILD):
        fixed = _fixed_part(key)
        place = f"{bucket}{fixed}"
        begin = key[: min(key.index(c) for c in _WILD if c in key)]
        pattern = key.removeprefix(fixed).lstrip("/")
        is_excluded = _delivered(place, exclude, profile)
        for stored in open_storage(place, profile).files(begin.removeprefix(fixed).lstrip("/")):
            if fnmatchcase(stored.name, pattern) and not is_excluded(stored.name):
                yield Found(place, stored, _stem(stored.name), {})
    elif PurePosixPath(last).suffix.lower() in CLIPS:
        yield Found(place, Stored(last, 0, MISSING), _stem(last), {})
    else:
        yield from _below(source.rstrip("/"), profile, exclude)


def _below(place: str, profile: str | None, exclude: str | None) -> Iterator[Found]:
    """Yield the clips in a folder or below a prefix, except delivered files."""
    is_excluded = _delivered(place, exclude, profile)
    for stored in open_storage(place, profile).files():
        if is_clip(stored.name) and not is_excluded(stored.name):
            yield Found(place, stored, _stem(stored.name), {})


def _delivered(place: str, exclude: str | None, profile: str | None) -> Callable[[str], bool]:
    """Return a test for delivered files, by their names below `place`.

    All files in the place `exclude` count as delivered.
    """
    inside: PurePath | None = None
    if exclude is not None and is_remote(place) == is_remote(exclude):
        real = str if is_remote(place) else os.path.realpath
        kind = PurePosixPath if is_remote(place) else PurePath
        sources, excluded = (
            kind(real(open_storage(one, profile).url(""))) for one in (place, exclude)
        )
        if excluded != sources and excluded.is_relative_to(sources):
            inside = excluded.relative_to(sources)

    def is_excluded(name: str) -> bool:
        below = inside is not None and PurePath(name).is_relative_to(inside)
        return below or is_delivered(name)

    return is_excluded


def _listed(
    path: Path, number: int, row: dict[str, Any], profile: str | None, exclude: str | None
) -> Iterator[Found]:
    """Yield the clips of one row of a list. Its paths are relative to the list's folder."""
    where = f"{path.name}, clip {number}"
    source = row.pop("source", None)
    if not isinstance(source, str) or not source.strip():
        raise BatchError(f"{where}: the source is missing: give a clip, a folder or a pattern")
    if source.lower().endswith((".csv", ".toml")):
        raise BatchError(f"{where}: {source} is a list: a list cannot contain lists")
    if not is_remote(source):
        source = str(path.parent / expanded(source))
    for key in ("preset", "policy"):
        if str(row.get(key, "")).endswith(".toml"):
            row[key] = str(path.parent / expanded(row[key]))
    try:
        Settings(**row)
    except ValueError as error:
        raise BatchError(f"{where}: {error}") from error
    for one in find_clips(source, profile, exclude):
        yield replace(one, row=row)


def _rows(path: Path) -> list[dict[str, Any]]:
    """Read a list: a .csv with a header, or a .toml with [[clip]] tables."""
    if path.suffix.lower() == ".toml":
        values = read_toml(path, BatchError)
        rows = values.get("clip")
        if set(values) != {"clip"} or not isinstance(rows, list):
            raise BatchError(f"{path.name} is not a list of clips: use [[clip]] tables only")
        return [dict(row) for row in rows]
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            table = csv.DictReader(file)
            _refuse_columns(table.fieldnames or (), path.name)
            return [_from_cells(row, path) for row in table]
    except UnicodeDecodeError as error:
        raise BatchError(f"{path.name} is not UTF-8 text: save it as CSV in UTF-8") from error
    except (OSError, csv.Error) as error:
        raise BatchError(f"{path.name} cannot be read as a CSV list: {error}") from error


def _refuse_columns(columns: Sequence[str], name: str) -> None:
    """Raise BatchError for a wrong header of a CSV list."""
    names = [column.strip() for column in columns]
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise BatchError(f"{name}: the header is {names[0]!r}: separate the columns with commas")
    if "source" not in names:
        found = f"the columns are {', '.join(names)}" if names else "the file is empty"
        raise BatchError(f"{name}: the column source is missing: {found}")
    for column in names:
        if names.count(column) > 1:
            raise BatchError(f"{name}: the column {column!r} occurs twice: remove one")
        if column == "overrides":
            raise BatchError(
                f"{name}: overrides cannot be a column: use the parameter's name, "
                "such as deband.strength"
            )


def _from_cells(row: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Return the settings in a line of a .csv; a column such as deband.strength is an override."""
    if None in row or None in row.values():
        raise BatchError(
            f"{path.name}: a line has more or fewer cells than the header: add or remove commas"
        )
    given = {key.strip(): value.strip() for key, value in row.items() if value.strip()}
    overrides = {key: parse_value(value) for key, value in given.items() if "." in key}
    found: dict[str, Any] = {key: value for key, value in given.items() if "." not in key}
    return {**found, "overrides": overrides} if overrides else found


def _fixed_part(pattern: str) -> str:
    """Return the folders of a glob before its first wildcard.

    >>> _fixed_part("in/a/*/b*.mp4")
    'in/a'
    """
    first = min(pattern.index(c) for c in _WILD if c in pattern)
    return pattern[:first].rpartition("/")[0] or ("/" if pattern.startswith("/") else "")


def _stem(name: str) -> str:
    return str(PurePosixPath(name).with_suffix(""))
