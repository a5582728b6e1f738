"""What is read: by the screen, the command line, the engine. Plain functions over a reader's connection, short and by an index."""

from abathur_tui.storage.spending import Ceiling, Spent, ceilings, shares, spent, spent_in
from abathur_tui.storage.views.details import audit, detail, result, said_beside, work
from abathur_tui.storage.views.executions import execution, executions, fallbacks, members, qualities, reports, root_of, worked
from abathur_tui.storage.views.logs import log_since
from abathur_tui.storage.views.loops import KnownLoops, loop, loop_of, loop_task, loops, loops_seen
from abathur_tui.storage.views.swarm import Totals, agent, agent_states, agents, counts, status, totals_today
from abathur_tui.storage.views.tasks import task, task_ids, tasks, tasks_by_id

__all__ = [
    "Ceiling",
    "KnownLoops",
    "Spent",
    "Totals",
    "agent",
    "agent_states",
    "agents",
    "audit",
    "ceilings",
    "counts",
    "detail",
    "execution",
    "executions",
    "fallbacks",
    "log_since",
    "loop",
    "loop_of",
    "loop_task",
    "loops",
    "loops_seen",
    "members",
    "qualities",
    "reports",
    "result",
    "root_of",
    "said_beside",
    "shares",
    "spent",
    "spent_in",
    "status",
    "task",
    "task_ids",
    "tasks",
    "tasks_by_id",
    "totals_today",
    "work",
    "worked",
]
