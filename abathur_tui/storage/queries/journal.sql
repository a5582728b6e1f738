-- name: holder
-- What a worker's rows need of its task, if its lease still holds. By the primary key.
SELECT execution, round, attempt FROM tasks WHERE id = ? AND epoch = ? AND engine = ? AND status = 'running';

-- name: set_prompt
-- The prompt as it was rendered. By the primary key.
UPDATE specs SET rendered = ?, system = ? WHERE task = ?;

-- name: requests_of_round
-- The messages of the turns of a task's round, in order. Index turns_by_task.
SELECT shared, messages FROM turns WHERE task = ? AND round = ? ORDER BY id;

-- name: begin_turn
-- A turn starts. By the primary key.
INSERT INTO turns (task, round, epoch, attempt, number, agent, shared, messages, started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: append_output
-- A piece of what an agent is saying, if the lease holds. By the primary keys.
INSERT INTO output (turn, task, epoch, offset, at, text)
SELECT :turn, id, epoch, :offset, :now, :text FROM tasks WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: finish_turn
-- A turn is finished. By the primary key.
UPDATE turns
SET state = 'done', answer = :answer, said = :said, timing = :timing, model = :model, stop_reason = :stop_reason, request_id = :request_id,
    tokens_input = :input, tokens_output = :output, tokens_cache_read = :cache_read, tokens_cache_write = :cache_write, cost_usd = :cost, ended_at = :now
WHERE id = :turn AND task = :task AND epoch = :epoch AND state = 'open';

-- name: add_to_task
-- Its tokens and cost; a finished step ends the row of crashes. The fence is in the WHERE. By the primary key.
UPDATE tasks
SET tokens_input = tokens_input + :input, tokens_output = tokens_output + :output, cost_usd = cost_usd + coalesce(:cost, 0),
    unpriced = unpriced + (:cost IS NULL), crashes = 0
WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: add_to_agent
-- By the primary key.
UPDATE agents
SET tokens_input = tokens_input + :input, tokens_output = tokens_output + :output, cost_usd = cost_usd + coalesce(:cost, 0),
    unpriced = unpriced + (:cost IS NULL), turn = :number
WHERE id = (SELECT agent FROM turns WHERE id = :turn);

-- name: add_to_day
-- By the primary key.
INSERT INTO usage (day, model, turns, tokens_input, tokens_output, tokens_cache_read, tokens_cache_write, cost_usd, unpriced)
VALUES (:day, :model, 1, :input, :output, :cache_read, :cache_write, coalesce(:cost, 0), :cost IS NULL)
ON CONFLICT (day, model) DO UPDATE SET
    turns = turns + 1, tokens_input = tokens_input + excluded.tokens_input, tokens_output = tokens_output + excluded.tokens_output,
    tokens_cache_read = tokens_cache_read + excluded.tokens_cache_read, tokens_cache_write = tokens_cache_write + excluded.tokens_cache_write,
    cost_usd = cost_usd + excluded.cost_usd, unpriced = unpriced + excluded.unpriced;

-- name: turn
-- A turn of a worker. By the primary key.
SELECT number, agent FROM turns WHERE id = ? AND task = ? AND epoch = ?;

-- name: turn_of_task
-- A turn of a task, of whichever epoch. By the primary key.
SELECT number, agent FROM turns WHERE id = ? AND task = ?;

-- name: log
-- A line of the log, with the agent that is at the task. By the primary key and agents_busy.
INSERT INTO logs (at, level, kind, execution, task, agent, text)
VALUES (:now, :level, :kind, :execution, :task, (SELECT id FROM agents WHERE task = :task AND state = 'BUSY' ORDER BY id DESC LIMIT 1), :text);

-- name: notice
-- A line that belongs to no task. By the primary key.
INSERT INTO logs (at, level, kind, text) VALUES (?, ?, 'notice', ?);

-- name: intend_tool
-- A tool call is about to run; one that was begun before and is unknown may be told again. By the primary key.
INSERT INTO tool_calls (turn, id, task, epoch, tool, arguments, started_at) VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (turn, id) DO UPDATE SET status = 'intended', epoch = excluded.epoch, started_at = excluded.started_at, ended_at = NULL;

-- name: finish_tool
-- A tool call has run. By the primary key.
UPDATE tool_calls SET status = ?, text = ?, summary = ?, ended_at = ? WHERE turn = ? AND id = ? AND status = 'intended' RETURNING tool, arguments;

-- name: step_done
-- A finished step ends the row of crashes. The fence is in the WHERE. By the primary key.
UPDATE tasks SET crashes = 0 WHERE id = :task AND epoch = :epoch AND engine = :engine AND status = 'running';

-- name: audit
-- An action of an agent. By the primary key.
INSERT INTO audit (at, actor, action, execution, task, agent, detail) VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: spec
-- A task's rendered prompt and system prompt, its round and its parameters. By the primary keys.
SELECT s.rendered, s.system, t.round, s.parameters, s.given FROM tasks AS t JOIN specs AS s ON s.task = t.id WHERE t.id = ?;

-- name: turns_of_round
-- The turns of a task's round, in order. Index turns_by_task.
SELECT id, number, state, shared, messages, answer, stop_reason, said FROM turns WHERE task = ? AND round = ? ORDER BY id;

-- name: calls_of_turn
-- The tool calls of a turn. By the primary key.
SELECT id, status, text, summary FROM tool_calls WHERE turn = ?;

-- name: metric
-- A measured value. By the primary key.
INSERT INTO metrics (task, round, pass, name, value, at) VALUES (?, ?, ?, ?, ?, ?);

-- name: finish_pass
-- A pass is over; done again after a damaged record, it takes that one's place. By the primary key.
INSERT INTO passes (
    task, round, number, pass_task, output, metrics, verdict, reason, tokens_input, tokens_output, seconds, cost_usd, ended_at, scores, checksum
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (task, round, number) DO UPDATE SET
    pass_task = excluded.pass_task, output = excluded.output, metrics = excluded.metrics, verdict = excluded.verdict, reason = excluded.reason,
    tokens_input = excluded.tokens_input, tokens_output = excluded.tokens_output, seconds = excluded.seconds, cost_usd = excluded.cost_usd,
    ended_at = excluded.ended_at, scores = excluded.scores, checksum = excluded.checksum;

-- name: passes
-- The passes of a loop's present round from a number on. By the primary keys.
SELECT p.number, p.pass_task, p.output, p.metrics, p.verdict, p.reason, p.tokens_input, p.tokens_output, p.seconds, p.cost_usd, p.ended_at, p.scores,
    p.checksum
FROM tasks AS t JOIN passes AS p ON p.task = t.id AND p.round = t.round WHERE t.id = ? AND p.number >= ? ORDER BY p.number;

-- name: all_passes
-- All passes of all loops, for a check. It walks through all of them.
SELECT task, number, pass_task, output, metrics, verdict, reason, tokens_input, tokens_output, seconds, cost_usd, ended_at, scores, checksum
FROM passes LIMIT -1;

-- name: reported
-- What the agent of a pass has reported in its present round, in order: the pass's own, or that of the step inside it.
-- Indexes tasks_by_parent and metrics_by_task.
SELECT m.name, m.value FROM tasks AS t CROSS JOIN metrics AS m ON m.task = t.id AND m.round = t.round
WHERE t.id IN (SELECT :task UNION ALL SELECT id FROM tasks WHERE parent = :task AND pass > 0) ORDER BY m.id;
