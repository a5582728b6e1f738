-- name: audit
-- Status changes after an id. CONDITION is empty or a filter with an index of its own (audit_by_task, audit_by_execution, audit_by_agent).
SELECT a.id, a.at, a.task, a.agent, a.execution, a.action, a.reason, a.detail, t.name
FROM audit AS a LEFT JOIN tasks AS t ON t.id = a.task
WHERE a.id > :since AND (a.action GLOB 'task.*' OR a.action GLOB 'agent.*' OR a.action GLOB 'lane.*' OR a.action GLOB 'request.*') CONDITION
ORDER BY a.id ORDER LIMIT :most;

-- name: logs
-- Log lines after an id, with what a finished turn said. CONDITION as above (logs_by_task, logs_by_execution, logs_by_agent).
SELECT a.id, a.at, a.task, a.agent, a.execution, a.level, a.kind, a.text, a.turn, c.body
FROM logs AS a LEFT JOIN turns AS u ON u.id = a.turn LEFT JOIN content AS c ON c.hash = u.said
WHERE a.id > :since CONDITION
ORDER BY a.id ORDER LIMIT :most;

-- name: output
-- What is being said in turns that are not finished. By the primary key; the table holds only the present.
SELECT a.id, a.at, a.task, u.agent, t.execution, a.turn, a.offset, a.text
FROM output AS a JOIN turns AS u ON u.id = a.turn JOIN tasks AS t ON t.id = a.task
WHERE a.id > :since CONDITION
ORDER BY a.id ORDER LIMIT :most;

-- name: ends
-- The last id of each source. The few rows of sqlite_sequence.
SELECT
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'audit'), 0), coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'logs'), 0),
    coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'output'), 0);
