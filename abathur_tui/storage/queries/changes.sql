-- name: task
-- What a change needs to know of a task, and whether it is its execution's root. By the primary keys.
SELECT t.status, t.execution, x.root = t.id, t.parent FROM tasks AS t JOIN executions AS x ON x.id = t.execution WHERE t.id = ?;

-- name: inside
-- A task and all that is inside it. Index tasks_by_parent.
WITH RECURSIVE inside (id) AS (
    VALUES (:id) UNION SELECT t.id FROM inside AS i JOIN tasks AS t ON t.parent = i.id
)
SELECT t.id, t.status, t.epoch, t.engine FROM inside AS i CROSS JOIN tasks AS t ON t.id = i.id;

-- name: of_execution
-- All tasks of an execution. Index tasks_by_execution.
SELECT id, status, epoch, engine FROM tasks WHERE execution = ?;

-- name: cancel
-- Tasks that do not run (or whose engine is dead) end at once; those that still wait first, so that none of them becomes pending on the way.
UPDATE tasks
SET status = 'cancelled', version = version + 1, why = '', engine = NULL, finished_at = :now, due = NULL, expires = NULL, held = NULL,
    actor = :actor, reason = :reason, changed_at = :now
WHERE id IN (SELECT value FROM json_each(:ids)) AND +status <> 'cancelled' AND (unmet > 0) = :waits;

-- name: pause
-- Tasks that do not run stop until they are resumed. By the primary key.
UPDATE tasks SET status = 'paused', version = version + 1, why = 'by you', engine = NULL, actor = :actor, reason = 'paused', changed_at = :now
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: resume
-- Paused tasks go on where they were. By the primary key.
UPDATE tasks
SET status = CASE WHEN unmet > 0 OR broken > 0 THEN 'waiting' ELSE 'pending' END, version = version + 1,
    why = CASE WHEN unmet > 0 OR broken > 0 THEN 'after' WHEN due IS NULL THEN '' ELSE 'time' END,
    held = CASE WHEN crashes >= 2 THEN 'suspect' END, actor = :actor, reason = 'resumed', changed_at = :now
WHERE id IN (SELECT value FROM json_each(:ids)) AND +status = 'paused';

-- name: prioritize_audit
-- The audit rows of a new priority, written before it. By the primary key.
INSERT INTO audit (at, actor, action, execution, task, detail)
SELECT :now, :actor, 'task.priority', execution, id, json_object('from', priority, 'to', :priority)
FROM tasks WHERE id IN (SELECT value FROM json_each(:ids)) AND priority <> :priority;

-- name: prioritize
-- A new priority. By the primary key.
UPDATE tasks SET priority = :priority WHERE id IN (SELECT value FROM json_each(:ids)) AND priority <> :priority;

-- name: blockers
-- Ended tasks that stand in a task's way: its broken edges, and for a join all members that did not complete. Primary keys.
SELECT d.id, d.status
FROM tasks AS t JOIN edges AS e ON e.task = t.id JOIN tasks AS d ON d.id = e.depends_on
WHERE t.id = ? AND d.status IN ('failed', 'dead', 'cancelled') AND (e.state = 'broken' OR t.kind = 'join');

-- name: cancelled_inside
-- What was cancelled directly inside a task. Index tasks_by_parent.
SELECT id, status FROM tasks WHERE parent = ? AND +status = 'cancelled';

-- name: cancelled_of
-- What was cancelled of an execution. Index tasks_by_execution.
SELECT id, status FROM tasks WHERE execution = ? AND status = 'cancelled';

-- name: reopen
-- The own edges of tasks that come back, to what has come back in the meantime. Primary keys.
UPDATE edges SET state = 'open'
WHERE task IN (SELECT value FROM json_each(:ids)) AND state <> 'open'
    AND (SELECT status FROM tasks WHERE id = edges.depends_on) NOT IN ('completed', 'failed', 'dead', 'cancelled');

