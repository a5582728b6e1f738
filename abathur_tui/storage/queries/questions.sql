-- name: by_id
-- Questions with their texts, and whether their tasks still wait for them. Primary keys.
SELECT q.id, q.task, t.execution, t.name, q.kind, q.place, question.body, options.body, q.asked_at, answer.body, q.answered_by, q.answered_at,
    t.round = q.round AND t.status IN ('pending', 'running', 'paused', 'interrupted')
FROM json_each(:ids) AS wanted CROSS JOIN questions AS q ON q.id = wanted.value JOIN tasks AS t ON t.id = q.task
LEFT JOIN content AS question ON question.hash = q.question LEFT JOIN content AS options ON options.hash = q.options
LEFT JOIN content AS answer ON answer.hash = q.answer
ORDER BY q.id;

-- name: open
-- The questions that wait for an answer. Index questions_open, and tasks by the primary key.
SELECT q.id FROM questions AS q INDEXED BY questions_open CROSS JOIN tasks AS t ON t.id = q.task
WHERE q.answered_at IS NULL AND t.round = q.round AND +t.status IN ('pending', 'running', 'paused', 'interrupted') ORDER BY q.id;

-- name: open_of
-- Those of some tasks. Index questions_open, and tasks by the primary key.
SELECT q.id FROM json_each(:tasks) AS wanted CROSS JOIN questions AS q INDEXED BY questions_open ON q.task = wanted.value AND q.answered_at IS NULL
CROSS JOIN tasks AS t ON t.id = q.task
WHERE t.round = q.round AND +t.status IN ('pending', 'running', 'paused', 'interrupted') ORDER BY q.id;

-- name: open_of_execution
-- Those of an execution. Index questions_open, and tasks by the primary key.
SELECT q.id FROM questions AS q INDEXED BY questions_open CROSS JOIN tasks AS t ON t.id = q.task
WHERE q.answered_at IS NULL AND t.execution = :execution AND t.round = q.round
    AND +t.status IN ('pending', 'running', 'paused', 'interrupted') ORDER BY q.id;

-- name: asking
-- How many tasks wait for an answer, and how many of them run. Index questions_open, and tasks by the primary key.
SELECT count(DISTINCT t.id), count(DISTINCT CASE WHEN t.status = 'running' AND t.why = 'asks' THEN t.id END)
FROM questions AS q INDEXED BY questions_open CROSS JOIN tasks AS t ON t.id = q.task
WHERE q.answered_at IS NULL AND t.round = q.round AND +t.status IN ('pending', 'running', 'paused', 'interrupted');

-- name: ready
-- A task that could be claimed and does not only wait for an answer. What is pending, of index tasks_by_status, until there is one; index questions_open.
SELECT 1 FROM tasks AS t INDEXED BY tasks_by_status
WHERE t.status = 'pending' AND t.due IS NULL AND t.held IS NOT 'after'
    AND NOT EXISTS (SELECT 1 FROM lanes WHERE lane = t.lane AND held_why <> '')
    AND NOT EXISTS (SELECT 1 FROM questions WHERE task = t.id AND round = t.round AND answered_at IS NULL)
LIMIT 1;

-- name: round
-- In which round a task is. By the primary key.
SELECT round FROM tasks WHERE id = ?;

-- name: same
-- The same question, asked by the same task in the same round. Index questions_by_task.
SELECT id FROM questions WHERE task = :task AND round = :round AND kind = :kind AND place = :place AND options = :options ORDER BY id LIMIT 1;

-- name: ask
-- A new question.
INSERT INTO questions (task, round, kind, place, question, options, asked_at)
VALUES (:task, :round, :kind, :place, :question, :options, :now);

-- name: withdraw
-- What a task had asked and does not want to know any more, because its members say something else now. Index questions_open.
DELETE FROM questions WHERE task = :task AND answered_at IS NULL AND id NOT IN (SELECT value FROM json_each(:ids));

-- name: answer
-- What somebody said; nothing where somebody else was quicker. By the primary key.
UPDATE questions SET answer = :answer, answered_by = :by, answered_at = :now WHERE id = :id AND answered_at IS NULL;

-- name: audit
-- Who asked or answered what. By the primary key of tasks.
INSERT INTO audit (at, actor, action, execution, task, detail) SELECT :now, :actor, :action, execution, id, :detail FROM tasks WHERE id = :task;

-- name: asks
-- Of some tasks, those that are in the queue again without their answer still say so. Primary keys and index questions_open.
UPDATE tasks SET why = 'asks'
WHERE id IN (SELECT value FROM json_each(:tasks)) AND +status = 'pending' AND why = '' AND held IS NULL
    AND EXISTS (SELECT 1 FROM questions AS q INDEXED BY questions_open WHERE q.task = tasks.id AND q.round = tasks.round AND q.answered_at IS NULL);

-- name: asks_no_more
-- All that a task wanted to know is there. By the primary key.
UPDATE tasks SET why = '' WHERE id = ? AND why = 'asks';
