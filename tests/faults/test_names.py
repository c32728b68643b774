"""Give arbitrary text as names, values and keys: it is refused, or it stays text.

It never becomes part of a filter graph, of a notebook's code or of a path without a check.
"""

import ast
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import pytest
import tomli_w
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from papermill.translators import papermill_translators

from tests.storage.bucket import Bucket
from workbench import ffmpeg
from workbench.batch.kernel import Kernel
from workbench.batch.packing import pack
from workbench.batch.plan import Job, clashes, plan, read_sweep
from workbench.batch.sources import _stem
from workbench.cli.options import parse_overrides
from workbench.deliver.destination import CLIPS
from workbench.deliver.format import PRORES_422_HQ
from workbench.deliver.settings import Settings
from workbench.errors import ParameterError, StorageError, WorkbenchError
from workbench.look.filter_chain import encoder_input_chain, filter_chain
from workbench.look.filter_graph import filter_names
from workbench.look.preset import Preset, builtin_presets, load_preset
from workbench.look.stages import FILTERS
from workbench.media.colour import Colour
from workbench.storage.base import safe_name
from workbench.storage.folder import Folder
from workbench.storage.locations import open_storage

few = settings(
    derandomize=True,
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

NASTY = [
    *("", " ", "'", '"', "\\", "\\'", "'; rm -rf ~; '", "$(id)", "`id`", "${HOME}", "%s", "{0}"),
    *(",", ";", ":", "=", "[in]", "[out];movie=/etc/passwd", "1,drawtext=textfile=/etc/passwd"),
    *("1:enable=0", "1:file=/etc/passwd", "0.9'[x];[x]null", "x" * 5000, "..", "../..", "/", "//"),
    *("/etc/passwd", "../presets/x", "~", "~root", "C:\\x", "\0", "a\0b", "\n", "a\nb", "\r\n"),
    *(
        '"""',
        "'''",
        "\\N{BULLET}",
        "\\u0022",
        "\\x22",
        "\u2028",
        "\x85",
        "\x1b[31m",
        "é",
        "e\u0301",
    ),
    *(
        "日本",
        "🎬",
        "\u202e",
        "\ufeff",
        "nan",
        "inf",
        "-inf",
        "1e999",
        "None",
        "True",
        "__import__",
    ),
]
texts = st.sampled_from(NASTY) | st.lists(st.sampled_from(NASTY), max_size=3).map("".join)
texts = texts | st.text(max_size=40)
numbers = st.floats() | st.integers(-(10**30), 10**30) | st.booleans()
values = st.recursive(
    texts | numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


def wild(known: Mapping[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Generate tables of mostly known keys, some with valid values."""
    sound = st.fixed_dictionaries({}, optional={k: st.just(v) for k, v in known.items()})
    odd = st.dictionaries(st.sampled_from([*known, "filter", "x"]) | texts, values, max_size=2)
    return st.tuples(sound, odd).map(lambda both: {**both[0], **both[1]})


def stage(name: str) -> st.SearchStrategy[dict[str, Any]]:
    return st.sampled_from(list(FILTERS[name].values())).flatmap(
        lambda kind: wild(kind().model_dump()).map(lambda t: {"filter": kind().filter, **t})  # type: ignore[attr-defined]
    )


documents = st.tuples(
    wild({"name": "mine", "description": "words", "assume_matrix": "bt601"}),
    *(st.fixed_dictionaries({}, optional={n: stage(n) | values}) for n in FILTERS),
).map(lambda parts: {"name": "mine", **{k: v for part in parts for k, v in part.items()}})


@dataclass(frozen=True)
class Seen:
    """Return a clip of an odd size, which needs the longest filter chain."""

    colour: Colour = field(default_factory=Colour)
    width: int = 641
    height: int = 361
    pixel_format: str = "yuv420p"
    bit_depth: int = 8


KNOWN = {
    name
    for preset in builtin_presets()
    for name in filter_names(filter_chain(load_preset(preset), Seen()))
}
KNOWN |= {"gradfun", "eq", "deband", "lutyuv", "lut3d", "blend", "split", "null"}
WRITTEN = re.compile(r"[\w=:,;.+\-*/()<>?' \[\]]*")
LUT = re.compile(r"lut3d=file=[^,]*/[0-9a-f]{20}\.cube'?:interp=tetrahedral")


def refuse_foreign(preset: Preset) -> None:
    """Fail if a chain holds anything but filters, their options and numbers."""
    chain = encoder_input_chain(filter_chain(preset, Seen()))
    bare = LUT.sub("lut3d", chain)
    assert WRITTEN.fullmatch(bare), bare
    assert set(filter_names(chain)) <= KNOWN | {"format"}
    words = set(re.findall(r"[A-Za-z_]{3,}", bare))
    assert not words & {"drawtext", "movie", "amovie", "textfile", "enable", "passwd", "import"}


def told(error: Exception) -> str:
    sentence = str(error)
    assert sentence.isprintable(), sentence
    return sentence


@few
@given(documents)
@example(document={"name": "a';[b]"})
@example(document={"name": "mine", "tone": {"filter": "log"}})
def test_a_preset_is_refused_or_its_chain_is_of_known_parts(
    tmp_path_factory: pytest.TempPathFactory, document: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "wild.toml"
    try:
        path.write_text(tomli_w.dumps(document), encoding="utf-8")
    except (UnicodeEncodeError, ValueError):
        assume(False)
    try:
        preset = load_preset(path)
    except WorkbenchError as error:
        told(error)
        return
    refuse_foreign(preset)
    assert set(preset.name) & set("/\\\0\n'\";:[]=") == set()


@few
@given(st.text(max_size=300) | st.lists(texts, max_size=6).map("\n".join) | texts)
def test_any_file_of_a_preset_is_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(WorkbenchError) as caught:
        load_preset(path)
    told(caught.value)


NAMES = [
    name for filters in FILTERS.values() for kind in filters.values() for name in kind.model_fields
]
parameters = st.builds("{}.{}".format, st.sampled_from([*FILTERS, "x", ""]), st.sampled_from(NAMES))


@few
@given(
    st.lists((parameters | texts).flatmap(lambda n: texts.map(lambda v: f"{n}={v}")), max_size=3)
)
def test_a_value_of_set_is_refused_or_valid(given_: list[str]) -> None:
    try:
        settings = Settings(preset="smooth", overrides=parse_overrides(given_))
    except (WorkbenchError, click.UsageError) as error:
        told(error)
        return
    assert settings.look
    refuse_foreign(settings.look)


@few
@given(
    st.sampled_from(["preset", "encoder", "frame_rate", "audio_rate", "assume_matrix", "policy"])
    | parameters
    | texts,
    st.lists(
        texts | st.sampled_from(["1", "2", "smooth", "classic", "24000/1001"]),
        min_size=1,
        max_size=3,
    ),
)
@example(name="frame_rate", swept=["24000/1001"])
def test_a_sweep_is_refused_or_its_files_stay_in_their_folder(
    tmp_path_factory: pytest.TempPathFactory, name: str, swept: list[str]
) -> None:
    clip = tmp_path_factory.getbasetemp() / "swept.mp4"
    clip.touch()
    try:
        jobs = plan([str(clip)], Settings(), sweep=[read_sweep(f"{name}={','.join(swept)}")])
    except WorkbenchError as error:
        told(error)
        return
    root = Path("/nowhere/out")
    for job in jobs:
        assert "/" not in job.name
        assert Folder(root)._path(f"{job.name}.mov").parent == root
        safe = safe_name(f"{job.name}.mov")
        assert Path(safe).name == safe


@few
@given(st.dictionaries(st.sampled_from([*Settings.model_fields, "x"]), values, max_size=4))
def test_a_row_of_a_list_is_refused_or_valid(row: dict[str, Any]) -> None:
    try:
        packed = pack(Settings(**row))
    except WorkbenchError as error:
        told(error)
        return
    assert set(packed.files) <= {"look.toml", "policy.toml"}
    json.dumps(dict(packed.parameters))


surrogates = st.text(st.characters(categories=["Cs", "Cc", "Po", "Lu"]), max_size=10)
kept = st.recursive(
    texts | surrogates | numbers | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts | surrogates, inner, max_size=3)
    ),
    max_leaves=6,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and math.isnan(one):
        return isinstance(other, float) and math.isnan(other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[k], other[k]) for k in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return type(one) is type(other) and bool(one == other)


@few
@given(kept)
def test_a_parameter_becomes_one_literal(value: Any) -> None:
    """The code is one assignment, whatever quotes the text holds."""
    code = papermill_translators.find_translator("python3", "python").codify({"value": value})
    (assignment,) = ast.parse(code).body
    assert isinstance(assignment, ast.Assign)
    calls = [node.func.id for node in ast.walk(assignment) if isinstance(node, ast.Call)]  # type: ignore[attr-defined]
    assert set(calls) <= {"float"}
    found: dict[str, Any] = {}
    exec(code, found)
    assert same(value, found["value"])


def test_parameters_reach_a_kernel_unchanged(tmp_path: Path) -> None:
    whole = [*NASTY, math.inf, 10**30, None, True, {"a'b\n": ['"', "\\"]}]
    code = "import json\nfrom pathlib import Path\nPath('told').write_text(json.dumps(value))"
    cells = [
        {"cell_type": "code", "source": source, "metadata": {"tags": tags}, "outputs": []}
        | {"execution_count": None}
        for source, tags in (("value = None", ["parameters"]), (code, []))
    ]
    spec = {"name": "python3", "display_name": "", "language": "python"}
    book = {"cells": cells, "metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 4}
    (tmp_path / "book.ipynb").write_text(json.dumps(book))
    with Kernel() as kernel:
        with pytest.raises(ParameterError, match="a character that UTF-8 cannot encode"):
            kernel.run(tmp_path / "book.ipynb", tmp_path / "done.ipynb", {"value": ["\ud800"]})
        kernel.run(tmp_path / "book.ipynb", tmp_path / "done.ipynb", {"value": whole})
    assert json.loads((tmp_path / "told").read_text()) == whole


pieces = st.sampled_from(
    [
        *NASTY,
        *(f"a{s}" for s in CLIPS),
        "A.mp4",
        "a",
        "b",
        ".mp4",
        "a.b.mp4",
        "a_prores.mov",
        ".",
        "",
    ]
)
keys = st.lists(pieces, min_size=1, max_size=4).map("/".join)


@few
@given(st.lists(keys, min_size=2, max_size=5, unique=True))
@example(found=["a.mp4", "A.mp4", "a//a.mp4", "a/a.mov"])
def test_no_two_keys_are_delivered_as_one_file(found: list[str]) -> None:
    """Each key is refused, reported as a clash, or delivered inside the folder."""
    packed = pack(Settings())
    jobs = []
    for key in found:
        with_name = [part for part in key.split("/") if part not in ("", ".")]
        assume(with_name)
        jobs.append(
            Job(f"{_stem(key)}{PRORES_422_HQ.name_suffix}", "s3://b/in", key, "x", 1, packed)
        )
    told_of = clashes(jobs)
    root, paths = Path("/nowhere/out"), []
    for job in jobs:
        fetched = root / safe_name(Path(job.source).name)
        assert fetched.parent == root
        assert len(fetched.name.encode()) < 255
        if job.name in told_of:
            continue
        try:
            path = Folder(root)._path(f"{job.name}.mov")
        except StorageError as error:
            told(error)
            continue
        assert Path(os.path.normpath(path)).is_relative_to(root)
        paths.append(os.path.normpath(path).casefold())
    assert len(set(paths)) == len(paths)


def test_an_object_with_any_key_is_stored_in_its_folder(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    here = tmp_path / "here"
    here.mkdir()
    names = [
        "../y.mp4",
        "C:\\x.mp4",
        "é/日本 '\".mp4",
        "$(id).mp4",
        "[x];,=.mp4",
        "n" * 400 + ".mp4",
    ]
    names += ["x/%2e%2e%2fy.mp4", "~/z.mp4", "-i.mp4", "a//b.mp4"]
    for name in names:
        bucket.put(f"in/{name}", name.encode())
    storage = open_storage("s3:///in")
    assert sorted(one.name for one in storage.files()) == sorted(names)
    for name in names:
        path = storage.fetch(name, here)
        assert path.parent == here
        assert path.read_bytes() == name.encode()
        assert ffmpeg.file_url(path).startswith("file:")
    assert {path.name for path in tmp_path.iterdir()} == {"here"}
