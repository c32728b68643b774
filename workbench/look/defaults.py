"""Defaults: the names of the presets that are used where none is named, and why."""

DEFAULT = "classic"
"""The preset of commands, notebooks, batches and the service, unless another one is named."""

DESK_DEFAULT = "smooth"
"""The preset that the desk starts with."""

DEFAULTS = (
    f"Unless you name another, commands, notebooks, batches and the service take {DEFAULT}, "
    "because it reproduces the original ffmpeg command, and the desk starts with "
    f"{DESK_DEFAULT}, because it removes more banding."
)
"""A sentence on both, for help texts. The documentation repeats it."""
