-- name: counts
-- Where counts says something else than the rows. It walks through all tasks.
WITH actual AS MATERIALIZED (SELECT lane, status, count(*) AS tasks FROM tasks GROUP BY lane, status)
SELECT 'counts says ' || coalesce(c.tasks, 0) || ' ' || a.status || ' tasks in ' || a.lane || '; there are ' || a.tasks
FROM actual AS a LEFT JOIN counts AS c USING (lane, status) WHERE c.tasks IS NOT a.tasks
UNION ALL
SELECT 'counts says ' || c.tasks || ' ' || c.status || ' tasks in ' || c.lane || '; there are none'
FROM counts AS c LEFT JOIN actual AS a USING (lane, status) WHERE c.tasks <> 0 AND a.tasks IS NULL
LIMIT 20;

-- name: edge_counts
-- Tasks that count other edges than they have. It walks through all tasks and edges.
SELECT 't' || t.id || ' counts ' || t.unmet || ' open and ' || t.broken || ' broken edges; it has ' || coalesce(e.open, 0) || ' and '
    || coalesce(e.broken, 0)
FROM tasks AS t LEFT JOIN (SELECT task, sum(state = 'open') AS open, sum(state = 'broken') AS broken FROM edges GROUP BY task) AS e ON e.task = t.id
WHERE t.unmet <> coalesce(e.open, 0) OR t.broken <> coalesce(e.broken, 0)
LIMIT 20;

-- name: open_edges
-- Edges that are open though what they lead to has ended, or settled though it has not or has ended otherwise. What was needed and has completed
-- stays so; only of what goes on without it (`settles`, `skip`) the other end may have come back since. It walks through all edges.
SELECT 't' || e.task || ' still waits for t' || e.depends_on || ', which is ' || d.status
FROM edges AS e JOIN tasks AS d ON d.id = e.depends_on
WHERE e.state = 'open' AND d.status IN ('completed', 'failed', 'cancelled', 'dead')
UNION ALL
SELECT 't' || e.task || ' does not wait for t' || e.depends_on || ' any more, which is ' || d.status || ': the edge is ' || e.state
FROM edges AS e JOIN tasks AS t ON t.id = e.task JOIN tasks AS d ON d.id = e.depends_on
WHERE t.status IN ('waiting', 'pending', 'paused') AND (
    (e.state <> 'open' AND d.status NOT IN ('completed', 'failed', 'cancelled', 'dead')) OR (e.state = 'broken' AND d.status = 'completed')
    OR (e.state = 'met' AND e.need = 'needs' AND d.status = 'cancelled')
    OR (e.state = 'met' AND e.need = 'needs' AND d.status IN ('failed', 'dead') AND d.on_failure <> 'skip')
)
UNION ALL
SELECT 't' || e.task || ' (' || t.status || ') built on t' || e.depends_on || ', which is ' || d.status || ': the edge is ' || e.state
FROM edges AS e JOIN tasks AS t ON t.id = e.task JOIN tasks AS d ON d.id = e.depends_on
WHERE t.status NOT IN ('waiting', 'pending', 'paused') AND NOT :recovered AND (
    (e.state = 'broken' AND d.status = 'completed')
    OR (e.state = 'met' AND e.need = 'needs' AND d.status <> 'completed' AND d.on_failure <> 'skip')
)
LIMIT 20;

-- name: open_edges_by_task
-- Who still waits, and for how many, to see whether any of it goes round. It walks through all edges by the primary key.
SELECT task, count(*) FROM edges WHERE state = 'open' GROUP BY task ORDER BY task LIMIT -1;

-- name: open_edges_by_other
-- Who is waited for, and by whom. Index edges_by_dependency.
SELECT depends_on, task FROM edges WHERE state = 'open' ORDER BY depends_on LIMIT -1;

