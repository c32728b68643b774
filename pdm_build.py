"""Add the notebooks to the wheel, as workbench/notebooks. The build backend calls this."""

from pathlib import Path


def pdm_build_update_files(context, files) -> None:  # type: ignore[no-untyped-def]
    """Map the files of the top-level folder to their places in the wheel.

    An editable installation and a source distribution read that folder itself.
    """
    if context.target == "wheel":
        for path in sorted((context.root / "notebooks").iterdir()):
            if path.is_file():
                files[f"workbench/notebooks/{path.name}"] = Path(path)
