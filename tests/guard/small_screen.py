"""A small full-screen program under the guard: `python -m tests.guard.small_screen FOLDER [cooked|stubborn]`.

It sets the terminal up as Textual does, and suspends as Textual does. Keys: `q` ends it, `e` ends it with 7, `x` by an exception,
Ctrl-Z suspends. FOLDER/pids has its own and its parent's process id, FOLDER/setups a line for each time that it took the screen.
"""

import os
import signal
import sys
import termios
from pathlib import Path
from types import FrameType
from typing import NoReturn

from abathur_tui.guard import run_screen, screen

TAKE = "\x1b[?1049h\x1b[?1000h\x1b[?1003h\x1b[?1015h\x1b[?1006h\x1b[?25l\x1b[?1004h\x1b[>25u\x1b[?2004h\x1b[?7l"
LEAVE = "\x1b[?2004l\x1b[?7h\x1b[?1000l\x1b[?1003l\x1b[?1015l\x1b[?1006l\x1b[<u\x1b[?1049l\x1b[?25h\x1b[?1004l"


class Screen:
    """The screen's process."""

    def __init__(self, folder: Path, style: str) -> None:
        self.folder = folder
        self.style = style
        self.before = termios.tcgetattr(0)

    def take(self) -> None:
        """Take the terminal."""
        mode = termios.tcgetattr(0)
        mode[3] &= ~(termios.ECHO | termios.ICANON | termios.IEXTEN | (0 if self.style == "cooked" else termios.ISIG))
        termios.tcsetattr(0, termios.TCSANOW, mode)
        os.write(1, TAKE.encode())
        with (self.folder / "setups").open("a") as file:
            file.write("taken\n")

    def leave(self) -> None:
        """Give the terminal back."""
        os.write(1, LEAVE.encode())
        termios.tcsetattr(0, termios.TCSANOW, self.before)

    def suspend(self, _number: int, _frame: FrameType | None) -> None:
        """What Textual does on TSTP."""
        self.leave()
        os.kill(os.getpid(), signal.SIGSTOP)

    def resume(self, _number: int, _frame: FrameType | None) -> None:
        """What Textual does on CONT."""
        self.take()

    def run(self) -> int:
        """Until a key ends it."""
        if self.style == "stubborn":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        if self.style != "cooked":
            signal.signal(signal.SIGTSTP, self.suspend)
            signal.signal(signal.SIGCONT, self.resume)
        self.take()
        (self.folder / "draft").write_text(f"{os.getpid()} {os.getppid()}\n")
        (self.folder / "draft").rename(self.folder / "pids")
        while True:
            match os.read(0, 1):
                case b"q":
                    self.leave()
                    return 0
                case b"e":
                    self.leave()
                    return 7
                case b"x":
                    self.leave()
                    raise RuntimeError("crashed on purpose")
                case b"\x1a":
                    os.kill(os.getpid(), signal.SIGTSTP)
                case b"":
                    return 3
                case key:
                    os.write(1, b"<key %s>" % key.hex().encode())


def main() -> NoReturn:
    """Run it under the guard, with a shorter patience."""
    screen.ENDING_SECONDS = 1
    folder, style = Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "raw"
    if style == "where":
        sys.exit(run_screen(lambda: 10 if os.getpid() == parent else 20))
    sys.exit(run_screen(lambda: Screen(folder, style).run()))


if __name__ == "__main__":
    parent = os.getpid()
    main()
