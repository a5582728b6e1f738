"""Tasks that do nothing, from submit to completed, with 20 slots: Abathur's whole engine, beside what plain sqlite3 does for the same rows.

    python benchmarks/throughput.py [ROUNDS] [TASKS]

The promise: at least half of what plain sqlite3 does. That is a script without engine, laws and language, which knows beforehand what to write: the
same file, indexes, settings and size at which the log is moved into the file, without triggers, each statement over a group of 20 tasks at once, the
end of one group and the beginning of the next in one transaction. Both submit groups of 20. Each round does both in turn, each in a new project; told
is the median of the rounds' ratios, and their least and most, by the clock and by processor time, which is what counts where the machine has other
work.
"""

import asyncio
import itertools
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from sqlite3 import Connection

from executions import Immediate

from abathur_tui.domain.data import canonical, content_hash
from abathur_tui.domain.execution import RuntimeChoice, RuntimeName, SubmitOptions
from abathur_tui.domain.plan import Kind, Plan, PlanNode
from abathur_tui.domain.status import Status
from abathur_tui.engine import heap
from abathur_tui.engine.engine import Engine
from abathur_tui.engine.equipment import Equipment, Manner
from abathur_tui.engine.keys import Keys
from abathur_tui.library import FileRegistry
from abathur_tui.processes import Children
from abathur_tui.settings import Settings
from abathur_tui.settings.model import Swarm
from abathur_tui.storage import Database, queue, views
from abathur_tui.storage.connection import LOG_BYTES, connect

GROUP = 20
LEAST_SHARE = 0.5
REGISTRY = FileRegistry(None)
CHOICE = RuntimeChoice(RuntimeName.ANTHROPIC, model="immediate")
PROMPT = "{{ prompt }}"


@dataclass(frozen=True, slots=True)
class Took:
    """What a run took."""

    seconds: float
    processor_seconds: float


def timed(work: Callable[[], None]) -> Took:
    """What `work` takes."""
    clock, processor = time.perf_counter(), time.process_time()
    work()
    return Took(time.perf_counter() - clock, time.process_time() - processor)


def abathur(folder: Path, tasks: int) -> Took:
    """Submit, claim, agent, turn, complete."""
    database = Database.open(folder / ".abathur", create=True)
    (folder / ".abathur" / "logs").mkdir(exist_ok=True)
    plans = [plan_of(first) for first in range(0, tasks, GROUP)]
    options = SubmitOptions(CHOICE, max_size=10 * tasks)
    equipment = Equipment(
        project=folder,
        settings=Settings(swarm=Swarm(max_agents=GROUP)),
        registry=REGISTRY,
        tools={},
        open_runtime=lambda choice, keys, children: Immediate(),
        children=Children(),
        keys=Keys(),
    )

    def work() -> None:
        for plan in plans:
            database.write_now(queue.submit, plan, options, time.time())
        asyncio.run(Engine(database, equipment, Manner(drain=True)).run())

    took = timed(work)
    counts = database.read_now(views.counts)
    assert counts[Status.COMPLETED] == tasks, counts
    database.close()
    return took


def plan_of(first: int) -> Plan:
    """A group of plain tasks."""
    nodes = [PlanNode(f"n{i}", f"task {i}", Kind.AGENT, None, None, None, PROMPT, {"prompt": f"question {i}"}) for i in range(first, first + GROUP)]
    return Plan(tuple(nodes), (), nodes[0].id, source=f"{first}")


def plain(folder: Path, tasks: int) -> Took:
    """The same rows by hand."""
    Database.open(folder / ".abathur", create=True).close()
    c = connect(folder / ".abathur" / "abathur.db")
    c.execute(f"PRAGMA wal_autocheckpoint = {LOG_BYTES // 4096}")
    for (name,) in c.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
        c.execute(f"DROP TRIGGER {name}")
    c.execute("INSERT INTO lanes (lane, runtime) VALUES ('lane', '{}')")
    c.execute("INSERT INTO counts (lane, status, tasks) VALUES ('lane', 'pending', 0), ('lane', 'running', 0), ('lane', 'completed', 0)")
    c.execute("INSERT INTO usage VALUES ('day', 'model', 0, 0, 0, 0, 0, 0.0, 0)")
    c.executemany("INSERT INTO content (hash, body) VALUES (?, ?)", [(content_hash(text), text) for text in (PROMPT, "{}", "You are.", "done")])

    def in_transaction(*steps: Callable[[], None]) -> None:
        c.execute("BEGIN IMMEDIATE")
        for step in steps:
            step()
        c.execute("COMMIT")

    def work() -> None:
        groups = [range(first, first + GROUP) for first in range(1, tasks + 1, GROUP)]
        for number, group in enumerate(groups, 1):
            in_transaction(lambda number=number, group=group: submit_rows(c, number, group))  # type: ignore[misc]
        if not c.execute("SELECT 1 FROM agents").fetchall():
            agents = [(1, "engine", "generalist", "IDLE", 1.0, "ready", 1.0)] * GROUP
            c.executemany(
                "INSERT INTO agents (execution, engine, definition, state, started_at, reason, changed_at) VALUES (?, ?, ?, ?, ?, ?, ?)", agents
            )
        in_transaction(lambda: begin_rows(c, 1, groups[0]))
        for number, (ended, begun) in enumerate(itertools.pairwise(groups), 2):
            in_transaction(lambda ended=ended: end_rows(c, ended), lambda number=number, begun=begun: begin_rows(c, number, begun))  # type: ignore[misc]
        in_transaction(lambda: end_rows(c, groups[-1]))

    took = timed(work)
    assert c.execute("SELECT count(*) FROM tasks WHERE status = 'completed'").fetchone() == (tasks,)
    c.close()
    return took


