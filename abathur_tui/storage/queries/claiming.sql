-- name: lane_candidates
-- The first claimable tasks of one lane, N its number in the statement. Index tasks_claimable: its WHERE must stand here word for word.
SELECT * FROM (
    SELECT id, priority, execution, seq FROM tasks INDEXED BY tasks_claimable
    WHERE lane = :laneN AND status = 'pending' AND due IS NULL AND held IS NULL
        AND NOT EXISTS (SELECT 1 FROM lanes WHERE lane = :laneN AND held_why <> '')
    ORDER BY priority DESC, execution, seq LIMIT :freeN
);

-- name: claim
-- The one statement that claims: CANDIDATES are the candidates of each lane with free slots. By the primary key, once they are known.
UPDATE OR ROLLBACK tasks
SET status = 'running', version = version + 1, epoch = epoch + 1, attempt = attempt + 1, engine = :engine, why = '', held = NULL, expires = NULL,
    started_at = coalesce(started_at, :now), actor = 'engine', reason = 'claimed', changed_at = :now
WHERE id IN (SELECT id FROM (CANDIDATES) ORDER BY priority DESC, execution, seq LIMIT :most)
RETURNING id, epoch, execution, kind, lane, attempt, failures, agent, priority, seq;

-- name: next_up
-- What a claim would take first, of the same candidates.
SELECT id FROM (CANDIDATES) ORDER BY priority DESC, execution, seq LIMIT 1;

-- name: refuse
-- What cannot even be claimed fails. By the primary key.
UPDATE tasks
SET status = 'failed', version = version + 1, why = '', held = NULL, expires = NULL, finished_at = :now, error_code = :code, error_message = :message,
    actor = 'engine', reason = :reason, changed_at = :now
WHERE id = :id AND status = 'pending';

-- name: claim_suspect
-- A task whose worker died twice or more, by its id. By the primary key.
UPDATE tasks
SET status = 'running', version = version + 1, epoch = epoch + 1, attempt = attempt + 1, engine = :engine, why = '', held = NULL, expires = NULL,
    started_at = coalesce(started_at, :now), actor = 'engine', reason = 'claimed alone', changed_at = :now
WHERE id = :id
RETURNING id, epoch, execution, kind, lane, attempt, failures, agent, priority, seq;

-- name: suspects
-- Tasks whose workers died twice or more, which run one at a time. Index tasks_suspect.
SELECT id, lane FROM tasks INDEXED BY tasks_suspect
WHERE held = 'suspect' AND status = 'pending' AND due IS NULL
    AND NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.lane = tasks.lane AND held_why <> '')
ORDER BY priority DESC, execution, seq LIMIT 100;

-- name: suspect_runs
-- Whether one of them is at work now; one that waits is not, and it may be for another of them. Index tasks_running.
SELECT 1 FROM tasks INDEXED BY tasks_running WHERE status = 'running' AND crashes >= 2 AND why = '' LIMIT 1;

-- name: lanes
-- Lanes with pending tasks. The few rows of counts, lanes and queue_state; indexes tasks_claimable, tasks_suspect and tasks_set_aside for `ready`.
SELECT n.lane, n.tasks, coalesce(l.held_why, ''), l.held_until, coalesce(l.held_message, ''), l.runtime,
    coalesce(l.held_why, '') = '' AND NOT EXISTS (SELECT 1 FROM queue_state) AND (
        EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_claimable WHERE lane = n.lane AND status = 'pending' AND due IS NULL AND held IS NULL)
        OR EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_suspect WHERE held = 'suspect' AND lane = n.lane AND due IS NULL)
        OR EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_set_aside WHERE held IN ('memory', 'cpu') AND status = 'pending' AND lane = n.lane)
    )
FROM counts AS n
LEFT JOIN lanes AS l ON l.lane = n.lane
WHERE n.status = 'pending' AND n.tasks > 0
ORDER BY n.lane;

-- name: next_runtime
-- How the first claimable task of a lane is run. Index tasks_claimable.
SELECT x.runtime, s.model FROM tasks AS t INDEXED BY tasks_claimable JOIN executions AS x ON x.id = t.execution JOIN specs AS s ON s.task = t.id
WHERE t.lane = ? AND t.status = 'pending' AND t.due IS NULL AND t.held IS NULL
ORDER BY t.priority DESC, t.execution, t.seq LIMIT 1;

-- name: retrying
-- A task that waits for its next attempt. What is due later, of index tasks_due, until there is one.
SELECT 1 FROM tasks INDEXED BY tasks_due
WHERE due IS NOT NULL AND status = 'pending' AND why = 'retry'
    AND NOT EXISTS (SELECT 1 FROM lanes WHERE lanes.lane = tasks.lane AND held_why <> '') AND NOT EXISTS (SELECT 1 FROM queue_state)
LIMIT 1;

-- name: parked
-- How many running tasks only wait for what they have inside them, and that has not ended. Indexes tasks_running and tasks_by_parent.
SELECT count(*) FROM tasks AS t INDEXED BY tasks_running
WHERE t.status = 'running' AND t.why = 'children' AND EXISTS (
    SELECT 1 FROM tasks AS s INDEXED BY tasks_by_parent WHERE s.parent = t.id AND s.status NOT IN ('completed', 'failed', 'cancelled', 'dead')
);

-- name: hold_lane
-- Claim nothing of a lane. By the primary key.
UPDATE lanes SET held_why = :why, held_until = :until, held_message = :message, held_by = :actor, held_at = :now WHERE lane = :lane;

-- name: free_lane
-- Let a lane go on. By the primary key.
UPDATE lanes SET held_why = '', held_until = NULL, held_message = '', held_by = '', held_at = NULL WHERE lane = :lane AND held_why <> '';

-- name: audit_lane
-- What happened to a lane, for the audit.
INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?);
