-- name: turns_as_audited
-- Turns that are finished and not as the audit says that they were, or of which it says nothing. It walks through the audit and all turns.
WITH done AS MATERIALIZED (
    SELECT task, agent, detail ->> '$.turn' AS turn, detail ->> '$.answer' AS answer, detail ->> '$.model' AS model,
        detail ->> '$.tokens_input' AS input, detail ->> '$.tokens_output' AS output, detail ->> '$.cost_usd' AS cost
    FROM audit WHERE action = 'turn.done' AND json_valid(detail)
)
SELECT 'turn ' || coalesce(d.turn, '?') || ' of t' || coalesce(d.task, '?') || CASE WHEN u.id IS NULL THEN ' is not there' ELSE ' is not as its audit says' END
FROM done AS d LEFT JOIN turns AS u ON u.id = d.turn
WHERE CASE WHEN u.id IS NULL THEN NOT :recovered ELSE
    u.state <> 'done' OR u.task <> d.task OR (u.agent IS NOT d.agent AND u.agent IS NOT NULL) OR u.model IS NOT d.model
    OR coalesce(u.answer, u.said) IS NOT d.answer OR u.tokens_input <> d.input OR u.tokens_output <> d.output
    OR (u.cost_usd IS NULL) <> (d.cost IS NULL) OR abs(u.cost_usd - d.cost) > 1e-9 * (1 + abs(d.cost))
END
UNION ALL
SELECT 'turn ' || id || ' of t' || task || ' is done, and the audit says nothing of it' FROM turns
WHERE state = 'done' AND NOT :swept AND id NOT IN (SELECT turn FROM done WHERE turn IS NOT NULL)
    AND NOT :recovered
LIMIT 20;

-- name: calls_as_audited
-- The same of tool calls. It walks through the audit and all calls.
WITH done AS MATERIALIZED (
    SELECT task, action, detail ->> '$.turn' AS turn, detail ->> '$.call' AS call, detail ->> '$.tool' AS tool, detail ->> '$.arguments' AS arguments,
        detail ->> '$.text' AS text
    FROM audit WHERE action IN ('tool.done', 'tool.error') AND json_valid(detail)
)
SELECT 'the call ' || coalesce(d.call, '?') || ' of t' || coalesce(d.task, '?') || CASE WHEN t.id IS NULL THEN ' is not there' ELSE ' is not as its audit says' END
FROM done AS d LEFT JOIN tool_calls AS t ON t.turn = d.turn AND t.id = d.call
WHERE CASE WHEN t.id IS NULL THEN NOT :recovered ELSE
    t.task <> d.task OR 'tool.' || t.status <> d.action OR t.tool IS NOT d.tool OR t.arguments IS NOT d.arguments OR t.text IS NOT d.text
END
UNION ALL
SELECT 'the call ' || id || ' of t' || task || ' is ' || status || ', and the audit says nothing of it' FROM tool_calls
WHERE status IN ('done', 'error') AND NOT :swept AND (turn, id) NOT IN (SELECT turn, call FROM done WHERE turn IS NOT NULL AND call IS NOT NULL)
    AND NOT :recovered
LIMIT 20;

-- name: passes_as_audited
-- The same of loops' passes; of one that was run again its last end counts. It walks through the audit and all passes.
WITH done AS MATERIALIZED (
    SELECT task, detail ->> '$.pass' AS number, detail ->> '$.task' AS pass_task, detail ->> '$.verdict' AS verdict, detail -> '$.metrics' AS metrics,
        detail -> '$.scores' AS scores, max(id)
    FROM audit WHERE action = 'loop.pass' AND json_valid(detail) GROUP BY 1, 2, 3
)
SELECT 'pass ' || coalesce(d.number, '?') || ' of t' || coalesce(d.task, '?') || CASE WHEN p.task IS NULL THEN ' is not there' ELSE ' is not as its audit says' END
FROM done AS d LEFT JOIN passes AS p ON p.task = d.task AND p.number = d.number AND p.pass_task = d.pass_task
WHERE (p.task IS NULL AND NOT :recovered) OR p.verdict <> d.verdict OR p.metrics <> d.metrics
    OR p.scores <> coalesce(d.scores, '{}')
UNION ALL
SELECT 'pass ' || number || ' of t' || task || ' is there, and the audit says nothing of it' FROM passes
WHERE NOT :swept AND (task, number, pass_task) NOT IN (SELECT task, number, pass_task FROM done WHERE number IS NOT NULL AND pass_task IS NOT NULL)
    AND NOT :recovered
LIMIT 20;

-- name: purges
-- Executions that were purged and of which the audit does not say so, or the other way round. It walks through the audit.
SELECT 'x' || x.id || CASE WHEN x.purged_at IS NULL THEN ' is kept, and the audit says that it was purged' ELSE ' was purged, and the audit does not say so' END
FROM executions AS x LEFT JOIN (SELECT DISTINCT execution FROM audit WHERE action = 'execution.purged') AS a ON a.execution = x.id
WHERE (x.purged_at IS NULL) <> (a.execution IS NULL) AND (x.purged_at IS NULL OR NOT :swept)
    AND NOT :recovered
LIMIT 20;

