"""Output rows are folded into the turn that they belong to, with their offsets and times, and deleted."""

import json
import time
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.storage.records import keep
from abathur_tui.storage.sql import named

_SQL = named("folding")


@dataclass(frozen=True, slots=True)
class Folded:
    """What was said in a turn, and when each piece of it."""

    text: str
    timing: str
    """JSON: `[[offset, time], …]`."""


def fold_output(c: Connection, turn: int) -> Folded:
    """Take a turn's output rows away and give them as one text."""
    pieces = c.execute(_SQL["output"], (turn,)).fetchall()
    parts: list[str] = []
    length = 0
    for offset, _, piece in pieces:
        # A piece that was written twice, or overlaps, counts once; where one is missing the gap closes.
        if offset < length:
            parts = ["".join(parts)[:offset]]
            length = offset
        parts.append(piece)
        length += len(piece)
    c.execute(_SQL["drop_output"], (turn,))
    return Folded("".join(parts), json.dumps([[offset, round(at, 3)] for offset, at, _ in pieces], separators=(",", ":")))


def fold_partial(c: Connection, turn: int, reason: str, now: float) -> None:
    """End an open turn that was broken off; one that has ended stays as it is."""
    folded = fold_output(c, turn)
    values = {"turn": turn, "said": keep(c, folded.text) if folded.text else None, "timing": folded.timing, "reason": reason, "now": now}
    if c.execute(_SQL["partial"], values).rowcount:
        if c.execute(_SQL["task_unpriced"], values).rowcount:
            c.execute(_SQL["agent_unpriced"], values)
            c.execute(_SQL["day_unpriced"], {"day": time.strftime("%Y-%m-%d", time.localtime(now))})
        log_turn(c, turn, f"broken off: {reason}", now, level="warning")


def fold_open_turns(c: Connection, task: int, reason: str, now: float) -> None:
    """End whatever turns a task's worker left open, and call its begun tool calls unknown."""
    for (turn,) in c.execute(_SQL["open_turns"], (task,)).fetchall():
        fold_partial(c, turn, reason, now)
    c.execute(_SQL["forget_calls"], {"task": task, "now": now})


def log_turn(c: Connection, turn: int, text: str, now: float, *, level: str = "info") -> None:
    """A line for those who follow the log, from which they learn that the turn is whole."""
    c.execute(_SQL["log_turn"], {"turn": turn, "text": text, "now": now, "level": level})
