"""Passes of loops, each with a checksum, so that a damaged one is noticed and run again."""

import json
from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any

from abathur_tui.domain.data import canonical, content_hash
from abathur_tui.domain.loops import Pass, Verdict
from abathur_tui.storage.records import clean, keep, kept
from abathur_tui.storage.sql import named

_SQL = named("journal")


def insert_pass(c: Connection, task: int, round: int, done: Pass) -> None:
    """Keep a pass. Raises ValueError where a metric or a score is no finite number."""
    output, metrics, scores = keep(c, done.output), canonical(done.metrics), canonical(done.scores)
    measured = (done.tokens_input, done.tokens_output, done.seconds, done.cost_usd, done.ended_at)
    values = (done.number, done.task, output, metrics, done.verdict.value, clean(done.reason), *measured, scores)
    c.execute(_SQL["finish_pass"], (task, round, *values, _checksum(*values)))


def passes(c: Connection, task: int) -> list[Pass]:
    """The loop's passes in order, up to the first whose checksum does not fit (that one is run again)."""
    return _read(c, task)[0]


def damaged_pass(c: Connection, task: int) -> int | None:
    """The number of the first pass whose checksum does not fit, or that is missing; None where all are well."""
    return _read(c, task)[1]


def unfit_passes(c: Connection) -> Iterator[tuple[int, int]]:
    """Task and number of each pass whose checksum does not fit."""
    for task, number, *values, checksum in c.execute(_SQL["all_passes"]):
        if _checksum(number, *values) != checksum:
            yield task, number


def looked_at(c: Connection, task: int, first: int = 1) -> list[Pass]:
    """The same from number `first` on, for a chart: without the outputs, which may be long."""
    found: list[Pass] = []
    for *values, checksum in c.execute(_SQL["passes"], (task, first)).fetchall():
        if values[0] != first + len(found) or _checksum(*values) != checksum:
            break
        found.append(_pass(values, ""))
    return found


def _read(c: Connection, task: int) -> tuple[list[Pass], int | None]:
    found: list[Pass] = []
    for row in c.execute(_SQL["passes"], (task, 1)).fetchall():
        (*values, checksum) = row
        number, output = values[0], values[2]
        text = kept(c, output)
        if number != len(found) + 1 or text is None or content_hash(text) != output or _checksum(*values) != checksum:
            return found, len(found) + 1
        found.append(_pass(values, text))
    return found, None


def _pass(values: Sequence[Any], text: str) -> Pass:
    number, task, _, metrics, verdict, reason, tokens_input, tokens_output, seconds, cost_usd, ended_at, scores = values
    measured = (tokens_input, tokens_output, seconds, cost_usd, ended_at)
    return Pass(number, task, text, json.loads(metrics), Verdict(verdict), reason, *measured, json.loads(scores))


def _checksum(*values: Any) -> str:
    # Passes from before there were scores have none in their checksum.
    return content_hash(canonical(list(values if values[-1] != "{}" else values[:-1])))
