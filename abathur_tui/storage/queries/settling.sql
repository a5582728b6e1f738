-- name: any_doomed
-- Whether there is such a task at all: mostly there is none. Index tasks_doomed.
SELECT 1 FROM tasks INDEXED BY tasks_doomed WHERE status = 'waiting' AND unmet = 0 AND broken > 0 LIMIT 1;

-- name: fail_the_doomed
-- Tasks that wait for nothing any more and cannot have what they need; those that need them are doomed next. Index tasks_doomed.
UPDATE tasks
SET status = 'failed', version = version + 1, why = '', cause = doomed.cause, finished_at = :now, due = NULL, expires = NULL, held = NULL,
    error_code = 'ABTH-ERR-010', error_message = doomed.message, actor = 'queue', reason = doomed.message, changed_at = :now
FROM (
    SELECT t.id AS id, coalesce(d.cause, d.id) AS cause, min(e.position) AS position,
        't' || coalesce(d.cause, d.id) || ' (' || coalesce(r.name, d.name) || ') '
        || CASE WHEN coalesce(r.error_code, d.error_code) = 'ABTH-ERR-025' THEN 'expired'
            WHEN coalesce(r.status, d.status) = 'failed' THEN 'failed' ELSE 'is ' || coalesce(r.status, d.status) END
        || ', and this needs it' AS message
    FROM tasks AS t INDEXED BY tasks_doomed
    JOIN edges AS e ON e.task = t.id AND e.state = 'broken'
    JOIN tasks AS d ON d.id = e.depends_on
    LEFT JOIN tasks AS r ON r.id = d.cause
    WHERE t.status = 'waiting' AND t.unmet = 0 AND t.broken > 0
    GROUP BY t.id
) AS doomed
WHERE tasks.id = doomed.id;

-- name: revive
-- Those that failed only because of the tasks in :ids, which are open again; what was purged stays as it is, and what needs something purged. Primary
-- keys and edges_by_dependency.
UPDATE tasks
SET status = 'waiting', version = version + 1, why = 'after', cause = NULL, finished_at = NULL, result = NULL, progress = NULL,
    error_code = NULL, error_message = NULL, failures = 0, crashes = 0, round = round + 1,
    detail = '{}', actor = 'queue', reason = 'what it needs was retried', changed_at = :now
WHERE id IN (SELECT e.task FROM json_each(:ids) AS level CROSS JOIN edges AS e ON e.depends_on = level.value AND e.state = 'open')
    AND +status = 'failed' AND broken = 0 AND unmet > 0 AND error_code IN ('ABTH-ERR-010', 'ABTH-ERR-131', 'ABTH-ERR-132')
    AND (SELECT purged_at IS NULL FROM executions WHERE id = tasks.execution)
    AND NOT EXISTS (
        SELECT 1 FROM edges AS e CROSS JOIN tasks AS d ON d.id = e.depends_on CROSS JOIN executions AS x ON x.id = d.execution
        WHERE e.task = tasks.id AND d.result IS NOT NULL AND x.purged_at IS NOT NULL
    )
RETURNING id;