-- name: parents
-- Tasks inside a task of another execution, or inside one that came later. It walks through all tasks.
SELECT 't' || t.id || ' of x' || t.execution || ' is inside t' || p.id || ' of x' || p.execution FROM tasks AS t JOIN tasks AS p ON p.id = t.parent
WHERE p.execution <> t.execution LIMIT 20;

-- name: ready_but_waiting
-- Tasks that wait for nothing. Index tasks_by_status.
SELECT 't' || id || ' is waiting, and has nothing to wait for' FROM tasks WHERE status = 'waiting' AND unmet = 0 LIMIT 20;

-- name: pending_too_early
-- Tasks that could be claimed and have an open edge, or cannot be claimed because of one and have none. Index tasks_by_status.
SELECT 't' || id || ' is pending, and waits for ' || unmet || ' others' FROM tasks
WHERE status = 'pending' AND unmet > 0 AND held IS NOT 'after'
UNION ALL
SELECT 't' || id || ' is held until others have ended, and waits for none' FROM tasks WHERE status = 'pending' AND unmet = 0 AND held = 'after'
LIMIT 20;

-- name: words
-- Tasks, lanes and queues that stand still for a reason that nobody knows; tasks that name who changes them though nobody does (what a claim or a
-- completion named stays). It walks through all tasks.
WITH known (why) AS (
    VALUES (''), ('after'), ('slot'), ('retry'), ('time'), ('children'), ('model'), ('key'), ('quota'), ('queue'), ('quiet'), ('asks'), ('memory'), ('cpu'),
        ('alone'), ('by you')
)
SELECT 't' || id || ' is held for a reason that is not known: ' || held FROM tasks WHERE held NOT IN ('after', 'suspect', 'memory', 'cpu')
UNION ALL
SELECT 't' || id || ' does not move for a reason that is not known: ' || why FROM tasks WHERE why NOT IN known
UNION ALL
SELECT 'the lane ' || lane || ' is held for a reason that is not known: ' || held_why FROM lanes WHERE held_why NOT IN known
UNION ALL
SELECT 'the queue is held for a reason that is not known: ' || why FROM queue_state WHERE why NOT IN known
UNION ALL
SELECT 't' || id || ' names who changes it (' || actor || ', ' || reason || '), and nobody does' FROM tasks
WHERE (actor <> '' OR reason <> '') AND status <> 'completed' AND NOT (status = 'running' AND actor = 'engine' AND reason = 'claimed')
LIMIT 20;

-- name: agents
-- Agents that have ended at no time, and the other way round; agents that are at a task which does not run. It walks through all agents.
SELECT 'a' || id || ' is ' || state || CASE WHEN ended_at IS NULL THEN ', and has not ended' ELSE ', and has ended' END FROM agents
WHERE (ended_at IS NULL) = (state = 'TERMINATED')
UNION ALL
SELECT 'a' || a.id || ' is BUSY, and t' || t.id || ' is ' || t.status FROM agents AS a JOIN tasks AS t ON t.id = a.task
WHERE a.state = 'BUSY' AND t.status <> 'running'
UNION ALL
SELECT 'a' || a.id || ' is BUSY at t' || t.id || ', and another agent has it' FROM agents AS a
JOIN tasks AS t ON t.id = a.task JOIN attempts AS p ON p.task = t.id AND p.epoch = t.epoch
WHERE a.state = 'BUSY' AND t.status = 'running' AND p.agent IS NOT a.id
LIMIT 20;

-- name: engines
-- Tasks that run under no engine that could live, or belong to one and do not run. It walks through all tasks.
SELECT 't' || t.id || ' is running, and its engine ' || coalesce(t.engine, '(none)') || CASE WHEN e.id IS NULL THEN ' is not known' ELSE ' has ended' END
FROM tasks AS t LEFT JOIN engines AS e ON e.id = t.engine
WHERE t.status = 'running' AND (e.id IS NULL OR e.ended_at IS NOT NULL)
UNION ALL
SELECT 't' || id || ' is ' || status || ', and an engine has it' FROM tasks WHERE status <> 'running' AND engine IS NOT NULL
LIMIT 20;

