"""Convert: a clip becomes a ProRes 422 HQ file.

A run of ffmpeg to a temporary file, a check of that file, and only then the final name.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path, PurePosixPath

from workbench import ffmpeg
from workbench.arguments import check_callbacks, check_flag, check_optional, check_type
from workbench.deliver.format import PRORES_422_HQ, Format, is_delivered
from workbench.deliver.inspect import Inspection
from workbench.deliver.policy import Policy, load_policy
from workbench.deliver.recipe import Recipe, encode_arguments, encode_chain, encode_command
from workbench.deliver.record import record_path, record_text
from workbench.deliver.report import page, report_path
from workbench.deliver.verify import Delivery, expected_sound, verify
from workbench.errors import (
    Cancelled,
    ClipNotFound,
    ClipReplaced,
    DamagedClip,
    DestinationUnusable,
    FfmpegFailed,
    OutOfMemory,
    VerificationFailed,
    WorkbenchError,
)
from workbench.files import (
    blamed_on,
    expanded,
    put_text,
    refuse_existing,
    replacing_set,
    settle,
    sha256_of,
)
from workbench.look.filter_graph import filter_names
from workbench.media.clip import Clip
from workbench.media.probe import check_readable_file, open_clip
from workbench.temporary import remove_leftovers

CLIPS = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi", ".ts", ".mts", ".mxf", ".flv")
"""Suffixes by which clips are found in a folder; one that is named may have any."""


def is_clip(name: str) -> bool:
    """Whether a file of this name, found in a folder, is taken for a clip.

    Hidden ones are the system's own, and what was delivered is no source.
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
    """Return where a conversion goes: beside the source as NAME_prores.mov unless told otherwise.

    A folder gets a file of that name. Raises DestinationExists, and DestinationUnusable for
    another kind of file and for the source itself; ParameterError for what is no path.
    """
    check_flag("overwrite", overwrite)
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


