"""Cancelling what runs: the whole of its processes end within five seconds, what it said is kept, and its slot is free."""

import sys
import time

from tests.alive import alive
from tests.cli.program import Program
from tests.waiting import eventually, slowness

STUBBORN = """
import os, signal, subprocess, sys, time
sys.stdin.read()
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen(["sh", "-c", "trap '' TERM; sleep 600 & wait"], start_new_session=len(sys.argv) > 1)
print("said so far", flush=True)
with open("pids", "w") as file:
    print(os.getpid(), child.pid, file=file)
time.sleep(600)
"""


def test_a_stubborn_program_and_its_children_end_and_the_next_task_runs(project: Program) -> None:
    (project.folder / "stubborn.py").write_text(STUBBORN)
    stubborn = {"ABATHUR_RUNTIMES__COMMAND__ARGV": f'["{sys.executable}", "stubborn.py"]'}
    assert project.inside("task", "submit", "never ends", env=stubborn).code == 0
    assert project.inside("engine", "start", "--detach", env={"ABATHUR_SWARM__MAX_AGENTS": "1"}).code == 0
    eventually(lambda: (project.folder / "pids").exists() and (project.folder / "pids").read_text().endswith("\n"))
    pids = (project.folder / "pids").read_text().split()
    project.ask("task", "submit", "SAY next")
    begun = time.monotonic()

    answer = project("task", "cancel", "t1", "--json")

    assert time.monotonic() - begun < 6 * slowness()
    assert (answer.code, answer.data) == (0, [{"id": "t1", "status": "cancelled"}])
    assert not any(alive(int(pid)) for pid in pids)
    assert project.ask("task", "show", "t1")["partial"].strip() == "said so far"
    eventually(lambda: project.ask("task", "list", "--status", "completed"))
    (agent,) = [attempt["outcome"] for attempt in project.ask("task", "show", "t1")["attempts"]]
    assert agent == "cancelled"
