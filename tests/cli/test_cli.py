"""The commands on one clip: their arguments, exit codes and two streams."""

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import clips
from tests.benchmarks import scenes
from tests.cli.running import workbench, workbench_process
from tests.clips import SEED
from workbench.look.preset import builtin_presets, load_preset, save_preset

Made = Callable[[str], Path]


def test_inspect_says_what_a_clip_is(untagged: Path) -> None:
    done = workbench("inspect", untagged)
    assert (done.returncode, done.stderr) == (0, "")
    assert "24.000 frames/s, constant" in done.stdout
    assert "untagged colour: bt709/bt709/bt709, legal range" in done.stdout
    facts = json.loads(workbench("inspect", untagged, "--json").stdout)
    assert (facts["codec"], facts["colour"]["matrix"]) == ("h264", "unspecified")


def test_convert_makes_a_file_and_says_what_was_found(untagged: Path, tmp_path: Path) -> None:
    done = workbench_process("convert", untagged, tmp_path / "out.mov")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith("WARNING, ")
    assert f": {tmp_path / 'out.mov'} (" in done.stdout
    assert (tmp_path / "out.mov").exists()

    again = workbench_process("convert", untagged, tmp_path / "out.mov")
    assert again.returncode == 1
    assert again.stderr == (
        f"Error: {tmp_path / 'out.mov'} already exists; use --overwrite to replace it\n"
    )
    record = workbench("convert", untagged, tmp_path / "out.mov", "--overwrite", "--json")
    assert json.loads(record.stdout)["verdict"] == "warn"


def test_a_report_is_written_when_asked(untagged: Path, tmp_path: Path) -> None:
    done = workbench("convert", untagged, tmp_path / "out.mov", "--report")
    assert done.returncode == 0
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"out.mov", "out.qc.json", "out.report.html"}
    assert done.stdout.splitlines()[-1] == str(tmp_path / "out.report.html")

    again = workbench("qc", untagged, tmp_path / "out.mov")
    assert (again.returncode, again.stderr) == (0, "")
    assert "pass  checksum" in again.stdout
    with (tmp_path / "out.mov").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"!")
    changed = workbench("qc", untagged, tmp_path / "out.mov", "--json")
    assert changed.returncode == 3
    assert json.loads(changed.stdout)["verdict"] == "fail"


def test_a_policy_that_is_missed_is_3_and_the_file_is_kept(untagged: Path, tmp_path: Path) -> None:
    policy = tmp_path / "small.toml"
    rule = 'data_rate = { at_most = 0.1, level = "fail" }'
    policy.write_text(f'name = "small"\n{rule}\n', encoding="utf-8")
    target = tmp_path / "out.mov"
    done = workbench("convert", untagged, target, "--policy", policy)
    assert done.returncode == 3
    assert done.stdout.splitlines()[0].split() == ["check", "measured", "limit"]
    assert "fail  data rate" in done.stdout
    assert target.exists()
    assert workbench("qc", untagged, target, "--policy", policy).returncode == 3
    assert workbench("qc", untagged, target).returncode == 0
    wrong = workbench("qc", untagged, target, "--policy", "lax")
    assert (wrong.returncode, wrong.stderr.count("\n")) == (1, 1)


def test_a_dry_run_prints_what_a_shell_would_run(untagged: Path, tmp_path: Path) -> None:
    target = tmp_path / "it's 100% done.mov"
    done = workbench("convert", untagged, target, "--dry-run")
    assert done.returncode == 0
    assert not target.exists()
    argv = shlex.split(done.stdout)
    assert set(SEED) - set(argv) == {SEED[SEED.index("-vf") + 1]}
    assert argv[-1] == f"file:{target}"
    shown = workbench("convert", untagged, target, "--dry-run", "--json")
    assert json.loads(shown.stdout)["command"] == argv
    subprocess.run(done.stdout, shell=True, check=True)
    made = target.read_bytes()
    assert workbench("convert", untagged, target, "--dry-run").returncode == 1
    subprocess.run(done.stdout, shell=True, capture_output=True)
    assert target.read_bytes() == made, "a pasted command replaced a file unasked"