def keep(c: Connection, texts: list[str]) -> list[str]:
    """Store texts by their hashes."""
    hashes = [content_hash(text) for text in texts]
    c.executemany("INSERT INTO content (hash, body) VALUES (?, ?) ON CONFLICT DO NOTHING", list(zip(hashes, texts, strict=True)))
    return hashes


def submit_rows(c: Connection, execution: int, group: range) -> None:
    """What a submit writes."""
    (source,) = keep(c, [f"{execution}"])
    c.execute("INSERT INTO executions (source, runtime, actor, created_at) VALUES (?, '{}', 'user', 1.0)", (source,))
    c.executemany(
        "INSERT INTO tasks (id, execution, seq, kind, name, status, why, priority, lane, tags, created_at, actor, reason, changed_at)"
        " VALUES (?, ?, ?, 'agent', ?, 'pending', '', 5, 'lane', '[]', 1.0, '', '', 1.0)",
        [(task, execution, seq, f"task {task}") for seq, task in enumerate(group)],
    )
    c.executemany(
        "INSERT INTO audit (at, actor, action, execution, task, to_state, version, reason)"
        " VALUES (1.0, 'user', 'task.pending', ?, ?, 'pending', 0, 'submitted')",
        [(execution, task) for task in group],
    )
    prompt, nothing = content_hash(PROMPT), content_hash("{}")
    c.executemany(
        "INSERT INTO specs (task, node, depth, prompt, parameters, given, refs, timeout_seconds, retries, estimated_seconds, complexity)"
        " VALUES (?, ?, 1, ?, ?, ?, '{}', 1800.0, 3, 30.0, 50)",
        [(task, f"n{task}", prompt, nothing, canonical({"prompt": f"question {task}"})) for task in group],
    )
    c.execute("UPDATE counts SET tasks = tasks + ? WHERE status = 'pending'", (len(group),))
    c.execute("UPDATE executions SET root = ? WHERE id = ?", (group[0], execution))


def begin_rows(c: Connection, execution: int, group: range) -> None:
    """What claims and the begins of turns write."""
    system = content_hash("You are.")
    c.executemany(
        "UPDATE tasks SET status = 'running', version = 1, epoch = 1, attempt = 1, engine = 'engine', started_at = 2.0, changed_at = 2.0"
        " WHERE id = ?",
        [(task,) for task in group],
    )
    c.executemany(
        "INSERT INTO audit (at, actor, action, execution, task, engine, from_state, to_state, version, attempt, reason)"
        " VALUES (2.0, 'engine', 'task.running', ?, ?, 'engine', 'pending', 'running', 1, 1, 'claimed')",
        [(execution, task) for task in group],
    )
    c.executemany(
        "UPDATE agents SET state = 'BUSY', activity = 'thinking', turn = 1, reason = ?, task = ?, execution = ? WHERE id = ?",
        [(f"given t{task}", task, execution, agent) for agent, task in enumerate(group, 1)],
    )
    c.executemany("UPDATE specs SET system = ? WHERE task = ?", [(system, task) for task in group])
    c.executemany(
        "INSERT INTO turns (id, task, round, epoch, attempt, number, agent, shared, messages, started_at)"
        " VALUES (?, ?, 0, 1, 1, 1, ?, 0, '[\"\"]', 2.0)",
        [(task, task, agent) for agent, task in enumerate(group, 1)],
    )
    c.executemany(
        "INSERT INTO attempts (task, epoch, number, engine, agent, started_at) VALUES (?, 1, 1, 'engine', ?, 2.0)",
        [(task, agent) for agent, task in enumerate(group, 1)],
    )
    c.execute("UPDATE counts SET tasks = tasks - ? WHERE status = 'pending'", (len(group),))
    c.execute("UPDATE counts SET tasks = tasks + ? WHERE status = 'running'", (len(group),))


