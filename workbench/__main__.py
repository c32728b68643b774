"""`python -m workbench`: the command, where its script is not on the PATH."""

from workbench.cli import main

main(prog_name="workbench")
