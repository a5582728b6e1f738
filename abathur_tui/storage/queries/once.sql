-- name: known
-- What a key was given to. The unique index on key.
SELECT asked, first, last FROM submissions WHERE key = ?;

-- name: keep
-- A key, and the executions that were made with it. By the primary key.
INSERT INTO submissions (first, last, key, asked) VALUES (?, ?, ?, ?);

-- name: key_of
-- The key with which an execution was made: that of the last one at or before it, where it is among those. By the primary key.
SELECT key FROM (SELECT key, last FROM submissions WHERE first <= :execution ORDER BY first DESC LIMIT 1) WHERE last >= :execution;

-- name: made
-- What a submit with that key has made. By the primary key.
SELECT id, root FROM executions WHERE id BETWEEN ? AND ? ORDER BY id;

-- name: nodes
-- The tasks that a submit has made, by their plan's nodes; those that were made later come later. Index tasks_by_execution.
SELECT s.node, t.id FROM tasks AS t JOIN specs AS s ON s.task = t.id WHERE t.execution = ? ORDER BY t.id DESC;

-- name: members
-- What a task waits for, in its order. By the primary key.
SELECT depends_on FROM edges WHERE task = ? ORDER BY position;
