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

-- name: forget_calls
-- Tool calls that were begun and never finished: nobody knows what they did. Index tool_calls_intended.
UPDATE tool_calls SET status = 'unknown', ended_at = :now WHERE task = :task AND status = 'intended';

-- name: log_turn
-- That a turn has ended, for those who follow. By the primary key of turns.
INSERT INTO logs (at, level, kind, execution, task, agent, turn, text)
SELECT :now, :level, 'turn', t.execution, t.id, u.agent, u.id, :text FROM turns AS u JOIN tasks AS t ON t.id = u.task WHERE u.id = :turn;