-- name: history
-- Of THINGs (tasks or agents, each with its letter and the column that says how it is) those whose changes are not all in the audit, in order, up to
-- what they are now. It walks through all rows of the audit that are about one.
WITH changes AS (
    SELECT THING, action, version, from_state, to_state, lag(version) OVER one AS before, lag(to_state) OVER one AS came_from,
        lead(id) OVER one IS NULL AS newest
    FROM audit LEFT JOIN (
        SELECT THING AS recovered, max(id) AS anchor FROM audit WHERE action = 'THING.recovered' AND actor = 'recover' GROUP BY THING
    ) ON recovered = THING
    WHERE THING IS NOT NULL AND to_state IS NOT NULL AND action GLOB 'THING.*' AND id >= coalesce(anchor, 0)
    WINDOW one AS (PARTITION BY THING ORDER BY id)
)
SELECT 'the audit of LETTER' || c.THING || ' goes from version ' || coalesce(c.before, 'nothing') || ' (' || coalesce(c.came_from, '') || ') to '
    || c.version || ' (' || coalesce(c.from_state, '') || ' to ' || c.to_state || ')'
FROM changes AS c JOIN THINGs AS t ON t.id = c.THING
WHERE c.action <> 'THING.recovered'
    AND ((c.before IS NULL AND c.version <> 0 AND NOT :swept) OR (c.before IS NOT NULL AND (c.version <> c.before + 1 OR c.from_state IS NOT c.came_from)))
UNION ALL
SELECT 'LETTER' || t.id || ' is ' || t.COLUMN || ' in version ' || t.version || '; its audit ends with '
    || coalesce(c.to_state || ' in version ' || c.version, 'nothing')
FROM THINGs AS t LEFT JOIN changes AS c ON c.THING = t.id AND c.newest
WHERE (c.version IS NULL AND (t.changed_at > :swept_to OR NOT :swept)) OR c.version <> t.version OR c.to_state <> t.COLUMN
LIMIT 20;

-- name: attempts_as_audited
-- Attempts of another engine, number or time than their claim, which is the one of that number in the audit, or with another end than the task had
-- after it; tasks that came at another time than the audit says. Where something has outlived the retention, the numbers are not known any more.
-- It walks through the audit of all tasks.
WITH changes AS MATERIALIZED (
    SELECT task, at, engine, attempt, to_state, action, lead(to_state) OVER one AS next, lead(at) OVER one AS until,
        sum(to_state = 'running') OVER one AS claims
    FROM audit WHERE task IS NOT NULL AND to_state IS NOT NULL AND action GLOB 'task.*'
    WINDOW one AS (PARTITION BY task ORDER BY id)
)
SELECT 'attempt ' || a.number || ' of t' || a.task || ' (' || a.outcome || ') is not as its audit says' FROM attempts AS a
JOIN changes AS c ON c.task = a.task AND c.claims = a.epoch AND c.to_state = 'running'
WHERE NOT :swept AND NOT :recovered AND (
    a.engine IS NOT c.engine OR a.number <> c.attempt OR a.started_at <> c.at OR a.ended_at <> c.until
    OR (a.outcome = 'completed') <> (coalesce(c.next, '') = 'completed') OR (a.outcome = 'failed') <> (coalesce(c.next, '') IN ('failed', 'dead'))
)
UNION ALL
SELECT 't' || t.id || ' was made at another time than its audit says' FROM tasks AS t JOIN audit AS a ON a.task = t.id
WHERE a.version = 0 AND a.action IN ('task.waiting', 'task.pending') AND a.from_state IS NULL AND a.at <> t.created_at
LIMIT 20;

-- name: ends
-- Tasks whose end is another one than the audit says. A cause that was lost with a damaged page is named by the audit alone.
-- It walks through all that have ended. Index audit_by_task.
SELECT 't' || t.id || ' has another ' || CASE WHEN a.result IS NOT t.result THEN 'result' WHEN a.error IS NOT t.error_code THEN 'error'
    WHEN a.cause IS NOT t.cause THEN 'cause' WHEN a.attempt <> t.attempt THEN 'attempt' ELSE 'time of its end' END || ' than its audit says'
FROM tasks AS t CROSS JOIN audit AS a INDEXED BY audit_by_task ON a.task = t.id
WHERE t.status IN ('completed', 'failed', 'dead', 'cancelled') AND a.version = t.version AND a.action = 'task.' || t.status
    AND (a.result IS NOT t.result OR a.error IS NOT t.error_code OR a.attempt <> t.attempt OR a.at <> t.finished_at
        OR (a.cause IS NOT t.cause AND (t.cause IS NOT NULL OR EXISTS (SELECT 1 FROM tasks WHERE id = a.cause))))
LIMIT 20;

-- name: gone
-- Tasks and agents that the audit knows and that are not there, and nothing says that they were lost. It walks through the audit.
SELECT 'the audit knows t' || task || ', which is not there' FROM audit
WHERE task IS NOT NULL AND task NOT IN (SELECT id FROM tasks) GROUP BY task HAVING sum(action = 'task.lost' AND actor = 'recover') = 0
UNION ALL
SELECT 'the audit knows a' || agent || ', which is not there' FROM audit
WHERE agent IS NOT NULL AND agent NOT IN (SELECT id FROM agents) GROUP BY agent HAVING sum(action = 'agent.lost' AND actor = 'recover') = 0
LIMIT 20;
