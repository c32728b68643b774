"""Run the command line as a process: `python -m workbench`, or the script `workbench`."""

from workbench.signals import exit_on_interrupt, ignore_stop_signals


def main() -> None:
    """Run the command. Ctrl-C shows no traceback while the process starts or exits."""
    exit_on_interrupt()
    from workbench.cli import main

    try:
        main(prog_name="workbench")
    finally:
        ignore_stop_signals()


if __name__ == "__main__":
    main()
