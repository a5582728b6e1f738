"""A terminal for tests: a pty with a shell in it, and what its output has switched on."""

import os
import re
import select
import subprocess
import sys
import termios
import threading
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped]

from tests.alive import alive
from tests.waiting import eventually

LOGIN = """
import os, signal, sys
signal.signal(signal.SIGHUP, signal.SIG_DFL)
os.login_tty(os.open(sys.argv[1], os.O_RDWR))
os.execvp(sys.argv[2], sys.argv[2:])
"""
"""As a terminal starts its shell: also where whoever runs the tests ignores hang-ups (`nohup`)."""
MODE = re.compile(rb"\x1b\[\?([0-9;]+)([hl])|\x1b\[(>[0-9]+|<)u")
USUAL = {"7", "25"}
"""On in a terminal that nobody has touched: lines wrap, the cursor is shown."""


class Terminal:
    """A terminal in which a shell is the leader of the session, as it is for a user."""

    def __init__(self, folder: Path, *shell: str) -> None:
        """`folder`: for the shell's own settings."""
        (folder / "inputrc").write_text("set enable-bracketed-paste off\n")
        self._master, self._slave = os.openpty()
        termios.tcsetwinsize(self._slave, (24, 80))
        self.first_attributes = self.attributes()
        self._output = bytearray()
        self._seen = 0
        self._stop, self._stopping = os.pipe()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.shell = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", LOGIN, os.ttyname(self._slave), *shell],
            cwd=Path(__file__).parents[2],
            env={**os.environ, "PS1": "READY> ", "TERM": "xterm-256color", "INPUTRC": str(folder / "inputrc"), "HISTFILE": ""},
        )

    def type(self, text: str) -> None:
        """Press these keys."""
        os.write(self._master, text.encode())

    def run(self, command: str) -> None:
        """Wait for a prompt, then enter the command."""
        self.expect("READY> ")
        self.type(command + "\r")

    def expect(self, text: str, seconds: float = 30) -> None:
        """Wait until this text comes, after what was expected before."""
        eventually(lambda: self._output.find(text.encode(), self._seen) >= 0, seconds)
        self._seen = self._output.find(text.encode(), self._seen) + len(text)

    def has_shown(self, text: str) -> bool:
        """Whether this text has ever come."""
        return text.encode() in self._output

    def modes(self) -> set[str]:
        """The private modes that are not as usual, and `keyboard` where the kitty protocol is on."""
        on, keyboard = set(USUAL), 0
        for numbers, letter, stack in MODE.findall(bytes(self._output)):
            for number in numbers.decode().split(";") if numbers else ():
                (on.add if letter == b"h" else on.discard)(number)
            if stack:
                keyboard = max(0, keyboard + (1 if stack.startswith(b">") else -1))
        return (on ^ USUAL) | ({"keyboard"} if keyboard else set())

    def attributes(self) -> list[Any]:
        """The terminal's settings."""
        return termios.tcgetattr(self._slave)

    def members_of_the_job(self) -> list[int]:
        """The processes in the foreground; empty while that is the shell."""
        foreground = os.tcgetpgrp(self._master)
        if foreground == self.shell.pid:
            return []
        return [process.pid for process in psutil.process_iter() if _group(process.pid) == foreground and alive(process.pid)]

    def hang_up(self) -> None:
        """Close the window."""
        if self._reader.is_alive():
            os.write(self._stopping, b"x")
            self._reader.join()
            for descriptor in (self._master, self._slave, self._stop, self._stopping):
                os.close(descriptor)

    def _read(self) -> None:
        poll = select.poll()
        poll.register(self._master, select.POLLIN)
        poll.register(self._stop, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            if self._stop in ready:
                return
            try:
                self._output += os.read(self._master, 65536)
            except OSError:
                return


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0
