"""Define every metric that is measured on a frame before and after a look, in one place.

Outcomes, summaries, tables, figures and the record's schema loop over METRICS. A key is the name of
a field of `workbench.look.compare.Comparison`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Metric:
    """One figure: how it is stored, shown and judged."""

    key: str  # of the value after the look
    before: str | None  # the key of the value before the look; None if there is no such value
    label: str  # for a colorist
    unit: str  # "" where the figure has none
    digits: int  # decimals that are shown
    worse: Literal["higher", "lower"]
    sentence: str
    factor: float = 1  # from the stored value to the unit, such as 100 for %
    guide: float | None = None  # a value to mark in plots: beyond it, viewers notice
    headline: bool = False  # shown in the desk and in the summary of a batch
    plotted: bool = False  # drawn over time, before and after

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys of its values: before, if there is one, and after."""
        return (self.before, self.key) if self.before else (self.key,)

    @property
    def heading(self) -> str:
        """The label with its unit, for a table or an axis."""
        return f"{self.label}, {self.unit}" if self.unit else self.label

    @property
    def explanation(self) -> str:
        """The sentence with the unit, for a tooltip.

        >>> metric("texture_change").explanation.endswith(" Unit: codes.")
        True
        """
        return f"{self.sentence} Unit: {self.unit}." if self.unit else self.sentence

    def text(self, value: float | None) -> str:
        """Return a value as tables show it; "-" where it was not measured.

        >>> metric("outside_r103").text(0.0123)
        '1.23 %'
        >>> metric("texture_change").text(None)
        '-'
        """
        if value is None:
            return "-"
        percent = " %" if self.unit == "%" else ""
        return f"{value * self.factor:.{self.digits}f}{percent}"

    def worst(self, values: Iterable[float | None]) -> float | None:
        """Return the worst of several values; None where none was measured.

        >>> metric("ssim").worst([0.99, None, 0.98])
        0.98
        """
        pick = max if self.worse == "higher" else min
        return pick((value for value in values if value is not None), default=None)


METRICS = (
    Metric(
        key="cambi_after",
        before="cambi_before",
        label="CAMBI",
        unit="",
        digits=2,
        worse="higher",
        sentence="Banding: 0 is none, and from about 5 on viewers notice it.",
        guide=5,
        headline=True,
        plotted=True,
    ),
    Metric(
        key="cambi_graded",
        before=None,
        label="CAMBI after grading",
        unit="",
        digits=2,
        worse="higher",
        sentence="Banding after a grade that undoes the look's tone.",
        guide=5,
    ),
    Metric(
        key="coarse_after",
        before="coarse_before",
        label="CAMBI, coarse",
        unit="",
        digits=2,
        worse="higher",
        sentence="Banding at a wider contrast setting, which also finds larger steps.",
    ),
    Metric(
        key="contour_after",
        before="contour_before",
        label="Contour",
        unit="codes/pixel x 100",
        digits=1,
        worse="higher",
        sentence="Edges of bands in smooth areas, including those that noise hides until a grade.",
        headline=True,
        plotted=True,
    ),
    Metric(
        key="detail_change",
        before=None,
        label="Detail change",
        unit="codes/pixel x 100",
        digits=1,
        worse="higher",
        sentence="Faint shading that debanding altered by more than source rounding explains.",
        headline=True,
    ),
    Metric(
        key="texture_change",
        before=None,
        label="Texture change",
        unit="codes",
        digits=2,
        worse="higher",
        sentence="How far debanding changes fine detail, in 10-bit code values.",
        headline=True,
    ),
    Metric(
        key="ssim",
        before=None,
        label="SSIM",
        unit="",
        digits=4,
        worse="lower",
        sentence="Similarity to the same look without debanding: 1 is identical.",
    ),
    Metric(
        key="effective_bit_depth",
        before="effective_bit_depth_before",
        label="Bit depth",
        unit="bits",
        digits=1,
        worse="lower",
        sentence="Bits of luma that are in use before the encoder.",
        headline=True,
    ),
    Metric(
        key="grid",
        before=None,
        label="8-bit grid",
        unit="",
        digits=2,
        worse="higher",
        sentence="Share of luma on steps of four 10-bit code values, as 8-bit video has: 0 to 1.",
    ),
    Metric(
        key="outside_r103",
        before=None,
        label="Outside R103",
        unit="%",
        digits=2,
        worse="higher",
        sentence="Share of the picture outside the limits of EBU R103 in luma or RGB.",
        factor=100,
        headline=True,
    ),
)

HEADLINE = tuple(one for one in METRICS if one.headline)
PLOTTED = tuple(one for one in METRICS if one.plotted)


def metric(key: str) -> Metric:
    """Return the metric that has this key. Raises KeyError."""
    return _BY_KEY[key]


_BY_KEY = {key: one for one in METRICS for key in one.keys}
