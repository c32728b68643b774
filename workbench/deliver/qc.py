"""QC: what was promised of a delivered file, held against what the file says of itself."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from workbench.deliver.command import keeps_time
from workbench.deliver.format import Format
from workbench.deliver.quicktime import Movie
from workbench.deliver.settings import Settings
from workbench.look.stages import Log
from workbench.media.clip import Clip
from workbench.media.colour import Colour, delivered_colour, fill_untagged
from workbench.media.frames import Orientation

Level = Literal["pass", "note", "warn", "fail"]
LEVELS: tuple[Level, ...] = ("pass", "note", "warn", "fail")


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at."""

    id: str
    level: Level
    measured: str
    limit: str  # what was promised; "" for a note
    sentence: str  # for a colorist


def verdict(findings: Iterable[Finding]) -> Level:
    """Return the worst level found; "pass" when there is no finding."""
    return max((finding.level for finding in findings), key=LEVELS.index, default="pass")


def verdict_in_words(levels: Iterable[Level]) -> str:
    """Return the verdict as a colorist reads it, with the number of findings to look at.

    >>> verdict_in_words(["pass", "pass", "note"]), verdict_in_words(["warn", "note", "note"])
    ('PASS, 1 note', 'WARNING, 1 warning, 2 notes')
    """
    count = Counter(levels)
    parts = [
        f"{count[level]} {name}{'s' if count[level] > 1 else ''}"
        for level, name in _COUNTED.items()
        if count[level]
    ]
    return ", ".join([_VERDICTS[max(count, key=LEVELS.index, default="pass")], *parts])


_VERDICTS: dict[Level, str] = {"pass": "PASS", "note": "PASS", "warn": "WARNING", "fail": "FAIL"}
_COUNTED: dict[Level, str] = {"fail": "failed check", "warn": "warning", "note": "note"}


def check(
    clip: Clip,
    movie: Movie,
    settings: Settings,
    expected_sound: tuple[str, ...],
    sound: tuple[str, ...],
) -> tuple[Finding, ...]:
    """Hold what a delivered file says of itself against its source and settings.

    `expected_sound` and `sound` are hashes of the samples of each sound track: as they should
    arrive, and as they are.
    """
    return (
        *_essence(clip, movie, settings.format),
        *_colour(clip.colour, movie, settings),
        *_precision(clip, settings),
        *_timing(clip, movie, settings.frame_rate),
        *_audio(clip, movie, settings, expected_sound == sound),
    )


def turned(orientation: Orientation) -> Finding:
    """Say that a delivered file asks to be turned."""
    return Finding(
        "orientation",
        "fail",
        f"{orientation.rotation} degrees{', mirrored' if orientation.mirrored else ''}",
        "upright",
        "The file asks players to turn its picture, which not every program does.",
    )


def slice_rate(largest_slices: Sequence[float], limit: int) -> Finding:
    """Judge the largest slice of each frame, in bits per macroblock, by the rate that was ordered.

    A file above the rate is whole and plays, so it is kept with a warning.
    """
    frame, largest = max(enumerate(largest_slices), key=lambda one: one[1], default=(0, 0.0))
    if largest <= limit:
        sentence = "No slice of any frame is larger than the rate that was ordered allows."
    else:
        sentence = (
            "The file exceeds the rate that was ordered. It plays all the same; --encoder search "
            "keeps close to the rate."
        )
    return Finding(
        "slice size",
        "pass" if largest <= limit else "warn",
        f"{largest:.0f} bits per macroblock, in frame {frame}",
        f"at most {limit}",
        sentence,
    )


def _promised(id: str, measured: object, limit: object, sentence: str) -> Finding:
    level: Level = "pass" if measured == limit else "fail"
    return Finding(id, level, str(measured), str(limit), sentence)


