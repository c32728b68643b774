"""Commands on looks: presets, suggest, look export."""

from pathlib import Path

import click

from workbench.cli.options import PATH, assume_matrix_option, json_option, show, stopping
from workbench.errors import WorkbenchError


@click.command()
@click.argument("name", required=False)
@json_option
def presets(name: str | None, as_json: bool) -> None:
    """List the presets, or show the one called NAME (or a .toml file)."""
    from workbench.look.preset import builtin_presets, load_preset, preset_text, user_presets

    if name:
        preset = load_preset(name)
        show(preset.facts(), preset_text(preset).rstrip(), as_json)
        return
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
@click.option(
    "--preset", default="smooth", show_default=True, help="Whose tone and dither to keep."
)
@assume_matrix_option
@click.option("--save", type=PATH, metavar="FILE", help="Keep the look as a .toml file.")
@click.option("--overwrite", is_flag=True, help="Replace FILE if it exists.")
@json_option
def suggest(
    source: Path,
    preset: str,
    assume_matrix: str | None,
    save: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Find the weakest deband that closes the bands of SOURCE and spares its texture."""
    from workbench.files import expanded, refuse_existing
    from workbench.look.preset import load_preset, save_preset
    from workbench.look.suggest import CANDIDATES
    from workbench.look.suggest import suggest as find
    from workbench.media.probe import open_clip
    from workbench.present.progress import counting_bar
    from workbench.present.tables import suggestion_text

    base = load_preset(preset).with_matrix(assume_matrix)
    if save:
        refuse_existing(expanded(save).absolute(), overwrite)
    stop, bar = stopping(f"{source.name}: stopped"), counting_bar(len(CANDIDATES), "trying")
    with open_clip(source) as clip, stop, bar as tried:
        found = find(clip, base, on_progress=tried)
    text = suggestion_text(found)
    if save:
        named = found.preset.renamed(expanded(save).stem)
        text += f"\n{save_preset(named, save, overwrite=overwrite)}"
    show(found.facts(), text, as_json)


@click.group()
def look() -> None:
    """Take a preset's tone to other programs."""


@look.command()
@click.argument("preset")
@click.option("--cube", type=PATH, help="The look, as a 3D LUT.")
@click.option("--inverse", type=PATH, help="The way back: from the look to the normal picture.")
@click.option(
    "--points", type=click.Choice(["33", "65"]), help="To a side; 65 for the way back from a log."
)
@click.option("--overwrite", is_flag=True, help="Replace files that exist.")
def export(
    preset: str, cube: Path | None, inverse: Path | None, points: str | None, overwrite: bool
) -> None:
    """Write the tone of PRESET, a name or a .toml file, as .cube files for a grading program.

    They are for pictures in the matrix BT.709, at video levels, as ProRes is read.
    """
    from workbench.files import expanded, refuse_existing, write_text
    from workbench.look import lut
    from workbench.look.preset import load_preset
    from workbench.look.stages import Log

    if (not cube and not inverse) or cube == inverse:
        raise click.UsageError("say where to: --cube FILE, --inverse FILE, or both, not the same")
    tone = load_preset(preset).tone
    default = 65 if isinstance(tone, Log) else 33
    pairs = ((cube, lut.forward_cube), (inverse, lut.inverse_cube))
    wanted = [(expanded(path).absolute(), write) for path, write in pairs if path]
    for path, _ in wanted:
        refuse_existing(path, overwrite)
    for path, write in wanted:
        write_text(path, write(tone, "bt709", int(points or default)), overwrite=overwrite)
        click.echo(path)
    lost = lut.describe_clipping(tone, "bt709")
    if lost:
        click.echo(lost)
