"""What becomes of failures: attempts, dead letters, dependents, and what comes back."""

from itertools import pairwise
from pathlib import Path

from tests.semantics.queue import Queue


def test_what_may_pass_is_tried_again_after_longer_and_longer_waits_and_then_kept_with_its_whole_error(queue: Queue) -> None:
    task = queue.submit("echo first line >&2; echo zwölf >&2; exit 75", "--retries", "3")

    queue.drain(ABATHUR_QUEUE__RETRY_INITIAL_SECONDS="0.2", ABATHUR_QUEUE__RETRY_MAX_SECONDS="0.6")

    tries = queue.rows("SELECT started_at, ended_at FROM attempts ORDER BY number")
    waits = [later[0] - earlier[1] for earlier, later in pairwise(tries)]
    assert [wait >= least for wait, least in zip(waits, (0.2, 0.4, 0.6), strict=True)] == [True] * 3
    (letter,) = queue.program.ask("task", "dlq", "list")
    assert (letter["id"], letter["status"], letter["attempt"]) == (task, "dead", 4)
    assert letter["error"]["message"].endswith(":\nfirst line\nzwölf")

    assert queue.program.ask("task", "dlq", "retry", task) == [{"id": task, "status": "pending"}]
    queue.drain(ABATHUR_QUEUE__RETRY_INITIAL_SECONDS="0")
    assert len(queue.show(task)["attempts"]) == 8
    queue.check()