def test_an_override_reaches_the_chain(untagged: Path) -> None:
    done = workbench("convert", untagged, "--set", "deband.strength=2", "--dry-run")
    assert "gradfun=2:20" in done.stdout


def test_presets_are_listed_and_shown() -> None:
    listed = workbench("presets")
    assert [line.split()[0] for line in listed.stdout.splitlines()] == list(builtin_presets())
    assert "strength = 1.1" in workbench("presets", "classic").stdout
    assert json.loads(workbench("presets", "classic", "--json").stdout)["hash"] == "3ca65a7f2f2c"
    assert [p["name"] for p in json.loads(workbench("presets", "--json").stdout)] == list(
        builtin_presets()
    )


def test_a_preset_is_shown_with_changes() -> None:
    changed = workbench("presets", "classic", "--set", "deband.strength=2")
    assert 'name = "classic, changed"' in changed.stdout
    assert "strength = 2.0" in changed.stdout
    assert workbench("presets", "--set", "deband.strength=2").returncode == 2


def test_doctor_finds_nothing_missing() -> None:
    done = workbench("doctor")
    assert done.returncode == 0
    assert "libvmaf yes" in done.stdout
    assert done.stdout.rstrip().endswith("nothing is missing")
    assert json.loads(workbench("doctor", "--json").stdout)["missing"] == []


def test_doctor_names_a_library_that_is_absent(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Simulated: uninstalling a library would break the other tests."""
    import importlib.metadata as metadata

    from workbench.cli import main

    real = metadata.version

    def version(name: str) -> str:
        if name == "papermill":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    with pytest.raises(SystemExit) as stopped:
        main(["doctor"])
    assert stopped.value.code == 1
    assert "missing: papermill; pip install papermill" in capsys.readouterr().out


def test_doctor_says_where_notebooks_come_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Such as a package without its data files."""
    from workbench.batch import notebook_files
    from workbench.cli import main

    monkeypatch.setattr(notebook_files, "NOTEBOOKS", tmp_path / "none")
    with pytest.raises(SystemExit) as stopped:
        main(["doctor"])
    assert stopped.value.code == 1
    assert "missing: notebooks; install the workbench again" in capsys.readouterr().out


def test_doctor_says_how_to_get_what_is_missing(tmp_path: Path) -> None:
    gone = workbench_process("doctor", env={"IMAGEIO_FFMPEG_EXE": str(tmp_path / "gone")})
    assert gone.returncode == 1
    assert "missing: ffmpeg; IMAGEIO_FFMPEG_EXE names" in gone.stdout


@pytest.mark.parametrize(
    "arguments",
    [(), ("convert",), ("nonesuch",), ("convert", "a", "b", "--encoder", "h264"),
     ("convert", "a", "--set", "x")],
)  # fmt: skip
def test_wrong_usage_is_2(arguments: tuple[str, ...], untagged: Path) -> None:
    done = workbench(*(str(untagged) if a == "a" else a for a in arguments))
    assert done.returncode == 2
    assert "Usage:" in done.stderr + done.stdout


def test_a_bad_value_is_told_before_anything_runs(untagged: Path) -> None:
    done = workbench("convert", untagged, "--set", "deband.radius=99")
    assert done.returncode == 1
    assert done.stderr == ("Error: Radius must be a whole number between 4 and 32, not 99\n")


def test_suggest_says_which_deband_and_why_and_keeps_it(tmp_path: Path) -> None:
    clip = scenes.encode(scenes.dark_sky, tmp_path / "sky.mp4", 640, 360, 18, 3)
    kept = tmp_path / "night.toml"
    done = workbench("suggest", clip, "--save", kept)
    assert (done.returncode, done.stderr) == (0, "")
    heading = done.stdout.splitlines()[0]
    assert heading.split("  ")[-1] == "Texture change"
    assert heading.split() == ["Contour", "Detail", "change", "Texture", "change"]
    assert "Gentlest setting that removes the banding. Contour " in done.stdout
    assert done.stdout.splitlines()[-1] == str(kept)
    assert load_preset(kept).name == "night"
    again = workbench("suggest", clip, "--save", kept)
    assert again.returncode == 1
    assert again.stderr.startswith(f"Error: {kept} already exists")
    facts = json.loads(workbench("suggest", clip, "--json").stdout)
    assert facts["preset"]["deband"] == load_preset(kept).deband.model_dump()
    chosen = next(one for one in facts["tried"] if one["deband"] == facts["preset"]["deband"])
    assert chosen["contour"] <= facts["limits"]["contour"] < facts["plain"]["contour"]


def test_a_look_is_exported_as_clf_and_cdl_and_imported_again(tmp_path: Path) -> None:
    files = {name: tmp_path / name for name in ("look.clf", "look.cdl", "back.clf", "bad.cdl")}
    options = ("--clf", files["look.clf"], "--cdl", files["look.cdl"])
    done = workbench("look", "export", "smooth", *options, "--inverse", files["back.clf"])
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(files[n]) for n in ("look.clf", "look.cdl", "back.clf")]
    assert "<ProcessList" in files["back.clf"].read_text(encoding="utf-8")
    assert "<Saturation>0.944444444<" in files["look.cdl"].read_text(encoding="utf-8")
    log = workbench("look", "export", "smooth-logc3", "--cdl", files["bad.cdl"])
    assert log.returncode == 1
    assert "no log curve: export it as CLF or .cube instead" in log.stderr
    assert not files["bad.cdl"].exists()
    made = workbench("look", "import", files["look.cdl"], cwd=tmp_path)
    assert (made.returncode, made.stderr) == (0, "")
    saved = tmp_path / "presets" / "look.toml"
    assert made.stdout.splitlines() == [str(saved), "The picture equals the file's."]
    assert load_preset(saved).deband == load_preset("smooth").deband
    assert workbench("look", "import", files["look.cdl"], cwd=tmp_path).returncode == 1


