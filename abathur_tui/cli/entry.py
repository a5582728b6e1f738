"""Where the program starts: answers `--version`, and forks the screen's guard, before anything slow is imported."""

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from abathur_tui import __version__

if TYPE_CHECKING:
    from abathur_tui.cli.shared_options import Invocation


def main() -> None:
    """The `abathur` program."""
    _open_standard_streams()
    try:
        code = run(sys.argv[1:])
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """One command line, to its exit code."""
    if list(arguments) in (["--version"], ["version"]) and _version_told():
        return 0
    # From here on each import waits for its need: 20 ms for the options, 50 for typer, 300 for the screen.
    from abathur_tui.cli.shared_options import read_shared

    call, left = read_shared(arguments)
    if not sys.stderr.isatty():
        call.hush()
    if left == ["--version"]:
        left = ["version"]
    if not left and not call.mistake and not call.json and "_ABATHUR_COMPLETE" not in os.environ:
        from abathur_tui import guard  # only the screen has one

        return guard.run_screen(lambda: _finished(call, _screen))
    if left == ["status"] and not call.mistake:
        return _finished(call, _glance)
    from abathur_tui.cli import app

    return app.main(call, left)


def _finished(call: "Invocation", command: Callable[["Invocation"], int]) -> int:
    from abathur_tui.cli.finishing import finish  # with the errors, which `--version` need not pay

    return finish(call, lambda: command(call))


def _glance(call: "Invocation") -> int:
    from abathur_tui.cli.glance import glance  # without typer, which the first look at a project need not pay

    return glance(call)


def _screen(call: "Invocation") -> int:
    from abathur_tui.cli.screen import open_screen  # in the guard's child only: the guard stays small

    return open_screen(call)


def _version_told() -> bool:
    """Whether standard output took it; else the command itself says what is wrong with that."""
    try:
        os.write(1, f"abathur {__version__}\n".encode())  # not by way of a buffer, in which it would stay
    except OSError:
        return False
    return True


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