-- name: attempts
-- Attempts that run without their task, and the other way round. It walks through all attempts.
SELECT 'attempt ' || a.number || ' of t' || a.task || ' is running, and the task is not' FROM attempts AS a JOIN tasks AS t ON t.id = a.task
WHERE a.outcome = 'running' AND (t.status <> 'running' OR t.epoch <> a.epoch)
UNION ALL
SELECT 't' || t.id || ' is running, and has no attempt that is' FROM tasks AS t LEFT JOIN attempts AS a ON a.task = t.id AND a.epoch = t.epoch
WHERE t.status = 'running' AND a.outcome IS NOT 'running'
LIMIT 20;

-- name: claims
-- Tasks with other attempts than the audit has claims, or in another epoch than their last attempt, unless a damaged file has lost some. What has
-- outlived the retention is missing in the audit only. It walks through the audit of all tasks.
SELECT 't' || t.id || ' was claimed ' || coalesce(c.claims, 0) || ' times, the last time in epoch ' || t.epoch || ', and has ' || coalesce(a.attempts, 0)
    || ' attempts, the last in epoch ' || coalesce(a.epoch, 0)
FROM tasks AS t
LEFT JOIN (SELECT task, count(*) AS claims FROM audit WHERE task IS NOT NULL AND action = 'task.running' GROUP BY task) AS c ON c.task = t.id
LEFT JOIN (SELECT task, count(*) AS attempts, max(epoch) AS epoch FROM attempts GROUP BY task) AS a ON a.task = t.id
WHERE (coalesce(c.claims, 0) > coalesce(a.attempts, 0) OR (coalesce(c.claims, 0) < coalesce(a.attempts, 0) AND NOT :swept) OR t.epoch <> coalesce(a.epoch, 0))
    AND NOT :recovered
LIMIT 20;

-- name: finished
-- Tasks and tries that have ended at no time, and the other way round; results that are missing, or there too early. It walks through all of them.
SELECT 't' || id || ' is ' || status || CASE WHEN finished_at IS NULL THEN ', and has not ended' ELSE ', and has ended' END FROM tasks
WHERE (finished_at IS NULL) = (status IN ('completed', 'failed', 'cancelled', 'dead'))
UNION ALL
SELECT 't' || id || ' is ' || status || CASE WHEN result IS NULL THEN ', and has no result' ELSE ', and has a result' END FROM tasks
WHERE (status = 'completed' AND result IS NULL) OR (result IS NOT NULL AND status NOT IN ('completed', 'failed', 'cancelled', 'dead'))
UNION ALL
SELECT 'attempt ' || number || ' of t' || task || ' is ' || outcome || CASE WHEN ended_at IS NULL THEN ', and has not ended' ELSE ', and has ended' END
FROM attempts WHERE (ended_at IS NULL) <> (outcome = 'running')
UNION ALL
SELECT 'turn ' || id || ' of t' || task || ' is ' || state || CASE WHEN ended_at IS NULL THEN ', and has not ended' ELSE ', and has ended' END
FROM turns WHERE (ended_at IS NULL) <> (state = 'open')
UNION ALL
SELECT 'the call ' || id || ' of t' || task || ' is ' || status || CASE WHEN ended_at IS NULL THEN ', and has not ended' ELSE ', and has ended' END
FROM tool_calls WHERE (ended_at IS NULL) <> (status = 'intended')
LIMIT 20;

