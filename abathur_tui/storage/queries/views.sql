-- name: task_columns
-- The columns of a task as lists show it; a pending task whose lane, or the queue as a whole, is held says why and until when. Used by all that reads tasks.
SELECT t.id, t.execution, t.parent, t.kind, t.name, t.template, t.template_version, t.agent, t.status,
    CASE WHEN t.status = 'pending' AND t.why = ''
        THEN coalesce((SELECT why FROM queue_state WHERE why = 'queue'), l.held_why, (SELECT why FROM queue_state),
            (SELECT nullif(gate, '') FROM swarm), CASE WHEN t.held = 'suspect' THEN 'alone' ELSE '' END) ELSE t.why END,
    t.progress, t.priority, t.attempt, t.unmet,
    (SELECT json_group_array(depends_on) FROM edges WHERE task = t.id),
    t.tags, t.created_at, t.started_at, t.finished_at,
    CASE WHEN t.status = 'pending' AND t.due IS NULL THEN coalesce(l.held_until, (SELECT until FROM queue_state WHERE why = 'quiet')) ELSE t.due END,
    t.error_code, t.error_message, t.tokens_input, t.tokens_output, CASE WHEN t.unpriced = 0 THEN t.cost_usd END, t.instance, t.instances, t.cleared_at,
    CASE WHEN t.status = 'running' THEN t.phase ELSE '' END
FROM tasks AS t LEFT JOIN lanes AS l ON l.lane = t.lane AND l.held_why <> '';

-- name: first_of_status
-- The first tasks of one status, N its number in the statement, for a page of a list of several. Index tasks_by_status.
SELECT * FROM (SELECT id, priority FROM tasks WHERE status = :statusN ORDER BY priority DESC, id LIMIT :most);

-- name: result
-- A task's result. By the primary keys.
SELECT c.body FROM tasks AS t LEFT JOIN content AS c ON c.hash = t.result WHERE t.id = ?;

-- name: spec
-- What its worker needs, with its execution's runtime. By the primary keys.
SELECT s.prompt, s.parameters, s.given, s.refs, x.runtime, x.root = t.id AS is_root, s.model, s.timeout_seconds, s.retries, t.failures, t.crashes, t.on_failure, s.loop_spec, s.join_spec, s.fallback, s.success, s.lead,
    s.depth, t.pass, s.rendered, t.round, t.detail, x.purged_at
FROM tasks AS t JOIN specs AS s ON s.task = t.id JOIN executions AS x ON x.id = t.execution WHERE t.id = ?;

-- name: inputs
-- What a task depends on, in its order; of what was purged it learns that. Primary keys.
SELECT d.id, d.name, d.status, CASE WHEN d.result IS NOT NULL THEN coalesce(c.body, '(This result was purged.)') END, d.error_code, d.error_message, e.required, d.instance, d.instances, d.priority, d.finished_at,
    d.detail ->> '$.quality.score', d.kind
FROM edges AS e JOIN tasks AS d ON d.id = e.depends_on LEFT JOIN content AS c ON c.hash = d.result
WHERE e.task = ? ORDER BY e.position;

-- name: built_on
-- Which of the tasks that a task depends on were made of which others of them, however far away. Primary keys.
WITH RECURSIVE above (input, task) AS (
    SELECT depends_on, depends_on FROM edges WHERE task = :id
    UNION
    SELECT above.input, e.depends_on FROM above JOIN edges AS e ON e.task = above.task
    LIMIT :most
)
SELECT above.input, above.task FROM above JOIN edges AS e ON e.task = :id AND e.depends_on = above.task WHERE above.input <> above.task;

-- name: attempts
-- The tries at a task. By the primary key.
SELECT number, agent, started_at, ended_at, outcome, error_code, error_message FROM attempts WHERE task = ? ORDER BY epoch;

-- name: turns
-- The turns of a task that have ended, of all rounds. Index turns_by_task.
SELECT u.id, u.number, u.attempt, u.answer, said.body, u.model, u.stop_reason, u.tokens_input, u.tokens_output, u.cost_usd, u.started_at, u.ended_at, u.round
FROM turns AS u LEFT JOIN content AS said ON said.hash = u.said
WHERE u.task = ? AND u.state <> 'open' ORDER BY u.round, u.id;

