"""Rates: frame rates as exact fractions, whatever a person or a container rounded them to.

NTSC rates are whole ones times 1000/1001 (SMPTE ST 12-1). People write 23.976 or 23.98 for
24000/1001, and some containers hold such a rate, or the duration of a frame, rounded as well.
"""

from fractions import Fraction

NTSC = tuple(
    Fraction(whole * 1000, 1001) for whole in (12, 15, 24, 30, 48, 60, 72, 90, 96, 120, 240)
)
"""Frames per second."""
_SAME = Fraction(1, 10_000)  # of a rate: a tenth of what 24 and 24000/1001 differ by


def parse_frame_rate(text: str) -> Fraction:
    """Read a frame rate: a fraction as it is, an NTSC rate from its decimals.

    Two decimals or more name an NTSC rate when they are those of it, rounded or cut off.
    Raises ValueError for what is not a number.

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
    """Return the NTSC rate that a container meant by this one, or the rate as it is.

    >>> str(snap_to_ntsc(Fraction(19001, 317))), str(snap_to_ntsc(Fraction(24)))
    ('60000/1001', '24')
    """
    return next((exact for exact in NTSC if abs(rate / exact - 1) < _SAME), rate)


def nearest_ntsc_rate(rate: Fraction) -> Fraction:
    """Return the NTSC rate of the whole rate nearest to this one.

    >>> str(nearest_ntsc_rate(Fraction(120)))
    '120000/1001'
    """
    return Fraction(round(rate) * 1000, 1001)
