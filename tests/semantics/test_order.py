"""Who starts when: priorities, submission order, how many at once, and each once."""

import json
from itertools import groupby
from typing import Any

from tests.semantics.queue import Queue
from tests.waiting import eventually

RECORD = "! echo $ABATHUR_TASK >> $ABATHUR_PROJECT/ran"
ONE_AT_A_TIME = {"ABATHUR_SWARM__MAX_AGENTS": "1"}


def test_the_most_urgent_comes_first_and_among_equals_the_oldest(queue: Queue) -> None:
    tasks = {priority: [queue.submit(":", "--priority", priority) for priority in [priority] * 2] for priority in ("0", "10", "5")}
    raised, lowered = queue.submit(":", "--priority", "0"), queue.submit(":", "--priority", "10")
    queue.program.ask("task", "reprioritize", raised, "--priority", "10")
    queue.program.ask("task", "reprioritize", lowered, "--priority", "0")

    queue.drain(**ONE_AT_A_TIME)

    assert queue.claims() == [*tasks["10"], raised, *tasks["5"], *tasks["0"], lowered]
    queue.check()


def test_what_is_urgent_overtakes_a_long_execution_and_what_is_not_comes_at_last(queue: Queue) -> None:
    long = queue.batch(*[{"prompt": "sleep 0.05"}] * 8)
    queue.program("engine", "start", "--detach", env=ONE_AT_A_TIME)
    eventually(queue.claims)

    urgent, patient = queue.submit(":", "--priority", "critical"), queue.submit(":", "--priority", "low")
    queue.ends(patient, "completed")

    order = [task for task in queue.claims() if task in {*long, urgent, patient}]
    assert [task for task in order if task != urgent] == [*long, patient]
    assert order.index(urgent) < order.index(patient)


def test_never_more_at_once_than_the_limit(queue: Queue) -> None:
    queue.batch(*[{"prompt": "sleep 0.1"}] * 12)

    queue.drain(ABATHUR_SWARM__MAX_AGENTS="3")

    moments = queue.rows(
        "SELECT started_at, 1 FROM attempts WHERE task IN (SELECT id FROM tasks WHERE kind = 'agent') UNION ALL "
        "SELECT ended_at, -1 FROM attempts WHERE task IN (SELECT id FROM tasks WHERE kind = 'agent') ORDER BY 1, 2"
    )
    busy, most = 0, 0
    for _, change in moments:
        busy += change
        most = max(most, busy)
    assert (busy, most) == (0, 3)


def test_each_task_of_several_submitters_runs_once_whoever_starts_the_engine(queue: Queue) -> None:
    lines = "\n".join(json.dumps({"prompt": RECORD}) for _ in range(20))
    (queue.program.folder / "jobs.jsonl").write_text(lines)
    submitters = [queue.program.start("task", "batch-submit", "jobs.jsonl", "--json") for _ in range(2)]
    submitters += [queue.program.start("run", RECORD, "--json") for _ in range(2)]

    answers: list[Any] = [json.loads(submitter.communicate(timeout=60)[0]) for submitter in submitters]
    queue.drain()

    assert [answer["status"] for answer in answers[2:]] == ["completed"] * 2
    assert [len(answer["tasks"]) for answer in answers[:2]] == [20] * 2
    ran = (queue.program.folder / "ran").read_text().split()
    assert (len(ran), len(set(ran))) == (42, 42)
    by_execution = {
        key: list(group) for key, group in groupby(queue.rows("SELECT execution, id FROM tasks WHERE kind = 'agent'"), lambda row: row[0])
    }
    place = {task: number for number, task in enumerate(queue.claims())}
    assert all([place[f"t{id}"] for _, id in tasks] == sorted(place[f"t{id}"] for _, id in tasks) for tasks in by_execution.values())
    queue.check()
