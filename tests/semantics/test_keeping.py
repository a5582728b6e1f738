"""What is kept: prompts and results as they were, and every change told once and in order."""

import json
import os
import stat
from pathlib import Path

from tests.semantics.queue import Queue


def test_prompts_and_results_come_back_as_they_were_however_long_and_odd(queue: Queue) -> None:
    long = "ü" * 100_000 + "\U0001f600" * 50_000 + "\r\n\ttabs, \x1b[31mescapes\x1b[0m and \u202eturns\u202c"
    asked = queue.program.ask("task", "submit", "--input", "-", input=f"{long}\n! echo answered")["task"]
    odd = queue.submit(r"printf 'z\303\274\000\377\033[2J\r\nend'")
    large = queue.submit("head -c 2000000 /dev/zero | tr '\\0' y")

    queue.drain()

    assert queue.show(asked)["prompt"] == f"{long}\n! echo answered"
    assert queue.program.inside("task", "result", asked).out == "answered\n"
    assert queue.show(odd)["result"] == "zü\0\ufffd\x1b[2J\r\nend"
    assert queue.program.inside("task", "result", large).out == "y" * 2_000_000
    queue.check()


def test_commands_hear_of_every_change_once_and_in_its_order(queue: Queue, tmp_path: Path) -> None:
    listener = tmp_path / "listener"
    listener.write_text(f"#!/bin/sh\ncat >> {tmp_path}/heard; echo >> {tmp_path}/heard\n")
    listener.chmod(listener.stat().st_mode | stat.S_IXUSR)
    rule = {"statuses": ["waiting", "pending", "running", "completed", "failed", "dead", "cancelled"], "command": [os.fspath(listener)]}
    settings = {"ABATHUR_QUEUE__ON_STATUS": json.dumps([rule]), "ABATHUR_QUEUE__RETRY_INITIAL_SECONDS": "0"}
    queue.drain(**settings)  # from then on

    queue.batch(
        {"id": "a", "prompt": "test $ABATHUR_ATTEMPT = 2 || exit 75"},
        {"id": "b", "prompt": "exit 1", "after": ["a"]},
        {"prompt": ":", "after": ["b"]},
    )
    queue.program.ask("task", "cancel", queue.submit(":"))
    queue.drain(**settings)

    heard = [json.loads(line) for line in (tmp_path / "heard").read_text().splitlines()]
    told = queue.rows("SELECT task, from_state, to_state FROM audit WHERE action LIKE 'task.%' AND to_state IS NOT NULL ORDER BY id")
    assert [(one["id"], one["change"]["from"], one["change"]["to"]) for one in heard] == [(f"t{task}", *change) for task, *change in told]
    assert len(told) > 12
