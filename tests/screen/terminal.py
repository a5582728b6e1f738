"""A real pseudo-terminal with a program in it: what it writes, byte for byte, and what a person would see of that."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import pyte

ROOT = Path(__file__).parents[2]


class Terminal:
    """The screen in a terminal of its own; ends it on leaving the `with` block."""

    def __init__(self, folder: Path, *, size: tuple[int, int] = (80, 24), environ: Mapping[str, str] | None = None) -> None:
        """`environ`: on top of a bare environment with all colours."""
        columns, rows = size
        self.written = bytearray()
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        bare = {"PATH": os.environ["PATH"], "HOME": str(folder), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", "TZ": "UTC"}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.screen.stage", str(folder)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=ROOT,
            env=bare | {"TEXTUAL_ANIMATIONS": "none"} | dict(environ or {}),
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.hang_up()

    @property
    def display(self) -> str:
        """The lines that a person sees."""
        return "\n".join(self.screen.display)

    def type(self, text: str) -> None:
        """Keys, as a terminal sends them."""
        os.write(self._master, text.encode())

    def paste(self, text: str) -> None:
        """Bracketed paste, from which terminals themselves take only the escape that would end it."""
        os.write(self._master, b"\x1b[200~" + text.replace("\x1b", "").encode() + b"\x1b[201~")

    def until(self, condition: Callable[[str], bool] | str, seconds: float = 60.0, *, again: Callable[[], None] | None = None) -> str:
        """The display, as soon as it holds a text or meets a condition. Raises AssertionError at the deadline.

        `again` is done after each two seconds: what is typed in the moment in which a screen is drawn may come before that screen listens.
        """
        met = (lambda display: condition in display) if isinstance(condition, str) else condition
        deadline, done_at = time.monotonic() + seconds, time.monotonic()
        while not met(self.display):
            if again is not None and time.monotonic() - done_at > 2.0:
                again()
                done_at = time.monotonic()
            assert time.monotonic() < deadline, f"not within {seconds} s: {condition}\n{self.display}"
            assert self.read(0.05) or self.process.poll() is None, (
                f"it ended with {self.process.returncode}:\n{self.written[-3000:].decode(errors='replace')}"
            )
        return self.display

    def read(self, seconds: float) -> bool:
        """Take in what was written, for at most so long; False where nothing came."""
        if not select.select([self._master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._master, 65_536)
        except OSError:
            return False
        self.written += data
        self._stream.feed(data)
        return bool(data)

    def leaves(self, seconds: float = 60.0) -> int:
        """Leave the screen while work goes on; gives its exit code.

        The question does not count an answer that comes before the program knows that it was drawn, so the answer is given until it counts.
        """
        self.type("q")
        self.until("Leave; the engine")
        return self.ends(seconds, again="\r")

    def ends(self, seconds: float = 60.0, *, again: str = "") -> int:
        """Its exit code, once it has ended. `again` is typed twice a second until then."""
        deadline = time.monotonic() + seconds
        typed_at = float("-inf")
        while self.process.poll() is None:
            assert time.monotonic() < deadline, f"it did not end within {seconds} s\n{self.display}"
            if again and time.monotonic() - typed_at > 0.5:
                self.type(again)
                typed_at = time.monotonic()
            self.read(0.05)
        while self.read(0.05):
            pass
        return self.process.returncode

    def send(self, number: signal.Signals) -> None:
        """A signal to the program."""
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """The terminal is gone."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
