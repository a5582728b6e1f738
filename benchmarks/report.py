"""Runs all benchmarks, and writes their page.

python benchmarks/report.py > docs/benchmarks.md
"""

import os
import platform
import re
import sqlite3
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

SCRIPTS = (
    "language.py",
    "plans.py",
    "executions.py",
    "throughput.py",
    "queues.py",
    "latency.py",
    "memory.py",
    "agents.py",
    "loop_overhead.py",
    "first_frame.py",
    "million.py",
)
LIBRARIES = ("textual", "anthropic", "lark", "pydantic", "typer")
FOLDER = Path(__file__).parent


def processor() -> str:
    """Its name, as far as the system tells."""
    try:
        found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    except OSError:
        found = None
    return found[1] if found else platform.processor() or platform.machine()


def load() -> str:
    """What else the machine had to do."""
    return f"{os.getloadavg()[0]:.1f}"


def main() -> int:
    """Write the page; 1 where a benchmark says that its promise is not kept."""
    before = load()
    sections, worst = [], 0
    environ = {**os.environ, "PYTHONPATH": str(FOLDER.parent)}  # some take their runtime from the tests
    for script in SCRIPTS:
        print(f"{script}…", file=sys.stderr, flush=True)
        done = subprocess.run([sys.executable, FOLDER / script], capture_output=True, text=True, check=False, env=environ)
        worst = max(worst, done.returncode)
        what = re.match(r'"""(.*?)\n\n', (FOLDER / script).read_text(), re.DOTALL)
        said = done.stdout.rstrip() + ("" if done.returncode in (0, 1) and done.stdout else f"\n{done.stderr.rstrip()}")
        sections.append(f"## {script}\n\n{what[1] if what else ''}\n\n```\n{said.strip()}\n```\n")
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    print("# Benchmarks\n")
    print("Made by `python benchmarks/report.py > docs/benchmarks.md`. Each script says at its top what it measures, how, and against what.\n")
    print(f"- Machine: {processor()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}")
    print(f"- Load of the machine by others when it began: {before}")
    print(f"- Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}, abathur {version('abathur-tui')}, {versions}\n")
    print("\n".join(sections), end="")
    return worst


if __name__ == "__main__":
    raise SystemExit(main())