def test_a_look_is_exported_and_its_way_back(tmp_path: Path) -> None:
    out, back = tmp_path / "look.cube", tmp_path / "back.cube"
    done = workbench("look", "export", "smooth", "--cube", out, "--inverse", back)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(out), str(back)]
    for path in (out, back):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith('TITLE "')
        assert "LUT_3D_SIZE 33" in lines
        assert len(lines) == 4 + 33**3
    assert workbench("look", "export", "smooth", "--cube", out).returncode == 1
    assert workbench("look", "export", "smooth").returncode == 2
    same = workbench("look", "export", "smooth", "--cube", "a.cube", "--inverse", "a.cube")
    assert same.returncode == 2
    changed = load_preset("smooth").override({"tone.contrast": 1.2, "tone.brightness": 0.0})
    mine = save_preset(changed, tmp_path / "mine.toml")
    steep = workbench("look", "export", mine, "--cube", tmp_path / "steep.cube")
    assert "are clipped and cannot be restored" in steep.stdout
    options = ("--set", "tone.contrast=1.2", "--set", "tone.brightness=0")
    same = workbench("look", "export", "smooth", *options, "--cube", tmp_path / "same.cube")
    assert "are clipped and cannot be restored" in same.stdout
    lines = [(tmp_path / name).read_text().splitlines()[1:] for name in ("steep.cube", "same.cube")]
    assert lines[0] == lines[1]


