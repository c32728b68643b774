"""Check the properties that a delivered file states: codec, colour tags, timing and audio."""

from collections.abc import Iterable, Sequence
from fractions import Fraction

from workbench.deliver.command import keeps_time
from workbench.deliver.format import Format
from workbench.deliver.qc import Finding, Level
from workbench.deliver.quicktime import Movie
from workbench.deliver.settings import Settings
from workbench.look.stages import Log
from workbench.media.clip import Clip
from workbench.media.colour import Colour, delivered_colour, fill_untagged
from workbench.media.frames import Orientation

_HIGH_DYNAMIC_RANGE = {"smpte2084": "PQ", "arib-std-b67": "HLG"}
_HDR_CAMBI = {
    "PQ": "CAMBI is measured for a PQ display.",
    "HLG": "CAMBI knows no HLG and is measured as for BT.1886.",
}
_END_TOLERANCE = Fraction(1, 10)
"""Seconds by which an audio track's end may differ: encoders pad the last block."""


def check_file(
    clip: Clip,
    movie: Movie,
    settings: Settings,
    expected_sound: tuple[str, ...],
    sound: tuple[str, ...],
) -> tuple[Finding, ...]:
    """Compare the properties that a delivered file states with its source and settings.

    `expected_sound` and `sound` are the hashes of each audio track's samples: of the source after
    the conversion's audio settings, and of the delivered file.
    """
    return (
        *_picture(clip, movie, settings.format),
        *_colour(clip.colour, movie, settings),
        *_precision(clip, settings),
        *_timing(clip, movie, settings.frame_rate),
        *_audio(clip, movie, settings, expected_sound == sound),
    )


def check_orientation(orientation: Orientation) -> Finding:
    """Return the failed check of a file that players must rotate or mirror."""
    return Finding(
        "orientation",
        "fail",
        f"{orientation.rotation} degrees{', mirrored' if orientation.mirrored else ''}",
        "upright",
        "The file asks players to rotate or mirror its picture. Not every program does.",
    )


def check_slice_size(largest_slices: Sequence[float], limit: int) -> Finding:
    """Check the largest slice of each frame against the ordered rate, in bits per macroblock.

    A file above the rate is complete and plays, so it is delivered with a warning.
    """
    frame, largest = max(enumerate(largest_slices), key=lambda one: one[1], default=(0, 0.0))
    fits = largest <= limit
    return Finding(
        "slice size",
        "pass" if fits else "warn",
        f"{largest:.0f} bits per macroblock, in frame {frame}",
        f"at most {limit}",
        "Every slice is within the ordered data rate."
        if fits
        else "The file exceeds the ordered data rate, but it plays. Use --encoder search to keep "
        "closer to the rate.",
    )


def _equal(id: str, measured: object, limit: object, sentence: str) -> Finding:
    """Return a check that fails unless the measured value is the expected one."""
    level: Level = "pass" if measured == limit else "fail"
    return Finding(id, level, str(measured), str(limit), sentence)


def _picture(clip: Clip, movie: Movie, format: Format) -> Iterable[Finding]:
    headers, target = movie.frame_headers, format.picture
    vendors = ", ".join(sorted({header.vendor for header in headers}))
    sizes = {(header.width, header.height) for header in headers} | {(movie.width, movie.height)}
    progressive = all(header.progressive for header in headers)
    yield _equal("fourcc", movie.fourcc, format.fourcc, f"The codec is {format.label}.")
    sentence = f"Every frame header names the vendor {format.vendor}."
    yield _equal("vendor", vendors, format.vendor, sentence)
    sentence = f"The picture is {target.label}."
    yield _equal("pixel format", movie.pixel_format, target.pixel_format, sentence)
    yield _equal(
        "size",
        " and ".join(f"{width}x{height}" for width, height in sorted(sizes)),
        f"{clip.width}x{clip.height}",
        "The picture has the source's size, upright.",
    )
    yield _equal(
        "pixel aspect",
        movie.sample_aspect,
        clip.sample_aspect,
        "Pixel aspect ratio matches the source.",
    )
    yield _equal(
        "scan",
        "progressive" if progressive else "interlaced",
        "progressive",
        "Every frame is progressive.",
    )
    yield check_slice_size(movie.largest_slices, format.bits_per_macroblock)
    if clip.interlaced:
        yield Finding(
            "interlaced source",
            "warn",
            "interlaced",
            "progressive",
            "The source is interlaced. It was not deinterlaced: each frame holds both fields.",
        )
    odd = [name for name, size in (("width", clip.width), ("height", clip.height)) if size % 2]
    if odd:
        yield Finding(
            "odd size",
            "note",
            f"odd {' and '.join(odd)}",
            "",
            "Chroma has half the samples, rounded up: the last chroma sample covers one pixel.",
        )


