-- name: entry
-- A key as it stands. By the primary key.
SELECT key, value, version, written_by, written_at FROM state WHERE execution = ? AND key = ?;

-- name: entries
-- All of an execution. By the primary key.
SELECT key, value, version, written_by, written_at FROM state WHERE execution = ? ORDER BY key;

-- name: keys
-- How many keys an execution has. By the primary key.
SELECT count(*) FROM state WHERE execution = ?;

-- name: holder
-- The execution of a worker's task and who is at it, if its lease still holds. By the primary key and agents_busy.
SELECT execution, (SELECT id FROM agents WHERE task = t.id AND state = 'BUSY' ORDER BY id DESC LIMIT 1)
FROM tasks AS t WHERE id = ? AND epoch = ? AND engine = ? AND status = 'running';

-- name: first
-- A new key. By the primary key.
INSERT INTO state (execution, key, value, version, written_by, written_at) VALUES (:execution, :key, :value, 1, :by, :now);

-- name: next
-- Another value. By the primary key.
UPDATE state SET value = :value, version = version + 1, written_by = :by, written_at = :now WHERE execution = :execution AND key = :key;

-- name: audit
-- Who has written what, without the value, which may have to be purged.
INSERT INTO audit (at, actor, action, execution, task, agent, engine, version, reason, detail)
VALUES (:now, :by, 'state.written', :execution, :task, :agent, :engine, :version, :key, :detail);
