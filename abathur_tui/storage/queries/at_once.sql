-- name: plain
-- Those of just claimed tasks that one agent does, of which nothing was begun before and in which nothing else has a part. Primary keys.
-- A member of an execution's outermost join is one as well, until that join is at work and asks children of its own.
SELECT t.id, t.parent, t.name, t.template, t.template_version, t.tags, t.created_at, t.started_at, t.instance, t.instances, t.on_failure,
    s.model, s.timeout_seconds, s.retries, s.depth, x.runtime, x.root = t.id, p.body, q.body
FROM json_each(:ids) AS j
CROSS JOIN tasks AS t ON t.id = j.value
CROSS JOIN specs AS s ON s.task = t.id
CROSS JOIN executions AS x ON x.id = t.execution
CROSS JOIN content AS p ON p.hash = s.prompt
CROSS JOIN content AS q ON q.hash = s.parameters
LEFT JOIN tasks AS o ON o.id = t.parent
WHERE t.kind = 'agent' AND (t.parent IS NULL OR (o.kind = 'join' AND o.status = 'waiting' AND o.parent IS NULL)) AND t.error_code IS NULL
    AND s.rendered IS NULL AND s.refs = '{}' AND s.fallback IS NULL AND s.success IS NULL AND length(p.body) + length(q.body) <= :most
    AND NOT EXISTS (SELECT 1 FROM edges WHERE task = t.id) AND NOT EXISTS (SELECT 1 FROM turns WHERE task = t.id);

-- name: plain_links
-- Those that are so but for one task that each builds on, and whose result is not long. Primary keys.
SELECT t.id
FROM json_each(:ids) AS j
CROSS JOIN tasks AS t ON t.id = j.value
CROSS JOIN specs AS s ON s.task = t.id
CROSS JOIN content AS p ON p.hash = s.prompt
CROSS JOIN content AS q ON q.hash = s.parameters
CROSS JOIN edges AS e ON e.task = t.id
CROSS JOIN tasks AS d ON d.id = e.depends_on
LEFT JOIN content AS r ON r.hash = d.result
LEFT JOIN tasks AS o ON o.id = t.parent
WHERE t.kind = 'agent' AND (t.parent IS NULL OR (o.kind = 'join' AND o.status = 'waiting' AND o.parent IS NULL)) AND t.error_code IS NULL
    AND s.rendered IS NULL AND s.fallback IS NULL AND s.success IS NULL AND length(p.body) + length(q.body) + coalesce(length(r.body), 0) <= :most
    AND NOT EXISTS (SELECT 1 FROM edges WHERE task = t.id AND depends_on <> e.depends_on) AND NOT EXISTS (SELECT 1 FROM turns WHERE task = t.id);

-- name: attempt
-- An attempt begins, with the agent that does it. By the primary key.
INSERT INTO attempts (task, epoch, number, engine, agent, started_at) VALUES (?, ?, ?, ?, ?, ?);

-- name: assign
-- An idle agent takes a task, and thinks. By the primary key.
UPDATE agents
SET state = 'BUSY', version = version + 1, activity = 'thinking', turn = 1, reason = 'given t' || :task, changed_at = :now, task = :task,
    execution = :execution
WHERE id = :agent AND state = 'IDLE';

-- name: hand_on
-- An agent whose task has ended in this transaction goes on to its next one, and has used what its last turn took. By the primary key.
UPDATE agents
SET activity = 'thinking', turn = 1, reason = 'given t' || :task, task = :task, execution = :execution, tokens_input = tokens_input + :input,
    tokens_output = tokens_output + :output, cost_usd = cost_usd + coalesce(:cost, 0), unpriced = unpriced + (:cost IS NULL)
WHERE id = :agent AND task = :last AND state = 'BUSY';

-- name: prompt
-- The prompt as it was rendered. By the primary key.
UPDATE specs SET rendered = ?, system = ? WHERE task = ?;

-- name: last_turn
-- The highest id that was ever given to a turn. The few rows of sqlite_sequence.
SELECT seq FROM sqlite_sequence WHERE name = 'turns';

-- name: first_turn
-- A conversation's first turn starts; its one message is the prompt. By the primary key.
INSERT INTO turns (id, task, round, epoch, attempt, number, agent, shared, messages, started_at)
SELECT :turn, :task, round, :epoch, :attempt, 1, :agent, 0, '[""]', :now FROM tasks WHERE id = :task;

-- name: held
-- Which of some tasks this engine still holds, and under which epoch. By the primary key.
SELECT t.id, t.epoch FROM json_each(:ids) AS j CROSS JOIN tasks AS t ON t.id = j.value WHERE t.status = 'running' AND t.engine = :engine;

-- name: finish_turn
-- A turn whose answer is what was said in it, and nothing else, is finished. By the primary key.
UPDATE turns
SET state = 'done', said = :said, timing = '[]', model = :model, stop_reason = :stop_reason, request_id = :request_id, tokens_input = :input,
    tokens_output = :output, tokens_cache_read = :cache_read, tokens_cache_write = :cache_write, cost_usd = :cost, ended_at = :now
WHERE id = :turn AND task = :task AND epoch = :epoch AND state = 'open';

-- name: turn_done
-- What the agent did, for the audit. By the primary key.
INSERT INTO audit (at, actor, action, execution, task, agent, detail)
VALUES (:now, 'a' || :agent, 'turn.done', :execution, :task, :agent, :detail);

-- name: log_turn
-- That the turn has ended, for those who follow. By the primary key.
INSERT INTO logs (at, level, kind, execution, task, agent, turn, text) VALUES (:now, 'info', 'turn', :execution, :task, :agent, :turn, :text);

-- name: complete
-- Done, with what its turn took. The fence is in the WHERE. By the primary key.
UPDATE tasks
SET status = 'completed', version = version + 1, why = '', engine = NULL, progress = 1, finished_at = :now, result = :said, error_code = NULL,
    error_message = NULL, crashes = 0, tokens_input = tokens_input + :input, tokens_output = tokens_output + :output,
    cost_usd = cost_usd + coalesce(:cost, 0), unpriced = unpriced + (:cost IS NULL), actor = 'engine', reason = 'completed', changed_at = :now
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: free_agent
-- Its agent is idle, and has used what the turn took. By the primary key.
UPDATE agents
SET state = 'IDLE', version = version + 1, activity = '', reason = 'completed', changed_at = :now, turn = 1, tokens_input = tokens_input + :input,
    tokens_output = tokens_output + :output, cost_usd = cost_usd + coalesce(:cost, 0), unpriced = unpriced + (:cost IS NULL)
WHERE id = :agent AND task = :task AND state = 'BUSY';

-- name: end_attempt
-- By the primary key.
UPDATE attempts SET ended_at = :now, outcome = 'completed' WHERE task = :task AND epoch = :epoch;

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
UPDATE requests SET outcome = 'completed', closed_at = :now WHERE task = :task AND closed_at IS NULL;
