"""Picture formats: the pixel format and the colour tags that a delivery format can hold."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureFormat:
    """The format of the filter chain's output, which the encoder and its files can hold."""

    codec: str  # its name in error messages
    label: str  # its name in findings
    pixel_format: str  # ffmpeg's name
    primaries: frozenset[str]  # the values that a frame header can state, by ffmpeg's names
    transfers: frozenset[str]
    matrices: frozenset[str]
    code_values: tuple[int, int]  # the lowest and highest 10-bit code values that it can store
    coding_error: tuple[float, float, float, float]
    """The largest error of the encoder, in 10-bit code values: RMS, mean, block mean, sample."""


PRORES_422 = PictureFormat(
    codec="ProRes",
    label="10-bit 4:2:2",
    pixel_format="yuv422p10le",
    # SMPTE RDD 36, tables 4 to 6
    primaries=frozenset({"bt709", "bt470bg", "smpte170m", "bt2020", "smpte431", "smpte432"}),
    transfers=frozenset({"bt709", "smpte2084", "arib-std-b67"}),
    matrices=frozenset({"bt709", "smpte170m", "bt2020nc"}),
    code_values=(4, 1019),  # SMPTE RDD 36
    # Measured at the finest quantizer, about 67 dB for any picture: at most 0.69 RMS (white noise),
    # 0.08 in the mean, 0.4 in the mean of the worst block, and 4 in the worst sample.
    coding_error=(0.75, 0.2, 1.5, 12),
)
"""ProRes 422 in all its profiles, and the default of every filter chain."""
