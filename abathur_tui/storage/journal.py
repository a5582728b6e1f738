"""The journal of workers: prompts, turns, output, tool calls, metrics and passes, all fenced by the lease (LeaseLost where it does not hold)."""

from collections.abc import Sequence
from sqlite3 import Connection

from abathur_tui.domain.conversation import ToolOutcome, ToolUseBlock, TurnDone
from abathur_tui.domain.data import JsonObject
from abathur_tui.domain.journal import Saved
from abathur_tui.domain.leases import Lease
from abathur_tui.domain.loops import Pass


def set_prompt(c: Connection, lease: Lease, prompt: str, system: str) -> None:
    """Keep the prompt as it was rendered, once by its hash."""
    raise NotImplementedError


def begin_turn(c: Connection, lease: Lease, number: int, agent: int | None, message_data: Sequence[JsonObject], now: float) -> int:
    """A turn starts, with these messages (each stored once by its hash); gives the turn's id."""
    raise NotImplementedError


def append_output(c: Connection, lease: Lease, turn: int, offset: int, text: str, now: float) -> None:
    """A coalesced piece of what the agent is saying; `offset` in characters from the turn's beginning."""
    raise NotImplementedError


def finish_turn(c: Connection, lease: Lease, turn: int, done: TurnDone, now: float) -> None:
    """The turn is finished: its output is folded into it, tokens and cost are added to task, agent and day, the crash count starts anew."""
    raise NotImplementedError


def abandon_turn(c: Connection, lease: Lease, turn: int, reason: str, now: float) -> None:
    """The turn was broken off: what was said is kept as a partial turn."""
    raise NotImplementedError


def log(c: Connection, lease: Lease, level: str, kind: str, text: str, now: float) -> None:
    """A line for the logs pane (`kind` `stderr` or `notice`)."""
    raise NotImplementedError


def intend_tool(c: Connection, lease: Lease, turn: int, call: ToolUseBlock, now: float) -> None:
    """A tool call is about to run."""
    raise NotImplementedError


def finish_tool(c: Connection, lease: Lease, turn: int, call_id: str, outcome: ToolOutcome, now: float) -> None:
    """A tool call has run. The crash count starts anew."""
    raise NotImplementedError


def conversation(c: Connection, task: int) -> Saved:
    """The task's conversation, to resume it from its last finished turn and tool call."""
    raise NotImplementedError


def metric(c: Connection, lease: Lease, pass_number: int | None, name: str, value: float, now: float) -> None:
    """A measured value."""
    raise NotImplementedError


def finish_pass(c: Connection, lease: Lease, done: Pass, now: float) -> None:
    """A pass of the lease's loop is over: the checkpoint. The crash count starts anew."""
    raise NotImplementedError


def passes(c: Connection, task: int) -> list[Pass]:
    """The loop's passes in order, up to the first whose checksum does not fit (that one is run again)."""
    raise NotImplementedError


def damaged_pass(c: Connection, task: int) -> int | None:
    """The number of the first pass whose checksum does not fit; None where all do."""
    raise NotImplementedError
