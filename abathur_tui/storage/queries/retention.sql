-- name: oldest
-- The oldest group whose rows are still there, if it was sealed before a moment. Index seals_kept.
SELECT first, last FROM (SELECT first, last, sealed_at FROM seals INDEXED BY seals_kept WHERE swept_at IS NULL ORDER BY first LIMIT 1) WHERE sealed_at < ?;

-- name: mark_swept
-- Its rows may go now. By the primary key.
UPDATE seals SET swept_at = ? WHERE first = ?;

-- name: sweep
-- They go. By the primary key.
DELETE FROM audit WHERE id BETWEEN ? AND ?;

-- name: drop_seals
-- The oldest seals whose rows had gone before a moment, up to the first of which that is not true: the clock may have been set back in between. The
-- newest swept one stays, for the chain goes on from it. By the primary key, index seals_kept.
DELETE FROM seals
WHERE first IN (SELECT first FROM seals ORDER BY first LIMIT 2000)
    AND first < (
        SELECT first FROM seals
        WHERE first < coalesce((SELECT first FROM seals INDEXED BY seals_kept WHERE swept_at IS NULL ORDER BY first LIMIT 1), 9223372036854775807)
        ORDER BY first DESC LIMIT 1
    )
    AND first < coalesce((SELECT first FROM seals WHERE swept_at >= ? OR swept_at IS NULL ORDER BY first LIMIT 1), 9223372036854775807);

-- name: newest_of_group
-- The latest moment of a group's rows. By the primary key.
SELECT max(at) FROM audit WHERE id BETWEEN ? AND ?;

-- name: swept_to
-- The latest moment of all rows that have gone. By the primary key.
SELECT CAST(value AS REAL) FROM meta WHERE key = 'swept_to';

-- name: set_swept_to
-- By the primary key.
INSERT INTO meta (key, value) VALUES ('swept_to', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: audit
-- What was taken away, and by whom. By the primary key.
INSERT INTO audit (at, actor, action, execution, detail) VALUES (?, ?, ?, ?, ?);

-- name: drop_old_logs
-- The oldest lines of the log, as far as they are from before a moment. By the primary key.
DELETE FROM logs WHERE id IN (SELECT id FROM logs ORDER BY id LIMIT 2000) AND at < ?;

-- name: purgeable
-- Executions that have ended and whose content is kept, with their roots, their ends, and whether tasks of others that have not ended get results of
-- theirs. Indexes executions_kept and tasks_by_execution; for the last tasks_by_status and primary keys.
SELECT x.id, x.root, (SELECT max(finished_at) FROM tasks WHERE execution = x.id) AS ended_at, x.id IN (
    SELECT d.execution FROM tasks AS t INDEXED BY tasks_by_status CROSS JOIN edges AS e ON e.task = t.id CROSS JOIN tasks AS d ON d.id = e.depends_on
    WHERE t.status IN ('waiting', 'pending', 'running', 'paused', 'interrupted') AND d.execution <> t.execution
)
FROM executions AS x INDEXED BY executions_kept
WHERE x.purged_at IS NULL AND NOT EXISTS (
    SELECT 1 FROM tasks INDEXED BY tasks_by_execution
    WHERE execution = x.id AND status IN ('waiting', 'pending', 'running', 'paused', 'interrupted')
)
ORDER BY x.id;

-- name: asked_for
-- What an execution's text asked for, as far as it is a task of its own. Index tasks_by_execution, the primary key.
SELECT t.id FROM tasks AS t INDEXED BY tasks_by_execution LEFT JOIN tasks AS p ON p.id = t.parent
WHERE t.execution = ? AND t.kind <> 'join' AND t.pass IS NULL AND coalesce(p.kind, 'join') = 'join';

-- name: kept_executions
-- How many executions have not been purged. Index executions_kept.
SELECT count(*) FROM executions INDEXED BY executions_kept WHERE purged_at IS NULL;

-- name: waited_for
-- A task of another execution that has not ended and gets a result of this one, and whose. Indexes tasks_by_execution and edges_by_dependency.
SELECT t.id, d.id FROM tasks AS d INDEXED BY tasks_by_execution CROSS JOIN edges AS e INDEXED BY edges_by_dependency ON e.depends_on = d.id
CROSS JOIN tasks AS t ON t.id = e.task
WHERE d.execution = :execution AND t.execution <> :execution AND t.status NOT IN ('completed', 'failed', 'cancelled', 'dead')
LIMIT 1;

-- name: mark_purged
-- Its content may go now. By the primary key.
UPDATE executions SET purged_at = ? WHERE id = ? AND purged_at IS NULL;

-- name: purge_logs
-- Index logs_by_execution.
DELETE FROM logs WHERE execution = ?;

-- name: purge_state
-- What its agents shared. By the primary key.
DELETE FROM state WHERE execution = ?;

-- name: purge_tasks
-- What its workers said besides the results. Index tasks_by_execution.
UPDATE tasks SET detail = '{}' WHERE execution = ? AND detail <> '{}';

-- name: given
-- Parameters that stand with their tasks. Index tasks_by_execution, the primary key.
SELECT s.task, s.given FROM tasks AS t INDEXED BY tasks_by_execution CROSS JOIN specs AS s ON s.task = t.id
WHERE t.execution = ? AND s.given IS NOT NULL;

-- name: keep_hash
-- The hash of a text that is not there. By the unique index on hash.
INSERT INTO content (hash, body) VALUES (?, NULL) ON CONFLICT (hash) DO NOTHING;

-- name: take_given
-- A task has the hash of its parameters from now on, instead of them. By the primary key.
UPDATE specs SET parameters = ?, given = NULL WHERE task = ?;

-- name: purge_specs
-- What would have been done instead has parameters, which are content too. Index tasks_by_execution.
UPDATE specs SET fallback = NULL WHERE task IN (SELECT id FROM tasks WHERE execution = ?) AND fallback IS NOT NULL;

-- name: bodies
-- The texts that are kept. It walks through all of them: by the primary key.
SELECT id FROM content WHERE body IS NOT NULL ORDER BY id LIMIT -1;

-- name: last_body
-- By the primary key.
SELECT coalesce(max(id), 0) FROM content;

-- name: condemn
-- By the primary key.
UPDATE content SET condemned = 1 WHERE id = ? AND body IS NOT NULL;

-- name: condemned
-- Index content_condemned.
SELECT id FROM content WHERE condemned = 1 ORDER BY id LIMIT -1;

-- name: spare
-- Somebody needs it after all. By the primary key.
UPDATE content SET condemned = 0 WHERE id = ?;

-- name: take_away
-- The text goes, unless somebody has kept it again meanwhile; its hash stays. By the primary key.
UPDATE content SET body = NULL, condemned = 0 WHERE id = ? AND condemned = 1;

-- name: bytes
-- By the primary key.
SELECT length(CAST(body AS BLOB)) FROM content WHERE id = ? AND condemned = 1;

-- name: tidied
-- When somebody last began to look for what may go, and how many who did in a row have not come to the end. By the primary key.
SELECT (SELECT CAST(value AS REAL) FROM meta WHERE key = 'tidied_at'), (SELECT CAST(value AS INTEGER) FROM meta WHERE key = 'tidying');

-- name: set_tidied
-- By the primary key.
INSERT INTO meta (key, value) VALUES ('tidied_at', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value;

-- name: begin_tidying
-- One more has begun; `end_tidying` says that it has come to the end. By the primary key.
INSERT INTO meta (key, value) VALUES ('tidying', '1') ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1;

-- name: end_tidying
-- By the primary key.
DELETE FROM meta WHERE key = 'tidying';
