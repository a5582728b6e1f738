"""What stands in the way of work, and lets it go again: a full queue, a pause, an expiry, a task that kills its engine."""

import json
import os
import signal
from pathlib import Path

from tests.semantics.queue import Queue
from tests.waiting import eventually

ONE_AT_A_TIME = {"ABATHUR_SWARM__MAX_AGENTS": "1"}


def test_of_several_who_would_fill_the_queue_at_once_only_those_get_in_who_fit_and_each_wholly(queue: Queue) -> None:
    queue.program.environ["ABATHUR_QUEUE__MAX_SIZE"] = "30"
    (queue.program.folder / "jobs.jsonl").write_text("\n".join(json.dumps({"prompt": "! :"}) for _ in range(20)))

    submitters = [queue.program.start("task", "batch-submit", "jobs.jsonl", "--json") for _ in range(3)]
    answers = [(submitter.communicate(timeout=60), submitter.returncode) for submitter in submitters]

    assert sorted(code for _, code in answers) == [0, 4, 4]
    assert all("ABTH-ERR-005" in err for (_, err), code in answers if code == 4)
    assert queue.rows("SELECT count(*) FROM tasks WHERE kind = 'agent'") == [(20,)]
    queue.drain()
    queue.batch(*[{"prompt": ":"}] * 30)  # What has ended takes no room.
    queue.check()


def test_a_paused_queue_ends_what_runs_and_begins_nothing(queue: Queue, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    running, next_one = queue.submit(f"while ! test -e {gate}; do sleep 0.05; done"), queue.submit(":")
    queue.program.ask("engine", "start", "--detach", env=ONE_AT_A_TIME)
    queue.ends(running, "running")

    queue.program.ask("swarm", "stop")
    gate.touch()
    queue.ends(running, "completed")
    urgent = queue.submit(":", "--priority", "10")
    assert queue.statuses(running, next_one, urgent) == ["completed", "pending", "pending"]

    queue.program.ask("swarm", "start")
    queue.ends(next_one, "completed")
    assert queue.claims() == [running, urgent, next_one]
    queue.check()


def test_what_has_not_begun_in_time_fails_and_takes_only_those_with_it_that_need_it(queue: Queue) -> None:
    late = queue.submit("echo late", "--expires", "0.5s", "--in", "1h")
    needing, going_on = queue.submit(":", "--after", late), queue.submit(":", "--after", late, "--ignore-dependency-failure")

    queue.program.ask("engine", "start", "--detach")
    queue.ends(going_on, "completed")

    assert queue.statuses(late, needing, going_on) == ["failed", "failed", "completed"]
    assert queue.show(late)["error"]["code"] == "ABTH-ERR-025"
    assert queue.show(late)["attempts"] == []
    queue.check()


def test_a_task_that_kills_its_engine_is_given_up_after_five_times_and_the_others_are_done(queue: Queue) -> None:
    # Given a task that ends whichever engine is at it, and others that wait behind it for the only slot,
    poison = queue.submit("kill -9 $PPID; sleep 60")
    others = [queue.submit("echo fine") for _ in range(3)]

    queue.program.ask("engine", "start", "--detach", env=ONE_AT_A_TIME)

    # then it is a dead letter after five times, and the others are completed, each in its first attempt.
    queue.ends(poison, "dead")
    for task in others:
        queue.ends(task, "completed")
    assert [attempt["outcome"] for attempt in queue.show(poison)["attempts"]] == ["interrupted"] * 5
    assert queue.program.ask("task", "dlq", "list")[0]["error"]["code"] == "ABTH-ERR-026"
    assert [len(queue.show(task)["attempts"]) for task in others] == [1, 1, 1]
    queue.check()


def test_an_ordered_end_gives_back_what_runs_and_counts_against_nobody(queue: Queue, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    tasks = [queue.submit(f"until test -e {gate}; do sleep 0.05; done; echo $ABATHUR_ATTEMPT") for _ in range(3)]
    queue.program.ask("engine", "start", "--detach")
    for task in tasks:
        queue.ends(task, "running")

    os.kill(queue.program.ask("status")["engine"]["pid"], signal.SIGTERM)
    eventually(lambda: queue.program.ask("status")["engine"] is None, 60)

    assert queue.rows("SELECT DISTINCT status, attempt, failures, crashes FROM tasks") == [("pending", 0, 0, 0)]
    gate.touch()
    queue.drain()
    assert [queue.show(task)["result"] for task in tasks] == ["1\n"] * 3
    queue.check()
