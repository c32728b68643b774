"""Delivery formats: each is one value that names the encoder, the container and the file's checks.

Settings, the ffmpeg command, the checks, the findings and the labels read a format from here. To
add one, write its frame header reader and add its value to FORMATS.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Literal

from workbench.deliver import prores
from workbench.deliver.prores import FrameHeader
from workbench.media.picture_format import PRORES_422, PictureFormat

Encoder = Literal["finest", "search"]
"""How the encoder chooses the quantizer of each slice; the delivered file is the same.

`search` is the plain command: it tries every quantizer and takes the finest one that fits the
ordered rate. At 8000 bits per macroblock the finest always fits. `finest` orders that quantizer
directly and skips the search, which takes about a quarter of the encoder's time.
"""


@dataclass(frozen=True, eq=False)
class Format:
    """One delivery format."""

    name: str  # in settings and records
    label: str  # for a colorist
    codec: str  # for sentences about the file
    file_suffix: str
    name_suffix: str  # ends the name of a delivered file, before its file suffix
    muxer: str  # ffmpeg's name
    media_type: str  # for HTTP
    picture: PictureFormat
    encoder: str  # ffmpeg's name
    encoder_options: Mapping[Encoder, tuple[str, ...]]
    bits_per_macroblock: int  # the ordered rate: the most that a slice may take
    fourcc: str  # of the sample description
    codec_fourccs: frozenset[str]  # of every profile of the codec, delivered or not
    vendor: str  # of every frame header
    audio_encoder: str  # ffmpeg's name
    audio_codec: str  # for sentences about the file
    audio_bit_depth: int
    read_frame: Callable[[BinaryIO, int], tuple[FrameHeader, float]]
    """Reads the header of the frame at a byte position and the size of its largest slice."""

    @property
    def encoders(self) -> tuple[str, str]:
        """The encoders that ffmpeg must have."""
        return self.encoder, self.audio_encoder

    @property
    def name_ending(self) -> str:
        """The end of a delivered file's name."""
        return f"{self.name_suffix}{self.file_suffix}"

    def encode_options(self, encoder: Encoder) -> tuple[str, ...]:
        """Return ffmpeg's options for the picture."""
        options = self.encoder_options[encoder]
        return ("-c:v", self.encoder, *options, "-pix_fmt", self.picture.pixel_format)


_BITS_PER_MACROBLOCK = 8000
_HQ_OPTIONS = (
    *("-profile:v", "3", "-vendor", "apl0"),
    *("-bits_per_mb", str(_BITS_PER_MACROBLOCK)),
)

PRORES_422_HQ = Format(
    name="prores_422_hq",
    label="ProRes 422 HQ",
    codec="ProRes",
    file_suffix=".mov",
    name_suffix="_prores",
    muxer="mov",
    media_type="video/quicktime",
    picture=PRORES_422,
    encoder="prores_ks",
    encoder_options={"finest": (*_HQ_OPTIONS, "-q:v", "1"), "search": _HQ_OPTIONS},
    bits_per_macroblock=_BITS_PER_MACROBLOCK,
    fourcc="apch",
    codec_fourccs=frozenset({"apco", "apcs", "apcn", "apch", "ap4h", "ap4x"}),
    vendor="apl0",
    audio_encoder="pcm_s16le",
    audio_codec="PCM",
    audio_bit_depth=16,
    read_frame=prores.read_frame,
)

FORMATS = {one.name: one for one in (PRORES_422_HQ,)}
"""Every format that can be delivered, by the name that settings use."""

ENCODERS = tuple(sorted({name for one in FORMATS.values() for name in one.encoders}))
"""Every encoder that ffmpeg must have; `doctor` reports on these."""


def is_delivered(name: str) -> bool:
    """Return whether a file name is one that conversions give to delivered files."""
    return name.lower().endswith(tuple(one.name_ending for one in FORMATS.values()))


def clip_name(name: str) -> str:
    """Return the name of a delivered file without the ending that a conversion adds.

    >>> clip_name("shots/sky_prores")
    'shots/sky'
    """
    for one in FORMATS.values():
        name = name.removesuffix(one.name_suffix)
    return name
