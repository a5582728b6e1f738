-- name: held
-- Why nothing is claimed, a person's own pause first. The few rows of queue_state.
SELECT why, until, actor, since FROM queue_state ORDER BY why <> 'queue', why;

-- name: hold
-- Claim nothing, for this reason; gives a row where that is new. By the primary key.
INSERT INTO queue_state (why, until, actor, since) VALUES (:why, :until, :actor, :now)
ON CONFLICT (why) DO UPDATE SET until = excluded.until WHERE until IS NOT excluded.until
RETURNING since;

-- name: free
-- This reason is over. By the primary key.
DELETE FROM queue_state WHERE why = ?;

-- name: over
-- Reasons whose time is over. The few rows of queue_state.
SELECT why FROM queue_state WHERE until <= ?;

-- name: next
-- When the next of them is over. The few rows of queue_state.
SELECT min(until) FROM queue_state;

-- name: audit
-- What happened to the queue, for the audit.
INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?);
