-- name: lost_texts
-- Texts whose hash does not fit are no texts any more. By the primary key.
UPDATE content SET body = NULL WHERE hash = ?;

-- name: placeholder
-- A text of which only the hash is left. By the unique index on hash.
INSERT OR IGNORE INTO content (hash, body) VALUES (?, NULL);

-- name: lost_messages
-- The same for the messages of turns; an empty name stands for the prompt. It walks through all turns.
INSERT OR IGNORE INTO content (hash, body) SELECT DISTINCT m.value, NULL FROM turns, json_each(turns.messages) AS m WHERE m.value <> '';

-- name: lone_tasks
-- Executions that only their tasks remember. It walks through all tasks.
SELECT execution, min(created_at), max(lane), max(CASE WHEN parent IS NULL THEN id END), max(id) FROM tasks
WHERE execution NOT IN (SELECT id FROM executions) GROUP BY execution LIMIT -1;

-- name: lane_runtime
-- By the primary key.
SELECT runtime FROM lanes WHERE lane = ?;

-- name: any_runtime
-- By the primary key.
SELECT runtime FROM executions ORDER BY id DESC LIMIT 1;

-- name: make_execution
-- By the primary key.
INSERT INTO executions (id, root, source, runtime, actor, created_at) VALUES (?, ?, ?, ?, 'recover', ?);

-- name: mend_roots
-- The newest task that is inside no other one is what an execution ends with. Index tasks_by_execution.
UPDATE executions SET root = (SELECT id FROM tasks WHERE execution = executions.id ORDER BY parent IS NOT NULL, id DESC LIMIT 1)
WHERE root IS NULL OR root NOT IN (SELECT id FROM tasks WHERE execution = executions.id);

-- name: empty_executions
-- By the primary key.
DELETE FROM executions WHERE root IS NULL;

-- name: make_specs
-- Tasks of which nobody knows any more what they were asked. By the primary keys.
INSERT INTO specs (task, node, depth, prompt, parameters, refs, timeout_seconds, retries, estimated_seconds, complexity)
SELECT id, 'lost', 1, :nothing, :empty, '{}', 1800, 0, 30, 0 FROM tasks WHERE id NOT IN (SELECT task FROM specs) LIMIT -1;

-- name: cannot_run
-- Tasks that have not ended and whose spec, or something that they wait for, is lost. It walks through all tasks.
UPDATE tasks SET status = 'failed', version = version + 1, why = '', due = NULL, expires = NULL, held = NULL, engine = NULL, finished_at = :now,
    error_code = 'ABTH-ERR-010', error_message = 'What it needs was lost when the database was damaged.', changed_at = :now
WHERE status IN ('waiting', 'pending', 'running', 'paused', 'interrupted')
    AND (id IN (SELECT task FROM specs WHERE node = 'lost') OR id IN (SELECT task FROM edges WHERE depends_on NOT IN (SELECT id FROM tasks)));

-- name: release
-- What ran goes back into the queue: no engine lives. Index tasks_running.
UPDATE tasks SET status = 'pending', version = version + 1, why = '', engine = NULL, changed_at = :now WHERE status IN ('running', 'interrupted');

-- name: end_attempts
-- By the primary key.
UPDATE attempts SET outcome = 'interrupted', ended_at = coalesce(ended_at, :now) WHERE outcome = 'running';

-- name: end_turns
-- Index turns_open.
UPDATE turns SET state = 'partial', reason = 'the database was damaged', ended_at = :now WHERE state = 'open';

-- name: end_calls
-- Index tool_calls_intended.
UPDATE tool_calls SET status = 'unknown', ended_at = :now WHERE status = 'intended';

-- name: end_output
-- It walks through output, which holds only the present.
DELETE FROM output;

-- name: end_agents
-- Nor any agent. Index agents_alive.
UPDATE agents SET state = 'TERMINATED', version = version + 1, activity = '', reason = 'the database was damaged', changed_at = :now, ended_at = :now
WHERE state <> 'TERMINATED';

-- name: end_engines
-- No engine lives. Index engines_unended.
UPDATE engines SET ended_at = beat_at WHERE ended_at IS NULL;

-- name: settle_edges
-- Edges say what became of what they lead to, for those that have not used it yet. By the primary keys.
UPDATE edges SET state = (
    SELECT CASE
        WHEN d.status NOT IN ('completed', 'failed', 'cancelled', 'dead') THEN 'open'
        WHEN d.status = 'completed' OR edges.need = 'settles' OR (d.status IN ('failed', 'dead') AND d.on_failure = 'skip') THEN 'met'
        ELSE 'broken'
    END FROM tasks AS d WHERE d.id = edges.depends_on
)
WHERE (SELECT status FROM tasks WHERE id = edges.task) IN ('waiting', 'pending', 'paused')
    OR (state = 'open' AND (SELECT status FROM tasks WHERE id = edges.depends_on) IN ('completed', 'failed', 'cancelled', 'dead'));