-- name: retry
-- Ended tasks come back; those that others of :ids stand in the way of wait for them. A verdict starts the conversation anew; after
-- anything else it resumes from its last finished turn. Primary keys.
UPDATE tasks
SET status = CASE
        WHEN unmet > 0 OR broken > 0 OR kind = 'join' AND EXISTS (
            SELECT 1 FROM edges AS e JOIN tasks AS d ON d.id = e.depends_on
            WHERE e.task = tasks.id AND d.status IN ('failed', 'dead', 'cancelled')
        ) THEN 'waiting' ELSE 'pending'
    END,
    version = version + 1, why = '', cause = NULL, finished_at = NULL, due = NULL, expires = NULL, held = NULL, result = NULL, progress = NULL,
    error_code = NULL, error_message = NULL, failures = 0, crashes = 0, cleared_at = NULL, round = round + (status = 'failed'),
    detail = CASE WHEN status = 'failed' THEN '{}' ELSE detail END, actor = :actor, reason = 'retried', changed_at = :now
WHERE id IN (SELECT value FROM json_each(:ids));

-- name: ready
-- Of tasks that came back as waiting: those that wait for nothing. Primary keys.
UPDATE tasks SET status = 'pending', version = version + 1, why = '', actor = :actor, reason = 'retried', changed_at = :now
WHERE id IN (SELECT value FROM json_each(:ids)) AND +status = 'waiting' AND unmet = 0 AND broken = 0;

-- name: why_after
-- The others of them say what they wait for. Primary keys.
UPDATE tasks SET why = 'after' WHERE id IN (SELECT value FROM json_each(:ids)) AND +status = 'waiting';

-- name: request
-- Ask a running task's worker, unless it was asked already. Index requests_by_task.
INSERT INTO requests (task, epoch, kind, actor, payload, created_at)
SELECT :task, :epoch, :kind, :actor, :payload, :now
WHERE NOT EXISTS (SELECT 1 FROM requests WHERE task = :task AND epoch = :epoch AND kind = :kind AND closed_at IS NULL);

-- name: audit_request
-- That somebody asked. By the primary key.
INSERT INTO audit (at, actor, action, execution, task, detail) SELECT ?, ?, ?, execution, id, ? FROM tasks WHERE id = ?;

-- name: withdraw
-- A request to pause that is taken back. Index requests_by_task.
UPDATE requests SET outcome = 'withdrawn', closed_at = :now
WHERE task IN (SELECT value FROM json_each(:ids)) AND kind = 'pause' AND closed_at IS NULL;

-- name: loop
-- A loop's rule and how it stands. By the primary keys.
SELECT t.status, t.round, t.detail, s.loop_spec FROM tasks AS t JOIN specs AS s ON s.task = t.id WHERE t.id = ? AND t.kind = 'loop';

-- name: loop_rule
-- A loop's rule, changed. By the primary key.
UPDATE specs SET loop_spec = ? WHERE task = ?;

-- name: same_round
-- A loop that goes on where it ended has its passes still. By the primary key.
UPDATE tasks SET round = ? WHERE id = ?;

-- name: unfinished_steps
-- What ended without success of a loop's unfinished pass, with what was asked about it. Index tasks_by_parent.
WITH RECURSIVE inside (id) AS (
    SELECT id FROM tasks WHERE parent = :task AND pass_round = :round AND (pass = :pass OR pass BETWEEN :first AND :last)
    UNION ALL SELECT t.id FROM inside AS i JOIN tasks AS t ON t.parent = i.id
)
SELECT t.id FROM inside AS i CROSS JOIN tasks AS t ON t.id = i.id WHERE +t.status IN ('failed', 'dead', 'cancelled');

-- name: purged
-- Those of some tasks whose execution's content was purged, else those on which they depend and whose result was. By the primary keys.
SELECT t.id FROM (
    SELECT j.value AS id FROM json_each(:ids) AS j CROSS JOIN tasks AS t ON t.id = j.value CROSS JOIN executions AS x ON x.id = t.execution
    WHERE x.purged_at IS NOT NULL
    UNION
    SELECT d.id FROM json_each(:ids) AS j CROSS JOIN edges AS e ON e.task = j.value CROSS JOIN tasks AS d ON d.id = e.depends_on
    CROSS JOIN executions AS x ON x.id = d.execution WHERE d.result IS NOT NULL AND x.purged_at IS NOT NULL
) AS t ORDER BY t.id <> :id, t.id LIMIT 1;
