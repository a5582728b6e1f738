-- name: keep
-- What a loop makes anew in each pass. By the primary key.
INSERT INTO loop_bodies (task, body) VALUES (?, ?);

-- name: body
-- The same, to be read. By the primary key.
SELECT body FROM loop_bodies WHERE task = ?;

-- name: waits_for
-- What a loop itself waited for, in its order. By the primary key.
SELECT depends_on, need FROM edges WHERE task = ? ORDER BY position;
