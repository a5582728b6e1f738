"""Passes of loops, each with a checksum, so that a damaged one is noticed and run again."""

import json
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.data import canonical, content_hash
from abathur_tui.domain.loops import Pass, Verdict
from abathur_tui.storage.records import clean, keep, kept
from abathur_tui.storage.sql import named

_SQL = named("journal")


def insert_pass(c: Connection, task: int, round: int, done: Pass) -> None:
    """Keep a pass. Raises ValueError where a metric is no finite number."""
    reason = clean(done.reason)
    output, metrics = keep(c, done.output), canonical(done.metrics)
    measured = (done.tokens_input, done.tokens_output, done.seconds, done.cost_usd, done.ended_at)
    checksum = _checksum(done.number, done.task, output, metrics, done.verdict.value, reason, *measured)
    c.execute(_SQL["finish_pass"], (task, round, done.number, done.task, output, metrics, done.verdict.value, reason, *measured, checksum))


def passes(c: Connection, task: int) -> list[Pass]:
    """The loop's passes in order, up to the first whose checksum does not fit (that one is run again)."""
    return _read(c, task)[0]


def damaged_pass(c: Connection, task: int) -> int | None:
    """The number of the first pass whose checksum does not fit, or that is missing; None where all are well."""
    return _read(c, task)[1]


def _read(c: Connection, task: int) -> tuple[list[Pass], int | None]:
    found: list[Pass] = []
    for row in c.execute(_SQL["passes"], (task,)).fetchall():
        (*values, checksum) = row
        number, pass_task, output, metrics, verdict, reason, tokens_input, tokens_output, seconds, cost_usd, ended_at = values
        text = kept(c, output)
        if number != len(found) + 1 or text is None or content_hash(text) != output or _checksum(*values) != checksum:
            return found, len(found) + 1
        found.append(
            Pass(number, pass_task, text, json.loads(metrics), Verdict(verdict), reason, tokens_input, tokens_output, seconds, cost_usd, ended_at)
        )
    return found, None


def _checksum(*values: Any) -> str:
    return content_hash(canonical(list(values)))
