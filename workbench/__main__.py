"""`python -m workbench`, and the script of that name: the command, as a process of its own."""

import signal


def main() -> None:
    """Run the command. Before it begins, and when all is done, Ctrl-C finds nothing to say."""
    if signal.getsignal(signal.SIGINT) == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from workbench.cli import main

    try:
        main(prog_name="workbench")
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


if __name__ == "__main__":
    main()
