"""Successful responses: the file that `convert` makes, whole, as byte ranges, or 304."""

import shutil
from email.message import Message
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.service.conftest import ODD
from tests.service.served import Served
from workbench.deliver.encode import convert
from workbench.deliver.settings import Settings
from workbench.deliver.verify import Delivery
from workbench.look.preset import load_preset, save_preset
from workbench.service.responses import byte_ranges

SKY = "/convert/prores/shots/sky.mp4"


@pytest.fixture(scope="module")
def delivery(storage: Path, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    destination = tmp_path_factory.mktemp("delivered") / "sky.mov"
    return convert(storage / "shots/sky.mp4", destination, Settings(preset="classic"))


@pytest.fixture(scope="module")
def movie(delivery: Delivery) -> bytes:
    return delivery.destination.read_bytes()


def saved_as(disposition: str) -> str | None:
    message = Message()
    message["Content-Disposition"] = disposition
    return message.get_filename()


def test_the_file_equals_the_one_that_convert_makes(
    served: Served, storage: Path, delivery: Delivery, movie: bytes
) -> None:
    shutil.copy(storage / "shots" / "sky.mp4", storage / "shots" / "new.mp4")
    encoded = served.converted()
    answer = served.ask("/convert/prores/shots/new.mp4")
    assert answer.status_code == 200
    assert answer.content == movie
    assert answer.headers["Content-Type"] == "video/quicktime"
    assert answer.headers["Content-Length"] == str(len(movie))
    assert answer.headers["X-Workbench-Verdict"] == delivery.verdict
    assert saved_as(answer.headers["Content-Disposition"]) == "converted_shots_new.mp4.mov"
    assert served.converted() == encoded + 1
    assert served.metric("workbench_sent_bytes_total") >= len(movie)
    assert not served.files()


def test_a_preset_can_be_shipped_or_the_users_own(served: Served, movie: bytes) -> None:
    smooth = served.ask(f"{SKY}?preset=smooth")
    assert smooth.status_code == 200
    assert smooth.content != movie
    mine = load_preset("smooth").renamed("mine")
    (served.temp / "presets").mkdir()
    try:
        save_preset(mine, served.temp / "presets" / "mine.toml")
        same = served.ask(f"{SKY}?preset=mine", "HEAD")
        assert (
            same.headers["ETag"] == smooth.headers["ETag"]
        )  # the same settings under another name
    finally:
        shutil.rmtree(served.temp / "presets")


def test_a_key_cannot_inject_headers(served: Served) -> None:
    answer = served.ask("/convert/prores/n%C3%B6el%20%221%22%0D%0AX-Evil:%20yes;%5C.mp4", "HEAD")
    assert answer.status_code == 200, ODD
    assert "X-Evil" not in answer.headers
    assert answer.headers["Content-Disposition"] == (
        'attachment; filename="converted_n_el _1___X-Evil_ yes;_.mp4.mov"; '
        "filename*=UTF-8''converted_n%C3%B6el%20%221%22__X-Evil%3A%20yes%3B_.mp4.mov"
    )


def test_head_converts_nothing(served: Served) -> None:
    encoded = served.converted()
    answer = served.ask(SKY, "HEAD")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["Content-Type"] == "video/quicktime"
    assert answer.headers["ETag"] == served.ask(SKY, "HEAD").headers["ETag"]
    assert served.ask("/convert/prores/none.mp4", "HEAD").status_code == 404
    assert served.ask(f"{SKY}?preset=none", "HEAD").status_code == 400
    assert served.converted() == encoded


def test_a_current_copy_gets_304(served: Served, storage: Path) -> None:
    tag = served.ask(SKY, "HEAD").headers["ETag"]
    encoded = served.converted()
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        answer = served.ask(SKY, If_None_Match=known)
        assert (answer.status_code, answer.content) == (304, b"")
        assert answer.headers["ETag"] == tag
    assert served.ask(SKY, "HEAD", If_None_Match=tag).status_code == 304
    assert served.converted() == encoded
    # Another preset, or another clip under the same key, gives another file.
    assert served.ask(f"{SKY}?preset=smooth", "HEAD", If_None_Match=tag).status_code == 200
    (storage / "changing.mp4").write_bytes((storage / "shots/sky.mp4").read_bytes())
    before = served.ask("/convert/prores/changing.mp4", "HEAD").headers["ETag"]
    (storage / "changing.mp4").write_bytes((storage / "text.mp4").read_bytes())
    assert served.ask("/convert/prores/changing.mp4", "HEAD").headers["ETag"] != before


def test_a_byte_range(served: Served, movie: bytes) -> None:
    part = served.ask(SKY, Range="bytes=100-199")
    assert (part.status_code, part.content) == (206, movie[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(movie)}"
    assert part.headers["X-Workbench-Verdict"] == "warn"

    tag = part.headers["ETag"]
    rest = served.ask(SKY, Range=f"bytes={len(movie) - 50}-", If_Range=tag)
    assert (rest.status_code, rest.content) == (206, movie[-50:])
    for other in ('"other"', f"W/{tag}", "Mon, 23 Nov 2026 07:00:00 GMT"):
        assert served.ask(SKY, Range="bytes=100-199", If_Range=other).content == movie


def test_several_byte_ranges_in_one_response(served: Served, movie: bytes) -> None:
    answer = served.ask(SKY, Range="bytes=0-3,-5")
    assert answer.status_code == 206
    assert answer.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert movie[:4] + b"\r\n" in answer.content
    assert movie[-5:] + b"\r\n" in answer.content


def test_a_malformed_range_is_ignored(served: Served, movie: bytes) -> None:
    for header in ("lines=1-2", "bytes=", "bytes=a-b", "bytes=9-1", "bytes=1-2,x", "0-1"):
        answer = served.ask(SKY, Range=header)
        assert (answer.status_code, answer.content) == (200, movie)


def test_ranges_outside_of_the_file_are_left_out(served: Served, movie: bytes) -> None:
    beyond = len(movie)
    part = served.ask(SKY, Range=f"bytes={beyond}-, 10-19, -0")
    assert (part.status_code, part.content) == (206, movie[10:20])
    tail = served.ask(SKY, Range=f"bytes={beyond - 9}-{beyond + 9}")
    assert (tail.status_code, tail.content) == (206, movie[-9:])
    for header in (f"bytes={beyond}-", "bytes=-0"):
        none = served.ask(SKY, Range=header)
        assert none.status_code == 416
        assert none.headers["Content-Range"] == f"bytes */{beyond}"


@given(st.binary(min_size=1, max_size=40), st.lists(st.tuples(*[st.integers(0, 60)] * 2)))
def test_byte_ranges_select_what_the_header_names(
    data: bytes, pairs: list[tuple[int, int]]
) -> None:
    header = "bytes=" + ",".join(f"{min(pair)}-{max(pair)}" for pair in pairs)
    found = byte_ranges(header, len(data))
    expected = [data[min(pair) : max(pair) + 1] for pair in pairs]
    if not pairs:
        assert found is None
    else:
        assert found is not None
        assert [data[a : b + 1] for a, b in found] == [part for part in expected if part]
