"""Picture: what was measured of a delivered file's frames and sound, as findings.

Each frame whole and in its place is promised. The rest is judged by a policy: how far a picture may
be banded is a matter of taste and of what it is for.
"""

from collections.abc import Iterator, Sequence
from statistics import median

from workbench.deliver.inspect import Inspection
from workbench.deliver.policy import Policy, Rule
from workbench.deliver.qc import Finding, Level
from workbench.deliver.quicktime import Movie
from workbench.deliver.unknown import check_unknown_look
from workbench.errors import DamagedClip
from workbench.measure.levels import Stretch

_ALIKE = 0.5  # correlation: a strong grade stays above, another picture below


def check_frames(inspection: Inspection) -> Iterator[Finding]:
    """Say whether every delivered frame is the source's frame of that place, whole."""
    matches = inspection.traces.matches
    moved = [number for number, match in enumerate(matches) if match.offset]
    yield Finding(
        "frames in place",
        "fail" if moved else "pass",
        f"{len(moved)} moved, first frame {moved[0]}" if moved else "all",
        "all",
        "Each frame shows what the source's frame of that number shows.",
    )
    known = all(one.off is not None for one in inspection.comparisons)
    yield _whole(inspection, known, bool(moved))
    if not known:
        yield from check_unknown_look(inspection.traces)
    alike = median(_known([match.alike for match in matches]) or [1.0])
    yield Finding(
        "same picture",
        "pass" if alike >= _ALIKE else "fail",
        f"{alike:.2f} alike",
        f"at least {_ALIKE}",
        "The file shows what the source shows, upright and not mirrored, whatever its look.",
    )


def _whole(inspection: Inspection, known: bool, moved: bool) -> Finding:
    # Sampled frames are compared with the look's rendering, where the look is known: that finds
    # what is wrong with every frame alike. Moved frames are reported once, by another finding.
    compared = inspection.comparisons
    off = [one for one in compared if not moved and one.off and not one.off.is_coding]
    damaged = sorted({*inspection.corrupt, *inspection.damaged})
    level: Level = "pass"
    measured = "all"
    if damaged:
        # What an unknown look does may be mistaken for damage; what the decoder says may not.
        level = "fail" if known or inspection.corrupt else "warn"
        measured = f"{len(damaged)} of {len(inspection.times)} damaged, first frame {damaged[0]}"
    elif off:
        level = "fail"
        rms = max(one.off.rms for one in off if one.off)
        measured = (
            f"{len(off)} of {len(compared)} compared frames are not what the look makes, "
            f"{rms:.1f} code values RMS"
        )
    sentence = (
        "Every frame decodes cleanly, follows the clip's look, and has no block that differs more "
        "from the source than that look does. Frames that stand out, and a sample of the others, "
        "equal the look's rendering to within ProRes's error."
        if known
        else "Every frame decodes cleanly, and no block differs more from the source than a look "
        "does."
    )
    return Finding("frames whole", level, measured, "all", sentence)


def undecodable(error: DamagedClip) -> Finding:
    """Say that a frame does not decode."""
    return Finding(
        "frames whole", "fail", str(error), "every frame decodes", "A frame does not decode."
    )


def judge(inspection: Inspection, movie: Movie, policy: Policy) -> Iterator[Finding]:
    """Hold what was measured against a policy."""
    yield from _depth(inspection, policy)
    yield from _banding(inspection, policy)
    yield from _texture(inspection, policy)
    yield from _levels(inspection, policy)
    for number, loudness in enumerate(inspection.loudness):
        track = f" {number + 1}" if len(inspection.loudness) > 1 else ""
        if loudness.integrated is not None and loudness.true_peak is not None:
            yield _judged(
                f"loudness{track}",
                policy.true_peak,
                loudness.true_peak,
                f"{loudness.true_peak:.1f} dBTP, {loudness.integrated:.1f} LUFS",
                "How loud the sound's highest peak is, and its whole (EBU R128).",
                "dBTP",
            )
    megabits = movie.size * 8 / 1e6 / float(movie.duration)
    yield _judged(
        "data rate",
        policy.data_rate,
        megabits,
        f"{megabits:.0f} Mb/s, {movie.size / 1e6:.1f} MB",
        "How much room the file takes.",
        "Mb/s",
    )


