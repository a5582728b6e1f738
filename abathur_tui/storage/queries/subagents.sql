-- name: of_call
-- The task that a tool call has made. The unique index on turn and call.
SELECT task FROM subagents WHERE turn = ? AND call = ?;

-- name: of_task
-- What a sub-agent may. By the primary key.
SELECT parent_agent, depth, tools FROM subagents WHERE task = ?;

-- name: number
-- The number of the next one among those that a task has made, far below those of questions. Index tasks_by_parent.
SELECT min(coalesce(min(pass), 0), -1000000) - 1 FROM tasks WHERE parent = :task AND pass_round = (SELECT round FROM tasks WHERE id = :task);

-- name: keep
-- A task is a sub-agent's. By the primary key.
INSERT INTO subagents (task, parent_agent, turn, call, depth, tools) VALUES (?, ?, ?, ?, ?, ?);

-- name: kept_role
-- What an execution has kept under a role's name. By the primary key.
SELECT c.body FROM execution_templates AS x LEFT JOIN content AS c ON c.hash = x.body WHERE x.execution = ? AND x.template = ?;

-- name: keep_role
-- A role that was made for the execution. By the primary key.
INSERT INTO execution_templates (execution, template, body) VALUES (?, ?, ?);
