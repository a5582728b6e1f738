"""The journal of workers: prompts, turns, output, tool calls, metrics and passes, all fenced by the lease (LeaseLost where it does not hold)."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection

from abathur_tui.domain.conversation import Message, TextBlock, ToolOutcome, ToolUseBlock, TurnDone, message_data, message_from_data
from abathur_tui.domain.criteria import figure
from abathur_tui.domain.data import JsonObject, canonical
from abathur_tui.domain.errors import LeaseLost
from abathur_tui.domain.journal import Saved, SavedTurn
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.loops import Pass
from abathur_tui.storage.folding import fold_output, fold_partial, log_turn
from abathur_tui.storage.passes import damaged_pass, insert_pass, passes
from abathur_tui.storage.records import Text, clean, keep, kept, parameters_of, text_of
from abathur_tui.storage.sql import named

__all__ = [
    "Answer",
    "abandon_turn",
    "answer_of",
    "append_output",
    "begin_turn",
    "conversation",
    "damaged_pass",
    "finish_pass",
    "finish_tool",
    "finish_turn",
    "intend_tool",
    "log",
    "metric",
    "notice",
    "passes",
    "reported",
    "set_prompt",
]

_SQL = named("journal")


def set_prompt(c: Connection, lease: Lease, prompt: str, system: str) -> None:
    """Keep the prompt as it was rendered, once by its hash."""
    _held(c, lease)
    c.execute(_SQL["set_prompt"], (keep(c, prompt), keep(c, system), lease.task))


def begin_turn(c: Connection, lease: Lease, number: int, agent: int | None, message_data: Sequence[JsonObject], now: float) -> int:
    """A turn starts, with these messages (each stored once by its hash); gives the turn's id.

    The row lists only the hashes by which it differs from the turn before: what they share is a number, so that long conversations grow evenly.
    """
    _, round, attempt = _held(c, lease)
    hashes = [keep(c, canonical(message)) for message in message_data]
    before: list[str] = []
    for shared, added in c.execute(_SQL["requests_of_round"], (lease.task, round)).fetchall():
        before = before[:shared] + json.loads(added)
    same = 0
    while same < min(len(before), len(hashes)) and before[same] == hashes[same]:
        same += 1
    values = (lease.task, round, lease.epoch, attempt, number, agent, same, json.dumps(hashes[same:]), now)
    turn = c.execute(_SQL["begin_turn"], values).lastrowid
    assert turn is not None
    return turn


def append_output(c: Connection, lease: Lease, turn: int, offset: int, text: str, now: float) -> None:
    """A coalesced piece of what the agent is saying; `offset` in characters from the turn's beginning."""
    values = {"turn": turn, "offset": offset, "text": clean(text), "now": now, "task": lease.task, "epoch": lease.epoch, "engine": lease.engine}
    if c.execute(_SQL["append_output"], values).rowcount == 0:
        raise _lost(lease)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a turn has said, as it is kept."""

    text: Text
    message: Text


def answer_of(done: TurnDone) -> Answer:
    """What `finish_turn` keeps. Of a long answer it takes a while: then it is made, and its texts are kept, before the turn is finished."""
    return Answer(text_of(done.message.text), text_of(canonical(message_data(done.message))))


def finish_turn(c: Connection, lease: Lease, turn: int, done: TurnDone, now: float, answer: Answer | None = None) -> None:
    """The turn is finished: its output is folded into it, tokens and cost are added to task, agent and day, the crash count starts anew."""
    answer = answer or answer_of(done)
    execution, _, _ = _held(c, lease)
    number, agent = _turn(c, lease, turn)
    folded = fold_output(c, turn)
    message = keep(c, answer.message)
    # Viewers count characters as they were streamed; where the last piece was not written before the end, the answer has it.
    said = answer.text if answer.text.body.startswith(folded.text) else folded.text
    values: dict[str, object] = {
        "turn": turn,
        "task": lease.task,
        "epoch": lease.epoch,
        "engine": lease.engine,
        "number": number,
        "answer": message,
        "said": keep(c, said),
        "timing": folded.timing,
        "model": done.model,
        "stop_reason": done.stop_reason,
        "request_id": done.request_id,
        "input": done.usage.input,
        "output": done.usage.output,
        "cache_read": done.usage.cache_read,
        "cache_write": done.usage.cache_write,
        "cost": done.cost_usd,
        "day": time.strftime("%Y-%m-%d", time.localtime(now)),
        "now": now,
    }
    if c.execute(_SQL["finish_turn"], values).rowcount == 0:
        raise _lost(lease)
    c.execute(_SQL["add_to_task"], values)
    c.execute(_SQL["add_to_agent"], values)
    c.execute(_SQL["add_to_day"], values)
    log_turn(c, turn, f"turn {number}: {done.usage.input} in, {done.usage.output} out, {done.stop_reason}", now)
    detail: JsonObject = {
        "turn": turn,
        "number": number,
        "model": done.model,
        "stop_reason": done.stop_reason,
        "answer": message,
        "tokens_input": done.usage.input,
        "tokens_output": done.usage.output,
        "cost_usd": done.cost_usd,
    }
    _audit(c, "turn.done", execution, lease, agent, detail, now)


def abandon_turn(c: Connection, lease: Lease, turn: int, reason: str, now: float) -> None:
    """The turn was broken off: what was said is kept as a partial turn."""
    _held(c, lease)
    fold_partial(c, turn, clean(reason), now)


def log(c: Connection, lease: Lease, level: str, kind: str, text: str, now: float) -> None:
    """A line for the logs pane (`kind` `stderr` or `notice`; `level` `debug`, `info`, `warning` or `error`)."""
    execution, _, _ = _held(c, lease)
    _log(c, lease, execution, level, kind, text, now)


def notice(c: Connection, level: str, text: str, now: float) -> None:
    """A line for the logs pane that belongs to no task; needs no lease."""
    c.execute(_SQL["notice"], (now, level, clean(text)))


def intend_tool(c: Connection, lease: Lease, turn: int, call: ToolUseBlock, now: float) -> None:
    """A tool call is about to run."""
    execution, _, _ = _held(c, lease)
    _, agent = _any_turn(c, lease, turn)
    arguments = keep(c, canonical(call.input))
    c.execute(_SQL["intend_tool"], (turn, call.id, lease.task, lease.epoch, call.name, arguments, now))
    _audit(c, "tool.intended", execution, lease, agent, {"turn": turn, "call": call.id, "tool": call.name, "arguments": arguments}, now)


def finish_tool(c: Connection, lease: Lease, turn: int, call_id: str, outcome: ToolOutcome, now: float) -> None:
    """A tool call has run. The crash count starts anew."""
    execution, _, _ = _held(c, lease)
    _, agent = _any_turn(c, lease, turn)
    status = "error" if outcome.is_error else "done"
    text, summary = keep(c, outcome.text), clean(outcome.summary)
    found = c.execute(_SQL["finish_tool"], (status, text, summary, now, turn, call_id)).fetchone()
    if found is None:
        raise _lost(lease)
    tool, arguments = found
    c.execute(_SQL["step_done"], _fence(lease))
    _log(c, lease, execution, "warning" if outcome.is_error else "info", "tool", f"{tool} {summary}".strip(), now)
    detail: JsonObject = {"turn": turn, "call": call_id, "tool": tool, "arguments": arguments, "text": text, "summary": summary}
    _audit(c, f"tool.{status}", execution, lease, agent, detail, now)


def conversation(c: Connection, task: int) -> Saved:
    """The task's conversation, to resume it from its last finished turn and tool call. Empty where there is no such task."""
    found = c.execute(_SQL["spec"], (task,)).fetchone()
    if found is None:
        return Saved(None, None, (), "")
    rendered, system, round, parameters, inline = found
    prompt = kept(c, rendered)
    if prompt is None and system is not None:  # it is the parameter of that name as it stands
        given = parameters_of(c, parameters, inline).get("prompt")
        prompt = given if isinstance(given, str) else None
    known: dict[str, Message] = {}
    hashes: list[str] = []
    turns: list[SavedTurn] = []
    partial = ""
    for id, number, state, shared, added, answer, stop_reason, said in c.execute(_SQL["turns_of_round"], (task, round)).fetchall():
        hashes = hashes[:shared] + json.loads(added)
        if state != "done":
            partial = kept(c, said) or ""
            continue
        partial = ""
        # The prompt itself is named by an empty hash; an answer that is one text is what was said.
        request = tuple(_message(c, hash, known) if hash else Message("user", (TextBlock(prompt or ""),)) for hash in hashes)
        message = Message("assistant", (TextBlock(kept(c, said) or ""),)) if answer is None else _message(c, answer, known)
        outcomes, unknown = _calls(c, id)
        turns.append(SavedTurn(id, number, request, message, stop_reason, outcomes, unknown))
    return Saved(kept(c, system), prompt, tuple(turns), partial)


