-- name: spawn
-- A new agent for a task, if the lease holds. By the primary key.
INSERT INTO agents (parent, execution, task, engine, definition, state, started_at, reason, changed_at)
SELECT :parent, execution, id, engine, :definition, 'SPAWNING', :now, 'spawned', :now
FROM tasks WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: last_id
-- The highest id that was ever given to an agent; those of one transaction follow each other. The few rows of sqlite_sequence.
SELECT seq FROM sqlite_sequence WHERE name = 'agents';

-- name: set_state
-- Another state; staying in the same one is no change. By the primary key.
UPDATE agents
SET state = :state, version = version + 1, activity = '', reason = :reason, changed_at = :now,
    ended_at = CASE WHEN :state = 'TERMINATED' THEN :now END
WHERE id = :agent AND state <> :state;

-- name: exists
-- By the primary key.
SELECT 1 FROM agents WHERE id = ?;

-- name: activity
-- What it does now. By the primary key.
UPDATE agents SET activity = ?, turn = ? WHERE id = ?;

-- name: ready
-- A spawned agent is ready. By the primary key.
UPDATE agents SET state = 'IDLE', version = version + 1, reason = 'ready', changed_at = :now WHERE id = :agent AND state = 'SPAWNING';

-- name: assign
-- It takes a task, if the lease holds. By the primary keys.
UPDATE agents
SET state = 'BUSY', version = version + 1, activity = '', turn = 0, reason = 'given t' || t.id, changed_at = :now, task = t.id, execution = t.execution
FROM (SELECT id, execution FROM tasks WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running') AS t
WHERE agents.id = :agent;

-- name: of_attempt
-- Who works at an attempt. By the primary key.
UPDATE attempts SET agent = :agent WHERE task = :task AND epoch = :epoch;
