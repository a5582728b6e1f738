"""`engine start` on a terminal: what a person sees at the end is whole, with nothing left of the lines that were redrawn."""

import fcntl
import os
import pty
import signal
import struct
import termios
import threading
from pathlib import Path

import pyte

from tests.cli.program import Program
from tests.waiting import eventually


def test_what_the_command_says_stays_and_the_lines_of_the_moment_go(project: Program, tmp_path: Path) -> None:
    project.environ["TERM"] = "xterm"
    project.ask("task", "submit", "SAY first")
    project.ask("task", "submit", f"WAIT {tmp_path / 'gate'}; SAY second")
    main, other = pty.openpty()
    fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 60, 0, 0))
    screen = pyte.Screen(60, 30)
    stream = pyte.ByteStream(screen)
    running = project.start("engine", "start", stderr=other)
    os.close(other)

    def shown() -> None:
        try:
            while piece := os.read(main, 65536):
                stream.feed(piece)
        except OSError:
            return  # it has ended

    reader = threading.Thread(target=shown)
    reader.start()
    eventually(lambda: any("▶ t2" in line for line in screen.display) and any("✓ t1" in line for line in screen.display))

    running.send_signal(signal.SIGINT)
    running.communicate(timeout=60)
    reader.join()
    os.close(main)

    assert running.returncode == 130
    text = "".join(line.rstrip() if len(line.rstrip()) < 60 else line for line in screen.display)
    assert text.startswith("The engine works, process ")
    assert "Ctrl-C stops it." in text
    assert "✓ t1 SAY first  completed in " in text
    assert text.endswith("Stopping the engine; its tasks go back to the queue. Press Ctrl-C again to leave without waiting.")
    assert "▶" not in text
    assert " done  " not in text
