-- name: state
-- Whether a task is a dead letter, and when it was cleared. By the primary key.
SELECT status, cleared_at FROM tasks WHERE id = ?;

-- name: audit_clear
-- That somebody has decided to leave one as it is. By the primary key.
INSERT INTO audit (at, actor, action, execution, task, reason) SELECT :now, :actor, 'task.cleared', execution, id, :reason FROM tasks WHERE id = :id;

-- name: clear
-- It does not wait for a decision any more. By the primary key.
UPDATE tasks SET cleared_at = :now WHERE id = :id;
