"""A process that has everything imported, and forks one for the steps of a scenario: `python -m tests.journeys.kills.forge`.

It reads orders, a JSON object a line: `{"scenario", "steps", "folder", "traced"}`. For each it says the process's id in a line, and when that has
ended its exit code (negative: the signal). A traced one begins only when somebody traces it. What a step says goes to the standard error.
"""

import json
import os
import sys
import time
import traceback
from pathlib import Path

from abathur_tui.domain.errors import AbathurError, Unexpected
from tests.journeys.kills.lab import TOLD
from tests.journeys.kills.laws import hold
from tests.journeys.kills.scenario import Told
from tests.journeys.kills.scenarios import BY_NAME


def run(name: str, steps: str, folder: Path) -> None:
    """Do steps, each with the project opened anew. Raises AssertionError where something is not as it must be."""
    scenario = BY_NAME[name]
    for step in steps.split():
        project = scenario.bench(folder)
        try:
            getattr(scenario, step)(project)
        finally:
            project.close()
        if step == "check":
            hold(folder)


def _await_tracer() -> None:
    while "TracerPid:\t0\n" in Path("/proc/self/status").read_text():
        time.sleep(0.001)  # nothing tells when it comes


def main() -> None:
    """Until the end of the orders."""
    for line in sys.stdin:
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
                os.dup2(2, 1)
                if order["traced"]:
                    _await_tracer()
                run(order["scenario"], order["steps"], Path(order["folder"]))
                code = 0
            except (AbathurError, Told) as error:
                code = TOLD if order["traced"] and not isinstance(error, Unexpected) else 1
                traceback.print_exception(error)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _say(child)
        _, status = os.waitpid(child, 0)
        _say(os.waitstatus_to_exitcode(status))


def _say(number: int) -> None:
    os.write(1, f"{number}\n".encode())


if __name__ == "__main__":
    main()
