-- name: plain
-- Those of just claimed tasks that one agent does, of which nothing was begun before and in which nothing else has a part, but for one other task
-- that each may build on (`link`), whose result is not long. Primary keys.
-- A member of an execution's outermost join is one as well, until that join is at work and asks children of its own.
SELECT t.id, e.depends_on, t.parent, t.name, t.template, t.template_version, t.tags, t.created_at, t.started_at, t.instance, t.instances, t.on_failure,
    s.model, s.timeout_seconds, s.retries, s.depth, x.runtime, x.root = t.id, p.body, coalesce(s.given, q.body)
FROM json_each(:ids) AS j
CROSS JOIN tasks AS t ON t.id = j.value
CROSS JOIN specs AS s ON s.task = t.id
CROSS JOIN executions AS x ON x.id = t.execution
CROSS JOIN content AS p ON p.hash = s.prompt
CROSS JOIN content AS q ON q.hash = s.parameters
LEFT JOIN tasks AS o ON o.id = t.parent
LEFT JOIN edges AS e ON e.task = t.id
LEFT JOIN tasks AS d ON d.id = e.depends_on
LEFT JOIN content AS r ON r.hash = d.result
WHERE t.kind = 'agent' AND (t.parent IS NULL OR (o.kind = 'join' AND o.status = 'waiting' AND o.parent IS NULL)) AND t.error_code IS NULL
    AND s.rendered IS NULL AND s.fallback IS NULL AND s.success IS NULL AND (e.task IS NOT NULL OR s.refs = '{}')
    AND length(p.body) + length(coalesce(s.given, q.body)) + coalesce(length(r.body), 0) <= :most
    AND NOT EXISTS (SELECT 1 FROM edges WHERE task = t.id AND depends_on <> e.depends_on) AND NOT EXISTS (SELECT 1 FROM turns WHERE task = t.id);

-- name: attempt
-- An attempt begins, with the agent that does it. By the primary key.
INSERT OR ROLLBACK INTO attempts (task, epoch, number, engine, agent, started_at) VALUES (?, ?, ?, ?, ?, ?);

-- name: assign
-- An idle agent takes a task, and thinks. By the primary key.
UPDATE OR ROLLBACK agents
SET state = 'BUSY', version = version + 1, activity = 'thinking', turn = 1, reason = 'given t' || ?, changed_at = ?, task = ?, execution = ?
WHERE id = ? AND state = 'IDLE';

-- name: hand_on
-- An agent whose task has ended in this transaction goes on to its next one, and has used what its last turn took. By the primary key.
UPDATE OR ROLLBACK agents
SET activity = 'thinking', turn = 1, reason = 'given t' || ?, task = ?, execution = ?, tokens_input = tokens_input + ?,
    tokens_output = tokens_output + ?, cost_usd = cost_usd + ?, unpriced = unpriced + ?
WHERE id = ? AND task = ? AND state = 'BUSY';

-- name: prompt
-- The prompt as it was rendered. By the primary key.
UPDATE OR ROLLBACK specs SET rendered = ?, system = ? WHERE task = ?;

-- name: last_turn
-- The highest id that was ever given to a turn. The few rows of sqlite_sequence.
SELECT seq FROM sqlite_sequence WHERE name = 'turns';

-- name: first_turn
-- A conversation's first turn starts; its one message is the prompt. By the primary key.
INSERT OR ROLLBACK INTO turns (id, task, round, epoch, attempt, number, agent, shared, messages, started_at)
VALUES (?, ?, (SELECT round FROM tasks WHERE id = ?), ?, ?, 1, ?, 0, '[""]', ?);

-- name: held
-- Which of some tasks this engine still holds, and under which epoch. By the primary key.
SELECT t.id, t.epoch FROM json_each(:ids) AS j CROSS JOIN tasks AS t ON t.id = j.value WHERE t.status = 'running' AND t.engine = :engine;

-- name: finish_turn
-- A turn whose answer is what was said in it, and nothing else, is finished. By the primary key.
UPDATE OR ROLLBACK turns
SET state = 'done', said = ?, timing = '[]', model = ?, stop_reason = ?, request_id = ?, tokens_input = ?, tokens_output = ?, tokens_cache_read = ?,
    tokens_cache_write = ?, cost_usd = ?, ended_at = ?
WHERE id = ? AND task = ? AND epoch = ? AND state = 'open';

-- name: turn_done
-- What the agent did, for the audit. By the primary key.
INSERT OR ROLLBACK INTO audit (at, actor, action, execution, task, agent, detail) VALUES (?, ?, 'turn.done', ?, ?, ?, ?);

-- name: log_turn
-- That the turn has ended, for those who follow. By the primary key.
INSERT OR ROLLBACK INTO logs (at, level, kind, execution, task, agent, turn, text) VALUES (?, 'info', 'turn', ?, ?, ?, ?, ?);

-- name: complete
-- Done, with what its turn took. The fence is in the WHERE. By the primary key.
UPDATE OR ROLLBACK tasks
SET status = 'completed', version = version + 1, why = '', engine = NULL, progress = 1, finished_at = ?, result = ?, error_code = NULL,
    error_message = NULL, crashes = 0, tokens_input = tokens_input + ?, tokens_output = tokens_output + ?,
    cost_usd = cost_usd + ?, unpriced = unpriced + ?, actor = 'engine', reason = 'completed', changed_at = ?
WHERE id = ? AND epoch = ? AND engine = ? AND status = 'running';

-- name: free_agent
-- Its agent is idle, and has used what the turn took. By the primary key.
UPDATE OR ROLLBACK agents
SET state = 'IDLE', version = version + 1, activity = '', reason = 'completed', changed_at = ?, turn = 1, tokens_input = tokens_input + ?,
    tokens_output = tokens_output + ?, cost_usd = cost_usd + ?, unpriced = unpriced + ?
WHERE id = ? AND task = ? AND state = 'BUSY';

-- name: end_attempt
-- By the primary key.
UPDATE OR ROLLBACK attempts SET ended_at = ?, outcome = 'completed' WHERE task = ? AND epoch = ?;

-- name: add_to_day
-- What the turns of one model have used. By the primary key.
INSERT INTO usage (day, model, turns, tokens_input, tokens_output, tokens_cache_read, tokens_cache_write, cost_usd, unpriced)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (day, model) DO UPDATE SET
    turns = turns + excluded.turns, tokens_input = tokens_input + excluded.tokens_input, tokens_output = tokens_output + excluded.tokens_output,
    tokens_cache_read = tokens_cache_read + excluded.tokens_cache_read, tokens_cache_write = tokens_cache_write + excluded.tokens_cache_write,
    cost_usd = cost_usd + excluded.cost_usd, unpriced = unpriced + excluded.unpriced;

-- name: any_asked
-- Whether anything at all is asked of running tasks: mostly there is nothing. Index requests_open.
SELECT 1 FROM requests INDEXED BY requests_open WHERE closed_at IS NULL LIMIT 1;

-- name: close_requests
-- Whatever was asked of it is over. Index requests_by_task.
UPDATE requests SET outcome = 'completed', closed_at = ? WHERE task = ? AND closed_at IS NULL;
