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
    """Export a preset's tone to grading programs."""


@look.command()
@click.argument("preset")
@overrides_option
@click.option("--cube", type=PATH, metavar="FILE", help="Write the look as a 3D LUT.")
@click.option(
    "--inverse",
    type=PATH,
    metavar="FILE",
    help="Write the inverse LUT, which turns the look back into the normal picture.",
)
@click.option(
    "--points",
    type=click.Choice(["33", "65"]),
    help="Size of the LUT. Default: 65 for a log look, else 33.",
)
@click.option("--overwrite", is_flag=True, help="Overwrite existing files.")
def export(
    preset: str,
    overrides: dict[str, Any],
    cube: Path | None,
    inverse: Path | None,
    points: str | None,
    overwrite: bool,
) -> None:
    """Write the tone of PRESET as .cube files.

    PRESET is a preset's name, or a .toml file. The LUTs are for BT.709 pictures at legal (video)
    levels, as grading programs read ProRes.
    """
    from workbench.files import expanded, refuse_existing, write_text
    from workbench.look import lut
    from workbench.look.preset import load_preset
    from workbench.look.stages import Log

    if (not cube and not inverse) or cube == inverse:
        raise click.UsageError("give --cube FILE, --inverse FILE, or both with different files")
    tone = load_preset(preset).override(overrides).tone
    default = 65 if isinstance(tone, Log) else 33
    pairs = ((cube, lut.forward_cube), (inverse, lut.inverse_cube))
    wanted = [(expanded(path).absolute(), write) for path, write in pairs if path]
    for path, _ in wanted:
        refuse_existing(path, overwrite)
    for path, write in wanted:
        write_text(path, write(tone, "bt709", int(points or default)), overwrite=overwrite)
        click.echo(path)
    clipping = lut.describe_clipping(tone, "bt709")
    if clipping:
        click.echo(clipping)
