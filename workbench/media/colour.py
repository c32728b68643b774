"""Describe what code values mean: range, primaries, transfer and matrix.

The names are those of FFmpeg's setparams filter. The numbers are those of ITU-T H.273, which MP4,
QuickTime, ProRes and PyAV share. Only this module maps one to the other.
"""

from dataclasses import dataclass, replace
from typing import Literal, Self

from workbench.errors import UnsupportedClip
from workbench.media.picture_format import PRORES_422, PictureFormat

Range = Literal["legal", "full", "unspecified"]
InputRange = Literal["legal", "full"]
"""The ranges that a user can set for a source, in place of its tag."""

UNSPECIFIED = "unspecified"

PRIMARIES = {
    1: "bt709",
    2: UNSPECIFIED,
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "film",
    9: "bt2020",
    10: "smpte428",
    11: "smpte431",
    12: "smpte432",
    22: "ebu3213",
}
TRANSFERS = {
    1: "bt709",
    2: UNSPECIFIED,
    4: "bt470m",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "linear",
    9: "log100",
    10: "log316",
    11: "iec61966-2-4",
    12: "bt1361e",
    13: "iec61966-2-1",
    14: "bt2020-10",
    15: "bt2020-12",
    16: "smpte2084",
    17: "smpte428",
    18: "arib-std-b67",
}
MATRICES = {
    0: "gbr",
    1: "bt709",
    2: UNSPECIFIED,
    4: "fcc",
    5: "bt470bg",
    6: "smpte170m",
    7: "smpte240m",
    8: "ycgco",
    9: "bt2020nc",
    10: "bt2020c",
}
LUMA_WEIGHTS = {
    "bt709": (0.2126, 0.0722),
    "fcc": (0.30, 0.11),
    "bt470bg": (0.299, 0.114),
    "smpte170m": (0.299, 0.114),
    "smpte240m": (0.212, 0.087),
    "bt2020nc": (0.2627, 0.0593),
}
"""The weights of red and blue in luma, for each matrix that has them (H.273, table 4)."""
_RANGES: dict[int, Range] = {0: "unspecified", 1: "legal", 2: "full"}  # FFmpeg's AVColorRange

# A frame header can state few values. For some others it can state an equivalent: BT.709,
# SMPTE 170M and BT.2020 share one transfer function, SMPTE 170M and 240M share their primaries,
# and BT.470 B/G and SMPTE 170M share a matrix.
_SAME_PRIMARIES = {"smpte240m": "smpte170m"}
_SAME_TRANSFER = {"smpte170m": "bt709", "bt2020-10": "bt709", "bt2020-12": "bt709"}
_SAME_MATRIX = {"bt470bg": "smpte170m"}


@dataclass(frozen=True)
class Colour:
    """The meaning of code values. An untagged field is "unspecified", and is never guessed."""

    range: Range = "unspecified"  # legal: 16-235 luma in 8 bits; full: 0-255
    primaries: str = UNSPECIFIED
    transfer: str = UNSPECIFIED
    matrix: str = UNSPECIFIED

    @classmethod
    def from_h273(cls, *, range: int, primaries: int, transfer: int, matrix: int) -> Self:
        """Translate FFmpeg's range number and the three H.273 numbers of a picture."""
        return cls(
            range=_RANGES.get(range, "unspecified"),
            primaries=PRIMARIES.get(primaries, f"reserved ({primaries})"),
            transfer=TRANSFERS.get(transfer, f"reserved ({transfer})"),
            matrix=MATRICES.get(matrix, f"reserved ({matrix})"),
        )

    @property
    def untagged(self) -> tuple[str, ...]:
        """The names of the fields that the file does not state."""
        return tuple(name for name, value in vars(self).items() if value == UNSPECIFIED)

    def assumed(self) -> "Colour":
        """Fill the untagged fields from ASSUMED, as players do."""
        return replace(self, **{name: getattr(ASSUMED, name) for name in self.untagged})

    def setparams(self) -> str:
        """Return the ffmpeg filter that declares the tagged fields; "" when no field is tagged."""
        option = {
            "range": {"legal": "tv", "full": "pc"}.get(self.range),
            "color_primaries": self.primaries,
            "color_trc": self.transfer,
            "colorspace": self.matrix,
        }
        stated = [
            f"{key}={value}" for key, value in option.items() if value not in (None, UNSPECIFIED)
        ]
        return f"setparams={':'.join(stated)}" if stated else ""

    def __str__(self) -> str:
        return f"{self.primaries}/{self.transfer}/{self.matrix}, {self.range} range"


ASSUMED = Colour(range="legal", primaries="bt709", transfer="bt709", matrix="bt709")
"""The assumption for untagged fields: HD video as players show it (ITU-R BT.709)."""


MATRIX_CHOICES = {"bt601": "smpte170m", "bt709": "bt709"}
"""The matrices that a user can assume for an untagged clip, with the tag that states each."""


def fill_untagged(source: Colour, matrix: str | None = None) -> Colour:
    """Fill the untagged fields: the matrix from MATRIX_CHOICES if given, the rest from ASSUMED.

    >>> print(fill_untagged(Colour(), "bt601"))
    bt709/bt709/smpte170m, legal range
    """
    if matrix and source.matrix == UNSPECIFIED:
        return replace(source, matrix=MATRIX_CHOICES[matrix]).assumed()
    return source.assumed()


def delivered_colour(source: Colour, target: PictureFormat = PRORES_422) -> Colour:
    """Return the colour tags of a file made from this source; its range is always legal.

    Untagged fields are assumed. A value that a frame header of the `target` cannot state is
    replaced by its equivalent. An sRGB transfer has no equivalent and becomes bt709; the code
    values stay those of the source, and QC reports it.

    Raises UnsupportedClip where only a conversion of the colours would help.

    >>> print(delivered_colour(Colour(matrix="bt470bg")))
    bt709/bt709/smpte170m, legal range
    """
    filled = source.assumed()
    transfer = "bt709" if filled.transfer == "iec61966-2-1" else filled.transfer
    colour = Colour(
        range="legal",
        primaries=_SAME_PRIMARIES.get(filled.primaries, filled.primaries),
        transfer=_SAME_TRANSFER.get(transfer, transfer),
        matrix=_SAME_MATRIX.get(filled.matrix, filled.matrix),
    )
    for name, value, allowed in (
        ("primaries", colour.primaries, target.primaries),
        ("transfer", colour.transfer, target.transfers),
        ("matrix", colour.matrix, target.matrices),
    ):
        if value not in allowed:
            raise UnsupportedClip(
                f"the source's colour {name} is tagged {value}, which {target.codec} cannot state: "
                f"convert the clip to one of {', '.join(sorted(allowed))} first"
            )
    return colour