def metric(c: Connection, lease: Lease, pass_number: int | None, name: str, value: float, now: float) -> None:
    """A measured value. Raises ValueError where it is no figure."""
    if figure(value) is None:
        raise ValueError(f"{name} is {value}")
    execution, round, _ = _held(c, lease)
    c.execute(_SQL["metric"], (lease.task, round, pass_number, clean(name), value, now))
    _log(c, lease, execution, "info", "metric", f"{name} = {value:g}", now)


def reported(c: Connection, task: int) -> dict[str, float]:
    """The metrics that the agent of a pass has reported, the latest value of each."""
    return dict(c.execute(_SQL["reported"], {"task": task}).fetchall())


def finish_pass(c: Connection, lease: Lease, done: Pass, now: float) -> None:
    """A pass of the lease's loop is over: the checkpoint. The crash count starts anew. Raises ValueError where a metric is no finite number."""
    execution, round, _ = _held(c, lease)
    insert_pass(c, lease.task, round, done)
    c.execute(_SQL["step_done"], _fence(lease))
    _log(c, lease, execution, "info", "notice", f"pass {done.number}: {done.verdict.value}" + (f", {done.reason}" if done.reason else ""), now)
    detail: JsonObject = {"pass": done.number, "task": done.task, "verdict": done.verdict.value}
    detail |= {"metrics": dict(done.metrics), "scores": dict(done.scores)}
    _audit(c, "loop.pass", execution, lease, None, detail, now)


