"""An engine that is stopped for its whole lease: whoever follows its work sees another one go on with it, and it ends itself on waking."""

import json
import os
import signal

from tests.alive import alive
from tests.cli.program import Program
from tests.cli.test_run import has_begun
from tests.waiting import eventually


def test_whoever_watches_sees_the_work_go_on(project: Program) -> None:
    project.environ = {"ABATHUR_QUEUE__LEASE_SECONDS": "3", "ABATHUR_QUEUE__HEARTBEAT_SECONDS": "0.5"}
    project.ask("run", "SAY begun; WAIT go; SAY done", "--detach")
    watching = project.start("watch", "x1", "--json")
    project.at_work(watching)
    eventually(lambda: has_begun(project))
    stopped = project.ask("engine", "status")["engine"]["pid"]

    os.kill(stopped, signal.SIGSTOP)
    (project.folder / "go").touch()
    out, err = watching.communicate(timeout=60)

    assert watching.returncode == 0, err
    assert json.loads(out)["output"] == "begun\ndone\n"
    os.kill(stopped, signal.SIGCONT)
    eventually(lambda: not alive(stopped))
    assert [attempt["outcome"] for attempt in project.ask("task", "show", "t1")["attempts"]] == ["interrupted", "completed"]
