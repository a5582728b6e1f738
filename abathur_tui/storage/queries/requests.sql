-- name: open_for
-- What is asked of the tasks that an engine runs. Indexes tasks_running and requests_by_task.
SELECT r.id, r.task, r.epoch, r.kind, r.actor, r.payload, r.created_at
FROM tasks AS t INDEXED BY tasks_running CROSS JOIN requests AS r ON r.task = t.id AND r.closed_at IS NULL AND r.epoch = t.epoch
WHERE t.status = 'running' AND t.engine = ? ORDER BY r.id;

-- name: close
-- Done or refused. By the primary key.
UPDATE requests SET outcome = ?, closed_at = ? WHERE id = ? AND closed_at IS NULL;