def test_what_will_not_pass_is_tried_once_and_takes_those_with_it_that_need_it(queue: Queue, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first, second, third = queue.batch(
        {"id": "a", "prompt": f"test -e {gate}"}, {"id": "b", "prompt": ":", "after": ["a"]}, {"prompt": "echo built on it", "after": ["b"]}
    )
    whatever = queue.submit("echo went on", "--after", first, "--ignore-dependency-failure")
    queue.drain()
    after_dead, after_completed = queue.submit(":", "--after", first), queue.submit(":", "--after", whatever)

    assert queue.statuses(first, second, third, whatever, after_dead, after_completed) == [
        "dead",
        "failed",
        "failed",
        "completed",
        "failed",
        "pending",
    ]
    assert queue.rows(f"SELECT DISTINCT cause FROM tasks WHERE id IN ({second[1:]}, {third[1:]}, {after_dead[1:]})") == [(int(first[1:]),)]
    assert f"{first} " in queue.show(third)["error"]["message"]

    gate.touch()
    queue.program.ask("task", "retry", first)
    assert queue.statuses(first, second, third, after_dead) == ["pending", "waiting", "waiting", "waiting"]
    queue.drain()
    assert queue.statuses(first, second, third, after_dead) == ["completed"] * 4
    assert queue.claims().count(whatever) == 1
    queue.check()


def test_a_long_chain_fails_comes_back_and_is_cancelled_as_one(queue: Queue) -> None:
    links = [{"id": f"n{place}", "prompt": ":", **({"after": [f"n{place - 1}"]} if place else {})} for place in range(2000)]
    chain = queue.batch(*links)

    queue.program.ask("task", "cancel", chain[0])
    assert queue.rows("SELECT status, count(*) FROM tasks WHERE kind = 'agent' GROUP BY 1") == [("cancelled", 1), ("failed", 1999)]
    queue.program.ask("task", "retry", chain[0])
    assert queue.rows("SELECT status, count(*) FROM tasks WHERE kind = 'agent' GROUP BY 1") == [("pending", 1), ("waiting", 1999)]
    answer = queue.program.inside("task", "cancel", *chain, "--json")
    assert (answer.code, {one["status"] for one in answer.data}) == (0, {"cancelled"})
    queue.check()


def test_what_was_purged_does_not_come_back_with_what_it_needs(queue: Queue, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    first = queue.submit(f"test -e {gate}")
    second = queue.submit(":", "--after", first)
    third = queue.submit(":", "--after", first)
    queue.drain()
    queue.program.ask("purge", "--filter", "execution:x2", "--yes")
    gate.touch()

    assert queue.program.ask("task", "retry", first) == [{"id": first, "status": "pending"}]
    queue.drain()

    assert queue.statuses(first, second, third) == ["completed", "failed", "completed"]
    queue.check()


def test_a_result_that_somebody_waits_for_is_not_purged_before_they_had_it(queue: Queue, tmp_path: Path) -> None:
    # Given a task that builds on a result of another execution, and has to wait for something else too,
    gate = tmp_path / "gate"
    first = queue.submit("echo the result")
    late = queue.submit(f"while ! test -e {gate}; do sleep 0.02; done")
    builds = queue.submit(":", "--after", first, "--after", late)
    queue.program("engine", "start", "--detach")
    queue.ends(first, "completed")
    # when everything that has ended is purged, then that result stays, and it is said,
    told = queue.program.inside("purge", "--all", "--yes")
    assert (told.code, told.out) == (0, "")
    assert "tasks of others that have not ended get their results: 1 execution, such as x1." in told.err
    assert queue.program.ask("purge", "--all", "--yes")["waited_for"] == ["x1"]
    # until it was used.
    gate.touch()
    queue.ends(builds, "completed")
    assert "the result" in queue.show(builds)["prompt"]
    assert queue.program.ask("purge", "--all", "--yes")["executions"] == ["x1", "x2", "x3"]
    queue.check()


def test_nothing_is_submitted_or_retried_that_would_build_on_a_purged_result(queue: Queue) -> None:
    # Given a task that failed beside a result that it needs, which was purged then,
    first = queue.submit("echo the result")
    fails = queue.submit("false")
    builds = queue.submit(":", "--after", first, "--after", fails)
    queue.drain()
    queue.program.ask("purge", "--filter", "execution:x1", "--yes")
    # when it is retried, or what it failed with, or another one is submitted, then it does not run without that result.
    again = queue.program.inside("task", "retry", builds)
    assert (again.code, f"The content of {first}, which {builds} needs, was purged" in again.err) == (1, True)
    queue.program.ask("task", "retry", fails)
    assert queue.statuses(builds) == ["failed"]
    refused = queue.program.inside("task", "submit", "more", "--after", first, "--json")
    assert (refused.code, refused.error["code"]) == (1, "ABTH-ERR-108")
    assert refused.error["message"] == f"The result of {first} was purged, and nothing can build on it."
    queue.check()


def test_what_needs_something_purged_is_not_retried_and_says_so(queue: Queue) -> None:
    first = queue.submit("false")
    second = queue.submit(":", "--after", first)
    queue.drain()
    queue.program.ask("purge", "--filter", "execution:x1", "--yes")

    answer = queue.program("task", "retry", second)

    assert (answer.code, f"The content of {first}, which {second} needs, was purged" in answer.err) == (1, True)
    assert queue.statuses(first, second) == ["dead", "failed"]
    queue.check()


def test_asking_again_for_what_was_asked_for_changes_nothing_and_is_no_mistake(queue: Queue) -> None:
    # Given one task cancelled, one paused, and one with the last moment that a calendar has,
    cancelled, paused = queue.submit(":"), queue.submit(":")
    queue.submit(":", "--at", "9999-12-31T23:59")
    for change, task in (("cancel", cancelled), ("pause", paused)):
        queue.program.ask("task", change, task)
    told = queue.rows("SELECT count(*) FROM audit")
    # when somebody who does not know that asks once more, then it is as it was.
    assert queue.program.ask("task", "cancel", cancelled, cancelled) == [{"id": cancelled, "status": "cancelled"}]
    assert queue.program.ask("task", "pause", paused) == [{"id": paused, "status": "paused"}]
    assert queue.rows("SELECT count(*) FROM audit") == told
    queue.check()
