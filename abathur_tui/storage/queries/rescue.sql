-- name: running
-- What an engine was running. Index tasks_running.
SELECT id, epoch FROM tasks INDEXED BY tasks_running WHERE status = 'running' AND engine = ?;

-- name: interrupt
-- Its worker has died; a crash counts only if the task held a slot (its `why` is empty), and not past all numbers: what another program has
-- written there must not stop the rescue of the others. By the primary key.
UPDATE tasks
SET status = 'interrupted', version = version + 1, crashes = min(crashes, 1000) + (why = ''), why = '', engine = NULL,
    actor = 'rescue', reason = :reason, changed_at = :now
WHERE id = :id AND status = 'running' AND epoch = :epoch AND engine = :engine;

-- name: bury
-- Five crashes that it caused, unless somebody had asked for its end. One with a fallback goes back, for its worker to begin that, and is
-- not trusted for ever with it. By the primary key, specs' and requests_by_task.
UPDATE tasks
SET status = 'dead', version = version + 1, finished_at = :now, error_code = 'ABTH-ERR-026',
    error_message = 'Its worker died ' || crashes || ' times in a row without finishing a step.',
    actor = 'rescue', reason = 'too many crashes', changed_at = :now
WHERE id = :id AND status = 'interrupted' AND crashes >= :most
    AND (crashes >= 2 * :most OR NOT EXISTS (SELECT 1 FROM specs WHERE task = :id AND fallback IS NOT NULL))
    AND NOT EXISTS (SELECT 1 FROM requests WHERE task = :id AND kind = 'cancel' AND closed_at IS NULL);

-- name: put_back
-- Into the queue again; after two crashes it runs alone. By the primary key.
UPDATE tasks
SET status = 'pending', version = version + 1, held = CASE WHEN crashes >= 2 THEN 'suspect' END,
    actor = 'rescue', reason = 'put back to resume', changed_at = :now
WHERE id = :id AND status = 'interrupted';

-- name: agents
-- The agents of an engine that have not ended. Index agents_alive.
SELECT id, state FROM agents WHERE engine = ? AND state <> 'TERMINATED';

-- name: agent_state
-- One step towards their end. By the primary key.
UPDATE agents SET state = :state, version = version + 1, activity = '', reason = 'its engine died', changed_at = :now,
    ended_at = CASE WHEN :state = 'TERMINATED' THEN :now END
WHERE id = :id;

-- name: due
-- What has become due. Index tasks_due.
UPDATE tasks SET due = NULL, why = CASE WHEN status = 'pending' AND held IS NULL THEN '' ELSE why END WHERE due <= ?;

-- name: clock_set_back
-- Waits and expiries that were reckoned by a clock that has been set back since, nobody knows by how much: the wait is what counts, not the
-- hour; but for a moment that somebody named on the clock. Indexes tasks_due and tasks_expiring.
UPDATE tasks
SET due = CASE WHEN due_fixed THEN due ELSE :now + max(due - changed_at, 0) END, expires = :now + max(expires - changed_at, 0), changed_at = :now
WHERE id IN (
    SELECT id FROM tasks INDEXED BY tasks_due WHERE due IS NOT NULL AND changed_at > :now
    UNION ALL SELECT id FROM tasks INDEXED BY tasks_expiring WHERE expires IS NOT NULL AND changed_at > :now
);

-- name: clock_set_back_by
-- The same where it is known that it was set :by so many seconds: what is left of a wait stays. What was changed in the last :since seconds may
-- have been reckoned by the new time. Indexes tasks_due and tasks_expiring.
UPDATE tasks
SET due = CASE WHEN due_fixed THEN due ELSE due + :by END, expires = expires + :by, changed_at = changed_at + :by
WHERE id IN (
    SELECT id FROM tasks INDEXED BY tasks_due WHERE due IS NOT NULL AND NOT changed_at BETWEEN :now - :since AND :now
    UNION SELECT id FROM tasks INDEXED BY tasks_expiring WHERE expires IS NOT NULL AND NOT changed_at BETWEEN :now - :since AND :now
);

-- name: lanes_set_back_by
-- The same for the holds of lanes. The few rows of lanes.
UPDATE lanes SET held_until = held_until + :by, held_at = held_at + :by WHERE held_why <> '' AND NOT held_at BETWEEN :now - :since AND :now;

-- name: clock_set_forward
-- Expiries that were reckoned before the clock was set forward by so much, and had not come by then. Index tasks_expiring.
UPDATE tasks INDEXED BY tasks_expiring SET expires = expires + :by WHERE expires > :before AND changed_at <= :before;

-- name: lanes_set_back
-- The same for the holds of lanes. The few rows of lanes.
UPDATE lanes SET held_until = :now + max(held_until - held_at, 0), held_at = :now WHERE held_why <> '' AND held_at > :now;

-- name: expire
-- What had not started in time. Index tasks_expiring.
UPDATE tasks INDEXED BY tasks_expiring
SET status = 'failed', version = version + 1, why = '', finished_at = :now, due = NULL, held = NULL, expires = NULL,
    error_code = 'ABTH-ERR-025', error_message = 'It had not started by the time that it was given.',
    actor = 'queue', reason = 'expired', changed_at = :now
WHERE expires <= :now AND status IN ('waiting', 'pending', 'paused');

-- name: expired_elsewhere
-- Expiry means nothing to what has started or ended. Index tasks_expiring.
UPDATE tasks SET expires = NULL WHERE expires <= ?;

-- name: lanes_due
-- Lanes whose hold is over. The few rows of lanes.
SELECT lane FROM lanes WHERE held_why <> '' AND held_until <= ?;

-- name: next
-- The next moment at which something is due, expires, or a lane goes on. Indexes tasks_due and tasks_expiring.
SELECT min(at) FROM (
    SELECT min(due) AS at FROM tasks WHERE due IS NOT NULL
    UNION ALL SELECT min(expires) FROM tasks WHERE expires IS NOT NULL
    UNION ALL SELECT min(held_until) FROM lanes WHERE held_why <> ''
);
