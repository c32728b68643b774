"""Open hostile files: each is refused in one sentence, without reading another file or a URL.

FFmpeg detects formats by content. The files refer to a neighbouring file, or to a server that
counts its connections.
"""

import socketserver
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import pytest
from click.testing import CliRunner

from tests import clips
from workbench import ffmpeg
from workbench.cli import main
from workbench.errors import ClipError, FfmpegFailed
from workbench.media.boxes import box_contents
from workbench.media.guards import file_input, open_container
from workbench.media.probe import open_clip


class Listener(socketserver.ThreadingTCPServer):
    """Accepts loopback connections, counts and closes them."""

    daemon_threads = True

    def __init__(self) -> None:
        self.visits = 0
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)

    def process_request(self, request: object, client_address: object) -> None:
        self.visits += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]


@pytest.fixture
def listener() -> Iterator[Listener]:
    with Listener() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def neighbour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a transport stream that the playlists refer to; they are written to its folder."""
    path = tmp_path_factory.mktemp("neighbour") / "secret.ts"
    clips.run("-f", "lavfi", "-i", clips.sky(), "-c:v", "libx264", path)
    clips.run("-f", "lavfi", "-i", clips.sky(), "-frames:v", "3", path.with_name("frame%03d.png"))
    return path


PLAYLISTS = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{0}\n#EXT-X-ENDLIST\n",
    "HLS with a key": (
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="{0}"\n#EXTINF:1,\nsecret.ts\n#EXT-X-ENDLIST\n'
    ),
    "concat": "ffconcat version 1.0\nfile '{0}'\n",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
    "m=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "DASH": '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    'mediaPresentationDuration="PT1S"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>{0}</BaseURL><SegmentBase/></Representation>'
    "</AdaptationSet></Period></MPD>",
}
TARGETS = {
    "a file": "secret.ts",
    "a server": "http://127.0.0.1:{port}/clip.ts",
    "data": "data:video/mp2t;base64,R0AAEAAA",
}


def playlist(neighbour: Path, kind: str) -> Path:
    """Return the path of a playlist. Since version 7.1, FFmpeg requires HLS to be named so."""
    return neighbour.with_name("clip.m3u8" if kind.startswith("HLS") else "clip.mp4")


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_is_refused(neighbour: Path, listener: Listener, kind: str, target: str) -> None:
    path = playlist(neighbour, kind)
    path.write_text(PLAYLISTS[kind].format(TARGETS[target].format(port=listener.server_address[1])))
    refused(path)
    assert not listener.visits


@pytest.mark.parametrize("kind", ["HLS", "concat"])
def test_plain_ffmpeg_reads_the_other_file(neighbour: Path, kind: str) -> None:
    """Without the package's limits, ffmpeg delivers the frames of the other file."""
    path = playlist(neighbour, kind)
    path.write_text(PLAYLISTS[kind].format("secret.ts"))
    assert len(clips.frame_hashes(path)) == 24


def test_plain_ffmpeg_connects_to_the_server(listener: Listener) -> None:
    """Without the limits, opening a URL connects to the server."""
    with pytest.raises(av.FFmpegError):
        av.open(f"http://127.0.0.1:{listener.server_address[1]}/clip.mp4")
    assert listener.visits


def test_a_sequence_of_images_is_refused(neighbour: Path) -> None:
    pattern = neighbour.with_name("frame%03d.png")
    assert len(clips.frame_hashes(pattern)) == 3
    with pytest.raises(ClipError, match="does not exist"):
        open_clip(pattern)
    pattern.write_bytes(neighbour.with_name("frame001.png").read_bytes())
    refused(pattern)
    pattern.unlink()


@pytest.mark.parametrize(
    "entry",
    [
        (b"url ", b"http://127.0.0.1:{port}/clip.mp4\0"),
        (b"url ", b"file:secret.ts\0"),
        (b"alis", bytes(200)[:-1] + b"x"),
        (b"rsrc", b"secret.ts"),
    ],
    ids=lambda entry: f"{entry[0].decode()} {entry[1][:4]!r}",
)
def test_a_track_in_another_file_is_refused(
    untagged: Path, tmp_path: Path, listener: Listener, entry: tuple[bytes, bytes]
) -> None:
    kind, body = entry
    body = body.replace(b"{port}", str(listener.server_address[1]).encode())
    path = tmp_path / "clip.mp4"
    with_reference(untagged, path, kind, body)
    assert "stores its pictures or sound in another file" in refused(path, program=False)
    assert not listener.visits


def with_reference(source: Path, path: Path, kind: bytes, body: bytes) -> None:
    """Copy a clip, whose index is last, with an external data reference for its video."""
    data = bytearray(source.read_bytes())
    old = bytes.fromhex("0000000c75726c2000000001")
    new = struct.pack(">I4sI", 12 + len(body), kind, 0) + body
    at = data.index(old, data.index(b"moov"))
    data[at : at + len(old)] = new
    for name in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        place = data.index(name, data.index(b"moov")) - 4
        (size,) = struct.unpack_from(">I", data, place)
        struct.pack_into(">I", data, place, size + len(new) - len(old))
    path.write_bytes(data)