def test_an_assumed_matrix_is_converted_and_recorded(untagged: Path, tmp_path: Path) -> None:
    done = workbench(
        *("convert", untagged, tmp_path / "out.mov", "--preset", "smooth"),
        *("--assume-matrix", "bt601", "--report", "--json"),
    )
    record = json.loads(done.stdout)
    found = {finding["id"]: finding for finding in record["findings"]}
    assert record["preset"]["assume_matrix"] == "bt601"
    assert "smpte170m" in found["untagged colour"]["sentence"]
    assert "converted to the matrix bt709" in found["untagged colour"]["sentence"]
    assert found["colour tags, container"]["measured"] == "bt709/bt709/bt709"
    checked = workbench("qc", untagged, tmp_path / "out.mov", "--json")
    assert json.loads(checked.stdout)["preset"]["hash"] == record["preset"]["hash"]


def test_a_tagged_clip_is_not_assumed_to_be_anything(made: Made, tmp_path: Path) -> None:
    done = workbench("convert", made("tagged"), tmp_path / "x.mov", "--assume-matrix", "bt601")
    assert "so the assumed matrix bt601 was not used." in done.stdout


def test_what_an_8_bit_look_takes_from_10_bits_is_said(made: Made, tmp_path: Path) -> None:
    for preset, said in (("classic", True), ("smooth", False)):
        done = workbench("convert", made("ten_bit"), tmp_path / f"{preset}.mov", "--preset", preset)
        assert done.returncode == 0
        assert ("works in 8 bits and loses the source's finer steps" in done.stdout) == said


def test_a_log_picture_is_said_to_be_one(untagged: Path, tmp_path: Path) -> None:
    done = workbench("convert", untagged, tmp_path / "log.mov", "--preset", "smooth-logc3")
    assert done.returncode == 0
    assert "The picture is logc3 in the camera's own primaries" in done.stdout


def test_a_high_dynamic_range_is_said(tmp_path: Path) -> None:
    clip = tmp_path / "pq.mp4"
    tags = "setparams=range=tv:color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    source = f"gradients=s=320x240:seed=7:d=0.3:r=24,format=yuv420p10le,{tags}"
    clips.run("-f", "lavfi", "-i", source, "-c:v", "libx264", clip)
    done = workbench("convert", clip, tmp_path / "pq.mov", "--preset", "smooth")
    assert "The source is PQ and is delivered as PQ" in done.stdout
    refused = workbench("convert", clip, tmp_path / "log.mov", "--preset", "smooth-logc3")
    assert refused.returncode == 1
    assert "pq.mp4: a log look needs a Rec.709 picture, and this one is bt2020/" in (refused.stderr)


def test_one_broken_preset_of_one_s_own_does_not_hide_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "presets"
    folder.mkdir()
    save_preset(load_preset("smooth").renamed("night"), folder / "night.toml")
    (folder / "broken.toml").write_text("junk =", encoding="utf-8")
    (folder / "folder.toml").mkdir()
    done = workbench("presets", cwd=tmp_path)
    assert done.returncode == 0
    lines = {line.split()[0]: line for line in done.stdout.splitlines()}
    assert "cannot be used: broken.toml is not a TOML file" in lines["broken"]
    assert {"classic", "smooth", "night"} <= set(lines)
    assert "folder" not in lines


def test_a_preset_is_saved_under_a_name_that_loads(tmp_path: Path) -> None:
    clip = scenes.encode(scenes.grain, tmp_path / "grain.mp4", 320, 240, 18, 1)
    for name, sentence in (
        ("mine", "must end in .toml"),
        ("my (look).toml", "'my (look)' may contain only"),
    ):
        done = workbench("suggest", clip, "--save", tmp_path / name)
        assert done.returncode == 1
        assert sentence in done.stderr
        assert not (tmp_path / name).exists()


def test_a_check_with_another_look_keeps_what_was_assumed(untagged: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.mov"
    options = ("--preset", "smooth", "--assume-matrix", "bt601", "--report")
    assert workbench("convert", untagged, out, *options).returncode == 0
    done = workbench("qc", untagged, out, "--preset", "smooth")
    assert done.returncode == 0, done.stdout
