-- name: add
-- A new schedule. By the primary key.
INSERT INTO schedules (name, cron, timezone, plan, options, next_at, actor, created_at)
VALUES (:name, :cron, :timezone, :plan, :options, :next_at, :actor, :now);

-- name: due
-- What is due; as bytes what may be damaged. Index schedules_due.
SELECT id, CAST(cron AS BLOB), CAST(timezone AS BLOB), CAST(plan AS BLOB), CAST(options AS BLOB), last_execution FROM schedules INDEXED BY schedules_due
WHERE next_at <= :now AND paused_at IS NULL AND removed_at IS NULL ORDER BY next_at, id;

-- name: next
-- The next time of all. Index schedules_due.
SELECT min(next_at) FROM schedules INDEXED BY schedules_due WHERE next_at IS NOT NULL AND paused_at IS NULL AND removed_at IS NULL;

-- name: begun
-- Whether anything of an execution has ever started, or all of it has ended. Index tasks_by_execution and the primary keys.
SELECT EXISTS (SELECT 1 FROM tasks WHERE execution = :execution AND started_at IS NOT NULL)
    OR (SELECT t.status IN ('completed', 'failed', 'cancelled', 'dead') FROM executions AS x JOIN tasks AS t ON t.id = x.root WHERE x.id = :execution);

-- name: made
-- A time made an execution. By the primary key.
UPDATE schedules SET next_at = :next_at, last_at = :now, last_execution = :execution, runs = runs + 1, error = :error WHERE id = :id;

-- name: execution
-- Which schedule made an execution. By the primary key.
UPDATE executions SET schedule = :id WHERE id = :execution;

-- name: skip
-- A time made none, because the execution before has not begun. By the primary key.
UPDATE schedules SET next_at = :next_at, last_at = :now, skipped = skipped + 1, error = :error WHERE id = :id;

-- name: fail
-- A time made none, because it was refused. By the primary key.
UPDATE schedules SET next_at = :next_at, last_at = :now, error = :error WHERE id = :id;

-- name: move
-- Its next time is another one. By the primary key.
UPDATE schedules SET next_at = :next_at, last_at = :now WHERE id = :id;

-- name: ahead
-- Those that were last due, or made, after :then. Index schedules_due.
SELECT id, CAST(cron AS BLOB), CAST(timezone AS BLOB) FROM schedules INDEXED BY schedules_due
WHERE next_at IS NOT NULL AND paused_at IS NULL AND removed_at IS NULL AND coalesce(last_at, created_at) > :then;

-- name: one
-- What a change needs to know. By the primary key.
SELECT cron, timezone, paused_at FROM schedules WHERE id = ? AND removed_at IS NULL;

-- name: pause
-- It makes none until it is resumed. By the primary key.
UPDATE schedules SET paused_at = :now WHERE id = :id;

-- name: resume
-- It goes on with its next time from now. By the primary key.
UPDATE schedules SET paused_at = NULL, next_at = :next_at, error = '' WHERE id = :id;

-- name: remove
-- It makes none any more; what it has made stays. By the primary key.
UPDATE schedules SET removed_at = :now WHERE id = :id;

-- name: list
-- All that were not removed. All of schedules, which is short.
SELECT id, name, cron, timezone, paused_at, next_at, last_at, last_execution, runs, skipped, error, actor, created_at
FROM schedules WHERE removed_at IS NULL ORDER BY id;

-- name: of_execution
-- Which schedule made an execution. By the primary key.
SELECT schedule FROM executions WHERE id = ?;

-- name: audit
-- What happened to a schedule, for the audit.
INSERT INTO audit (at, actor, action, execution, error, detail) VALUES (:now, :actor, :action, :execution, :error, :detail);