-- name: count_edges
-- It walks through all tasks.
UPDATE tasks SET unmet = (SELECT count(*) FROM edges WHERE task = tasks.id AND state = 'open'),
    broken = (SELECT count(*) FROM edges WHERE task = tasks.id AND state = 'broken');

-- name: fail_doomed
-- Index tasks_doomed.
UPDATE tasks SET status = 'failed', version = version + 1, why = '', due = NULL, expires = NULL, held = NULL, finished_at = :now,
    error_code = 'ABTH-ERR-010', error_message = 'What it needs failed, or was lost when the database was damaged.', changed_at = :now
WHERE status = 'waiting' AND unmet = 0 AND broken > 0;

-- name: ready
-- Index tasks_by_status.
UPDATE tasks SET status = 'pending', version = version + 1, why = '', changed_at = :now WHERE status = 'waiting' AND unmet = 0;

-- name: not_ready
-- Index tasks_by_status.
UPDATE tasks SET status = 'waiting', version = version + 1, why = 'after', changed_at = :now WHERE status = 'pending' AND unmet > 0 AND held IS NOT 'after';

-- name: forget_words
-- It walks through all tasks.
UPDATE tasks SET actor = '', reason = ''
WHERE (actor <> '' OR reason <> '') AND status <> 'completed' AND NOT (status = 'running' AND actor = 'engine' AND reason = 'claimed');

-- name: drop_counts
-- The few rows of counts.
DELETE FROM counts;

-- name: count
-- It walks through all tasks.
INSERT INTO counts (lane, status, tasks)
SELECT l.lane, s.status, coalesce(t.tasks, 0)
FROM (SELECT lane FROM lanes UNION SELECT lane FROM tasks UNION SELECT 'join') AS l CROSS JOIN statuses AS s
LEFT JOIN (SELECT lane, status, count(*) AS tasks FROM tasks GROUP BY lane, status LIMIT -1) AS t ON t.lane = l.lane AND t.status = s.status;

-- name: drop_seals
-- They do not fit any more; the saved audit gets new ones, and its first new row names the last one of these.
DELETE FROM seals;

-- name: last_seal
-- By the primary key.
SELECT sha256 FROM seals ORDER BY first DESC LIMIT 1;

-- name: task_anchors
-- Where a task's changes are not all in the audit, it is stated anew how it is. It walks through the audit.
INSERT INTO audit (at, actor, action, execution, task, to_state, version, attempt, reason)
SELECT :now, 'recover', 'task.recovered', t.execution, t.id, t.status, t.version, t.attempt, 'the database was damaged'
FROM tasks AS t LEFT JOIN (
    SELECT task, count(DISTINCT version) AS changes, max(version) AS version, max(id) AS id FROM audit
    WHERE task IS NOT NULL AND to_state IS NOT NULL AND action GLOB 'task.*' GROUP BY task
) AS a ON a.task = t.id
WHERE a.changes IS NOT t.version + 1 OR a.version <> t.version OR (SELECT to_state FROM audit WHERE id = a.id) <> t.status LIMIT -1;

-- name: agent_anchors
-- The same of agents. It walks through the audit.
INSERT INTO audit (at, actor, action, execution, task, agent, engine, to_state, version, reason)
SELECT :now, 'recover', 'agent.recovered', t.execution, t.task, t.id, t.engine, t.state, t.version, 'the database was damaged'
FROM agents AS t LEFT JOIN (
    SELECT agent, count(DISTINCT version) AS changes, max(version) AS version, max(id) AS id FROM audit
    WHERE agent IS NOT NULL AND to_state IS NOT NULL AND action GLOB 'agent.*' GROUP BY agent
) AS a ON a.agent = t.id
WHERE a.changes IS NOT t.version + 1 OR a.version <> t.version OR (SELECT to_state FROM audit WHERE id = a.id) <> t.state LIMIT -1;

-- name: lost_tasks
-- Tasks that only the audit remembers. It walks through it.
INSERT INTO audit (at, actor, action, execution, task, reason)
SELECT :now, 'recover', 'task.lost', max(execution), task, 'the database was damaged' FROM audit
WHERE task IS NOT NULL AND task NOT IN (SELECT id FROM tasks) GROUP BY task LIMIT -1;

-- name: lost_agents
-- Agents that only the audit remembers. It walks through it.
INSERT INTO audit (at, actor, action, execution, agent, reason)
SELECT :now, 'recover', 'agent.lost', max(execution), agent, 'the database was damaged' FROM audit
WHERE agent IS NOT NULL AND agent NOT IN (SELECT id FROM agents) GROUP BY agent LIMIT -1;

-- name: audit
-- By the primary key.
INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, 'database.recovered', ?);