-- name: figures
-- Numbers that nothing can have taken: below nothing, without an end, or more tries than a task was given. It walks through all that have some.
SELECT 't' || id || ' took ' || tokens_input || ' and ' || tokens_output || ' tokens for $' || cost_usd || ', ' || unpriced || ' turns without a price'
FROM tasks WHERE min(tokens_input, tokens_output, unpriced) < 0 OR cost_usd NOT BETWEEN 0 AND 1e12
UNION ALL
SELECT 'turn ' || id || ' of t' || task || ' took ' || tokens_input || ' and ' || tokens_output || ' tokens for $' || coalesce(cost_usd, '?')
FROM turns WHERE min(tokens_input, tokens_output, tokens_cache_read, tokens_cache_write) < 0 OR cost_usd NOT BETWEEN 0 AND 1e12
UNION ALL
SELECT 'a' || id || ' took ' || tokens_input || ' and ' || tokens_output || ' tokens for $' || cost_usd || ', ' || unpriced || ' turns without a price'
FROM agents WHERE min(tokens_input, tokens_output, unpriced) < 0 OR cost_usd NOT BETWEEN 0 AND 1e12
UNION ALL
SELECT 't' || t.id || ' failed ' || t.failures || ' times and was tried again, and may be so ' || s.retries || ' times'
FROM tasks AS t JOIN specs AS s ON s.task = t.id WHERE t.failures > max(s.retries, coalesce(s.success ->> '$.attempts', 0))
UNION ALL
SELECT 't' || id || ' counts ' || crashes || ' crashes in a row and ' || round || ' rounds' FROM tasks WHERE crashes > 1e6 OR round NOT BETWEEN 0 AND 1e6
UNION ALL
SELECT 's' || s.id || ' says that it has submitted ' || s.runs || ' executions; there are ' || count(x.id) FROM schedules AS s
LEFT JOIN executions AS x ON x.schedule = s.id WHERE NOT :recovered
GROUP BY s.id HAVING s.runs <> count(x.id)
UNION ALL
SELECT 't' || id || ' has a time that no calendar has' FROM tasks
WHERE created_at NOT BETWEEN 0 AND 1e11 OR started_at NOT BETWEEN 0 AND 1e11 OR finished_at NOT BETWEEN 0 AND 1e11
    OR due NOT BETWEEN 0 AND 253402300800
    OR expires NOT BETWEEN 0 AND 1e11 OR changed_at NOT BETWEEN 0 AND 1e11
UNION ALL
SELECT 'row ' || id || ' of the audit has a time that no calendar has' FROM audit WHERE at NOT BETWEEN 0 AND 1e11
UNION ALL
SELECT 'a row of ' || name || ' has the id ' || last || ', to which nobody has counted' FROM (
    SELECT 'tasks' AS name, max(id) AS last FROM tasks UNION ALL SELECT 'turns', max(id) FROM turns UNION ALL SELECT 'content', max(id) FROM content
    UNION ALL SELECT 'logs', max(id) FROM logs
) WHERE last > 1e15
LIMIT 20;

-- name: spent
-- THINGs (tasks or agents, each with its letter) that took something else than their turns. Of what a damaged file has lost only they themselves know
-- any more. Costs are sums of floating point numbers: the last digits depend on the order. It walks through all turns.
WITH took AS (
    SELECT u.THING, sum(u.tokens_input) AS input, sum(u.tokens_output) AS output, total(u.cost_usd) AS cost,
        sum(CASE u.state WHEN 'done' THEN u.cost_usd IS NULL
            WHEN 'partial' THEN t.lane NOT LIKE 'local:%' AND (u.said IS NOT NULL OR t.lane LIKE 'command:%') ELSE 0 END) AS unpriced
    FROM turns AS u JOIN tasks AS t ON t.id = u.task WHERE u.THING IS NOT NULL GROUP BY u.THING
)
SELECT 'LETTER' || o.id || ' took ' || o.tokens_input || ' and ' || o.tokens_output || ' tokens for $' || o.cost_usd || ' and ' || o.unpriced
    || ' turns without a price; its turns ' || coalesce(u.input, 0) || ' and ' || coalesce(u.output, 0) || ' for $' || coalesce(u.cost, 0.0) || ' and '
    || coalesce(u.unpriced, 0)
