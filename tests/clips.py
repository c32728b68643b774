"""Small clips made by ffmpeg, each with what it proves, and the real ones where they are."""

import subprocess
from pathlib import Path

from workbench import ffmpeg

REAL = Path(__file__).parents[2] / "shared" / "clips"
"""A folder of real clips beside the checkout. Tests over it run when it is there."""

SEED = [
    *("-c:v", "prores_ks", "-profile:v", "3", "-vendor", "apl0", "-bits_per_mb", "8000"),
    *("-pix_fmt", "yuv422p10le"),
    *("-vf", "gradfun=1.1:20,eq=contrast=0.9:saturation=0.85:brightness=0.03"),
    *("-c:a", "pcm_s16le"),
]
"""The options of the command that the project comes from: the contract of `classic`."""

_X264 = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv420p"]


def run(*arguments: str | Path) -> bytes:
    """Run ffmpeg bare, past the code under test."""
    argv = [ffmpeg.find(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE).stdout


def run_in(folder: Path, *arguments: str | Path) -> bytes:
    """Run ffmpeg bare in a folder, where filters write their logs by name."""
    argv = [ffmpeg.find(), "-hide_banner", "-nostdin", "-loglevel", "error", "-y", *arguments]
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, cwd=folder).stdout


def sky(size: str = "320x180", rate: str = "24", seconds: float = 1) -> str:
    """A dark gradient, which 8 bits band, with something moving over it."""
    width, height = map(int, size.split("x"))
    length = f"r={rate}:d={seconds}"
    gradient = (
        f"gradients=s={size}:seed=7:c0=0x05081c:c1=0x5a1a2c:x0=0:y0=0:x1=0:y1={height}:{length}"
    )
    box = f"color=orange:s={width // 10}x{height // 8}:{length}"
    over = f"overlay=x=n*2:y={height // 3},format=yuv444p"
    return f"{gradient},format=yuv444p[sky];{box}[box];[sky][box]{over}"


def untagged(path: Path) -> Path:
    """What a generator delivers: H.264, 8 bits, no colour tags, stereo AAC, B-frames."""
    tones = "aevalsrc=0.1*sin(2*PI*220*t)|0.1*sin(2*PI*330*t):d=1:s=44100"
    source = ["-f", "lavfi", "-i", sky(), "-f", "lavfi", "-i", tones]
    run(*source, *_X264, "-c:a", "aac", "-shortest", path)
    return path


def banded(path: Path) -> Path:
    """The same larger, in which banding can be measured, with sound at 48 kHz."""
    tones = "aevalsrc=0.1*sin(2*PI*220*t)|0.1*sin(2*PI*330*t):d=1:s=48000"
    source = ["-f", "lavfi", "-i", sky("640x360"), "-f", "lavfi", "-i", tones]
    run(*source, "-c:v", "libx264", "-crf", "12", "-pix_fmt", "yuv420p", path)
    return path


def tagged(path: Path) -> Path:
    """The same picture, silent, tagged BT.709 legal range: a declaration must change nothing."""
    tags = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    run("-f", "lavfi", "-i", f"{sky()},format=yuv420p,{tags}", *_X264, path)
    return path


def sd_tagged(path: Path) -> Path:
    """Tagged as PAL: values that a ProRes frame header cannot all hold."""
    tags = "setparams=range=tv:color_primaries=bt470bg:color_trc=smpte170m:colorspace=bt470bg"
    run("-f", "lavfi", "-i", f"{sky()},format=yuv420p,{tags}", *_X264, path)
    return path


def full_range(path: Path) -> Path:
    """Full range, as phones record: the delivered file must be legal range."""
    picture = f"{sky()},scale=out_range=pc,format=yuv420p"
    tags = "setparams=range=pc:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
    run("-f", "lavfi", "-i", f"{picture},{tags}", *_X264, path)
    return path


def odd(path: Path) -> Path:
    """Odd width and height, which H.264 cannot have in 4:2:0: chroma planes are rounded up."""
    picture = f"{sky()},crop=319:179:0:0:exact=1,format=yuv420p"
    run("-f", "lavfi", "-i", picture, "-c:v", "mpeg4", "-q:v", "2", path)
    return path


def four_four_four(path: Path) -> Path:
    """Full chroma, tagged BT.2020: tags that the delivery keeps, chroma that it halves."""
    tags = "setparams=range=tv:color_primaries=bt2020:color_trc=bt709:colorspace=bt2020nc"
    x264 = ["-c:v", "libx264", "-crf", "18", "-pix_fmt", "yuv444p"]
    run("-f", "lavfi", "-i", f"{sky()},{tags}", *x264, path)
    return path


def variable(path: Path) -> Path:
    """Frames of 40, 80 and 40 ms in turn: no constant rate fits."""
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
    """Two seconds with keyframes far apart and many B-frames: seeking must still be exact."""
    gop = ["-g", "30", "-bf", "3", "-x264-params", "open-gop=1:scenecut=0"]
    noise = f"{sky(seconds=2)},noise=alls=12:allf=t:all_seed=7"
    run("-f", "lavfi", "-i", noise, *_X264, *gop, path)
    return path


def turned(source: Path, path: Path, *options: str) -> Path:
    """The same stream with a display matrix: stored one way, shown another."""
    run(*options, "-i", source, "-c", "copy", path)
    return path


def ten_bit(path: Path) -> Path:
    """HEVC in 10 bits: frames come as uint16 in their own bit depth."""
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
    """A file with sound and no picture."""
    run("-f", "lavfi", "-i", "sine=d=0.5", "-c:a", "aac", path)
    return path


def frame_hashes(path: Path, *options: str) -> list[str]:
    """Return an MD5 of each decoded frame, by ffmpeg itself."""
    listing = run(
        "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", *options, "-f", "framemd5", "-"
    )
    lines = listing.decode().splitlines()
    return [line.rpartition(",")[2].strip() for line in lines if not line.startswith("#")]
