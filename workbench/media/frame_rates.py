"""Frame rates as exact fractions, recovered from the rounded values of people and containers.

An NTSC rate is a whole number times 1000/1001 (SMPTE ST 12-1). People write 23.976 or 23.98 for
24000/1001. Some containers round the rate or the duration of a frame in the same way.
"""

from fractions import Fraction

NTSC = tuple(
    Fraction(whole * 1000, 1001) for whole in (12, 15, 24, 30, 48, 60, 72, 90, 96, 120, 240)
)
"""Frames per second."""
_TOLERANCE = Fraction(1, 10_000)  # relative: a tenth of the difference of 24 and 24000/1001


def parse_frame_rate(text: str) -> Fraction:
    """Parse a frame rate as an exact fraction.

    Two or more decimals mean an NTSC rate if they equal that rate, rounded or truncated.
    Raises ValueError for a text that is not a number.

    >>> [str(parse_frame_rate(text)) for text in ("23.976", "59.94", "23.97", "24.00", "25/2")]
    ['24000/1001', '60000/1001', '24000/1001', '24', '25/2']
    """
    rate = Fraction(text)
    digits = len(text.partition(".")[2])
    if digits < 2:
        return rate
    unit = Fraction(1, 10**digits)
    for exact in NTSC:
        if rate in (round(exact / unit) * unit, exact // unit * unit):
            return exact
    return rate


def snap_to_ntsc(rate: Fraction) -> Fraction:
    """Return the NTSC rate within 0.01 % of this rate, or else the rate unchanged.

    >>> str(snap_to_ntsc(Fraction(19001, 317))), str(snap_to_ntsc(Fraction(24)))
    ('60000/1001', '24')
    """
    return next((exact for exact in NTSC if abs(rate / exact - 1) < _TOLERANCE), rate)


def nearest_ntsc_rate(rate: Fraction) -> Fraction:
    """Return the nearest whole rate times 1000/1001.

    >>> str(nearest_ntsc_rate(Fraction(120)))
    '120000/1001'
    """
    return Fraction(round(rate) * 1000, 1001)
