-- name: open_tasks
-- How many tasks have not ended, for `queue.max_size`; joins come with what they join. The few rows of counts.
-- No list of statuses: SQLite makes a temporary tree of one with more than two, at each call.
SELECT coalesce(sum(tasks), 0) FROM counts
WHERE lane <> 'join' AND status <> 'completed' AND status <> 'failed' AND status <> 'cancelled' AND status <> 'dead';

-- name: end_of
-- How a task has ended, and whether its dependents go on when it fails. By the primary key.
SELECT status, on_failure = 'skip' FROM tasks WHERE id = ?;

-- name: result_gone
-- Whether a task had a result that was purged. By the primary keys.
SELECT 1 FROM tasks AS t JOIN executions AS x ON x.id = t.execution WHERE t.id = ? AND t.result IS NOT NULL AND x.purged_at IS NOT NULL;

-- name: last_task
-- The highest id that was ever given out. The few rows of sqlite_sequence.
SELECT seq FROM sqlite_sequence WHERE name = 'tasks';

-- name: execution
-- A new execution, its root still unknown. By the primary key.
INSERT INTO executions (source, runtime, actor, created_at) VALUES (?, ?, ?, ?);

-- name: root
-- Its root. By the primary key.
UPDATE executions SET root = ? WHERE id = ?;

-- name: template
-- A template's text, kept with the execution. By the primary key.
INSERT INTO execution_templates (execution, template, body) VALUES (?, ?, ?);

-- name: lane
-- A lane and the runtime that its newest execution has there. By the primary key.
INSERT INTO lanes (lane, runtime) VALUES (?, ?) ON CONFLICT (lane) DO UPDATE SET runtime = excluded.runtime WHERE runtime <> excluded.runtime;

-- name: task
-- A new task; by position, because names cost a look-up each. By the primary key.
INSERT INTO tasks (
    id, execution, seq, parent, kind, name, template, template_version, agent, status, why, priority, lane, unmet, broken, due, expires,
    on_failure, tags, instance, instances, pass, pass_round, memory_bytes, cores, created_at, actor, reason, changed_at
) VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
);

-- name: fix_due
-- Its due moment stays when the clock is set. By the primary key.
UPDATE tasks SET due_fixed = 1 WHERE id = ? AND due IS NOT NULL;

-- name: spec
-- What its worker needs. By the primary key.
INSERT INTO specs (
    task, node, depth, prompt, parameters, refs, model, timeout_seconds, retries, loop_spec, join_spec, fallback, success, lead, estimated_seconds, complexity,
    given
) VALUES (
    ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    ?
);

-- name: loop
-- A loop's own id. By the primary key.
INSERT INTO loops (task) VALUES (?);

-- name: edge
-- What a task waits for. By the primary key.
INSERT INTO edges (task, depends_on, need, state, position, required) VALUES (?, ?, ?, ?, ?, ?);

-- name: parent_of_child
-- What a child inherits from the task that its lease names. By the primary key.
SELECT execution, seq, round, priority FROM tasks WHERE id = ? AND epoch = ? AND engine = ? AND status = 'running';

-- name: inherited
-- The runtime of an execution, and the times that a parent's spec gives its children. By the primary keys.
SELECT e.runtime, s.timeout_seconds, s.retries, s.model FROM executions AS e, specs AS s WHERE e.id = ? AND s.task = ?;

-- name: declared
-- What a task has declared that it needs. By the primary key.
SELECT memory_bytes, cores FROM tasks WHERE id = ?;

-- name: child
-- The task that is a pass of a loop's present round. Index tasks_by_parent.
SELECT c.id FROM tasks AS c JOIN tasks AS p ON p.id = c.parent WHERE c.parent = ? AND c.pass_round = p.round AND c.pass = ?;
