-- name: open_for
-- What is asked of the tasks that an engine runs; from the few open requests, not from the tasks that run. Index requests_open.
SELECT r.id, r.task, r.epoch, r.kind, r.actor, r.payload, r.created_at
FROM requests AS r INDEXED BY requests_open CROSS JOIN tasks AS t ON t.id = r.task AND t.epoch = r.epoch
WHERE r.closed_at IS NULL AND t.status = 'running' AND t.engine = ? ORDER BY r.id;

-- name: close
-- Done or refused. By the primary key.
UPDATE requests SET outcome = ?, closed_at = ? WHERE id = ? AND closed_at IS NULL;
