"""Destination: the names of delivered files, and of the clips that they are made from."""

import os
from pathlib import Path, PurePosixPath

from workbench.argument_checks import check_flag, check_type
from workbench.deliver.format import PRORES_422_HQ, Format, is_delivered
from workbench.errors import DestinationUnusable
from workbench.files import expanded, refuse_existing

CLIPS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mxf", ".flv")
"""Suffixes that make a file in a folder a clip. A file that the user names may have any suffix."""


def is_clip(name: str) -> bool:
    """Return whether a file in a folder counts as a clip, judging by its name.

    Hidden files and delivered files do not count.
    """
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") for part in path.parts)
    return path.suffix.lower() in CLIPS and not hidden and not is_delivered(name)


def destination_for(
    source: str | Path,
    destination: str | Path | None = None,
    *,
    overwrite: bool = False,
    format: Format = PRORES_422_HQ,
) -> Path:
    """Return the path of the delivered file: NAME_prores.mov beside the source by default.

    If `destination` is a folder, the file gets the same name there. Raises DestinationExists;
    DestinationUnusable for a name with another suffix and for the source itself;
    ParameterError for a value that is not a path.
    """
    check_flag("overwrite", overwrite)
    check_type("format", format, Format, "a Format, such as deliver.format.PRORES_422_HQ")
    source = expanded(source, "the source")
    name = f"{source.stem}{format.name_ending}"
    path = (
        source.with_name(name) if destination is None else expanded(destination, "the destination")
    )
    if os.path.isdir(path):  # noqa: PTH112 - unlike Path.is_dir, no error for a name too long
        path /= name
    if path.suffix.lower() != format.file_suffix:
        raise DestinationUnusable(
            f"{path} does not end in {format.file_suffix}: give a {format.file_suffix} file or an "
            "existing folder"
        )
    if os.path.realpath(path) == os.path.realpath(source):
        raise DestinationUnusable(f"{path} is the source itself: give another destination")
    refuse_existing(path, overwrite)
    return path
