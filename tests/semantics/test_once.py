"""Submitting again with a key, by somebody who does not know what became of the first time."""

import json
from pathlib import Path

from tests.semantics.queue import Queue

RECORD = "! echo done; echo $ABATHUR_TASK >> $ABATHUR_PROJECT/ran"


def ran(queue: Queue) -> list[str]:
    """The tasks whose agents were at work."""
    return (queue.program.folder / "ran").read_text().split()


def test_running_again_with_a_key_gives_the_first_result_and_does_nothing_also_when_that_was_purged(queue: Queue) -> None:
    first = queue.program.inside("run", RECORD, "--key", "nightly 1", "--json")
    queue.program.inside("engine", "stop")

    again = queue.program.inside("run", RECORD, "--key", "nightly 1")
    as_json = queue.program.ask("run", RECORD, "--key", "nightly 1")
    submitted = queue.program.ask("task", "submit", RECORD, "--key", "nightly 1")

    assert (again.code, again.out, "x1 was there already" in again.err) == (0, "done\n", True)
    assert as_json == first.data
    assert submitted == {"execution": "x1", "task": "t1", "again": True}
    assert ran(queue) == ["t1"]
    assert queue.program.ask("status")["engine"] is None
    assert queue.show("t1")["key"] == queue.program.ask("result", "x1")["key"] == "nightly 1"

    queue.program.ask("purge", "--all", "--yes")
    assert queue.program.ask("task", "submit", RECORD, "--key", "nightly 1") == submitted
    assert queue.program.ask("run", RECORD, "--key", "nightly 1")["purged_at"] is not None
    assert ran(queue) == ["t1"]
    queue.check()


def test_what_has_failed_fails_again_until_it_is_retried(queue: Queue, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    command = ("run", f"! test -e {gate} && echo through", "--key", "k")
    assert queue.program.inside(*command).code == 1
    assert queue.program.inside(*command).code == 1
    assert len(queue.show("t1")["attempts"]) == 1

    gate.touch()
    queue.program.ask("task", "retry", "t1")
    queue.drain()

    answer = queue.program.inside(*command)
    assert (answer.code, answer.out) == (0, "through\n")
    queue.check()


def test_of_many_who_submit_the_same_at_once_one_does_and_all_are_told_the_same(queue: Queue) -> None:
    (queue.program.folder / "jobs.jsonl").write_text(f"{json.dumps({'id': 'a', 'prompt': RECORD})}\n{json.dumps({'prompt': RECORD, 'after': ['a']})}")

    submitters = [queue.program.start("task", "batch-submit", "jobs.jsonl", "--key", "k", "--json") for _ in range(3)]
    answers = [json.loads(submitter.communicate(timeout=60)[0]) for submitter in submitters]
    queue.drain()

    assert {(answer["execution"], *answer["tasks"]) for answer in answers} == {("x1", "t2", "t3")}
    assert sorted(answer["again"] for answer in answers) == [False] + [True] * 2
    assert ran(queue) == ["t2", "t3"]
    queue.check()


def test_something_else_with_the_key_is_refused_before_anything_changes(queue: Queue) -> None:
    queue.program.ask("task", "submit", "first", "--key", "k", "--priority", "3")
    (queue.program.folder / "jobs.jsonl").write_text('{"prompt": "first", "priority": 3}')
    before = queue.rows("SELECT count(*), (SELECT count(*) FROM audit), (SELECT count(*) FROM content) FROM tasks")

    for command in (
        ("task", "submit", "second", "--priority", "3"),
        ("task", "submit", "first"),
        ("task", "submit", "first", "--priority", "3", "--after", "t1"),
        ("task", "submit", "first", "--priority", "3", "--in", "2h"),
        ("task", "submit", "first", "--priority", "3", "--runtime", "local"),
        ("task", "submit", "--template", "CODE", "--param", "component=first", "--priority", "3"),
        ("task", "batch-submit", "jobs.jsonl"),
        ("batch", "jobs.jsonl"),
        ("run", "first"),
        ("loop", "start", "first", "--criterion", "test_pass: true"),
    ):
        answer = queue.program.inside(*command, "--key", "k", "--json")
        assert (answer.code, answer.out, answer.error["code"]) == (4, "", "ABTH-ERR-181"), command
    assert queue.program.ask("task", "submit", "first", "--priority", "3", "--key", "k")["again"]

    assert queue.rows("SELECT count(*), (SELECT count(*) FROM audit), (SELECT count(*) FROM content) FROM tasks") == before
    queue.check()


def test_what_the_work_itself_has_changed_since_makes_it_no_other_request(queue: Queue) -> None:
    # Given work that takes a file away which its own text reads, and a template that is edited since,
    (queue.program.folder / "input").write_text("of the file")
    file = queue.program.folder / ".abathur" / "templates" / "shell.toml"
    file.parent.mkdir(exist_ok=True)
    template = 'name = "SHELL"\nversion = "1.0.{}"\nprompt = """\n! {}\n"""\n[parameters.subject]\ntype = "string"\n'
    file.write_text(template.format(0, "rm input; echo one"))
    document = 'ABYSSAL[SHELL](file("input"))'
    assert queue.program.inside("run", document, "--key", "k").out.strip() == "one"
    file.write_text(template.format(1, "echo two"))
    # when it is asked for again, then it was that one all the same.
    assert queue.program.inside("run", document, "--key", "k").out.strip() == "one"
    assert queue.program.inside("run", document).code == 2


def test_a_key_is_short_and_can_be_read_and_recurring_tasks_have_none(queue: Queue) -> None:
    for key in ("", "k" * 201, "a\nb", "a\x1b[2J", "a\u202eb"):
        answer = queue.program.inside("task", "submit", "x", "--key", key, "--json")
        assert (answer.code, answer.error["code"]) == (2, "ABTH-ERR-063"), key
    assert queue.program.inside("task", "submit", "x", "--cron", "@daily", "--key", "k").code == 2
    assert queue.rows("SELECT count(*) FROM tasks") == [(0,)]
    assert queue.program.ask("task", "submit", "x", "--key", "ключ " * 40)["again"] is False


def test_a_batch_and_a_loop_are_there_once_too(queue: Queue) -> None:
    (queue.program.folder / "jobs").write_text(f"{json.dumps(RECORD)}\n{json.dumps(RECORD)}")
    first = queue.program.inside("batch", "jobs", "--key", "b", "--json")
    again = queue.program.inside("batch", "jobs", "--key", "b", "--json")
    assert (again.code, again.data) == (0, first.data)
    loop = ("loop", "start", RECORD, "--criterion", "test_pass: true", "--key", "l")
    assert queue.program.inside(*loop, "--wait").out == queue.program.inside(*loop, "--wait").out == "done\n"
    assert queue.program.ask(*loop) == {"execution": "x3", "loop": "l1", "again": True}

    assert sorted(ran(queue)) == ["t1", "t2", "t4"]  # the first two run side by side
    queue.check()
