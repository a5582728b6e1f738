"""Where the program starts: answers `--version` and forks the screen's guard before anything slow is imported."""

import os
import sys
from collections.abc import Sequence

from abathur_tui import __version__, guard


def main() -> None:
    """The `abathur` program."""
    _open_standard_streams()
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """One command line, to its exit code."""
    if list(arguments) in (["--version"], ["version"]):
        return _version()
    if _asks_for_screen(arguments):
        return _screen(arguments)
    from abathur_tui.cli import app  # typer takes 50 ms, which `--version` and the screen's guard must not pay

    return app.main(arguments)


def _version() -> int:
    try:
        print(f"abathur {__version__}", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or the interpreter's last flush would complain
        return 1
    return 0


def _asks_for_screen(arguments: Sequence[str]) -> bool:
    """True where there is no command, only options that go with the screen."""
    rest = list(arguments)
    while rest:
        option = rest.pop(0)
        if option == "--project" and rest:
            rest.pop(0)
        elif not (option == "--debug" or option.startswith("--project=")):
            return False
    return True


def _screen(arguments: Sequence[str]) -> int:
    def child() -> int:
        from abathur_tui.cli import screen  # in the guard's child only: the guard stays small

        return screen.main(arguments)

    if sys.stdin.isatty() and sys.stdout.isatty():
        return guard.run_screen(child)
    return child()


def _open_standard_streams() -> None:
    """A standard stream that was closed gets `/dev/null`: otherwise the first file that is opened, the database, would take its number."""
    for number, flags in ((0, os.O_RDONLY), (1, os.O_WRONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 (open as long as the program)
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
