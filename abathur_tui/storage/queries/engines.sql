-- name: register
-- An engine starts. By the primary key.
INSERT INTO engines (id, pid, host, started_at, beat, beat_at, busy, slots) VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: beat
-- It lives. By the primary key.
UPDATE engines SET beat = beat + 1, beat_at = :now, busy = :busy, slots = :slots WHERE id = :id;

-- name: end
-- It has ended in order, or was found dead. By the primary key.
UPDATE engines SET ended_at = :now, busy = 0 WHERE id = :id AND ended_at IS NULL;

-- name: unended
-- Engines that live or died, the newest first. Index engines_unended.
SELECT id, pid, host, started_at, beat, busy, slots, ended_at FROM engines WHERE ended_at IS NULL ORDER BY started_at DESC;

-- name: row
-- One engine. By the primary key.
SELECT id, pid, host, started_at, beat, busy, slots, ended_at FROM engines WHERE id = ?;
