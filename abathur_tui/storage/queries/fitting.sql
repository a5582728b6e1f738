-- name: anybody
-- Whether some task declares what it needs and has not started. Indexes tasks_declaring and tasks_set_aside.
SELECT EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_declaring
    WHERE status = 'pending' AND due IS NULL AND held IS NULL AND kind = 'agent' AND coalesce(memory_bytes, cores) IS NOT NULL
) OR EXISTS (SELECT 1 FROM tasks INDEXED BY tasks_set_aside WHERE held IN ('memory', 'cpu') AND status = 'pending');

-- name: too_large
-- Those that could never start fail. Index tasks_declaring.
UPDATE tasks INDEXED BY tasks_declaring
SET status = 'failed', version = version + 1, why = '', finished_at = :now, expires = NULL, error_code = :code,
    error_message = 'It declares more memory or more cores than there are: ' || :there, actor = 'queue',
    reason = 'it declares more than there is', changed_at = :now
WHERE status = 'pending' AND due IS NULL AND held IS NULL AND kind = 'agent' AND coalesce(memory_bytes, cores) IS NOT NULL
    AND (memory_bytes > :memory OR cores > :cores);

-- name: set_aside
-- Those that declare what they need wait until it is seen that it fits. Index tasks_declaring.
UPDATE tasks INDEXED BY tasks_declaring
SET held = CASE WHEN memory_bytes IS NULL THEN 'cpu' ELSE 'memory' END, why = CASE WHEN memory_bytes IS NULL THEN 'cpu' ELSE 'memory' END
WHERE status = 'pending' AND due IS NULL AND held IS NULL AND kind = 'agent' AND coalesce(memory_bytes, cores) IS NOT NULL;

-- name: taken
-- What those that are at work have declared. Index tasks_running.
SELECT count(*), coalesce(sum(memory_bytes), 0), coalesce(sum(cores), 0) FROM tasks INDEXED BY tasks_running
WHERE status = 'running' AND kind = 'agent' AND why = '';

-- name: next
-- The first that are set aside. Index tasks_set_aside.
SELECT id, lane, memory_bytes, cores FROM tasks INDEXED BY tasks_set_aside WHERE held IN ('memory', 'cpu') AND status = 'pending'
ORDER BY priority DESC, execution, seq LIMIT :most;

-- name: let_go
-- It fits, and may be claimed. By the primary key.
UPDATE tasks SET held = NULL, why = '' WHERE id = ?;

-- name: keep_back
-- What it is that does not fit. By the primary key.
UPDATE tasks SET held = :held, why = :held WHERE id = :id AND held <> :held;