def _fence(lease: Lease) -> dict[str, object]:
    return {"task": lease.task, "epoch": lease.epoch, "engine": lease.engine}


def _held(c: Connection, lease: Lease) -> tuple[int, int, int]:
    """Execution, round and attempt of the lease's task. Raises LeaseLost."""
    found = c.execute(_SQL["holder"], (lease.task, lease.epoch, lease.engine)).fetchone()
    if found is None:
        raise _lost(lease)
    execution, round, attempt = found
    return execution, round, attempt


def _lost(lease: Lease) -> LeaseLost:
    return LeaseLost(f"t{lease.task} is not held by this worker any more.")


def _turn(c: Connection, lease: Lease, turn: int) -> tuple[int, int | None]:
    """Number and agent of a turn of this lease. Raises LeaseLost."""
    found = c.execute(_SQL["turn"], (turn, lease.task, lease.epoch)).fetchone()
    if found is None:
        raise _lost(lease)
    number, agent = found
    return number, agent


def _any_turn(c: Connection, lease: Lease, turn: int) -> tuple[int, int | None]:
    """Number and agent of a turn of the lease's task, of whichever epoch: a resumed conversation runs the calls of an earlier one."""
    found = c.execute(_SQL["turn_of_task"], (turn, lease.task)).fetchone()
    if found is None:
        raise _lost(lease)
    number, agent = found
    return number, agent


def _log(c: Connection, lease: Lease, execution: int, level: str, kind: str, text: str, now: float) -> None:
    c.execute(_SQL["log"], {"now": now, "level": level, "kind": kind, "execution": execution, "task": lease.task, "text": clean(text)})


def _audit(c: Connection, action: str, execution: int, lease: Lease, agent: int | None, detail: JsonObject, now: float) -> None:
    c.execute(_SQL["audit"], (now, "engine" if agent is None else f"a{agent}", action, execution, lease.task, agent, canonical(detail)))


def _message(c: Connection, hash: str, known: dict[str, Message]) -> Message:
    if hash not in known:
        known[hash] = message_from_data(json.loads(kept(c, hash) or '{"role": "user", "content": []}'))
    return known[hash]


def _calls(c: Connection, turn: int) -> tuple[dict[str, ToolOutcome], frozenset[str]]:
    outcomes: dict[str, ToolOutcome] = {}
    unknown: set[str] = set()
    for id, status, text, summary in c.execute(_SQL["calls_of_turn"], (turn,)).fetchall():
        if status in ("done", "error"):
            outcomes[id] = ToolOutcome(kept(c, text) or "", status == "error", summary)
        else:
            unknown.add(id)
    return outcomes, frozenset(unknown)
