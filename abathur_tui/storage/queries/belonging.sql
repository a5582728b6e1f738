-- name: loops
-- What belongs to loops and is another task's. By the primary keys; all loops, bodies and passes, which are few.
SELECT 'l' || l.id || ' is the loop of t' || t.id || ', which is no loop' FROM loops AS l JOIN tasks AS t ON t.id = l.task WHERE t.kind <> 'loop'
UNION ALL
SELECT 't' || t.id || ' makes something in each pass, and is no loop' FROM loop_bodies AS b JOIN tasks AS t ON t.id = b.task WHERE t.kind <> 'loop'
UNION ALL
SELECT 'pass ' || p.number || ' of t' || p.task || ' is of round ' || p.round || CASE WHEN t.kind <> 'loop' THEN ', and no loop''s' ELSE ', which t' || t.id || ' never began' END
FROM passes AS p JOIN tasks AS t ON t.id = p.task WHERE t.kind <> 'loop' OR p.round NOT BETWEEN 0 AND t.round
UNION ALL
SELECT 'pass ' || p.number || ' of t' || p.task || ' was done by t' || d.id || ' of another execution' FROM passes AS p
JOIN tasks AS t ON t.id = p.task JOIN tasks AS d ON d.id = p.pass_task WHERE d.execution <> t.execution
LIMIT 20;

-- name: metrics
-- Measured values that nobody can have measured, or that are others than those of the pass that they were measured for. Its newest value counts.
-- It walks through all of them.
SELECT 'the value ' || m.id || ' of t' || m.task || ' (' || m.name || ') is ' || m.value || CASE WHEN m.round NOT BETWEEN 0 AND t.round OR m.pass < 1
    THEN ' in round ' || m.round || ' and pass ' || coalesce(m.pass, 'none') || ', which never began' ELSE ', which is no finite number' END
FROM metrics AS m JOIN tasks AS t ON t.id = m.task
WHERE m.round NOT BETWEEN 0 AND t.round OR m.pass < 1 OR m.value NOT BETWEEN -1e308 AND 1e308
UNION ALL
SELECT 'the value ' || m.id || ' of t' || m.task || ' (' || m.name || ') is ' || m.value || '; pass ' || p.number || ' says ' || coalesce(j.value, 'nothing of it')
FROM metrics AS m JOIN passes AS p ON p.task = m.task AND p.round = m.round AND p.number = m.pass AND json_valid(p.metrics)
LEFT JOIN json_each(p.metrics) AS j ON j.key = m.name
WHERE j.value IS NOT m.value AND m.id = (SELECT max(id) FROM metrics WHERE task = m.task AND name = m.name AND round = m.round AND pass = m.pass)
LIMIT 20;

-- name: agents_belong
-- Agents at a task of another execution, of an engine that has ended, or with other words and times than their last change has in the audit.
-- It walks through all of them.
SELECT 'a' || a.id || ' is of x' || a.execution || ' and at t' || t.id || ', which is of x' || t.execution FROM agents AS a JOIN tasks AS t ON t.id = a.task
WHERE t.execution <> a.execution
UNION ALL
SELECT 'a' || a.id || ' is ' || a.state || ', and its engine has ended' FROM agents AS a JOIN engines AS e ON e.id = a.engine
WHERE a.state <> 'TERMINATED' AND e.ended_at IS NOT NULL
UNION ALL
SELECT 'a' || a.id || ' was spawned by a' || a.parent || ', which came later' FROM agents AS a WHERE a.parent >= a.id
UNION ALL
SELECT 'a' || a.id || ' changed at another time or for another reason than its audit says' FROM agents AS a
CROSS JOIN audit AS c INDEXED BY audit_by_agent ON c.agent = a.id
WHERE c.version = a.version AND c.to_state = a.state AND c.action = 'agent.' || lower(a.state) AND (c.at <> a.changed_at OR c.reason IS NOT a.reason)
UNION ALL
SELECT 'a' || a.id || ' was spawned at another time or in another engine than its audit says' FROM agents AS a
CROSS JOIN audit AS c INDEXED BY audit_by_agent ON c.agent = a.id
WHERE c.version = 0 AND c.action = 'agent.spawning' AND (c.at <> a.started_at OR c.engine IS NOT a.engine)
UNION ALL
SELECT 't' || s.task || ' is a sub-agent''s at depth ' || s.depth || ', spawned in a turn of t' || u.task || '; it is inside '
    || coalesce('t' || t.parent, 'nothing')
FROM subagents AS s JOIN tasks AS t ON t.id = s.task JOIN turns AS u ON u.id = s.turn
WHERE t.parent IS NOT u.task OR s.depth < 1 OR s.parent_agent IS NOT u.agent
LIMIT 20;

-- name: lanes_known
-- Lanes of tasks that are no lanes. The few rows of counts and lanes.
SELECT DISTINCT 'the lane ' || n.lane || ' has tasks, and no row in lanes' FROM counts AS n
WHERE n.tasks > 0 AND n.lane <> 'join' AND NOT EXISTS (SELECT 1 FROM lanes WHERE lane = n.lane)
    AND NOT :recovered