-- name: tool_calls
-- The tool calls of a turn. By the primary key.
SELECT k.id, k.tool, arguments.body, k.status, text.body, k.summary, k.started_at, k.ended_at
FROM tool_calls AS k LEFT JOIN content AS arguments ON arguments.hash = k.arguments LEFT JOIN content AS text ON text.hash = k.text
WHERE k.turn = ? ORDER BY k.started_at, k.id;

-- name: speaking
-- What is being said in a task's open turn. Indexes turns_open and output_by_turn.
SELECT o.text FROM turns AS u JOIN output AS o ON o.turn = u.id WHERE u.task = ? AND u.state = 'open' ORDER BY o.turn, o.offset, o.id;

-- name: audit
-- Audit rows after an id. By the primary key.
SELECT id, at, actor, action, execution, task, agent, from_state, to_state, version, attempt, engine, cause, error, result, reason, detail FROM audit WHERE id > :since ORDER BY id LIMIT :most;

-- name: audit_of_task
-- Those of a task. Index audit_by_task.
SELECT id, at, actor, action, execution, task, agent, from_state, to_state, version, attempt, engine, cause, error, result, reason, detail FROM audit WHERE task = :task AND id > :since ORDER BY id LIMIT :most;

-- name: audit_of_execution
-- Those of an execution. Index audit_by_execution.
SELECT id, at, actor, action, execution, task, agent, from_state, to_state, version, attempt, engine, cause, error, result, reason, detail FROM audit WHERE execution = :execution AND id > :since ORDER BY id LIMIT :most;

-- name: arguments
-- The arguments of a tool call, which the audit names by their hash. By the unique index on hash.
SELECT body FROM content WHERE hash = ?;

-- name: execution
-- An execution with its root's status. By the primary keys.
SELECT x.id, x.root, c.body, t.status, x.runtime, x.created_at, t.finished_at, x.actor, x.purged_at
FROM executions AS x JOIN tasks AS t ON t.id = x.root LEFT JOIN content AS c ON c.hash = x.source WHERE x.id = ?;

-- name: executions
-- The newest executions. By the primary key.
SELECT x.id, x.root, c.body, t.status, x.runtime, x.created_at, t.finished_at, x.actor, x.purged_at
FROM executions AS x JOIN tasks AS t ON t.id = x.root LEFT JOIN content AS c ON c.hash = x.source ORDER BY x.id DESC LIMIT ?;

-- name: worked
-- The seconds that the tasks of an execution were worked at, where that was more than once: not those between attempts. Index tasks_by_execution.
SELECT a.task, sum(max(a.ended_at - a.started_at, 0)) FROM tasks AS t JOIN attempts AS a ON a.task = t.id
WHERE t.execution = ? AND t.attempt > 1 GROUP BY a.task;

-- name: details
-- What the tasks of an execution left beside their results. Index tasks_by_execution.
SELECT id, kind, detail FROM tasks WHERE execution = ? AND detail <> '{}';

-- name: counts
-- Tasks per status. The few rows of counts.
SELECT status, sum(tasks) FROM counts GROUP BY status;

-- name: usage_of_day
-- What a day has cost. By the primary key.
SELECT coalesce(sum(tokens_input + tokens_output), 0), coalesce(sum(cost_usd), 0), coalesce(sum(unpriced), 0) FROM usage WHERE day = ?;

-- name: agents_alive
-- Agents that have not ended; parents before their children, because ids grow. Index agents_alive.
SELECT a.id, a.parent, a.execution, a.task, a.definition, a.state, a.activity, coalesce(t.name, ''), a.turn, a.tokens_input, a.tokens_output,
    CASE WHEN a.unpriced = 0 THEN a.cost_usd END, a.started_at, a.ended_at, a.changed_at, a.reason, a.engine, coalesce(e.host, '')
FROM agents AS a INDEXED BY agents_alive LEFT JOIN tasks AS t ON t.id = a.task LEFT JOIN engines AS e ON e.id = a.engine
WHERE a.state <> 'TERMINATED' ORDER BY a.id LIMIT ?;

-- name: agents_ended
-- The newest of those that have ended. By the primary key.
SELECT a.id, a.parent, a.execution, a.task, a.definition, a.state, a.activity, coalesce(t.name, ''), a.turn, a.tokens_input, a.tokens_output,
    CASE WHEN a.unpriced = 0 THEN a.cost_usd END, a.started_at, a.ended_at, a.changed_at, a.reason, a.engine, coalesce(e.host, '')
FROM agents AS a LEFT JOIN tasks AS t ON t.id = a.task LEFT JOIN engines AS e ON e.id = a.engine
WHERE a.state = 'TERMINATED' ORDER BY a.id DESC LIMIT ?;

