"""How long `abathur` takes to show its first frame, and to answer `--help` and `--version`, over the interpreter's own start.

    python benchmarks/first_frame.py [RUNS]

Runs alternate, so that what else the machine does falls on all of them alike. Beside the limits stands a peer: a Textual application that
shows one word. The first frame is measured in a real pseudo-terminal: from the start of the process until the last pane, `convergence`, was drawn.
"""

import fcntl
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from pathlib import Path

ABATHUR = [sys.executable, "-c", "from abathur_tui.cli.entry import main; raise SystemExit(main())"]
EMPTY = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("convergence")
Empty().run()
"""
LIMITS_MS = {"abathur --version": 100, "abathur --help": 150, "abathur, first frame": 500}


def ends(arguments: list[str], folder: Path) -> float:
    """Seconds until a command has ended."""
    began = time.perf_counter()
    subprocess.run(arguments, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def draws(arguments: list[str], folder: Path, word: bytes = b"convergence") -> float:
    """Seconds until a program has drawn a word in a terminal of 120 columns; it is killed then."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    environment = os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8"}
    began = time.perf_counter()
    process = subprocess.Popen(arguments, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment, start_new_session=True)
    os.close(slave)
    seen = b""
    try:
        while word not in seen:
            if not select.select([master], [], [], 20)[0]:
                raise TimeoutError(f"{arguments}: nothing was drawn: {seen!r}")
            seen += os.read(master, 65_536)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()
        os.close(master)


def main() -> None:
    """Measure, and print a line for each."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subprocess.run([*ABATHUR, "init"], cwd=folder, stdout=subprocess.DEVNULL, check=True)
        cases: dict[str, Callable[[], float]] = {
            "python -c pass": lambda: ends([sys.executable, "-c", "pass"], folder),
            "abathur --version": lambda: ends([*ABATHUR, "--version"], folder),
            "abathur --help": lambda: ends([*ABATHUR, "--help"], folder),
            "abathur, first frame": lambda: draws(ABATHUR, folder),
            "an empty Textual app": lambda: draws([sys.executable, "-c", EMPTY], folder),
        }
        for measure in cases.values():
            measure()  # warms the caches
        seconds: dict[str, list[float]] = {case: [] for case in cases}
        for _ in range(runs):
            for case, measure in cases.items():
                seconds[case].append(measure())
    start = statistics.median(seconds["python -c pass"])
    print(f"{'':22} {'median':>8} {'lowest':>8} {'highest':>8} {'over python':>12} {'times python':>13} {'limit':>7}")
    for case, values in seconds.items():
        median = statistics.median(values)
        over = 1000 * (median - start)
        limit = LIMITS_MS.get(case)
        verdict = "" if limit is None else f"{limit} ms {'ok' if over <= limit else 'OVER'}"
        spread = f"{1000 * median:5.0f} ms {1000 * min(values):5.0f} ms {1000 * max(values):5.0f} ms"
        print(f"{case:22} {spread} {over:9.0f} ms {median / start:12.1f} {verdict:>10}")


if __name__ == "__main__":
    main()
