"""Recheck: a file that was delivered earlier, or elsewhere, held against its source once more."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from workbench import ffmpeg
from workbench.arguments import check_callbacks, check_flag, check_optional
from workbench.deliver.encode import given_clip
from workbench.deliver.policy import Policy, load_policy
from workbench.deliver.qc import Finding
from workbench.deliver.recipe import Recipe
from workbench.deliver.record import completed, recorded
from workbench.deliver.verify import Delivery, expected_sound, verify
from workbench.files import expanded, sha256_of
from workbench.media.clip import Clip
from workbench.media.probe import check_readable_file


def recheck(
    source: Clip | str | Path,
    delivered: str | Path,
    recipe: Recipe | None = None,
    *,
    policy: Policy | None = None,
    every_frame: bool = False,
    on_progress: Callable[[int], None] | None = None,
    cancellation: ffmpeg.Cancellation | None = None,
) -> Delivery:
    """Find all that can be found of a delivered file.

    How it was made is read from the record beside it where the `recipe` leaves it open; without
    either, its look counts as unknown and its timing as the source's. Nothing is written. Raises
    ClipError, with DamagedClip for a file that is not readable as ProRes, FfmpegError,
    ParameterError.
    """
    check_optional("recipe", recipe, Recipe, "a Recipe, as read_recipe returns it")
    check_optional("policy", policy, Policy, "a Policy, as load_policy returns it")
    check_flag("every_frame", every_frame)
    check_optional(
        "cancellation", cancellation, ffmpeg.Cancellation, "a workbench.ffmpeg.Cancellation"
    )
    check_callbacks(on_progress=on_progress)
    clip = given_clip(source)
    path = expanded(delivered, "the delivered file")
    check_readable_file(path)
    record = recorded(path)
    recipe = completed(recipe or Recipe(preset=None), record)
    policy = policy or load_policy("mezzanine")
    cancellation = cancellation or ffmpeg.Cancellation()
    with ThreadPoolExecutor() as pool:
        hashing = pool.submit(sha256_of, path, cancellation.raise_if_requested)
        verified = verify(
            *(clip, path, recipe, policy, expected_sound(clip, recipe, cancellation)),
            certain=record is not None and record.ffmpeg == ffmpeg.program().version,
            every_frame=every_frame,
            on_progress=on_progress,
            cancellation=cancellation,
        )
    sha256 = hashing.result()
    since = [_since(sha256, record.sha256)] if record else []
    return Delivery(
        source=clip,
        destination=path,
        recipe=recipe,
        policy=policy,
        findings=(*since, *verified.findings),
        inspection=verified.inspection,
        size=verified.movie.size,
        sha256=sha256,
        command=record.command if record else (),
    )


def _since(now: str, then: str) -> Finding:
    return Finding(
        "unchanged",
        "pass" if now == then else "fail",
        f"SHA-256 {now[:12]}",
        then[:12],
        "The file is byte for byte what was delivered, by the record beside it.",
    )
