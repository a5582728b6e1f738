-- name: cursor
-- How far the commands have come. By the primary key.
SELECT audit, command, tries FROM status_commands WHERE id = 1;

-- name: begin_here
-- From now on, where there is no place to go on from: what was before is history. By the primary key.
INSERT INTO status_commands (id, audit) VALUES (1, (SELECT coalesce(max(id), 0) FROM audit)) ON CONFLICT (id) DO NOTHING;

-- name: forget
-- There are no commands any more. By the primary key.
DELETE FROM status_commands WHERE id = 1;

-- name: behind
-- Whether a task has changed its status since then. By the primary keys.
SELECT EXISTS (
    SELECT 1 FROM status_commands AS s CROSS JOIN audit AS a ON a.id > s.audit
    WHERE s.id = 1 AND a.task IS NOT NULL AND a.action = 'task.' || a.to_state
);

-- name: newest
-- The last row of the audit. By the primary key.
SELECT coalesce(max(id), 0) FROM audit;

-- name: changes
-- Changes to one of some statuses after a row of the audit. By the primary key.
SELECT id, at, actor, task, from_state, to_state, reason FROM audit
WHERE id > :since AND task IS NOT NULL AND to_state IN (SELECT value FROM json_each(:statuses)) AND action = 'task.' || to_state
ORDER BY id LIMIT :most;

-- name: try
-- A command is begun. By the primary key.
UPDATE status_commands SET command = :command, tries = tries + 1 WHERE id = 1;

-- name: next_command
-- It has ended; the next one for the same change is that number. By the primary key.
UPDATE status_commands SET command = :command, tries = 0 WHERE id = 1;

-- name: advance
-- All up to a row of the audit is done with. By the primary key.
UPDATE status_commands SET audit = :audit, command = 0, tries = 0 WHERE id = 1 AND audit < :audit;