def _judged(
    id: str, rule: Rule | None, value: float, measured: str, sentence: str, unit: str = ""
) -> Finding:
    if rule is None:
        return Finding(id, "pass", measured, "", sentence)
    level = "pass" if rule.allows(value) else rule.level
    return Finding(id, level, measured, f"{rule} {unit}".rstrip(), sentence)


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _depth(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    bits = _known([one.effective_bit_depth for one in inspection.comparisons])
    if bits:
        yield _judged(
            "bit depth",
            policy.bit_depth,
            min(bits),
            f"{min(bits):.1f} bits",
            "How many bits of luma are in use before the encoder: a look that works in 8 bits "
            "leaves a 10-bit file with 8-bit steps, which show when it is graded.",
            "bits",
        )
        return
    grid = min(one.grid for one in inspection.comparisons)
    yield _judged(
        "bit depth",
        policy.grid,
        grid,
        f"{grid:.0%} on the grid of 8 bits",
        "Whether the file's luma still stands on steps of four code values, as it does when 8-bit "
        "values were put into 10 bits.",
    )


def _banding(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    for name, pairs, rule, sentence in (
        (
            "banding",
            [(one.cambi_before, one.cambi_after) for one in inspection.comparisons],
            policy.cambi,
            "Bands in the worst frame before and after: 0 is none, from 5 on viewers are annoyed. "
            "A dither hides them from CAMBI; contour sees them still.",
        ),
        (
            "banding, graded back",
            [(one.cambi_before, one.cambi_graded) for one in inspection.comparisons],
            policy.cambi_graded,
            "The same with the look's tone taken back, because a flat picture flatters itself.",
        ),
        (
            "coarse banding",
            [(one.coarse_before, one.coarse_after) for one in inspection.comparisons],
            policy.cambi_coarse,
            "The same at a wider contrast setting, which sees larger steps too.",
        ),
        (
            "contour",
            [(one.contour_before, one.contour_after) for one in inspection.comparisons],
            policy.contour,
            "How much edge the bands leave in smooth areas once the noise over them is taken "
            "away: noise can hide bands from CAMBI, and a grade brings them out again.",
        ),
    ):
        befores, afters = (_known(values) for values in zip(*pairs, strict=True))
        if befores and afters:
            measured = f"{max(befores):.1f} before, {max(afters):.1f} after"
            measured = measured if name == "contour" else f"CAMBI {measured}"
            yield _judged(name, rule, max(afters), measured, sentence)


def _texture(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    changes = _known([one.texture_change for one in inspection.comparisons])
    if changes:
        similar = min(_known([one.ssim for one in inspection.comparisons]), default=1.0)
        yield _judged(
            "texture",
            policy.texture,
            max(changes),
            f"{max(changes):.1f} code values, SSIM {similar:.4f}",
            "How far fine detail differs from the same tone without deband.",
            "code values",
        )


def _levels(inspection: Inspection, policy: Policy) -> Iterator[Finding]:
    levels, bounds = inspection.levels, inspection.bounds
    most = int(levels.outside_r103.argmax())
    outside = float(levels.outside_r103[most]) * 100
    yield _judged(
        "gamut",
        policy.r103,
        outside,
        f"{outside:.2f} %" + (f" at frame {most}" if outside >= 0.005 else ""),
        "How much of the worst frame is outside EBU R103 in luma or RGB.",
        "%",
    )
    for name, stretches, rule, sentence in (
        (
            "black",
            levels.black_stretches(),
            policy.black,
            "The longest stretch that is black: at least 98 % of its luma is at most "
            f"{inspection.black_limit}.",
        ),
        (
            "freeze",
            levels.frozen_stretches(bounds),
            policy.freeze,
            "The longest stretch in which nothing moves.",
        ),
    ):
        longest = max(
            stretches,
            key=lambda stretch: bounds[stretch.end] - bounds[stretch.start],
            default=Stretch(0, 0),
        )
        seconds = float(bounds[longest.end] - bounds[longest.start])
        where = f"{seconds:.2f} s from frame {longest.start}" if seconds else "none"
        yield _judged(name, rule, seconds, where, sentence, "s")
    jump = levels.largest_jump()
    if jump:
        at, largest = jump
        yield _judged(
            "luma jump",
            policy.luma_jump,
            largest,
            f"{largest:.0f} code values at frame {at}",
            "The largest step of mean luma from one frame to the next: a cut, or a flash.",
            "code values",
        )
