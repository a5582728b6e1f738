"""An engine with a scripted runtime in a process of its own, for tests that kill.

`python -m tests.engine.scripted_engine FOLDER LEASE_SECONDS TURN_SECONDS [FLAG]…`. Each task has two turns with a tool call between them. What the
tool does cannot be undone: it adds a line to FOLDER/effects. A task whose prompt begins with `lead` gives its work to two sub-agents instead.
"""

import asyncio
import os
import random
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from abathur_tui.domain.conversation import (
    Block,
    Event,
    Limits,
    Message,
    TextBlock,
    TextDelta,
    ToolResultBlock,
    ToolUseBlock,
    TurnDone,
    TurnRequest,
    Usage,
)
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.equipment import Equipment, Manner
from abathur_tui.engine.process import live
from abathur_tui.guard import GuardPipe, Keys, Restarts, run_engine
from abathur_tui.processes import Children
from abathur_tui.settings import Settings
from abathur_tui.settings.model import Queue, Swarm
from abathur_tui.storage import Database
from tests.engine.bench import OneRole
from tests.scripted import Affect

FOLDER_VARIABLE = "SCRIPTED_ENGINE_FOLDER"
RESTARTS = Restarts(quick_seconds=1.0, pauses_seconds=(0.0,) * 20)


@dataclass
class SlowRuntime:
    """Takes a while, and runs a program, for each turn."""

    folder: Path
    children: Children
    turn_seconds: float
    chance: random.Random = field(default_factory=random.Random)

    async def limits(self) -> Limits:
        """Enough."""
        return Limits(100_000, 1000, tools=True)

    async def turn(self, request: TurnRequest) -> AsyncIterator[Event]:
        """A tool call first; then an answer that says whether its outcome is known."""
        results = [block for block in request.messages[-1].blocks if isinstance(block, ToolResultBlock)]
        leads = request.messages[0].text.startswith("lead")
        text = "I look first." if not results else ("unknown" if results[0].is_error else "known")
        if leads and results:
            text = "; ".join(result.text for result in results)
        yield TextDelta(text[:3])
        async with await self.children.start(["sleep", "60"], cwd=self.folder, env=dict(os.environ)):
            await asyncio.sleep(self.turn_seconds * self.chance.uniform(0.3, 1.7))
        yield TextDelta(text[3:])
        task = request.caller.task
        calls = [ToolUseBlock(f"{task}-call", "affect", {"task": task})]
        if leads:
            calls = [ToolUseBlock(f"{task}-{part}", "spawn_agent", {"prompt": f"part {part}", "agent": "generalist"}) for part in range(2)]
        blocks: tuple[Block, ...] = (TextBlock(text),) if results else (TextBlock(text), *calls)
        yield TurnDone(Message("assistant", blocks), "end_turn" if results else "tool_use", Usage(1, 1), "slow", 0.0)

    async def aclose(self) -> None:
        """Nothing to end."""


def settings(lease_seconds: float) -> Settings:
    """Short leases, several slots."""
    return Settings(queue=Queue(lease_seconds=lease_seconds, heartbeat_seconds=lease_seconds / 4), swarm=Swarm(max_agents=6))


def serve(guard: GuardPipe, keys: Keys) -> int:
    """Work off the folder's queue."""
    project, lease_seconds, turn_seconds, flags = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
    return asyncio.run(_serve(project, settings(lease_seconds), turn_seconds, flags, guard, keys))


async def _serve(project: Path, settings: Settings, turn_seconds: float, flags: list[str], guard: GuardPipe, keys: Keys) -> int:
    database = Database.open(project / ".abathur")
    children = Children(guard)
    equipment = Equipment(
        project=project,
        settings=settings,
        registry=OneRole(),
        tools={"affect": Affect(project, seconds=0.02)},
        open_runtime=lambda *_: SlowRuntime(project, children, turn_seconds),
        children=children,
        keys=keys,
        on_stop=guard.stop,
    )
    manner = Manner(stay="--stay" in flags, drain="--drain" in flags, standby="--standby" in flags)
    try:
        return await live(Engine(database, equipment, manner), project / ".abathur", guard)
    finally:
        database.close()


if __name__ == "__main__":
    sys.exit(run_engine(serve, RESTARTS))
