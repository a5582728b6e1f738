"""Under the screen: whichever of parent and child is killed, the terminal is usable again and nothing is left running.

The screen is a forked child in its parent's process group. So the shell's job control reaches both, and the shell waits for the parent,
which stops and ends as the child does.
"""

import os
import signal
import sys
import termios
import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Any, NoReturn

RESTORE = (
    b"\x1b[?2026l"  # no synchronised output
    b"\x1b[<u"  # kitty keyboard protocol: before the alternate screen is left, which has a stack of its own
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?1016l"  # no mouse reports
    b"\x1b[?1004l\x1b[?2004l\x1b[?2048l"  # no focus reports, no bracketed paste, no reports of the size
    b"\x1b[?1049l"  # leave the alternate screen
    b"\x1b[?7h\x1b[?25h\x1b[0m\x1b[0 q"  # wrap lines, show the cursor, plain attributes, its own shape
)
ENDING_SECONDS = 5
"""A child that was told to end by TERM or HUP and has not after this time is killed."""
CONTINUED_SECONDS = 0.2
"""How long the shell's own SIGCONT may take to reach the child after it reached the parent."""
PASSED_ON = (signal.SIGTERM, signal.SIGHUP)
TERMINAL_SIGNALS = (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
"""What the terminal sends to the whole group: the parent ignores it, and follows what the child makes of it."""


class Terminal:
    """The controlling terminal as it was before the screen started."""

    def __init__(self, descriptor: int) -> None:
        """`descriptor`: of the terminal. Raises OSError or termios.error where it cannot be opened."""
        # An open file of its own: what the screen does to the modes of standard input and output does not reach it.
        self._descriptor = os.open(os.ttyname(descriptor), os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self._attributes = termios.tcgetattr(self._descriptor)

    def is_ours(self) -> bool:
        """Whether this process is in the foreground: otherwise a shell has the terminal, and set it as it needs it."""
        try:
            return os.tcgetpgrp(self._descriptor) == os.getpgrp()
        except OSError:
            return True  # It is nobody's controlling terminal.

    def leave_screen(self) -> None:
        """Write what undoes all modes that a screen may have set. A terminal that takes nothing is given up after a second."""
        rest, deadline = RESTORE, time.monotonic() + 1
        while rest and time.monotonic() < deadline:
            try:
                rest = rest[os.write(self._descriptor, rest) :]
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                return  # The terminal itself is gone.

    def attributes(self) -> list[Any] | None:
        """How it is set now; None where it is gone."""
        try:
            return termios.tcgetattr(self._descriptor)
        except termios.error:
            return None

    def restore_attributes(self) -> None:
        """Set it as it was at first, and forget what was typed or reported meanwhile."""
        if self.attributes() not in (None, self._attributes):
            with suppress(termios.error):
                # Not TCSAFLUSH, which waits for a terminal that takes no output.
                termios.tcsetattr(self._descriptor, termios.TCSANOW, self._attributes)
                termios.tcflush(self._descriptor, termios.TCIFLUSH)


def run_screen(child: Callable[[], int]) -> int:
    """Run `child` under a guard and give its exit code, or 128 and the number of the signal that killed it.

    To be called before threads are started or anything heavy is imported. `child` runs in a forked process, which ends with it and never
    comes back to the caller. Without a terminal there is no guard: `child` runs in this process.
    """
    terminal = _terminal()
    if terminal is None:
        return child()
    sys.stdout.flush()
    sys.stderr.flush()
    # Whoever started us may have had it ignored, and then no child's end can be waited for.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    lifeline, parents_end = os.pipe()
    # No signal may come between the fork and the handlers.
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, (*PASSED_ON, *TERMINAL_SIGNALS))
    pid = os.fork()
    if pid == 0:
        os.close(parents_end)
        threading.Thread(target=_leave_with_parent, args=(lifeline, terminal), name="guard", daemon=True).start()
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
        _become(child)
    os.close(lifeline)
    for number in TERMINAL_SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    for number in PASSED_ON:
        signal.signal(number, lambda received, _: _pass_on(pid, received))
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    status = _wait(pid)
    signal.alarm(0)
    if terminal.is_ours():
        # One that could say its last words has said them.
        if os.WIFSIGNALED(status):
            terminal.leave_screen()
        terminal.restore_attributes()
    os.close(parents_end)
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def _terminal() -> Terminal | None:
    """The terminal, where both standard input and output are one."""
    try:
        return Terminal(sys.stdin.fileno()) if sys.stdin.isatty() and sys.stdout.isatty() else None
    except (AttributeError, ValueError, OSError, termios.error):  # closed, or replaced by something that is no file
        return None


def _wait(pid: int) -> int:
    """The child's status at its end; stops with it and continues it on coming back."""
    while True:
        _, status = os.waitpid(pid, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        # Not SIGSTOP: where no shell is left that could continue this group, TSTP does not stop it.
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        # Here again after `fg`, which continues the whole group. A child that was continued must not be continued twice: the screen
        # would be set up twice. One that was not (somebody continued only this process) is.
        deadline = time.monotonic() + CONTINUED_SECONDS
        while time.monotonic() < deadline:
            done, status = os.waitpid(pid, os.WCONTINUED | os.WNOHANG)
            if done and not os.WIFCONTINUED(status):
                return status
            if done:
                break
            time.sleep(0.005)
        else:
            os.kill(pid, signal.SIGCONT)


def _pass_on(pid: int, number: int) -> None:
    def kill(_number: int, _frame: FrameType | None) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    with suppress(ProcessLookupError):
        os.kill(pid, number)
    signal.signal(signal.SIGALRM, kill)
    signal.alarm(ENDING_SECONDS)


def _become(child: Callable[[], int]) -> NoReturn:
    """Run the child and end this process with its exit code."""
    code = 1
    try:
        code = child()
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        # Not by way of the caller, whose work is the parent's; nor does a thread that hangs keep the shell waiting.
        os._exit(code & 0xFF)


def _leave_with_parent(lifeline: int, terminal: Terminal) -> None:
    """Wait until the parent is gone (it never writes), then restore the terminal and end this process."""
    # A signal that this thread took would not wake the main one from a system call. And when the parent is gone the shell has the
    # terminal: only with SIGTTOU blocked may this process still set it.
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    while os.read(lifeline, 1):
        pass
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nowhere, descriptor)
    terminal.leave_screen()
    # A shell that edits its line has set the terminal to its own needs already, with signals on: that must stay.
    attributes = terminal.attributes()
    if attributes is not None and not attributes[3] & termios.ISIG:
        terminal.restore_attributes()
    os._exit(128 + signal.SIGKILL)
