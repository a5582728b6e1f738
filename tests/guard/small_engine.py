"""A small engine beside a real guard, for tests that kill: `python -m tests.guard.small_engine FOLDER MODE`.

Each start adds a line to FOLDER/starts.jsonl. All processes carry the folder in their environment, so that none can hide.
"""

import asyncio
import json
import os
import signal
import sys
import time
import uuid
from pathlib import Path

from abathur_tui.guard import GuardPipe, Keys, Restarts, kill_noted, run_engine
from abathur_tui.guard import engine as guard_engine
from abathur_tui.processes import Children
from tests.waiting import eventually

FOLDER_VARIABLE = "SMALL_ENGINE_FOLDER"
# A leader with two children of its own, one of which ignores what asks it to end.
FAMILY = ["sh", "-c", "sleep 300 & (trap '' TERM HUP INT; exec sleep 300) & wait"]
FAMILY_SIZE = 3
FAMILIES = 3
RESTARTS = Restarts(quick_seconds=5.0, pauses_seconds=(0.0, 0.05, 0.05))
PATIENT_RESTARTS = Restarts(quick_seconds=5.0, pauses_seconds=(0.0,) * 20)
HASTY_RESTARTS = Restarts(quick_seconds=0.3, pauses_seconds=(0.0, 0.05, 0.05))
SLOW_START_SECONDS = 0.35


def serve(guard: GuardPipe, keys: Keys) -> int:
    """What the mode says: `work`, `crash`, `vanish`, `return`, `exit`, `stop-then-work`…"""
    folder, mode = Path(sys.argv[1]), sys.argv[2]
    known = dict(keys)
    keys.add("fingerprint", "sk-secret")
    if mode == "slow-crash":
        time.sleep(SLOW_START_SECONDS)
        os._exit(7)
    killed = [group for notes in folder.glob("*.children") for group in kill_noted(notes)]
    if mode == "slow-restart" and guard.restarted:
        eventually((folder / "go").exists)
    guard.keep_notes_in(folder / f"{uuid.uuid4()}.children")
    return asyncio.run(work(folder, mode, guard, {"keys": known, "killed": killed}))


async def work(folder: Path, mode: str, guard: GuardPipe, record: dict[str, object]) -> int:
    """Start families, say so, and go on until TERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    children = Children(guard)
    families = [await children.start(FAMILY, cwd=folder, env=dict(os.environ)) for _ in range(FAMILIES)]
    record |= {"pid": os.getpid(), "guard": guard.guard_pid, "restarted": guard.restarted, "families": [child.pid for child in families]}
    guard.works()
    with (folder / "starts.jsonl").open("a") as file:
        file.write(json.dumps(record) + "\n")
    match mode:
        case "crash":
            raise RuntimeError("crashed on purpose")
        case "vanish":
            os._exit(7)
        case "return":
            return 5
        case "exit":
            raise SystemExit(6)
        case "stop-then-work":
            guard.stop()
        case "flood":
            os.kill(guard.guard_pid, signal.SIGSTOP)
            await asyncio.to_thread(flood, guard)
    if mode == "churn":
        while not stopped.is_set():
            await children.run(["sh", "-c", "sleep 300 & exit 0"], cwd=folder, env=dict(os.environ))
    await stopped.wait()
    guard.stop()
    await children.aclose()
    return 0


def flood(guard: GuardPipe) -> None:
    """Tell the guard more than fits into its socket."""
    for number in range(2000):
        guard.tell(f"key {number} {'x' * 1000}")


class Hasty(GuardPipe):
    """Somebody orders the end as soon as there is a guard."""

    def connect(self) -> None:
        """Before anything else can happen."""
        super().connect()
        os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    if sys.argv[2] == "term-with-guard":
        guard_engine.GuardPipe = Hasty  # type: ignore[misc]
    if sys.argv[2] == "term-in-restart" and guard_engine.SOCKET_VARIABLE in os.environ:
        os.kill(os.getpid(), signal.SIGTERM)
    sys.exit(run_engine(serve, {"slow-crash": HASTY_RESTARTS, "churn": PATIENT_RESTARTS}.get(sys.argv[2], RESTARTS)))
