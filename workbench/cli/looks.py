"""Commands on looks: presets, suggest, look export."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.options import (
    PATH,
    json_option,
    overrides_option,
    settings_options,
    show,
    stopping,
)
from workbench.errors import WorkbenchError

if TYPE_CHECKING:
    from workbench.deliver.settings import Settings


@click.command()
@click.argument("name", required=False)
@overrides_option
@json_option
def presets(name: str | None, overrides: dict[str, Any], as_json: bool) -> None:
    """List the presets, or show one in full.

    NAME is a preset's name, or a .toml file.
    """
    from workbench.look.preset import builtin_presets, load_preset, preset_text, user_presets

    if name:
        preset = load_preset(name).override(overrides)
        show(preset.facts(), preset_text(preset).rstrip(), as_json)
        return
    if overrides:
        raise click.UsageError("--set needs the NAME of a preset")
    found = {name: load_preset(name) for name in builtin_presets()}
    broken = {}
    for mine, path in user_presets().items():
        try:
            found.setdefault(mine, load_preset(path))
        except WorkbenchError as error:
            broken[mine] = str(error)
    width = max(map(len, (*found, *broken)))
    lines = [
        f"{name:{width}}  {preset.bit_depth:2} bits  {preset.description}"
        for name, preset in found.items()
    ]
    lines += [f"{name:{width}}  cannot be used: {why}" for name, why in broken.items()]
    show([preset.facts() for preset in found.values()], "\n".join(lines), as_json)


@click.command()
@click.argument("source", type=PATH)
@settings_options("preset", "overrides", "assume_matrix", preset="smooth")
@click.option("--save", type=PATH, metavar="FILE", help="Save the suggestion as a .toml preset.")
@click.option("--overwrite", is_flag=True, help="Overwrite an existing FILE.")
@json_option
def suggest(
    source: Path, settings: "Settings", save: Path | None, overwrite: bool, as_json: bool
) -> None:
    """Suggest a deband for SOURCE.

    The suggestion is the gentlest setting that removes the banding and keeps the texture. Tone and
    dither are those of the preset.
    """
    from workbench.files import expanded, refuse_existing
    from workbench.look.preset import save_preset
    from workbench.look.suggest import CANDIDATES
    from workbench.look.suggest import suggest as find
    from workbench.media.probe import open_clip
    from workbench.present.progress import counting_bar
    from workbench.present.tables import suggestion_text

    if save:
        refuse_existing(expanded(save).absolute(), overwrite)
    stop, bar = stopping(f"{source.name}: stopped"), counting_bar(len(CANDIDATES), "trying")
    with open_clip(source) as clip, stop, bar as tried:
        found = find(clip, settings.look, on_progress=tried)
    text = suggestion_text(found)
    if save:
        named = found.preset.renamed(expanded(save).stem)
        text += f"\n{save_preset(named, save, overwrite=overwrite)}"
    show(found.facts(), text, as_json)


@click.group()
def look() -> None:
    """Export a preset's tone to grading programs, or import a look from one."""


@look.command()
@click.argument("preset")
@overrides_option
@click.option("--cube", type=PATH, metavar="FILE", help="Write the look as a 3D LUT.")
@click.option("--clf", type=PATH, metavar="FILE", help="Write the look as CLF: exact formulas.")
@click.option("--cdl", type=PATH, metavar="FILE", help="Write a flat look as an ASC CDL.")
@click.option(
    "--inverse",
    type=PATH,
    metavar="FILE",
    help="Write the inverse, which turns the look back into the normal picture. The suffix chooses "
    "the format: .cube, .clf or .cdl.",
)
@click.option(
    "--points",
    type=click.Choice(["33", "65"]),
    help="Size of a 3D LUT. Default: 65 for a log look, else 33.",
)
@click.option("--overwrite", is_flag=True, help="Overwrite existing files.")
def export(
    preset: str,
    overrides: dict[str, Any],
    cube: Path | None,
    clf: Path | None,
    cdl: Path | None,
    inverse: Path | None,
    points: str | None,
    overwrite: bool,
) -> None:
    """Write the tone of PRESET as .cube, CLF or CDL files.

    PRESET is a preset's name, or a .toml file. The files are for BT.709 pictures at legal (video)
    levels, as grading programs read ProRes.
    """
    from workbench.files import expanded, refuse_existing, write_text
    from workbench.look import grade_files, lut
    from workbench.look.preset import load_preset
    from workbench.look.stages import Log

    given = [path for path in (cube, clf, cdl, inverse) if path]
    if not given or len(set(given)) < len(given):
        raise click.UsageError("give --cube, --clf, --cdl or --inverse, each with its own FILE")
    look = load_preset(preset).override(overrides)
    size = int(points or (65 if isinstance(look.tone, Log) else 33))
    for file in given:
        refuse_existing(expanded(file).absolute(), overwrite)

    def text(kind: str, back: bool = False) -> str:
        if kind == ".clf":
            return grade_files.clf_text(look.tone, "bt709", look.name, inverse=back)
        if kind == ".cdl":
            return grade_files.cdl_text(look.tone, "bt709", look.name, inverse=back)
        write = lut.inverse_cube if back else lut.forward_cube
        return write(look.tone, "bt709", size)

    texts = [
        (expanded(file).absolute(), text(kind))
        for file, kind in ((cube, ".cube"), (clf, ".clf"), (cdl, ".cdl"))
        if file
    ]
    if inverse:
        texts.append((expanded(inverse).absolute(), text(inverse.suffix.lower(), back=True)))
    for path, content in texts:
        write_text(path, content, overwrite=overwrite)
        click.echo(path)
    clipping = lut.describe_clipping(look.tone, "bt709")
    if clipping and (cube or (inverse and inverse.suffix.lower() == ".cube")):
        click.echo(clipping)


@look.command("import")
@click.argument("file", type=PATH)
@settings_options("preset", "overrides", preset="smooth")
@click.option(
    "--save", type=PATH, metavar="PRESET.toml", help="Default: named after FILE, in presets."
)
@click.option("--overwrite", is_flag=True, help="Overwrite an existing preset.")
def import_look(file: Path, settings: "Settings", save: Path | None, overwrite: bool) -> None:
    """Make a preset whose tone is a .cube, CLF or CDL file.

    The file must expect display R'G'B', with legal black at 0 and white at 1. Deband and dither
    are those of --preset. The preset refers to FILE: keep it in its place.
    """
    from workbench.files import expanded, refuse_existing, write_errors_explained
    from workbench.look.lut import sampling_error
    from workbench.look.lut_file import import_lut
    from workbench.look.preset import load_preset, save_preset, user_preset_folder

    base = settings.look or load_preset("smooth")
    folder = user_preset_folder()
    path = save or folder / f"{file.stem}.toml"
    refuse_existing(expanded(path).absolute(), overwrite)
    tone = import_lut(file)
    description = f"Tone from {file.name}."
    preset = base.model_copy(update={"tone": tone, "description": description})
    preset = preset.renamed(expanded(path).stem)
    greys, colours = sampling_error(tone)
    if not save:
        with write_errors_explained(folder):
            folder.mkdir(exist_ok=True)
    saved = save_preset(preset, path, overwrite=overwrite)
    exact = (
        "The picture equals the file's."
        if max(greys, colours) < 0.05
        else f"The picture is within {greys:.2g} 10-bit code values of the file in greys, and "
        f"within {colours:.2g} in 99 % of colours."
    )
    click.echo(f"{saved}\n{exact}")
