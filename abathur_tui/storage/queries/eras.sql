-- name: known
-- Where the clock was set back. By the primary key.
SELECT value FROM meta WHERE key = 'clock_set_back';

-- name: keep
-- By the primary key.
INSERT INTO meta (key, value) VALUES ('clock_set_back', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: audit
-- The last row that was written by another clock than the one that says :now, and the latest moment since the row :era. Only the last rows are
-- looked at, by the primary key.
SELECT
    coalesce(max(id) FILTER (WHERE at > :now + :tolerance OR at < :now - :noticed), min(id) - 1, 0), max(at) FILTER (WHERE id > :era)
FROM audit WHERE id > coalesce((SELECT max(id) FROM audit), 0) - :most;

-- name: logs
-- The same of `logs`.
SELECT
    coalesce(max(id) FILTER (WHERE at > :now + :tolerance OR at < :now - :noticed), min(id) - 1, 0), max(at) FILTER (WHERE id > :era)
FROM logs WHERE id > coalesce((SELECT max(id) FROM logs), 0) - :most;

-- name: output
-- The same of `output`.
SELECT
    coalesce(max(id) FILTER (WHERE at > :now + :tolerance OR at < :now - :noticed), min(id) - 1, 0), max(at) FILTER (WHERE id > :era)
FROM output WHERE id > coalesce((SELECT max(id) FROM output), 0) - :most;

-- name: ends
-- The rows that say how tasks have ended, the last of each. Index audit_by_task.
SELECT a.task, max(a.id) FROM json_each(?) AS wanted CROSS JOIN audit AS a INDEXED BY audit_by_task ON a.task = wanted.value
WHERE a.to_state IN ('completed', 'failed', 'cancelled', 'dead') GROUP BY a.task;