def end_rows(c: Connection, group: range) -> None:
    """What the ends of turns and tasks write."""
    (said,) = keep(c, ["done"])
    detail = {"answer": said, "cost_usd": 0.0, "model": "immediate", "number": 1, "stop_reason": "end_turn", "tokens_input": 10, "tokens_output": 5}
    c.executemany(
        "UPDATE turns SET state = 'done', said = ?, timing = '[]', model = 'immediate', stop_reason = 'end_turn', tokens_input = 10,"
        " tokens_output = 5, cost_usd = 0.0, ended_at = 3.0 WHERE id = ?",
        [(said, task) for task in group],
    )
    execution = group[0] // GROUP + 1
    c.executemany(
        "INSERT INTO audit (at, actor, action, execution, task, agent, detail) VALUES (3.0, ?, 'turn.done', ?, ?, ?, ?)",
        [(f"a{agent}", execution, task, agent, canonical(detail | {"turn": task})) for agent, task in enumerate(group, 1)],
    )
    c.executemany(
        "INSERT INTO logs (at, level, kind, execution, task, agent, turn, text)"
        " VALUES (3.0, 'info', 'turn', ?, ?, ?, ?, 'turn 1: 10 in, 5 out, end_turn')",
        [(execution, task, agent, task) for agent, task in enumerate(group, 1)],
    )
    c.executemany(
        "UPDATE tasks SET status = 'completed', version = 2, engine = NULL, progress = 1, finished_at = 3.0, result = ?, tokens_input = 10,"
        " tokens_output = 5, changed_at = 3.0 WHERE id = ?",
        [(said, task) for task in group],
    )
    c.executemany(
        "INSERT INTO audit (at, actor, action, execution, task, engine, from_state, to_state, version, attempt, result, reason)"
        " VALUES (3.0, 'engine', 'task.completed', ?, ?, 'engine', 'running', 'completed', 2, 1, ?, 'completed')",
        [(execution, task, said) for task in group],
    )
    c.executemany("UPDATE attempts SET ended_at = 3.0, outcome = 'completed' WHERE task = ? AND epoch = 1", [(task,) for task in group])
    c.executemany("UPDATE agents SET tokens_input = tokens_input + 10 WHERE id = ?", [(agent,) for agent in range(1, GROUP + 1)])
    c.execute("UPDATE usage SET turns = turns + ?", (len(group),))
    c.execute("UPDATE counts SET tasks = tasks - ? WHERE status = 'running'", (len(group),))
    c.execute("UPDATE counts SET tasks = tasks + ? WHERE status = 'completed'", (len(group),))


def run(contender: Callable[[Path, int], Took], tasks: int) -> Took:
    """One run, in a new project, in a process that is set up as an engine's."""
    heap.settle()
    with tempfile.TemporaryDirectory() as folder:
        return contender(Path(folder), tasks)


def main(rounds: int, tasks: int) -> int:
    """Print a line for each contender; 1 where the promise is not kept."""
    run(abathur, GROUP * 5)
    pairs = [(run(abathur, tasks), run(plain, tasks)) for _ in range(rounds)]
    print(f"{tasks:,} tasks that do nothing, {GROUP} slots{'tasks a second':>22}{'processor':>20}")
    for name, number in (("Abathur, the whole engine", 0), ("plain sqlite3, the same rows", 1)):
        rate = statistics.median(tasks / pair[number].seconds for pair in pairs)
        processor = statistics.median(pair[number].processor_seconds / tasks * 1e6 for pair in pairs)
        print(f"{name:<40}{rate:>16,.0f}{processor:>14,.0f} µs each")
    kept = False
    for name, shares in (
        ("by the clock", [ours.seconds / theirs.seconds for ours, theirs in pairs]),
        ("by processor time", [ours.processor_seconds / theirs.processor_seconds for ours, theirs in pairs]),
    ):
        shares = sorted(1 / share for share in shares)
        print(f"Abathur over plain sqlite3, {name:<20}{statistics.median(shares):>8.0%}  ({shares[0]:.0%} to {shares[-1]:.0%})")
        kept = kept or statistics.median(shares) >= LEAST_SHARE
    print(f"The limit is {LEAST_SHARE:.0%}: {'kept' if kept else 'NOT kept'}.")
    return 0 if kept else 1


if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 5, int(sys.argv[2]) if len(sys.argv) > 2 else 4000))