-- name: agent
-- One agent. By the primary keys.
SELECT a.id, a.parent, a.execution, a.task, a.definition, a.state, a.activity, coalesce(t.name, ''), a.turn, a.tokens_input, a.tokens_output,
    CASE WHEN a.unpriced = 0 THEN a.cost_usd END, a.started_at, a.ended_at, a.changed_at, a.reason, a.engine, coalesce(e.host, '')
FROM agents AS a LEFT JOIN tasks AS t ON t.id = a.task LEFT JOIN engines AS e ON e.id = a.engine WHERE a.id = ?;

-- name: audit_of_agent
-- What happened to an agent, and what it did. Index audit_by_agent.
SELECT id, at, actor, action, execution, task, agent, from_state, to_state, version, attempt, engine, cause, error, result, reason, detail FROM audit WHERE agent = :agent AND id > :since ORDER BY id LIMIT :most;

-- name: agent_states
-- How many agents that have not ended are in which state. Index agents_alive.
SELECT state, count(*) FROM agents INDEXED BY agents_alive WHERE state <> 'TERMINATED' GROUP BY state;

-- name: agents_busy
-- How many agents work; one that waits for its sub-agents does not. Index agents_busy.
SELECT count(*) FROM agents AS a INDEXED BY agents_busy CROSS JOIN tasks AS t ON t.id = a.task WHERE a.state = 'BUSY' AND t.why <> 'children';

-- name: loops
-- Loops that have not ended, then the newest. All of loops, to see which these are, then primary keys and index tasks_by_parent.
SELECT l.id, t.id, t.execution, t.name, s.loop_spec, t.status, t.detail, t.error_code, coalesce(t.error_message, ''), t.started_at, t.finished_at,
    (SELECT max(p.pass) FROM tasks AS p WHERE p.parent = t.id AND p.pass_round = t.round AND p.pass > 0 AND p.status NOT IN ('completed', 'failed', 'dead', 'cancelled')),
    t.round
FROM (
    SELECT l.id, l.task FROM loops AS l CROSS JOIN tasks AS t ON t.id = l.task
    ORDER BY t.status IN ('completed', 'failed', 'dead', 'cancelled'), l.id DESC LIMIT ?
) AS l CROSS JOIN tasks AS t ON t.id = l.task CROSS JOIN specs AS s ON s.task = t.id
ORDER BY t.status IN ('completed', 'failed', 'dead', 'cancelled'), l.id DESC LIMIT -1;

-- name: last_pass
-- The last pass of a loop that must have a record: the one before the newest while it is at work, the last completed one where it has ended by
-- its passes. Index tasks_by_parent.
SELECT max(p.pass) FROM tasks AS t JOIN tasks AS p ON p.parent = t.id AND p.pass_round = t.round AND p.pass > 0
WHERE t.id = :task AND p.status = 'completed' AND (:ended OR EXISTS (
    SELECT 1 FROM tasks AS after WHERE after.parent = t.id AND after.pass_round = t.round AND after.pass > p.pass
));

-- name: loop_of_task
-- A task's loop, as the list of loops has it. The unique index on task, primary keys, index tasks_by_parent.
SELECT l.id, t.id, t.execution, t.name, s.loop_spec, t.status, t.detail, t.error_code, coalesce(t.error_message, ''), t.started_at, t.finished_at,
    (SELECT max(p.pass) FROM tasks AS p WHERE p.parent = t.id AND p.pass_round = t.round AND p.pass > 0 AND p.status NOT IN ('completed', 'failed', 'dead', 'cancelled')),
    t.round
FROM loops AS l CROSS JOIN tasks AS t ON t.id = l.task CROSS JOIN specs AS s ON s.task = t.id
WHERE l.task = ?;

-- name: loop_task
-- A loop's task. By the primary key.
SELECT task FROM loops WHERE id = ?;

-- name: loop_of
-- A task's loop. By the unique index on task.
SELECT id FROM loops WHERE task = ?;

-- name: said_beside
-- What the members of a join said besides its lead, that completed. Index tasks_by_parent, primary keys.
SELECT t.name, c.body FROM tasks AS t INDEXED BY tasks_by_parent CROSS JOIN content AS c ON c.hash = t.result
WHERE t.parent = :task AND t.status = 'completed' AND t.id IS NOT (SELECT lead FROM specs WHERE task = :task) ORDER BY t.id;