LIMIT 20;

-- name: requests
-- Requests that nobody can have made. It walks through all of them.
SELECT 'request ' || r.id || ' to t' || r.task || ' is of epoch ' || r.epoch || ', which never was' FROM requests AS r JOIN tasks AS t ON t.id = r.task
WHERE r.epoch NOT BETWEEN 0 AND t.epoch
UNION ALL
SELECT 'request ' || id || ' to t' || task || ' names nobody who asks' FROM requests WHERE actor = ''
UNION ALL
SELECT 'request ' || id || ' to t' || task || ' is closed, and says not what came of it' FROM requests WHERE (closed_at IS NULL) <> (outcome IS NULL)
LIMIT 20;

-- name: changed
-- Tasks that changed at another time than their audit says; of those that wait, which are moved with a clock that is set, nobody can say it. It walks
-- through all of them. Index audit_by_task.
SELECT 't' || t.id || ' changed at another time than its audit says' FROM tasks AS t CROSS JOIN audit AS a INDEXED BY audit_by_task ON a.task = t.id
WHERE a.version = t.version AND a.to_state = t.status AND a.action = 'task.' || t.status AND a.at <> t.changed_at
    AND t.status NOT IN ('waiting', 'pending', 'paused')
LIMIT 20;

-- name: submitted
-- Executions that somebody else submitted, or at another time, than the audit says of their root; schedules whose last execution is not theirs.
-- It walks through all executions. Index audit_by_task.
SELECT 'x' || x.id || ' was submitted by somebody else or at another time than its audit says' FROM executions AS x
CROSS JOIN audit AS a INDEXED BY audit_by_task ON a.task = x.root
WHERE a.version = 0 AND a.from_state IS NULL AND a.action IN ('task.waiting', 'task.pending') AND (a.at <> x.created_at OR a.actor <> x.actor)
UNION ALL
SELECT 's' || s.id || ' says that it has made x' || x.id || ', which it has not' FROM schedules AS s JOIN executions AS x ON x.id = s.last_execution
WHERE x.schedule IS NOT s.id
LIMIT 20;

-- name: recoveries
-- Rows of the audit that say that the file was recovered and are not by a recovery, or the other way round. It walks through the audit.
SELECT 'row ' || id || ' of the audit (' || action || ') says that it is of a recovery, by ' || actor FROM audit
WHERE (actor = 'recover') <> (action IN ('database.recovered', 'task.recovered', 'agent.recovered', 'task.lost', 'agent.lost'))
UNION ALL
SELECT 's' || id || ' says that a recovery submits it' FROM schedules WHERE json_valid(options) AND options ->> '$.actor' = 'recover'
LIMIT 20;

-- name: ranges
-- Numbers that mean nothing where they stand. It walks through all tasks.
SELECT 't' || task || ' is to be done in ' || timeout_seconds || ' seconds, with ' || retries || ' retries, at depth ' || depth || ', complexity ' || complexity
    || ', estimated ' || estimated_seconds
FROM specs WHERE timeout_seconds NOT BETWEEN 0 AND 1e11 OR retries NOT BETWEEN 0 AND 1e6 OR depth NOT BETWEEN 0 AND 1e6 OR complexity NOT BETWEEN 0 AND 1e6
    OR estimated_seconds NOT BETWEEN 0 AND 1e11
UNION ALL
SELECT 't' || id || ' is instance ' || instance || ' of ' || instances || ', pass ' || coalesce(pass, '-') || ' of round ' || coalesce(pass_round, '-') FROM tasks
WHERE instance NOT BETWEEN 1 AND instances OR pass_round < 0 OR (pass IS NOT NULL AND pass_round IS NULL)
UNION ALL
SELECT 'text ' || id || ' is condemned as ' || condemned FROM content WHERE condemned NOT IN (0, 1)
UNION ALL
SELECT 's' || id || ' is due, or was, at a time that no calendar has' FROM schedules
WHERE next_at NOT BETWEEN 0 AND 1e11 OR last_at NOT BETWEEN 0 AND 1e11 OR created_at NOT BETWEEN 0 AND 1e11 OR paused_at NOT BETWEEN 0 AND 1e11
UNION ALL
SELECT 'the lane ' || lane || ' is held at a time that no calendar has' FROM lanes WHERE held_until NOT BETWEEN 0 AND 1e11 OR held_at NOT BETWEEN 0 AND 1e11
UNION ALL
SELECT 'the engine ' || id || ' was started, or ended, at a time that no calendar has' FROM engines
WHERE started_at NOT BETWEEN 0 AND 1e11 OR ended_at NOT BETWEEN 0 AND 1e11 OR beat < 0 OR busy < 0 OR slots < 0
UNION ALL
SELECT 'the commands on status changes are done up to row ' || audit || ' of the audit, which is not there yet' FROM status_commands
WHERE audit > coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0) OR tries < 0 OR command < 0
UNION ALL
SELECT 'ids of ' || name || ' have come to their end' FROM sqlite_sequence WHERE seq > 1e15
LIMIT 20;
