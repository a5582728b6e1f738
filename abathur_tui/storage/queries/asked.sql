-- name: cancel
-- Somebody had asked for its end while it ran. By the primary key and requests_by_task.
UPDATE tasks
SET status = 'cancelled', version = version + 1, why = '', finished_at = :now, due = NULL, expires = NULL, held = NULL, changed_at = :now,
    actor = (SELECT coalesce(nullif(actor, ''), 'queue') FROM requests WHERE task = :task AND kind = 'cancel' AND closed_at IS NULL ORDER BY id DESC LIMIT 1),
    reason = coalesce(
        (
            SELECT nullif(CASE WHEN json_valid(payload) THEN payload ->> 'reason' END, '') FROM requests
            WHERE task = :task AND kind = 'cancel' AND closed_at IS NULL ORDER BY id DESC LIMIT 1
        ),
        'cancelled'
    )
WHERE id = :task AND status IN ('pending', 'paused', 'interrupted')
    AND EXISTS (SELECT 1 FROM requests WHERE task = :task AND kind = 'cancel' AND closed_at IS NULL);

-- name: pause
-- Somebody had asked to pause it while it ran. By the primary key and requests_by_task.
UPDATE tasks
SET status = 'paused', version = version + 1, why = 'by you', changed_at = :now, reason = 'paused',
    actor = (SELECT coalesce(nullif(actor, ''), 'queue') FROM requests WHERE task = :task AND kind = 'pause' AND closed_at IS NULL ORDER BY id DESC LIMIT 1)
WHERE id = :task AND status IN ('pending', 'interrupted')
    AND EXISTS (SELECT 1 FROM requests WHERE task = :task AND kind = 'pause' AND closed_at IS NULL);

-- name: ask_steps
-- The same is asked of what a task has made and that runs, with all inside it: a loop's pass, a judge's question.
-- Indexes tasks_by_parent and requests_by_task.
WITH RECURSIVE inside (id) AS (
    SELECT id FROM tasks WHERE parent = :task AND pass IS NOT NULL
    UNION ALL SELECT t.id FROM inside AS i JOIN tasks AS t ON t.parent = i.id
)
INSERT INTO requests (task, epoch, kind, actor, payload, created_at)
SELECT t.id, t.epoch, :kind, 'queue', json_object('reason', :reason), :now
FROM inside AS i CROSS JOIN tasks AS t ON t.id = i.id
WHERE +t.status = 'running'
    AND NOT EXISTS (SELECT 1 FROM requests AS r WHERE r.task = t.id AND r.kind = :kind AND r.closed_at IS NULL);

-- name: cancel_steps
-- What it has made and that does not run ends with it; those that still wait first. Index tasks_by_parent.
WITH RECURSIVE inside (id) AS (
    SELECT id FROM tasks WHERE parent = :task AND pass IS NOT NULL
    UNION ALL SELECT t.id FROM inside AS i JOIN tasks AS t ON t.parent = i.id
)
UPDATE tasks
SET status = 'cancelled', version = version + 1, why = '', finished_at = :now, due = NULL, expires = NULL, held = NULL,
    actor = 'queue', reason = :reason, changed_at = :now
WHERE id IN (SELECT id FROM inside) AND +status IN ('waiting', 'pending', 'paused', 'interrupted') AND (unmet > 0) = :waits;

-- name: pause_steps
-- Or stops with it. Index tasks_by_parent.
WITH RECURSIVE inside (id) AS (
    SELECT id FROM tasks WHERE parent = :task AND pass IS NOT NULL
    UNION ALL SELECT t.id FROM inside AS i JOIN tasks AS t ON t.parent = i.id
)
UPDATE tasks
SET status = 'paused', version = version + 1, why = 'by you', actor = 'queue', reason = :reason, changed_at = :now
WHERE id IN (SELECT id FROM inside) AND +status IN ('waiting', 'pending', 'interrupted');

-- name: cancelled_steps
-- What ended with a task in its present round. Index tasks_by_parent.
SELECT s.id, s.status FROM tasks AS t JOIN tasks AS s ON s.parent = t.id AND s.pass_round = t.round AND s.pass IS NOT NULL
WHERE t.id = ? AND +s.status = 'cancelled';
