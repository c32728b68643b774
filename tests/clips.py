"""Generate small test clips with ffmpeg, and find the real clips."""

import subprocess
from pathlib import Path

from workbench import ffmpeg

REAL = Path(__file__).parents[2] / "shared" / "clips"
"""A folder of real clips beside the checkout. Tests of real clips run only if it exists."""

SEED = [
    *("-c:v", "prores_ks", "-profile:v", "3", "-vendor", "apl0", "-bits_per_mb", "8000"),
    *("-pix_fmt", "yuv422p10le"),
    *("-vf", "gradfun=1.1:20,eq=contrast=0.9:saturation=0.85:brightness=0.03"),
    *("-c:a", "pcm_s16le"),
]
"""The options of the plain ffmpeg command that the preset `classic` must reproduce."""

_X264 = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"]


def run(*arguments: str | Path) -> bytes:
    """Run ffmpeg directly, without the code under test; return its standard output."""
    argv = [ffmpeg.find(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout


def run_in(folder: Path, *arguments: str | Path) -> bytes:
    """Run ffmpeg directly in a folder, in which filters write their logs."""
    argv = [ffmpeg.find(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, cwd=folder).stdout


def sky(size: str = "320x180", rate: str = "24", seconds: float = 1) -> str:
    """Return the source filter of a dark gradient that bands in 8 bits, with a moving box."""
    width, height = map(int, size.split("x"))
    length = f"r={rate}:d={seconds}"
    gradient = (
        f"gradients=s={size}:seed=7:c0=0x05081c:c1=0x5a1a2c:x0=0:y0=0:x1=0:y1={height}:{length}"
    )
    box = f"color=orange:s={width // 10}x{height // 8}:{length}"
    over = f"overlay=x=n*2:y={height // 3},format=yuv444p"
    return f"{gradient},format=yuv444p[sky];{box}[box];[sky][box]{over}"


def untagged(path: Path) -> Path:
    """Make a clip as AI generators do: 8-bit H.264 without colour tags, stereo AAC, B-frames."""
    tones = "aevalsrc=0.1*sin(2*PI*220*t)|0.1*sin(2*PI*330*t):d=1:s=44100"
    source = ["-f", "lavfi", "-i", sky(), "-f", "lavfi", "-i", tones]
    run(*source, *_X264, "-c:a", "aac", "-shortest", path)
    return path


def banded(path: Path) -> Path:
    """Make a larger clip, in which CAMBI can measure banding, with 48 kHz audio."""
    tones = "aevalsrc=0.1*sin(2*PI*220*t)|0.1*sin(2*PI*330*t):d=1:s=48000"
    source = ["-f", "lavfi", "-i", sky("640x360"), "-f", "lavfi", "-i", tones]
    run(*source, "-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p", path)
    return path


def tagged(path: Path) -> Path:
    """Make a silent clip tagged BT.709 legal range; the tags must change no pixel."""
    tags = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    run("-f", "lavfi", "-i", f"{sky()},format=yuv420p,{tags}", *_X264, path)
    return path


def sd_tagged(path: Path) -> Path:
    """Make a clip with PAL tags, which a ProRes frame header cannot hold completely."""
    tags = "setparams=range=tv:color_primaries=bt470bg:color_trc=smpte170m:colorspace=bt470bg"
    run("-f", "lavfi", "-i", f"{sky()},format=yuv420p,{tags}", *_X264, path)
    return path


def full_range(path: Path) -> Path:
    """Make a full-range clip, as phones record; its delivery must be legal range."""
    picture = f"{sky()},scale=out_range=pc,format=yuv420p"
    tags = "setparams=range=pc:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    run("-f", "lavfi", "-i", f"{picture},{tags}", *_X264, path)
    return path


def odd(path: Path) -> Path:
    """Make a clip with odd width and height, whose chroma planes round up. H.264 has none."""
    picture = f"{sky()},crop=319:179:0:0:exact=1,format=yuv420p"
    run("-f", "lavfi", "-i", picture, "-c:v", "mpeg4", "-q:v", "2", path)
    return path


def four_four_four(path: Path) -> Path:
    """Make a 4:4:4 clip tagged BT.2020; the delivery keeps the tags and halves the chroma."""
    tags = "setparams=range=tv:color_primaries=bt2020:color_trc=bt709:colorspace=bt2020nc"
    x264 = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv444p"]
    run("-f", "lavfi", "-i", f"{sky()},{tags}", *x264, path)
    return path


def variable(path: Path) -> Path:
    """Make a clip with a variable frame rate: frames of 40, 80 and 40 ms in turn."""
    uneven = f"{sky(rate='25')},settb=1/12800,setpts='512*(N+floor((N+1)/3))'"
    run(
        "-f",
        "lavfi",
        "-i",
        uneven,
        "-fps_mode",
        "passthrough",
        *_X264,
        "-video_track_timescale",
        "12800",
        path,
    )
    return path


def long_gop(path: Path) -> Path:
    """Make a clip with distant keyframes and many B-frames, in which seeking must be exact."""
    gop = ["-g", "30", "-bf", "3", "-x264-params", "open-gop=1:scenecut=0"]
    noise = f"{sky(seconds=2)},noise=alls=12:allf=t:all_seed=7"
    run("-f", "lavfi", "-i", noise, *_X264, *gop, path)
    return path


def turned(source: Path, path: Path, *options: str) -> Path:
    """Copy a clip and add a display matrix that rotates or flips it."""
    run(*options, "-i", source, "-c", "copy", path)
    return path


def ten_bit(path: Path) -> Path:
    """Make a 10-bit HEVC clip; its frames decode to uint16 arrays of 10-bit code values."""
    run(
        "-f",
        "lavfi",
        "-i",
        f"{sky(seconds=0.5)},format=yuv420p10le",
        "-c:v",
        "libx265",
        "-x265-params",
        "log-level=error",
        "-pix_fmt",
        "yuv420p10le",
        path,
    )
    return path


def sound_only(path: Path) -> Path:
    """Make a file with audio and no video."""
    run("-f", "lavfi", "-i", "sine=d=0.5", "-c:a", "aac", path)
    return path


def frame_hashes(path: Path, *options: str) -> list[str]:
    """Return the MD5 of each frame as ffmpeg decodes it."""
    listing = run(
        "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", *options, "-f", "framemd5", "-"
    )
    lines = listing.decode().splitlines()
    return [line.rpartition(",")[2].strip() for line in lines if not line.startswith("#")]