def _colour(source: Colour, movie: Movie, settings: Settings) -> Iterable[Finding]:
    delivered = delivered_colour(source, settings.format.picture)
    headers = " and ".join(sorted({_tags(header.colour) for header in movie.frame_headers}))
    yield _equal(
        "colour tags, container",
        _tags(movie.colr) if movie.colr else "none",
        _tags(delivered),
        "The colr atom has the expected primaries, transfer and matrix.",
    )
    yield _equal(
        "colour tags, frames",
        headers,
        _tags(delivered),
        "Every frame header has the same colour tags as the colr atom.",
    )
    assumed = settings.look.assume_matrix if settings.look else None
    if source.untagged:
        yield _untagged(source, delivered, assumed)
    if settings.input_range:
        yield Finding(
            "input range set",
            "note",
            f"{settings.input_range} range",
            "",
            "The source's range was set by hand; its tag was not used.",
        )
    if assumed and "matrix" not in source.untagged:
        yield Finding(
            "assumed matrix not used",
            "note",
            source.matrix,
            "",
            f"The source has a matrix tag, so the assumed matrix {assumed} was not used.",
        )
    stated = (source.primaries, source.transfer, source.matrix)
    written = (delivered.primaries, delivered.transfer, delivered.matrix)
    changed = [
        f"{old} as {new}"
        for old, new in zip(stated, written, strict=True)
        if old not in (new, "unspecified")
    ]
    if changed:
        yield Finding(
            "colour tags replaced",
            "note",
            ", ".join(changed),
            "",
            f"{settings.format.codec} has no value for the source's tag. The code values are "
            "unchanged.",
        )


def _untagged(source: Colour, delivered: Colour, assumed: str | None) -> Finding:
    """Return the note about an untagged source, with the values that were assumed."""
    filled = fill_untagged(source, assumed)
    sentence = f"The source has no colour tags for these. Assumed: {filled}."
    if filled.matrix != delivered.matrix:
        sentence += f" The picture was converted to the matrix {delivered.matrix}."
    if assumed is None:
        sentence += (
            " If colours look wrong, the source was probably BT.601: set the input matrix to bt601."
        )
    return Finding("untagged colour", "note", ", ".join(source.untagged), "", sentence)


def _precision(clip: Clip, settings: Settings) -> Iterable[Finding]:
    """Yield the findings about sources beyond 8-bit Rec.709, and about log looks."""
    look = settings.look
    if clip.bit_depth > 8 and look and look.bit_depth == 8:
        yield Finding(
            "source bit depth",
            "warn",
            f"{clip.bit_depth} bits",
            "8 bits in the look",
            f"The preset {look.name} works in 8 bits and loses the source's finer steps. Use a "
            "16-bit preset, such as smooth.",
        )
    if look and isinstance(look.tone, Log):
        yield Finding(
            "log curve",
            "note",
            look.tone.curve,
            "",
            f"The picture is {look.tone.curve} in the camera's own primaries. "
            f"{settings.format.codec} has no tag for it: set it in the grading program, or apply a "
            "LUT. Values outside legal range were clipped.",
        )
    transfer = _HIGH_DYNAMIC_RANGE.get(clip.colour.transfer)
    if transfer:
        yield Finding(
            "HDR source",
            "warn" if look is None or look.stages else "note",
            transfer,
            "",
            f"The source is {transfer} and is delivered as {transfer}. Presets are made for "
            f"Rec.709. {_HDR_CAMBI[transfer]} Contour and detail change count code values.",
        )


def _tags(colour: Colour) -> str:
    return f"{colour.primaries}/{colour.transfer}/{colour.matrix}"