FROM THINGs AS o LEFT JOIN took AS u ON u.THING = o.id
WHERE o.tokens_input < coalesce(u.input, 0) OR o.tokens_output < coalesce(u.output, 0) OR o.cost_usd < coalesce(u.cost, 0) * (1 - 1e-9) - 1e-9
    OR (NOT :recovered AND (
        o.tokens_input > coalesce(u.input, 0) OR o.tokens_output > coalesce(u.output, 0) OR o.cost_usd > coalesce(u.cost, 0) * (1 + 1e-9) + 1e-9
        OR o.unpriced <> coalesce(u.unpriced, 0)
    ))
LIMIT 20;

-- name: spent_by_days
-- Models of which the days together have other figures than the turns, unless a damaged file has lost some. A turn that was broken off names no
-- model, and is counted only where it may have cost something. It walks through all turns.
SELECT CASE model WHEN '' THEN 'the turns that were broken off' ELSE 'the turns of ' || model END || ' were ' || sum(turns * turn) || ' and took '
    || sum(input * turn) || ' and ' || sum(output * turn) || ' tokens for $' || total(cost * turn) || ', ' || sum(unpriced * turn)
    || ' without a price; usage says ' || sum(turns * day) || ', ' || sum(input * day) || ', ' || sum(output * day) || ', $' || total(cost * day) || ', '
    || sum(unpriced * day)
FROM (
    SELECT model, 1 AS turn, 0 AS day, 1 AS turns, tokens_input AS input, tokens_output AS output, tokens_cache_read AS read,
        tokens_cache_write AS written, coalesce(cost_usd, 0.0) AS cost, cost_usd IS NULL AS unpriced
    FROM turns WHERE state = 'done'
    UNION ALL
    SELECT '', 1, 0, 0, 0, 0, 0, 0, 0.0, 1 FROM turns AS u JOIN tasks AS t ON t.id = u.task
    WHERE u.state = 'partial' AND t.lane NOT LIKE 'local:%' AND (u.said IS NOT NULL OR t.lane LIKE 'command:%')
    UNION ALL
    SELECT model, 0, 1, turns, tokens_input, tokens_output, tokens_cache_read, tokens_cache_write, cost_usd, unpriced FROM usage
)
WHERE NOT :recovered
GROUP BY model
HAVING sum(turns * (turn - day)) <> 0 OR sum(input * (turn - day)) <> 0 OR sum(output * (turn - day)) <> 0 OR sum(read * (turn - day)) <> 0
    OR sum(written * (turn - day)) <> 0 OR sum(unpriced * (turn - day)) <> 0
    OR abs(total(cost * turn) - total(cost * day)) > 1e-9 * (1 + total(cost * turn))
LIMIT 20;

-- name: json
-- Columns whose JSON cannot be read. It walks through the tables that have some.
SELECT 'the tags or the detail of t' || id || ' are no JSON' FROM tasks
WHERE (tags <> '[]' AND (NOT json_valid(tags) OR json_type(tags) <> 'array'))
    OR (detail <> '{}' AND (NOT json_valid(detail) OR json_type(detail) <> 'object'))
UNION ALL
SELECT 'what t' || task || ' needs is no JSON' FROM specs WHERE NOT json_valid(refs) OR NOT json_valid(coalesce(given, '{}')) OR NOT json_valid(coalesce(loop_spec, '{}'))
    OR NOT json_valid(coalesce(join_spec, '{}')) OR NOT json_valid(coalesce(fallback, '{}')) OR NOT json_valid(coalesce(success, '{}'))
UNION ALL
SELECT 'how x' || id || ' is run is no JSON' FROM executions WHERE NOT json_valid(runtime)
UNION ALL
SELECT 'how the lane ' || lane || ' is run is no JSON' FROM lanes WHERE NOT json_valid(runtime)
UNION ALL
SELECT 'what the agents of x' || execution || ' share as ' || key || ' is no JSON' FROM state WHERE NOT json_valid(value)
UNION ALL
SELECT 'what s' || id || ' submits is no JSON' FROM schedules WHERE NOT json_valid(plan) OR NOT json_valid(options)
UNION ALL
SELECT 'the detail of row ' || id || ' of the audit is no JSON' FROM audit WHERE detail <> '{}' AND NOT json_valid(detail)
LIMIT 20;

