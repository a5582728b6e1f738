"""The engine is killed at random while commands on changes of status run: every change is told, and none for ever."""

import json
import os
import random
import signal
from collections import Counter

from tests.cli.program import Program
from tests.waiting import eventually

TASKS, KILLS = 15, 3


def test_every_change_is_told_at_least_once_through_kills(project: Program) -> None:
    project.environ["ABATHUR_QUEUE__ON_STATUS"] = json.dumps(
        [{"statuses": ["completed"], "command": ["/bin/sh", "-c", 'read -r task; sleep 0.02; echo "$ABATHUR_TASK" >> told']}]
    )
    lines = [json.dumps({"prompt": f"SAY {number}"}) for number in range(TASKS)]
    assert project.inside("engine", "start", "--detach").code == 0
    project.ask("task", "batch-submit", "-", input="\n".join(lines))
    chance = random.Random(7)

    def told() -> list[str]:
        file = project.folder / "told"
        return file.read_text().split() if file.exists() else []

    for _ in range(KILLS):
        seen = len(told())
        eventually(lambda seen=seen: len(told()) >= min(seen + chance.randrange(1, 5), TASKS))  # type: ignore[misc]
        engine = eventually(lambda: project.ask("status")["engine"])
        os.kill(engine["pid"], signal.SIGKILL)
    assert project("engine", "start", "--drain", "--quiet", timeout=60).code == 0

    completed = {task["id"] for task in project.ask("task", "list", "--status", "completed", "--limit", "100")}
    assert len(completed) == TASKS + 1
    assert set(told()) == completed
    times = Counter(told())
    assert sum(count - 1 for count in times.values()) <= KILLS
