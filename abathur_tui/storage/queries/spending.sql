-- name: spent
-- What a loop's steps, or those of one pass, have used with all inside them. Index tasks_by_parent, primary keys.
WITH RECURSIVE inside (id) AS (
    SELECT s.id FROM tasks AS t JOIN tasks AS s ON s.parent = t.id AND s.pass_round = t.round AND s.pass IS NOT NULL
    WHERE t.id = :loop AND (:pass IS NULL OR s.pass = :pass OR s.pass BETWEEN :first AND :last)
    UNION ALL SELECT s.id FROM inside AS i JOIN tasks AS s ON s.parent = i.id
)
SELECT coalesce(sum(t.tokens_input), 0), coalesce(sum(t.tokens_output), 0), coalesce(sum(t.cost_usd), 0.0), coalesce(sum(t.unpriced), 0), min(t.started_at)
FROM inside AS i CROSS JOIN tasks AS t ON t.id = i.id;

-- name: unpriced
-- How many of their finished turns have no known price, and what the dearest of the others was. Indexes tasks_by_parent, turns_by_task.
WITH RECURSIVE inside (id) AS (
    SELECT s.id FROM tasks AS t JOIN tasks AS s ON s.parent = t.id AND s.pass_round = t.round AND s.pass IS NOT NULL
    WHERE t.id = :loop AND (:pass IS NULL OR s.pass = :pass OR s.pass BETWEEN :first AND :last)
    UNION ALL SELECT s.id FROM inside AS i JOIN tasks AS s ON s.parent = i.id
)
SELECT count(*) FILTER (WHERE u.state = 'done' AND u.cost_usd IS NULL), coalesce(max(u.cost_usd), 0.0)
FROM inside AS i CROSS JOIN turns AS u ON u.task = i.id;

-- name: ceilings
-- The budgets of the loops that a task is inside of. Primary keys.
WITH RECURSIVE above (id, distance) AS (
    SELECT parent, 1 FROM tasks WHERE id = ?
    UNION ALL SELECT t.parent, a.distance + 1 FROM above AS a JOIN tasks AS t ON t.id = a.id WHERE t.parent IS NOT NULL
)
SELECT s.task, s.loop_spec ->> '$.budget_usd' FROM above AS a CROSS JOIN specs AS s ON s.task = a.id
WHERE s.loop_spec ->> '$.budget_usd' IS NOT NULL ORDER BY a.distance;

-- name: asked_above
-- The tasks of sub-agents that a task is inside of, itself too, the outermost first. Primary keys.
WITH RECURSIVE above (id, distance) AS (
    SELECT ?, 0
    UNION ALL SELECT t.parent, a.distance + 1 FROM above AS a JOIN tasks AS t ON t.id = a.id WHERE t.parent IS NOT NULL
)
SELECT s.task FROM above AS a CROSS JOIN subagents AS s ON a.id = s.task ORDER BY a.distance DESC;

-- name: share
-- Of a sub-agent: how many its agent has asked for in that turn, what they have cost with all inside them, and what of it is its own.
-- The unique index on turn and call, index tasks_by_parent, primary keys.
WITH RECURSIVE inside (top, id) AS (
    SELECT s.task, s.task FROM subagents AS me JOIN subagents AS s ON s.turn = me.turn WHERE me.task = :task
    UNION ALL SELECT i.top, t.id FROM inside AS i JOIN tasks AS t ON t.parent = i.id
)
SELECT count(DISTINCT i.top), coalesce(sum(t.cost_usd), 0.0), coalesce(sum(t.cost_usd) FILTER (WHERE i.top = :task), 0.0)
FROM inside AS i CROSS JOIN tasks AS t ON t.id = i.id;