def _timing(clip: Clip, movie: Movie, frame_rate: Fraction | None) -> Iterable[Finding]:
    count = len(movie.times)
    if frame_rate is None:
        expected = clip.times
        own_frame = 1 / clip.frame_rate
        tolerance = max(clip.time_base, movie.tick)  # each container rounds to its own unit
        yield _equal("frames", count, clip.frame_count, "Every source frame is present once.")
    else:
        expected = tuple(index / frame_rate for index in range(count))
        own_frame = 1 / frame_rate
        tolerance = movie.tick
        yield Finding(
            "frames",
            "note",
            f"{count} at {frame_rate} from {clip.frame_count} at {_rate(clip)}",
            "",
            "The clip was converted to a constant frame rate: frames were repeated or dropped.",
        )
    off = max(
        (abs(a - b) for a, b in zip(movie.times, expected, strict=False)), default=Fraction(0)
    )
    yield Finding(
        "timestamps",
        "pass" if off <= tolerance and count == len(expected) else "fail",
        f"at most {_ms(off)} off",
        f"{_ms(tolerance)}",
        "Every frame is shown at the expected time.",
    )
    if frame_rate is None and not clip.constant_frame_rate:
        yield Finding(
            "frame rate",
            "note",
            f"variable, {float(clip.frame_rate):.3f} frames/s on average",
            "",
            "The source's variable frame rate was kept. Set a frame rate to convert it.",
        )
    difference = abs(movie.duration - clip.duration)
    yield Finding(
        "duration",
        "pass" if difference <= own_frame else "fail",
        f"{float(movie.duration):.3f} s",
        f"{float(clip.duration):.3f} s, within one frame",
        "The picture has the source's duration.",
    )


def _rate(clip: Clip) -> str:
    return (
        str(clip.frame_rate) if clip.constant_frame_rate else f"{float(clip.frame_rate):.3f} (VFR)"
    )


def _ms(seconds: Fraction) -> str:
    return f"{float(seconds) * 1000:.3f} ms"


def _audio(clip: Clip, movie: Movie, settings: Settings, same: bool) -> Iterable[Finding]:
    if not clip.audio:
        yield _equal("audio", len(movie.audio), 0, "Neither the source nor the file has audio.")
        return
    kind = f"{settings.format.audio_codec} {settings.format.audio_bit_depth} bits"
    yield _equal(
        "audio",
        "; ".join(f"{t.format} {t.bit_depth} bits {t.sample_rate} Hz" for t in movie.audio),
        "; ".join(f"{kind} {settings.audio_rate or t.sample_rate} Hz" for t in clip.audio),
        "Every audio track of the source is present, uncompressed.",
    )
    samples = ", ".join(str(track.samples) for track in movie.audio)
    yield Finding(
        "audio samples",
        "pass" if same else "fail",
        f"{samples} samples, {'identical' if same else 'different'}",
        "every sample of the source",
        "The audio equals the source's, sample by sample, in "
        f"{settings.format.audio_bit_depth} bits.",
    )
    if any(stream.deep for stream in clip.audio):
        yield Finding(
            "audio bit depth",
            "note",
            "more than 16 bits",
            "",
            "The source's audio is lossless and was rounded to 16 bits.",
        )
    yield from _sync(clip, movie, settings)


def _sync(clip: Clip, movie: Movie, settings: Settings) -> Iterable[Finding]:
    """Compare when each audio track starts and ends against the picture, in both files."""
    pairs = list(zip(clip.audio, movie.audio, strict=False))
    # With a constant frame rate, the first frame may move by half a frame.
    step = 1 / (settings.frame_rate or clip.frame_rate)
    tolerance = Fraction(1, 1000) + (0 if keeps_time(clip, settings) else step / 2)
    start = max((abs(new.start - old.start) for old, new in pairs), default=Fraction(0))
    yield Finding(
        "sync",
        "pass" if start <= tolerance else "fail",
        f"{_ms(start)} off",
        _ms(tolerance),
        "Audio starts in sync with the picture, as in the source.",
    )
    end = max((abs(new.end - old.end) for old, new in pairs), default=Fraction(0))
    yield Finding(
        "sync at end",
        "pass" if end <= _END_TOLERANCE + tolerance else "fail",
        f"{_ms(end)} off",
        _ms(_END_TOLERANCE + tolerance),
        "Audio ends when the source's does, so it has not drifted.",
    )
    filled = max(stream.gap for stream in clip.audio)
    if filled > _END_TOLERANCE:
        yield Finding(
            "audio gaps",
            "note",
            f"{float(filled):.3f} s",
            "",
            "The source's audio has gaps. They were filled with silence to keep sync.",
        )