def convert(
    source: Clip | str | Path,
    destination: str | Path | None,
    recipe: Recipe,
    *,
    policy: Policy | None = None,
    every_frame: bool = False,
    overwrite: bool = False,
    figures: Callable[[Inspection], Mapping[str, bytes]] | None = None,
    on_progress: Callable[[ffmpeg.Progress], None] | None = None,
    on_checked: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Delivery:
    """Encode a clip as ProRes 422 HQ, verify the file, and give it its name.

    The destination is either what it was before or the whole verified new file, whatever happens;
    no other file is left. A file that is as promised and only misses a limit of the `policy`
    (`mezzanine` unless given) is kept, and its verdict says so. `every_frame` measures banding in
    each and not in samples. `on_checked` is told how many delivered frames are checked.

    With `figures`, which draw the pictures of a report, the record and the report come with the
    file, all three or none. A record and a report of the file that is replaced go with it.

    Raises ClipError, DeliveryError, FfmpegError, OutOfMemory, ParameterError; VerificationFailed
    names what was found.
    """
    check_type("recipe", recipe, Recipe, "a Recipe, as read_recipe returns it")
    check_optional("policy", policy, Policy, "a Policy, as load_policy returns it")
    check_flag("overwrite", overwrite)
    check_flag("every_frame", every_frame)
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    check_callbacks(figures=figures, on_progress=on_progress, on_checked=on_checked)
    policy = policy or load_policy("mezzanine")
    clip = given_clip(source)
    destination = destination_for(clip.path, destination, overwrite=overwrite, format=recipe.format)
    beside = record_path(destination), report_path(destination)
    for path in beside if figures else ():
        refuse_existing(path, overwrite=True)
    remove_leftovers(destination.parent)
    cancellation = cancellation or ffmpeg.Cancellation()
    filters = filter_names(encode_chain(clip, recipe))
    ffmpeg.require(filters, encoders=recipe.format.encoders)
    files = replacing_set(destination, beside, overwrite=overwrite)
    with _enough_memory(clip), files as temporaries:
        temporary, *others = temporaries
        with ThreadPoolExecutor() as pool:
            stop = ffmpeg.Cancellation(parent=cancellation)
            preparing = pool.submit(_prepare, clip, recipe, stop)
            try:
                ffmpeg.run(
                    encode_arguments(clip, recipe, temporary),
                    file=clip.path,
                    on_progress=on_progress,
                    cancellation=cancellation,
                    refused=[_PATCHED],
                )
                sound = preparing.result()
            except FfmpegFailed as error:
                raise _explained(error, clip, destination) from error
            except BaseException:
                stop.request()
                raise
        try:
            with ThreadPoolExecutor() as pool:
                # Seconds on a slow disk, which cannot be broken off: beside those of the check.
                settling = pool.submit(settle, temporary)
                hashing = pool.submit(sha256_of, temporary, cancellation.raise_if_requested)
                verified = verify(
                    *(clip, temporary, recipe, policy, sound),
                    every_frame=every_frame,
                    on_progress=on_checked,
                    cancellation=cancellation,
                )
            with blamed_on(destination):
                settling.result()
        except Cancelled:
            cancellation.raise_if_requested(clip.path)  # by the clip's name, not a temporary one
            raise
        except DamagedClip as error:
            if str(error).startswith(clip.path.name):
                raise  # it is the source
            raise VerificationFailed(
                f"{clip.path.name}: what was encoded is not usable: {error}"
            ) from error
        if verified.broken:
            raise VerificationFailed(
                f"{clip.path.name} was encoded, but the file is not what was promised "
                "and was not kept: "
                + "; ".join(f"{f.id} is {f.measured}, not {f.limit}" for f in verified.broken)
            )
        cancellation.raise_if_requested(clip.path)
        delivery = Delivery(
            source=clip,
            destination=destination,
            recipe=recipe,
            policy=policy,
            command=tuple(encode_command(clip, recipe, destination, overwrite=overwrite)),
            findings=verified.findings,
            inspection=verified.inspection,
            size=verified.movie.size,
            sha256=hashing.result(),
        )
        if figures:
            drawn = figures(delivery.inspection) if delivery.inspection else {}
            texts = record_text(delivery), page(delivery, drawn)
            for path, final, text in zip(others, beside, texts, strict=True):
                put_text(path, text, blame=final)
            cancellation.raise_if_requested(clip.path)
    return delivery


def given_clip(source: Clip | str | Path) -> Clip:
    """Return the clip that was given, or open the file. Raises ClipError, ParameterError."""
    if not isinstance(source, Clip):
        return open_clip(source)
    check_readable_file(source.path)
    if source.changed_on_disk():
        raise ClipReplaced(f"{source.path.name} was replaced since it was opened: open it again")
    return source


def _prepare(clip: Clip, recipe: Recipe, cancellation: ffmpeg.Cancellation) -> tuple[str, ...]:
    """Do what the check needs of the source alone, while the encoder works."""
    import_module("scipy.ndimage")  # half a second that nobody waits for here
    return expected_sound(clip, recipe, cancellation)


@contextmanager
def _enough_memory(clip: Clip) -> Iterator[None]:
    """Let a clip not be blamed for a machine that has too little memory."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OutOfMemory) or not OutOfMemory.behind(error):
            raise
        raise OutOfMemory(
            f"{clip.path.name} needs more memory than there is: convert fewer clips at once, or "
            f"set {ffmpeg.THREADS_VARIABLE} to 1"
        ) from error


_PATCHED = "error while decoding"
"""What a decoder says before it patches a frame. With several threads it may say so too late for
`-xerror`, which then lets the frame pass."""


def _explained(error: FfmpegFailed, clip: Clip, destination: Path) -> WorkbenchError:
    """Name the failures that have a plain cause: a full disk, a source that is damaged or gone."""
    if OutOfMemory.behind(error):  # which a decoder takes for damage
        return error
    if not clip.path.exists():
        return ClipNotFound(f"{clip.path} was moved or deleted while it was converted")
    if clip.changed_on_disk():
        return ClipReplaced(
            f"{clip.path.name} was changed or replaced while it was converted: convert it again "
            "when it is complete"
        )
    log = "\n".join(error.log)
    if "No space left on device" in log:
        return DestinationUnusable(
            f"{destination} cannot be written: the disk of {destination.parent.absolute()} is full"
        )
    if any(
        sign in log for sign in (_PATCHED, "/dec:", "[dec:", "corrupt", "Error during demuxing")
    ):
        return DamagedClip(
            f"{clip.path.name} is damaged: ffmpeg could not decode it to the end ({error.cause}); "
            "download or generate the clip again"
        )
    return error
