"""Colour: what a picture's code values mean - range, primaries, transfer, matrix.

The names are those of FFmpeg's setparams filter; the numbers are those of ITU-T H.273, which
MP4, QuickTime, ProRes and PyAV share. They are mapped here and nowhere else.
"""

from dataclasses import dataclass, replace
from typing import Literal, Self

from workbench.errors import UnsupportedClip
from workbench.media.picture_format import PRORES_422, PictureFormat

Range = Literal["legal", "full", "unspecified"]

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
"""What red and blue weigh in luma, for each matrix that is a plain one (H.273, table 4)."""
_RANGES: dict[int, Range] = {0: "unspecified", 1: "legal", 2: "full"}  # FFmpeg's AVColorRange

# A frame header holds few values. These take the place of those that it does not hold and that
# mean the same: BT.709, SMPTE 170M and BT.2020 share one transfer function, SMPTE 170M and 240M
# their primaries, BT.470 B/G and SMPTE 170M a matrix.
_SAME_PRIMARIES = {"smpte240m": "smpte170m"}
_SAME_TRANSFER = {"smpte170m": "bt709", "bt2020-10": "bt709", "bt2020-12": "bt709"}
_SAME_MATRIX = {"bt470bg": "smpte170m"}


@dataclass(frozen=True)
class Colour:
    """What code values mean. An untagged field says "unspecified": nothing is guessed here."""

    range: Range = "unspecified"  # legal: 16-235 luma in 8 bits; full: 0-255
    primaries: str = UNSPECIFIED
    transfer: str = UNSPECIFIED
    matrix: str = UNSPECIFIED

    @classmethod
    def from_h273(cls, *, range: int, primaries: int, transfer: int, matrix: int) -> Self:
        """Name FFmpeg's range number and the three H.273 numbers of a picture."""
        return cls(
            range=_RANGES.get(range, "unspecified"),
            primaries=PRIMARIES.get(primaries, f"reserved ({primaries})"),
            transfer=TRANSFERS.get(transfer, f"reserved ({transfer})"),
            matrix=MATRICES.get(matrix, f"reserved ({matrix})"),
        )

    @property
    def untagged(self) -> tuple[str, ...]:
        """The fields that the file does not state."""
        return tuple(name for name, value in vars(self).items() if value == UNSPECIFIED)

    def assumed(self) -> "Colour":
        """Fill what the file does not state with ASSUMED, as players do."""
        return replace(self, **{name: getattr(ASSUMED, name) for name in self.untagged})

    def setparams(self) -> str:
        """Return the ffmpeg filter that declares the stated fields, "" when none is."""
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
"""What an untagged clip is taken for: HD video as players show it (ITU-R BT.709)."""


MATRIX_CHOICES = {"bt601": "smpte170m", "bt709": "bt709"}
"""Matrices that a person can take an untagged clip to have, and the tags that say so."""


def fill_untagged(source: Colour, matrix: str | None = None) -> Colour:
    """Fill what the file does not state: the matrix with this one of ASSUMABLE, if one is given.

    >>> print(fill_untagged(Colour(), "bt601"))
    bt709/bt709/smpte170m, legal range
    """
    if matrix and source.matrix == UNSPECIFIED:
        return replace(source, matrix=MATRIX_CHOICES[matrix]).assumed()
    return source.assumed()


def delivered_colour(source: Colour, target: PictureFormat = PRORES_422) -> Colour:
    """Return the colour that a file made from such a source declares, always legal range.

    Untagged fields are assumed; a value that a frame header of the `target` cannot hold is
    replaced by the one that means the same. An sRGB transfer, which has no such twin, becomes
    bt709: the code values are those of the source, and qc says so.

    Raises UnsupportedClip where another value would change the colours.

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
                f"convert it to one of {', '.join(sorted(allowed))} first"
            )
    return colour
