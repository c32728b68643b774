"""Run the command line as a process: `python -m workbench`, or the script `workbench`."""

import signal

# Ctrl-C ends a starting process without a traceback. All other imports come later.
if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Run the command. Ctrl-C shows no traceback while the process starts or exits."""
    from workbench.cli import main
    from workbench.signals import ignore_stop_signals

    try:
        main(prog_name="workbench")
    finally:
        ignore_stop_signals()


if __name__ == "__main__":
    main()
