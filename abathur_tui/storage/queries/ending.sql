-- name: complete
-- Done. The fence is in the WHERE: no row changed means that the lease was lost. By the primary key.
UPDATE tasks
SET status = 'completed', version = version + 1, why = '', engine = NULL, progress = 1, finished_at = :now, result = :result,
    error_code = NULL, error_message = NULL, detail = json_patch(detail, :detail), actor = 'engine', reason = 'completed', changed_at = :now
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: fail
-- Failed for good, or dead. By the primary key.
UPDATE tasks
SET status = :status, version = version + 1, why = '', engine = NULL, finished_at = :now, result = :result, error_code = :code,
    error_message = :message, on_failure = CASE WHEN :skip THEN 'skip' ELSE on_failure END, detail = json_patch(detail, :detail),
    actor = 'engine', reason = :reason, changed_at = :now
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: retry_later
-- An attempt failed, the next one is due later. By the primary key.
UPDATE tasks
SET status = 'pending', version = version + 1, why = 'retry', engine = NULL, due = :due, due_fixed = 0, failures = failures + 1,
    held = CASE WHEN crashes >= 2 THEN 'suspect' END, error_code = :code, error_message = :message, actor = 'engine', reason = :reason, changed_at = :now
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: release
-- Back to the queue by an ordered stop: the attempt does not count. By the primary key.
UPDATE tasks
SET status = 'pending', version = version + 1, why = :why, engine = NULL, due = :due, due_fixed = 0, attempt = max(attempt - 1, 0),
    held = CASE WHEN crashes >= 2 THEN 'suspect' END, actor = 'engine', reason = :reason, changed_at = :now
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: end_cancelled
-- Its worker has ended its agent because somebody cancelled it. By the primary key.
UPDATE tasks
SET status = 'cancelled', version = version + 1, why = '', engine = NULL, finished_at = :now, result = :result,
    actor = coalesce((SELECT nullif(actor, '') FROM requests WHERE task = :task AND kind = 'cancel' ORDER BY id DESC LIMIT 1), 'engine'),
    reason = coalesce(
        (
            SELECT nullif(CASE WHEN json_valid(payload) THEN payload ->> 'reason' END, '') FROM requests
            WHERE task = :task AND kind = 'cancel' ORDER BY id DESC LIMIT 1
        ),
        'cancelled'
    ),
    changed_at = :now
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: end_paused
-- Its worker has stopped its agent because somebody paused it; the attempt does not count. By the primary key.
UPDATE tasks
SET status = 'paused', version = version + 1, why = 'by you', engine = NULL, attempt = max(attempt - 1, 0),
    actor = coalesce((SELECT nullif(actor, '') FROM requests WHERE task = :task AND kind = 'pause' ORDER BY id DESC LIMIT 1), 'engine'),
    reason = 'paused', changed_at = :now
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: pause_asked
-- Whether somebody still wants a running task to pause. Index requests_by_task.
SELECT 1 FROM requests WHERE task = ? AND epoch = ? AND kind = 'pause' AND closed_at IS NULL;

-- name: note
-- What is to be kept beside its result. By the primary key.
UPDATE tasks SET detail = json_patch(detail, :detail) WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: set_why
-- It holds no slot because of :why, or holds one again. By the primary key.
UPDATE tasks SET why = :why WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: set_progress
-- How far its agent says it is. By the primary key.
UPDATE tasks SET progress = :progress, phase = :phase WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: end_attempt
-- By the primary key.
UPDATE attempts SET ended_at = :now, outcome = :outcome, error_code = :code, error_message = :message WHERE task = :task AND epoch = :epoch;

-- name: left_over
-- What its worker left: mostly an agent and nothing else. Indexes turns_open, tool_calls_intended, agents_busy, requests_by_task.
SELECT
    EXISTS (SELECT 1 FROM turns WHERE task = :task AND state = 'open')
    OR EXISTS (SELECT 1 FROM tool_calls WHERE task = :task AND status = 'intended'),
    EXISTS (SELECT 1 FROM agents WHERE task = :task AND state = 'BUSY'),
    EXISTS (SELECT 1 FROM requests WHERE task = :task AND closed_at IS NULL);

-- name: free_agent
-- Its agent is idle. Index agents_busy.
UPDATE agents SET state = 'IDLE', version = version + 1, activity = '', reason = :reason, changed_at = :now WHERE task = :task AND state = 'BUSY';

-- name: close_requests
-- Whatever was asked of it is over. Index requests_by_task.
UPDATE requests SET outcome = :outcome, closed_at = :now WHERE task = :task AND closed_at IS NULL;
