"""What a person names becomes jobs: files, folders, globs, prefixes, lists and sweeps."""

import json
import tomllib
from pathlib import Path

import pytest

from tests.storage.bucket import Bucket
from workbench.batch.packing import pack
from workbench.batch.plan import Job, check_sweep, clashes, plan, read_sweep
from workbench.batch.sources import MISSING
from workbench.deliver.policy import Policy, Rule
from workbench.deliver.settings import Settings
from workbench.errors import BatchError, ClipNotFound, ParameterError, PresetError
from workbench.look.preset import Preset, load_preset, save_preset


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder as people have it: clips, folders, other files, what is hidden, what was made."""
    folder = tmp_path / "clips"
    for name in ("b.mp4", "a.MOV", "more/c.webm", "notes.txt", ".hidden.mp4", "a_prores.mov"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())
    (folder / ".trash").mkdir()
    (folder / ".trash/x.mp4").write_bytes(b"x")
    return folder


def names(*sources: object, **options: object) -> list[str]:
    return [job.name for job in jobs(*sources, **options)]


def jobs(*sources: object, **options: object) -> list[Job]:
    return plan([str(source) for source in sources], Settings(), **options)  # type: ignore[arg-type]


def test_a_folder_is_its_clips(clips: Path) -> None:
    found = jobs(clips)
    assert [job.name for job in found] == ["a_prores", "b_prores", "more/c_prores"]
    assert [job.source for job in found] == ["a.MOV", "b.mp4", "more/c.webm"]
    assert {job.place for job in found} == {str(clips)}


def test_a_file_that_is_named_is_a_clip_whatever_it_is(clips: Path) -> None:
    assert names(clips / "notes.txt", clips / "a_prores.mov") == ["notes_prores", "a_prores_prores"]


def test_a_glob_keeps_the_folders_below_its_fixed_part(clips: Path) -> None:
    assert names(clips / "**/*.webm") == ["more/c_prores"]
    assert names(clips / "[ab].*") == ["a_prores", "b_prores"]


def test_a_file_whose_name_looks_like_a_glob_is_itself(tmp_path: Path) -> None:
    (tmp_path / "take[1].mp4").write_bytes(b"x")
    assert names(tmp_path / "take[1].mp4") == ["take[1]_prores"]


def test_a_clip_that_is_named_twice_is_one_job(clips: Path) -> None:
    assert names(clips / "b.mp4", clips / "b.mp4") == ["b_prores"]


def test_nothing_is_said_to_be_nothing(tmp_path: Path) -> None:
    with pytest.raises(ClipNotFound, match="no clip was found in"):
        jobs(tmp_path)


def test_a_file_that_is_not_there_is_a_job_that_fails(clips: Path) -> None:
    """One bad name does not stop the others."""
    first, missing, nothing = jobs(clips / "b.mp4", clips / "none.mp4", clips / "none*.mp4")
    assert first.identity != MISSING
    assert (missing.identity, nothing.identity) == (MISSING, MISSING)
    assert nothing.source == str(clips / "none*.mp4")


def test_what_is_delivered_into_the_folder_is_no_source(clips: Path) -> None:
    (clips / "out").mkdir()
    (clips / "out/strange.mp4").write_bytes(b"x")
    assert "out/strange_prores" in names(clips)
    assert "out/strange_prores" not in names(clips, exclude=str(clips / "out"))
    assert "b_prores" in names(clips, exclude=str(clips))
    assert "out/strange_prores" in names(clips, exclude=f"{clips}/o")
    assert "out/strange_prores" in names(clips, exclude=f"{clips}_out")
    assert names(clips / "*.mov", clips / "b.mp4") == names(clips / "b.mp4", clips / "*.mov")[::-1]
    assert "a_prores_prores" not in names(clips / "*")


def test_clips_that_would_be_delivered_under_one_name_are_told(clips: Path) -> None:
    (clips / "B.mkv").write_bytes(b"x")
    found = clashes(jobs(clips))
    assert set(found) == {"b_prores", "B_prores"}
    assert "2 clips would be delivered as b_prores.mov" in found["b_prores"]


def test_another_source_or_order_is_another_job(clips: Path) -> None:
    before = jobs(clips / "b.mp4")[0]
    assert jobs(clips / "b.mp4")[0] == before
    (clips / "b.mp4").write_bytes(b"changed")
    assert jobs(clips / "b.mp4")[0].identity != before.identity
    keys = {
        pack(Settings(**values)).key  # type: ignore[arg-type]
        for values in (
            {},
            {"preset": "smooth"},
            {"overrides": {"deband.strength": 2.0}},
            {"encoder": "search"},
            {"frame_rate": "24"},
            {"audio_rate": 48000},
            {"every_frame": True},
        )
    }
    assert len(keys) == 7


def test_a_setting_that_is_added_later_changes_the_key_only_where_it_is_used() -> None:
    class More(Settings):
        grain: float = 0.0

    assert pack(More()).key == pack(Settings()).key
    assert pack(More(grain=1)).key != pack(Settings()).key
    assert pack(More(grain=1)).parameters["grain"] == 1.0


def test_a_preset_and_a_policy_as_values_travel_as_files() -> None:
    smooth = load_preset("smooth").override({"deband.strength": 2.0})
    policy = Policy(name="mine", cambi=Rule(at_most=1, level="fail"))
    packed = pack(Settings(preset=smooth, policy=policy))
    assert packed.parameters["preset"] == "look.toml"
    assert Preset.validated(tomllib.loads(packed.files["look.toml"])) == smooth
    assert Policy.validated(tomllib.loads(packed.files["policy.toml"])) == policy
    json.dumps(dict(packed.parameters))


def test_a_batch_needs_a_preset(clips: Path) -> None:
    with pytest.raises(ParameterError, match="a batch needs a preset and an encoder"):
        plan([str(clips)], Settings(preset=None))


def test_a_csv_gives_each_clip_its_own_settings(clips: Path) -> None:
    path = clips / "list.csv"
    path.write_text(
        "source,preset,deband.strength,frame_rate\nb.mp4,smooth,2.5,\nmore,classic,,24\n",
        encoding="utf-8-sig",
    )
    first, second = jobs(path)
    assert first.settings.parameters["preset"] == "smooth"
    assert first.settings.overrides == {"deband.strength": 2.5}
    assert (second.name, second.settings.parameters["frame_rate"]) == ("c_prores", "24")
    both = plan([str(path)], Settings(overrides={"tone.contrast": 0.8}))
    assert both[0].settings.overrides == {"tone.contrast": 0.8, "deband.strength": 2.5}
    (clips / "one.csv").write_text("source,preset\nb.mp4,smooth\n")
    (job,) = jobs(clips / "one.csv", sweep=[("deband.strength", (2,))])
    assert job.settings.parameters["preset"] == "smooth"


def test_a_toml_gives_each_clip_its_own_settings(clips: Path) -> None:
    save_preset(load_preset("smooth").renamed("mine"), clips / "mine.toml")
    path = clips / "list.toml"
    path.write_text(
        '[[clip]]\nsource = "b.mp4"\npreset = "mine.toml"\n'
        'overrides = {"tone.contrast" = 0.8}\n[[clip]]\nsource = "a.MOV"\n'
    )
    first, second = jobs(path)
    assert 'name = "mine"' in first.settings.files["look.toml"]
    assert first.settings.parameters["preset"] == "look.toml"
    assert second.settings.parameters["preset"] == "classic"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        (
            "a.csv",
            "source,prest\nb.mp4,smooth\n",
            r"clip 1: prest is not known; did you mean preset",
        ),
        ("a.csv", "source,preset\nb.mp4,none\n", "clip 1: there is no preset none"),
        ("a.csv", "source,overides\nb.mp4,x\n", r"overides is not known; did you mean overrides\?"),
        ("a.csv", "source,loud\nb.mp4,x\n", r"loud is not known \(known: .*preset, "),
        ("a.csv", "preset\nsmooth\n", r"column source is missing: the columns are preset"),
        ("a.csv", "", "column source is missing: the file is empty"),
        ("a.csv", "source,preset\n,smooth\n", "clip 1: the source is missing"),
        (
            "a.csv",
            "source;preset\nb.mp4;smooth\n",
            "header is 'source;preset': separate",
        ),
        ("a.csv", "source\tpreset\nb.mp4\tsmooth\n", "separate the columns with commas"),
        ("a.csv", "source,preset, preset\nb.mp4,smooth,\n", "the column 'preset' occurs twice"),
        ("a.csv", "source,overrides\nb.mp4,x\n", "overrides cannot be a column: use the"),
        ("a.csv", "source,preset\nb.mp4\n", "more or fewer cells"),
        (
            "a.csv",
            "source,audio_rate\nb.mp4,loud\n",
            "Audio rate must be a whole number",
        ),
        ("a.csv", "source,deband.strength\nb.mp4,9999\n", "Strength must be between .*, not 9999"),
        ("a.csv", "source\na.csv\n", "a list cannot contain lists"),
        ("a.toml", "clip = 3\n", r"use \[\[clip\]\] tables only"),
        ("a.toml", "[[clip\n", "is not a TOML file"),
        (
            "a.toml",
            '[[clip]]\nsource = "none.mp4"\npreset = 3\n',
            "Preset must be a name",
        ),
    ],
)
def test_a_list_with_a_fault_is_refused_before_anything_runs(
    name: str, text: str, told: str, clips: Path
) -> None:
    (clips / name).write_text(text)
    with pytest.raises(BatchError, match=told):
        jobs(clips / name)


def test_a_sweep_is_a_grid(clips: Path) -> None:
    sweep = [read_sweep("deband.radius=8,16,32"), read_sweep("preset=classic")]
    found = jobs(clips / "b.mp4", sweep=sweep)
    assert [job.settings.overrides for job in found] == [{"deband.radius": n} for n in (8, 16, 32)]
    assert found[0].name == "b_deband.radius-8_preset-classic_prores"
    assert [job.point for job in found] == [
        {"deband.radius": n, "preset": "classic"} for n in (8, 16, 32)
    ]
    assert not clashes(found)


@pytest.mark.parametrize(
    ("text", "told"),
    [("deband.radius", "is not a sweep"), ("a=1,,2", "is not a sweep"), ("a=1,1", "a value twice")],
)
def test_a_sweep_with_a_fault_is_refused(text: str, told: str) -> None:
    with pytest.raises(BatchError, match=told):
        read_sweep(text)


def test_a_sweep_is_checked_before_anything_runs(clips: Path) -> None:
    with pytest.raises(PresetError, match=r"between 4 and 32, not 9999"):
        jobs(clips / "b.mp4", sweep=[("deband.radius", (8, 9999))])
    with pytest.raises(BatchError, match="a sweep takes one clip, not 3"):
        jobs(clips, sweep=[("deband.radius", (8,))])
    with pytest.raises(ParameterError, match=r"a value of deband\.radius twice"):
        check_sweep([("deband.radius", (8, 16, 8))])
    with pytest.raises(BatchError, match="in the sweep twice"):
        jobs(clips / "b.mp4", sweep=[("deband.radius", (8,)), ("deband.radius", (9,))])
    with pytest.raises(BatchError, match="overrides cannot be swept"):
        jobs(clips / "b.mp4", sweep=[("overrides", (1,))])
    with pytest.raises(BatchError, match="at most 256 points, not 1024"):
        jobs(clips / "b.mp4", sweep=[(f"a.{n}", tuple(range(4))) for n in range(5)])


def test_a_bucket_is_its_clips(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in bucket.environment.items():
        monkeypatch.setenv(name, value)
    for key in ("in/a.mp4", "in/b/c.mov", "in/notes.txt", "in2/d.mp4", "in/b/c_prores.mov"):
        bucket.put(key, b"x")
    assert names("s3://clips/in") == ["a_prores", "b/c_prores"]
    assert names("s3://clips/in/") == ["a_prores", "b/c_prores"]
    assert names("s3:///in/a.mp4") == ["a_prores"]
    assert names("s3://clips/in/*.mp4") == ["a_prores"]
    assert names("s3://clips/in*/*.mp4") == ["in/a_prores", "in2/d_prores"]
    bucket.put("in/x[1].mp4", b"x")
    assert names("s3://clips/in/x[1].mp4") == ["x[1]_prores"]
    bucket.delete("in/x[1].mp4")
    (gone,) = [job for job in jobs("s3:///in", "s3:///gone.mp4") if job.source == "gone.mp4"]
    assert gone.identity == MISSING
    assert "b/c_prores" not in names("s3:///in", exclude="s3://clips/in/b")
    assert "b/c_prores" in names("s3:///in", exclude="s3://clips/in/")
    assert names("s3://clips") == ["in/a_prores", "in/b/c_prores", "in2/d_prores"]
    with pytest.raises(ClipNotFound, match="no clip was found in s3://clips/none"):
        names("s3://clips/none")
    (job,) = jobs("s3:///in/a.mp4")
    before = job.identity
    bucket.put("in/a.mp4", b"y")
    assert jobs("s3:///in/a.mp4")[0].identity != before
