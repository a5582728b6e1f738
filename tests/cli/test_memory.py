"""What an engine takes of the machine's memory, as the system's own tools show it."""

import json

import psutil  # type: ignore[import-untyped]

from tests.cli.program import Program
from tests.waiting import eventually

MB = 1024 * 1024
_LONG = ["/bin/sh", "-c", f"head -c {10 * MB} /dev/zero | tr '\\0' x"]


def test_after_very_long_outputs_the_engine_takes_no_more_than_before(project: Program) -> None:
    # Given an engine that has done some work already,
    project.environ["ABATHUR_SWARM__MAX_AGENTS"] = "2"
    project.ask("engine", "start", "--detach")
    project.ask("run", "SAY short")
    engine = psutil.Process(project.ask("engine", "status")["engine"]["pid"])
    before = engine.memory_info().rss
    # when agents have said 40 MB,
    project.environ["ABATHUR_RUNTIMES__COMMAND__ARGV"] = json.dumps(_LONG)
    for number in range(4):
        project.ask("run", f"long {number}", "--detach")
    last = project.ask("watch", "x5")
    eventually(lambda: project.ask("status")["tasks"]["completed"] == 5)
    # then the memory that this took goes back to the system.
    assert len(last["output"]) == 10 * MB
    eventually(lambda: engine.memory_info().rss < before + 25 * MB)