-- name: swarm
-- Its one row. By the primary key.
SELECT 'swarm has no row' WHERE NOT EXISTS (SELECT 1 FROM swarm WHERE id = 1);

-- name: specs
-- Tasks without what their worker needs. It walks through all tasks.
SELECT 't' || t.id || ' has no row in specs' FROM tasks AS t LEFT JOIN specs AS s ON s.task = t.id WHERE s.task IS NULL
UNION ALL
SELECT 't' || t.id || ' has no row in loops' FROM tasks AS t LEFT JOIN loops AS l ON l.task = t.id
WHERE t.kind = 'loop' AND l.task IS NULL AND NOT :recovered
LIMIT 20;

-- name: roots
-- Executions without a root of their own. It walks through all executions.
SELECT 'x' || x.id || ' has no root of its own' FROM executions AS x LEFT JOIN tasks AS t ON t.id = x.root
WHERE t.execution IS NOT x.id LIMIT 20;

-- name: said
-- Pieces of output that should have been folded into their turn. It walks through output, which holds only the present.
SELECT 'turn ' || u.id || ' of t' || u.task || ' has ended, and has output that was not folded into it' FROM output AS o JOIN turns AS u ON u.id = o.turn
WHERE u.state <> 'open' GROUP BY u.id LIMIT 20;

-- name: turns
-- Turns that are open though nobody is at their task, or another one is; turns of a claim that never was. It walks through all turns.
SELECT 'turn ' || u.id || ' of t' || u.task || ' is open, and the task is ' || t.status FROM turns AS u INDEXED BY turns_open JOIN tasks AS t ON t.id = u.task
WHERE u.state = 'open' AND t.status <> 'running'
UNION ALL
SELECT 't' || task || ' has ' || count(*) || ' open turns' FROM turns INDEXED BY turns_open WHERE state = 'open' GROUP BY task HAVING count(*) > 1
UNION ALL
SELECT 'turn ' || u.id || ' of t' || u.task || ' was taken in epoch ' || u.epoch || ', and no attempt was' FROM turns AS u
WHERE NOT EXISTS (SELECT 1 FROM attempts WHERE task = u.task AND epoch = u.epoch)
    AND NOT :recovered
LIMIT 20;

-- name: messages
-- Messages that a turn names and nobody keeps. It walks through all turns.
SELECT 'turn ' || u.id || ' of t' || u.task || ' names a message that is not there' FROM turns AS u, json_each(u.messages) AS m
WHERE m.value <> '' AND NOT EXISTS (SELECT 1 FROM content WHERE hash = m.value) LIMIT 20;

-- name: swept
-- Whether rows of the audit have outlived the retention, and the latest moment of theirs; where nobody has noted that, it may be any. By the primary key.
SELECT count(*) > 0, coalesce((SELECT CAST(value AS REAL) FROM meta WHERE key = 'swept_to'), 1e12)
FROM (SELECT 1 FROM seals WHERE swept_at IS NOT NULL ORDER BY first DESC LIMIT 1);

-- name: recovered
-- Whether the file was ever damaged and recovered. It walks through the audit.
SELECT EXISTS (SELECT 1 FROM audit WHERE action = 'database.recovered' AND actor = 'recover');

-- name: sequences
-- Ids that would be used again. The few rows of sqlite_sequence; TABLE is one of them.
SELECT 'ids of TABLE would be used again: the last is ' || coalesce(max(id), 0) FROM TABLE
HAVING coalesce(max(id), 0) > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'TABLE'), 0) LIMIT 1;

-- name: bodies
-- Texts with their hashes, in order. It walks through all of them.
SELECT hash, body FROM content WHERE body IS NOT NULL LIMIT -1;