def refused(path: Path, *, program: bool = True) -> str:
    """Check that neither the command nor ffmpeg opens a file; return the error message."""
    for arguments in (["inspect"], ["convert", "--overwrite"]):
        done = CliRunner().invoke(main, [arguments[0], str(path), *arguments[1:]])
        assert done.exit_code == 1
        assert done.stderr.startswith("Error: ")
        assert done.stderr.count("\n") == 1
        assert path.name in done.stderr
    if program:
        with pytest.raises(ClipError):
            open_container(path)
        with pytest.raises(FfmpegFailed):
            ffmpeg.run([*file_input(path), "-f", "null", "-"])
    assert not list(path.parent.glob("*.mov"))
    return done.stderr


def patched(source: Path, path: Path, *changes: tuple[bytes, int, str, int]) -> Path:
    """Copy a clip with changed numbers in its index: (atom, offset in it, format, value)."""
    data = bytearray(source.read_bytes())
    for name, offset, kind, value in changes:
        struct.pack_into(kind, data, data.index(name, data.index(b"moov")) + 4 + offset, value)
    path.write_bytes(data)
    return path


def test_more_samples_than_bytes(untagged: Path, tmp_path: Path) -> None:
    """With 20 changed bytes, FFmpeg would allocate 80 million frames: 3 GB, 10 s."""
    many = 80_000_000
    path = patched(
        *(untagged, tmp_path / "clip.mp4"),
        *((b"stsz", 4, ">I", 1), (b"stsz", 8, ">I", many)),
        *((b"stts", 8, ">I", many), (b"stsc", 12, ">I", many)),
    )
    assert "80,000,0" in refused(path, program=False)


def test_a_picture_of_eighty_megapixels(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    codec = ["-c:v", "mjpeg", "-frames:v", "2", "-f", "mov"]
    clips.run("-f", "lavfi", "-i", clips.sky(), *codec, path)
    data = bytearray(path.read_bytes())
    at = -1
    while (at := data.find(b"\xff\xc0", at + 1)) >= 0:  # start of frame: height, width
        struct.pack_into(">HH", data, at + 5, 9000, 9000)
    path.write_bytes(data)
    patched(path, path, (b"jpeg", 24, ">H", 9000), (b"jpeg", 26, ">H", 9000))
    assert "over 35,389,440 pixels" in refused(path, program=False)
    with pytest.raises(FfmpegFailed) as failure:
        ffmpeg.run(["-xerror", *file_input(path), "-f", "null", "-"])
    assert "exceeds specified max pixel count 35389440" in "".join(failure.value.log)


def test_years_between_two_frames(untagged: Path, tmp_path: Path) -> None:
    path = patched(untagged, tmp_path / "clip.mp4", (b"stts", 12, ">I", 0x7FFFFF00))
    assert "WORKBENCH_MAX_SECONDS" in refused(path, program=False)


def test_a_thousand_tracks(untagged: Path, tmp_path: Path) -> None:
    data = untagged.read_bytes()
    at = data.index(b"moov") - 4
    with untagged.open("rb") as file:
        moov = b"".join(box_contents(file, b"moov"))
        track = next(box_contents(file, b"moov", b"trak"))
    tracks = (struct.pack(">I4s", len(track) + 8, b"trak") + track) * 1000
    path = tmp_path / "clip.mp4"
    size = len(moov) + len(tracks) + 8
    path.write_bytes(data[:at] + struct.pack(">I4s", size, b"moov") + moov + tracks)
    assert "more than 100 tracks" in refused(path)


@pytest.mark.parametrize(
    ("limit", "low", "said"),
    [("PIXELS", "1000", "320x180"), ("FRAMES", "20", "24 frames"), ("SECONDS", "0", "1 seconds")],
)
def test_a_user_can_set_the_limits(
    untagged: Path, monkeypatch: pytest.MonkeyPatch, limit: str, low: str, said: str
) -> None:
    monkeypatch.setenv(f"WORKBENCH_MAX_{limit}", low)
    message = refused(untagged, program=False)
    assert said in message
    assert f"WORKBENCH_MAX_{limit}" in message
    monkeypatch.setenv(f"WORKBENCH_MAX_{limit}", "1000000")
    with open_clip(untagged) as clip:
        assert clip.frame_count == 24


def test_a_limit_that_is_no_number(untagged: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_MAX_PIXELS", "many")
    done = CliRunner().invoke(main, ["inspect", str(untagged)])
    assert done.exit_code == 1
    assert done.stderr == "Error: WORKBENCH_MAX_PIXELS is 'many': give a whole number\n"


def test_a_picture_that_grows_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit holds when the stream changes its size later."""
    parts = []
    for size, later in (("320x180", "0"), ("1280x720", "2")):
        part = tmp_path / f"{size}.ts"
        codec = ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-output_ts_offset", later]
        clips.run("-f", "lavfi", "-i", clips.sky(size), *codec, part)
        parts.append(part.read_bytes())
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"".join(parts))
    monkeypatch.setenv("WORKBENCH_MAX_PIXELS", str(640 * 480))
    with open_container(path) as container, pytest.raises(av.FFmpegError):
        for _ in container.decode(video=0):
            pass
