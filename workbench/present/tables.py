"""Tables of clips, presets, findings and metrics: HTML in notebooks, plain text in terminals."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from workbench.batch.outcome import Outcome
from workbench.deliver.qc import LEVELS, Finding, verdict_in_words
from workbench.deliver.verify import Delivery
from workbench.errors import one_line
from workbench.ffmpeg import pasteable
from workbench.look.compare import Comparison
from workbench.look.preset import Preset
from workbench.look.suggest import Suggestion
from workbench.measure.code_values import CodeValueCounts
from workbench.measure.metrics import HEADLINE, metric
from workbench.media.clip import Clip


@dataclass(frozen=True)
class Table:
    """Rows of text under a heading."""

    heading: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def _repr_html_(self) -> str:
        def line(cells: Sequence[str], tag: str) -> str:
            style = "text-align: left; vertical-align: top; white-space: normal"
            joined = "".join(f'<{tag} style="{style}">{escape(cell)}</{tag}>' for cell in cells)
            return f"<tr>{joined}</tr>"

        body = "".join(line(row, "td") for row in self.rows)
        return f"<table><thead>{line(self.heading, 'th')}</thead><tbody>{body}</tbody></table>"

    def __str__(self) -> str:
        found = [self.heading, *self.rows] if any(self.heading) else self.rows
        lines = [[one_line(cell) for cell in row] for row in found]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
            for line in lines
        )


def clip_table(clip: Clip) -> Table:
    """Return the properties of a clip."""
    rate = float(clip.frame_rate)
    even = "constant" if clip.constant_frame_rate else "variable, average"
    turned = clip.orientation
    sound = "; ".join(
        f"{stream.codec}, {stream.sample_rate} Hz, {stream.layout}" for stream in clip.audio
    )
    aspect = "" if clip.sample_aspect == 1 else f", pixel aspect ratio {clip.sample_aspect}"
    upright = f", rotated by {turned.rotation}° to be upright" if turned.rotation else ""
    mirrored = ", mirrored" if turned.mirrored else ""
    rows = [
        ("file", clip.path.name),
        ("picture", f"{clip.width}x{clip.height}{aspect}{upright}{mirrored}"),
        ("codec", f"{clip.codec} {clip.profile}, {clip.pixel_format}, {clip.bit_depth} bits"),
        ("frames", f"{clip.frame_count}, {float(clip.duration):.3f} s"),
        ("frame rate", f"{rate:.3f} frames/s, {even}"),
        ("range", clip.colour.range),
        ("primaries", clip.colour.primaries),
        ("transfer", clip.colour.transfer),
        ("matrix", clip.colour.matrix),
        ("audio", sound or "none"),
    ]
    if clip.colour.untagged:
        rows.append(("assumed", f"untagged colour: {clip.colour.assumed()}"))
    return Table(("clip", ""), tuple(rows))


def preset_table(preset: Preset) -> Table:
    """Return the parameters of a preset."""
    rows = [(name, str(value)) for name, value in preset.parameters().items()]
    return Table((preset.name, preset.hash), tuple(rows))


def findings_table(findings: Iterable[Finding]) -> Table:
    """Return the findings, the worst first."""
    rows = sorted(findings, key=lambda finding: -LEVELS.index(finding.level))
    return Table(
        ("", "check", "measured", "limit", "explanation"),
        tuple((row.level, row.id, row.measured, row.limit, row.sentence) for row in rows),
    )


def findings_text(findings: Iterable[Finding]) -> str:
    """Return a line for each finding, and the explanation of each that is not a plain pass."""
    table = findings_table(findings)
    short = Table(table.heading[:4], tuple(row[:4] for row in table.rows))
    words = [f"{row[0]}: {row[4]}" for row in table.rows if row[0] != "pass"]
    return "\n".join([str(short), "", *words])


def delivery_table(delivery: Delivery) -> Table:
    """Return the delivered files, their verdict and the command."""
    preset = delivery.settings.look
    rows = [
        ("verdict", _verdict(delivery)),
        (delivery.settings.format.codec, str(delivery.destination)),
        ("size", _size(delivery)),
        *(("record", str(path)) for path in [delivery.record] if path),
        *(("report", str(path)) for path in [delivery.report] if path),
        ("preset", f"{preset.name} ({preset.hash})" if preset else "not known"),
        ("command", pasteable(delivery.command) if delivery.command else "not known"),
    ]
    return Table(("delivered", ""), tuple(rows))


def delivery_text(delivery: Delivery) -> str:
    """Return the verdict, path and size of a delivered file in one line."""
    return one_line(f"{_verdict(delivery)}: {delivery.destination} ({_size(delivery)})")


def outcome_text(one: Outcome) -> str:
    """Return the result of one clip of a batch in one line."""
    if one.state == "failed":
        return one_line(f"FAILED    {one.name}: {one.reason}")
    verdict = f"{one.verdict} ({one.reason})" if one.reason else f"{one.verdict}"
    cambi = metric("cambi_after")
    value = one.measures.get(cambi.key)
    banding = "" if value is None else f", {cambi.label} {cambi.text(value)}"
    seconds = "" if one.state == "unchanged" else f", {one.seconds:.1f} s"
    return one_line(f"{one.state:9} {one.name}: {verdict}{banding}{seconds}")


def measured_html(
    before: CodeValueCounts, after: CodeValueCounts, found: Comparison, name: str = "before"
) -> str:
    """Return the headline metrics of one frame before and after as HTML, in fixed columns.

    `name` heads the first column: a still can take the place of the picture before.
    """
    rows = [
        ("Code values in use", str(before.occupied), str(after.occupied)),
        *(
            (
                one.label,
                one.text(getattr(found, one.before)) if one.before else "",
                one.text(getattr(found, one.key)),
            )
            for one in HEADLINE
        ),
    ]
    number = "width: 84px; text-align: right; font-variant-numeric: tabular-nums; color:"

    def line(name: str, one: str, two: str) -> str:
        cells = "".join(
            f"<td style='{number} var(--wb-{side})'>{value}</td>"
            for side, value in (("before", one), ("after", two))
        )
        return f"<tr><td style='text-align: left; width: 160px'>{name}</td>{cells}</tr>"

    body = "".join(line(*row) for row in (("", name, "after"), *rows))
    return f"<table style='table-layout: fixed; line-height: 1.45'>{body}</table>"


def _size(delivery: Delivery) -> str:
    megabits = delivery.size * 8 / 1e6 / float(delivery.source.duration)
    return f"{delivery.size / 1e6:.1f} MB, {megabits:.0f} Mb/s"


def _verdict(delivery: Delivery) -> str:
    return verdict_in_words(finding.level for finding in delivery.findings)


def suggestion_text(found: Suggestion) -> str:
    """Return a suggestion with its reason and all settings that were tried."""
    shown = [metric(key) for key in ("contour_after", "detail_change", "texture_change")]
    named = [(step.name, step) for step in (found.plain, *found.tried)]
    rows = [
        (
            name,
            *(
                one.text(value)
                for one, value in zip(shown, (step.contour, step.detail, step.texture), strict=True)
            ),
            "<" if step.deband == found.preset.deband else "",
        )
        for name, step in named
    ]
    heading = ("", *(one.label for one in shown), "")
    return f"{Table(heading, tuple(rows))}\n\n{found.reason}\n{found.sampled}".rstrip()
