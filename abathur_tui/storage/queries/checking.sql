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
-- Edges that are open though what they lead to has ended. It walks through all edges.
SELECT 't' || e.task || ' still waits for t' || e.depends_on || ', which is ' || d.status
FROM edges AS e JOIN tasks AS d ON d.id = e.depends_on
WHERE e.state = 'open' AND d.status IN ('completed', 'failed', 'cancelled', 'dead')
LIMIT 20;

-- name: ready_but_waiting
-- Tasks that wait for nothing. Index tasks_by_status.
SELECT 't' || id || ' is waiting, and has nothing to wait for' FROM tasks WHERE status = 'waiting' AND unmet = 0 LIMIT 20;

-- name: pending_too_early
-- Tasks that could be claimed and have an open edge. Index tasks_by_status.
SELECT 't' || id || ' is pending, and waits for ' || unmet || ' others' FROM tasks
WHERE status = 'pending' AND unmet > 0 AND held IS NOT 'after' LIMIT 20;

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
-- Tasks with fewer attempts than the audit has claims, unless a damaged file has lost some. It walks through the audit of all tasks.
SELECT 't' || c.task || ' was claimed ' || c.claims || ' times, and has ' || coalesce(a.attempts, 0) || ' attempts'
FROM (SELECT task, count(*) AS claims FROM audit WHERE task IS NOT NULL AND action = 'task.running' GROUP BY task) AS c
    LEFT JOIN (SELECT task, count(*) AS attempts FROM attempts GROUP BY task) AS a ON a.task = c.task
WHERE c.claims > coalesce(a.attempts, 0) AND NOT EXISTS (SELECT 1 FROM audit WHERE action = 'database.recovered')
LIMIT 20;

-- name: finished
-- Tasks that have ended at no time, and the other way round. It walks through all tasks.
SELECT 't' || id || ' is ' || status || CASE WHEN finished_at IS NULL THEN ', and has not ended' ELSE ', and has ended' END FROM tasks
WHERE (finished_at IS NULL) = (status IN ('completed', 'failed', 'cancelled', 'dead')) LIMIT 20;

-- name: json
-- Columns whose JSON cannot be read. It walks through the tables that have some.
SELECT 'the tags or the detail of t' || id || ' are no JSON' FROM tasks WHERE NOT json_valid(tags) OR NOT json_valid(detail)
UNION ALL
SELECT 'what t' || task || ' needs is no JSON' FROM specs WHERE NOT json_valid(refs) OR NOT json_valid(coalesce(loop_spec, '{}'))
    OR NOT json_valid(coalesce(join_spec, '{}')) OR NOT json_valid(coalesce(fallback, '{}')) OR NOT json_valid(coalesce(success, '{}'))
UNION ALL
SELECT 'how x' || id || ' is run is no JSON' FROM executions WHERE NOT json_valid(runtime)
UNION ALL
SELECT 'what s' || id || ' submits is no JSON' FROM schedules WHERE NOT json_valid(plan) OR NOT json_valid(options)
LIMIT 20;

-- name: swarm
-- Its one row. By the primary key.
SELECT 'swarm has no row' WHERE NOT EXISTS (SELECT 1 FROM swarm WHERE id = 1);

-- name: specs
-- Tasks without what their worker needs. It walks through all tasks.
SELECT 't' || t.id || ' has no row in specs' FROM tasks AS t LEFT JOIN specs AS s ON s.task = t.id WHERE s.task IS NULL LIMIT 20;

-- name: roots
-- Executions without a root of their own. It walks through all executions.
SELECT 'x' || x.id || ' has no root of its own' FROM executions AS x LEFT JOIN tasks AS t ON t.id = x.root
WHERE t.execution IS NOT x.id LIMIT 20;

-- name: said
-- Pieces of output that should have been folded into their turn. It walks through output, which holds only the present.
SELECT 'turn ' || u.id || ' of t' || u.task || ' has ended, and has output that was not folded into it' FROM output AS o JOIN turns AS u ON u.id = o.turn
WHERE u.state <> 'open' GROUP BY u.id LIMIT 20;

-- name: turns
-- Turns that are open though nobody is at their task. Index turns_open.
SELECT 'turn ' || u.id || ' of t' || u.task || ' is open, and the task is ' || t.status FROM turns AS u INDEXED BY turns_open JOIN tasks AS t ON t.id = u.task
WHERE u.state = 'open' AND t.status <> 'running' LIMIT 20;

-- name: messages
-- Messages that a turn names and nobody keeps. It walks through all turns.
SELECT 'turn ' || u.id || ' of t' || u.task || ' names a message that is not there' FROM turns AS u, json_each(u.messages) AS m
WHERE m.value <> '' AND NOT EXISTS (SELECT 1 FROM content WHERE hash = m.value) LIMIT 20;