def _essence(clip: Clip, movie: Movie, format: Format) -> Iterable[Finding]:
    headers = movie.frame_headers
    vendors = ", ".join(sorted({header.vendor for header in headers}))
    sizes = {(header.width, header.height) for header in headers} | {(movie.width, movie.height)}
    progressive = all(header.progressive for header in headers)
    yield _promised("fourcc", movie.fourcc, format.fourcc, f"The codec is {format.label}.")
    sentence = f"Every frame header names the vendor {format.vendor}."
    yield _promised("vendor", vendors, format.vendor, sentence)
    target = format.picture
    sentence = f"The picture is {target.label}."
    yield _promised("pixel format", movie.pixel_format, target.pixel_format, sentence)
    yield _promised(
        "size",
        " and ".join(f"{width}x{height}" for width, height in sorted(sizes)),
        f"{clip.width}x{clip.height}",
        "The picture is as large as the source's, upright.",
    )
    yield _promised(
        "pixel aspect",
        movie.sample_aspect,
        clip.sample_aspect,
        "Pixels are as wide against their height as the source's.",
    )
    yield _promised(
        "scan",
        "progressive" if progressive else "interlaced",
        "progressive",
        "Every frame is progressive.",
    )
    yield slice_rate(movie.largest_slices, format.bits_per_macroblock)
    if clip.interlaced:
        yield Finding(
            "interlaced source",
            "warn",
            "interlaced",
            "progressive",
            "The source is interlaced and was not deinterlaced: each frame holds both fields.",
        )
    odd = [name for name, size in (("width", clip.width), ("height", clip.height)) if size % 2]
    if odd:
        yield Finding(
            "odd size",
            "note",
            f"odd {' and '.join(odd)}",
            "",
            "Chroma has half as many samples, rounded up: the last one covers a single pixel.",
        )


def _colour(source: Colour, movie: Movie, settings: Settings) -> Iterable[Finding]:
    preset = settings.look
    kept = delivered_colour(source, settings.format.picture)
    headers = " and ".join(sorted({_tags(header.colour) for header in movie.frame_headers}))
    yield _promised(
        "colour tags, container",
        _tags(movie.colr) if movie.colr else "none",
        _tags(kept),
        "The colr atom says what was declared (primaries/transfer/matrix).",
    )
    yield _promised(
        "colour tags, frames",
        headers,
        _tags(kept),
        "The frame headers say the same as the colr atom.",
    )
    assumed = preset.assume_matrix if preset else None
    if source.untagged:
        taken = fill_untagged(source, assumed)
        sentence = f"untagged source: assumed {taken}"
        if taken.matrix != kept.matrix:
            sentence += f", and converted to the matrix {kept.matrix}"
        if assumed is None:
            sentence += "; if its colours look off, its maker used another matrix"
        yield Finding(
            "untagged colour", "note", f"untagged: {', '.join(source.untagged)}", "", f"{sentence}."
        )
    if assumed and "matrix" not in source.untagged:
        yield Finding(
            "assumed matrix not used",
            "note",
            source.matrix,
            "",
            f"The source says itself what its matrix is; {assumed} was not assumed.",
        )
    stated = (source.primaries, source.transfer, source.matrix)
    changed = [
        f"{old} as {new}"
        for old, new in zip(stated, (kept.primaries, kept.transfer, kept.matrix), strict=True)
        if old not in (new, "unspecified")
    ]
    if changed:
        yield Finding(
            "colour tags replaced",
            "note",
            ", ".join(changed),
            "",
            f"{settings.format.codec} cannot state the source's own tag; the code values are "
            "unchanged.",
        )


_HIGH_DYNAMIC_RANGE = {"smpte2084": "PQ", "arib-std-b67": "HLG"}


def _precision(clip: Clip, settings: Settings) -> Iterable[Finding]:
    """Say what a look takes from a source that has more than the 8 bits and the Rec.709 of most."""
    preset = settings.look
    if clip.bit_depth > 8 and preset and preset.bit_depth == 8:
        yield Finding(
            "source bit depth",
            "warn",
            f"{clip.bit_depth} bits",
            "8 bits in the look",
            f"The look {preset.name} works in 8 bits, and the source's finer steps are lost: take "
            "one that works in 16, such as smooth.",
        )
    if preset and isinstance(preset.tone, Log):
        yield Finding(
            "log",
            "note",
            preset.tone.curve,
            "",
            f"The picture is {preset.tone.curve} in the camera's own primaries, and no tag of "
            f"{settings.format.codec} can say so: tell the grading program, or apply a LUT. What "
            "was outside legal range is clipped.",
        )
    transfer = _HIGH_DYNAMIC_RANGE.get(clip.colour.transfer)
    if transfer:
        yield Finding(
            "HDR source",
            "warn" if preset is None or preset.stages else "note",
            transfer,
            "",
            f"The source is {transfer}, and is delivered as {transfer}: looks are made for Rec.709 "
            "pictures, and the measures, too, take it for one.",
        )


def _tags(colour: Colour) -> str:
    return f"{colour.primaries}/{colour.transfer}/{colour.matrix}"


