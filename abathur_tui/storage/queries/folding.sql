-- name: open_turns
-- Turns that a task's worker left open. Index turns_open.
SELECT id FROM turns WHERE task = ? AND state = 'open';

-- name: output
-- What was said in a turn so far, in order. Index output_by_turn.
SELECT offset, at, text FROM output WHERE turn = ? ORDER BY offset, id;

-- name: drop_output
-- Output that its turn has taken in. Index output_by_turn.
DELETE FROM output WHERE turn = ?;

-- name: partial
-- A turn that was broken off, with what was said. By the primary key.
UPDATE turns SET state = 'partial', said = :said, timing = :timing, reason = :reason, ended_at = :now WHERE id = :turn AND state = 'open';

-- name: task_unpriced
-- A turn that was broken off may have cost something that nobody knows: where anything was said, and for a program always.
-- The embedded model costs nothing. By the primary keys.
UPDATE tasks SET unpriced = unpriced + 1
WHERE id = (SELECT task FROM turns WHERE id = :turn) AND lane NOT LIKE 'local:%' AND (:said IS NOT NULL OR lane LIKE 'command:%');

-- name: agent_unpriced
-- The same for its agent. By the primary keys.
UPDATE agents SET unpriced = unpriced + 1 WHERE id = (SELECT agent FROM turns WHERE id = :turn);

-- name: day_unpriced
-- The same for the day; a turn that was broken off names no model. By the primary key.
INSERT INTO usage (day, model, turns, tokens_input, tokens_output, tokens_cache_read, tokens_cache_write, cost_usd, unpriced)
VALUES (:day, '', 0, 0, 0, 0, 0, 0, 1)
ON CONFLICT (day, model) DO UPDATE SET unpriced = unpriced + 1;

-- name: forget_calls
-- Tool calls that were begun and never finished: nobody knows what they did. Index tool_calls_intended.
UPDATE tool_calls SET status = 'unknown', ended_at = :now WHERE task = :task AND status = 'intended';

-- name: log_turn
-- That a turn has ended, for those who follow. By the primary key of turns.
INSERT INTO logs (at, level, kind, execution, task, agent, turn, text)
SELECT :now, :level, 'turn', t.execution, t.id, u.agent, u.id, :text FROM turns AS u JOIN tasks AS t ON t.id = u.task WHERE u.id = :turn;