-- name: task_history
-- Tasks whose changes are not all in the audit, in order, up to what they are now. It walks through all rows of the audit that are about one.
WITH changes AS (
    SELECT task, action, version, from_state, to_state, lag(version) OVER one AS before, lag(to_state) OVER one AS came_from,
        lead(id) OVER one IS NULL AS newest
    FROM audit LEFT JOIN (
        SELECT task AS recovered, max(id) AS anchor FROM audit WHERE action = 'task.recovered' GROUP BY task
    ) ON recovered = task
    WHERE task IS NOT NULL AND to_state IS NOT NULL AND action GLOB 'task.*' AND id >= coalesce(anchor, 0)
    WINDOW one AS (PARTITION BY task ORDER BY id)
)
SELECT 'the audit of t' || c.task || ' goes from version ' || coalesce(c.before, 'nothing') || ' (' || coalesce(c.came_from, '') || ') to '
    || c.version || ' (' || coalesce(c.from_state, '') || ' to ' || c.to_state || ')'
FROM changes AS c JOIN tasks AS t ON t.id = c.task
WHERE c.action <> 'task.recovered'
    AND ((c.before IS NULL AND c.version <> 0 AND NOT :swept) OR (c.before IS NOT NULL AND (c.version <> c.before + 1 OR c.from_state IS NOT c.came_from)))
UNION ALL
SELECT 't' || t.id || ' is ' || t.status || ' in version ' || t.version || '; its audit ends with '
    || coalesce(c.to_state || ' in version ' || c.version, 'nothing')
FROM tasks AS t LEFT JOIN changes AS c ON c.task = t.id AND c.newest
WHERE (c.version IS NULL AND (t.changed_at > :swept_to OR NOT :swept)) OR c.version <> t.version OR c.to_state <> t.status
LIMIT 20;

-- name: ends
-- Tasks whose result is another one than the audit of their end names. It walks through all that have ended. Index audit_by_task.
SELECT 't' || t.id || ' has another result than its audit says' FROM tasks AS t CROSS JOIN audit AS a INDEXED BY audit_by_task ON a.task = t.id
WHERE t.status IN ('completed', 'failed', 'dead', 'cancelled') AND a.version = t.version AND a.action = 'task.' || t.status AND a.result IS NOT t.result
LIMIT 20;

-- name: agent_history
-- The same of agents. It walks through all rows of the audit that are about one.
WITH changes AS (
    SELECT agent, action, version, from_state, to_state, lag(version) OVER one AS before, lag(to_state) OVER one AS came_from,
        lead(id) OVER one IS NULL AS newest
    FROM audit LEFT JOIN (
        SELECT agent AS recovered, max(id) AS anchor FROM audit WHERE action = 'agent.recovered' GROUP BY agent
    ) ON recovered = agent
    WHERE agent IS NOT NULL AND to_state IS NOT NULL AND action GLOB 'agent.*' AND id >= coalesce(anchor, 0)
    WINDOW one AS (PARTITION BY agent ORDER BY id)
)
SELECT 'the audit of a' || c.agent || ' goes from version ' || coalesce(c.before, 'nothing') || ' (' || coalesce(c.came_from, '') || ') to '
    || c.version || ' (' || coalesce(c.from_state, '') || ' to ' || c.to_state || ')'
FROM changes AS c JOIN agents AS a ON a.id = c.agent
WHERE c.action <> 'agent.recovered'
    AND ((c.before IS NULL AND c.version <> 0 AND NOT :swept) OR (c.before IS NOT NULL AND (c.version <> c.before + 1 OR c.from_state IS NOT c.came_from)))
UNION ALL
SELECT 'a' || a.id || ' is ' || a.state || ' in version ' || a.version || '; its audit ends with '
    || coalesce(c.to_state || ' in version ' || c.version, 'nothing')
FROM agents AS a LEFT JOIN changes AS c ON c.agent = a.id AND c.newest
WHERE (c.version IS NULL AND (a.changed_at > :swept_to OR NOT :swept)) OR c.version <> a.version OR c.to_state <> a.state
LIMIT 20;

-- name: gone
-- Tasks and agents that the audit knows and that are not there, and nothing says that they were lost. It walks through the audit.
SELECT 'the audit knows t' || task || ', which is not there' FROM audit
WHERE task IS NOT NULL AND task NOT IN (SELECT id FROM tasks) GROUP BY task HAVING sum(action = 'task.lost') = 0
UNION ALL
SELECT 'the audit knows a' || agent || ', which is not there' FROM audit
WHERE agent IS NOT NULL AND agent NOT IN (SELECT id FROM agents) GROUP BY agent HAVING sum(action = 'agent.lost') = 0
LIMIT 20;

-- name: swept
-- Whether rows of the audit have outlived the retention, and until when. By the primary key.
SELECT count(*) > 0, coalesce(max(sealed_at), 0) FROM (SELECT sealed_at FROM seals WHERE swept_at IS NOT NULL ORDER BY first DESC LIMIT 1);

-- name: sequences
-- Ids that would be used again. The few rows of sqlite_sequence; TABLE is one of them.
SELECT 'ids of TABLE would be used again: the last is ' || coalesce(max(id), 0) FROM TABLE
HAVING coalesce(max(id), 0) > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'TABLE'), 0) LIMIT 1;

-- name: bodies
-- Texts with their hashes, in order. It walks through all of them.
SELECT hash, body FROM content WHERE body IS NOT NULL LIMIT -1;