def _timing(clip: Clip, movie: Movie, frame_rate: Fraction | None) -> Iterable[Finding]:
    count = len(movie.times)
    if frame_rate is None:
        expected = clip.times
        own_frame = 1 / clip.frame_rate
        slack = max(clip.time_base, movie.tick)  # each container rounds to its own units
        yield _promised("frames", count, clip.frame_count, "Every source frame is there, once.")
    else:
        expected = tuple(index / frame_rate for index in range(count))
        own_frame = 1 / frame_rate
        slack = movie.tick
        yield Finding(
            "frames",
            "note",
            f"{count} at {frame_rate} from {clip.frame_count} at {_rate(clip)}",
            "",
            "The frame rate was made even as asked: frames were repeated or left out.",
        )
    off = max(
        (abs(a - b) for a, b in zip(movie.times, expected, strict=False)), default=Fraction(0)
    )
    yield Finding(
        "timestamps",
        "pass" if off <= slack and count == len(expected) else "fail",
        f"{_ms(off)} off at most",
        f"{_ms(slack)}",
        "Every frame comes on at its time.",
    )
    if frame_rate is None and not clip.constant_frame_rate:
        yield Finding(
            "frame rate",
            "note",
            f"variable, {float(clip.frame_rate):.3f} frames/s on average",
            "",
            "The source's frame rate varies and was kept; a frame rate can be asked for instead.",
        )
    difference = abs(movie.duration - clip.duration)
    yield Finding(
        "duration",
        "pass" if difference <= own_frame else "fail",
        f"{float(movie.duration):.3f} s",
        f"{float(clip.duration):.3f} s, within one frame",
        "The picture lasts as long as the source's.",
    )


def _rate(clip: Clip) -> str:
    return (
        str(clip.frame_rate) if clip.constant_frame_rate else f"{float(clip.frame_rate):.3f} (VFR)"
    )


def _ms(seconds: Fraction) -> str:
    return f"{float(seconds) * 1000:.3f} ms"


def _audio(clip: Clip, movie: Movie, settings: Settings, same: bool) -> Iterable[Finding]:
    if not clip.audio:
        yield _promised("audio", len(movie.audio), 0, "The source has no sound, nor has the file.")
        return
    kind = f"{settings.format.audio_codec} {settings.format.audio_bit_depth} bits"
    yield _promised(
        "audio",
        "; ".join(f"{t.format} {t.bit_depth} bits {t.sample_rate} Hz" for t in movie.audio),
        "; ".join(f"{kind} {settings.audio_rate or t.sample_rate} Hz" for t in clip.audio),
        "Every sound track of the source is there, uncompressed.",
    )
    samples = ", ".join(str(track.samples) for track in movie.audio)
    yield Finding(
        "audio samples",
        "pass" if same else "fail",
        f"{samples} samples, {'the same' if same else 'other'}",
        "every sample of the source",
        "The sound is the source's to the last sample, in 16 bits.",
    )
    if any(stream.deep for stream in clip.audio):
        yield Finding(
            "audio bit depth",
            "note",
            "more than 16 bits",
            "",
            "The source's sound is lossless and was rounded to 16 bits.",
        )
    yield from _sync(clip, movie, settings)


def _sync(clip: Clip, movie: Movie, settings: Settings) -> Iterable[Finding]:
    """Compare when each sound track starts and ends against the picture, in both files."""
    pairs = list(zip(clip.audio, movie.audio, strict=False))
    # On an even grid the first picture may move by half of its step.
    step = 1 / (settings.frame_rate or clip.frame_rate)
    slack = Fraction(1, 1000) if keeps_time(clip, settings) else step / 2 + Fraction(1, 1000)
    start = max((abs(new.start - old.start) for old, new in pairs), default=Fraction(0))
    yield Finding(
        "sync",
        "pass" if start <= slack else "fail",
        f"{_ms(start)} off",
        _ms(slack),
        "The sound starts as long before or after the picture as in the source.",
    )
    end = max((abs(new.end - old.end) for old, new in pairs), default=Fraction(0))
    yield Finding(
        "sync at end",
        "pass" if end <= _END_SLACK + slack else "fail",
        f"{_ms(end)} off",
        _ms(_END_SLACK + slack),
        "The sound ends when the source's does, so nothing drifted or closed up on the way.",
    )
    filled = max(stream.gap for stream in clip.audio)
    if filled > _END_SLACK:
        yield Finding(
            "audio gaps",
            "note",
            f"{float(filled):.3f} s",
            "",
            "The source's sound has holes; silence fills them, so that the rest stays in sync.",
        )


_END_SLACK = Fraction(1, 10)  # an encoder pads its last block, and not every container says so
