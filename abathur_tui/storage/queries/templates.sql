-- name: uses
-- How often each version of each template was used; a loop's passes are part of it. By the primary key.
SELECT template, template_version, count(*) FROM tasks
WHERE id > (SELECT coalesce(max(id), 0) FROM tasks) - :newest AND template IS NOT NULL AND pass IS NULL
GROUP BY template, template_version;

-- name: records
-- How the newest tasks of each version of each template have done; what never started, or was cancelled, says nothing about it.
-- By the primary keys of tasks and attempts, a loop's passes by tasks_by_parent.
SELECT template, template_version, count(*), sum(judged), sum(completed), avg(CASE WHEN completed THEN seconds END),
    avg(CASE WHEN completed THEN tokens END), avg(CASE WHEN completed AND unpriced = 0 THEN cost_usd END)
FROM (
    SELECT t.template, t.template_version, t.status = 'completed' AS completed,
        t.started_at IS NOT NULL AND t.status IN ('completed', 'failed', 'dead') AS judged,
        (SELECT sum(max(a.ended_at - a.started_at, 0)) FROM attempts AS a WHERE a.task = t.id) AS seconds,
        t.tokens_input + t.tokens_output
            + coalesce((SELECT sum(p.tokens_input + p.tokens_output) FROM tasks AS p WHERE p.parent = t.id AND p.pass IS NOT NULL), 0) AS tokens,
        t.cost_usd + coalesce((SELECT sum(p.cost_usd) FROM tasks AS p WHERE p.parent = t.id AND p.pass IS NOT NULL), 0) AS cost_usd,
        t.unpriced + coalesce((SELECT sum(p.unpriced) FROM tasks AS p WHERE p.parent = t.id AND p.pass IS NOT NULL), 0) AS unpriced
    FROM tasks AS t
    WHERE t.id > (SELECT coalesce(max(id), 0) FROM tasks) - :newest AND t.template IS NOT NULL AND t.pass IS NULL
)
GROUP BY template, template_version;

-- name: kept
-- A text that an execution has kept. By the primary keys.
SELECT content.body FROM execution_templates JOIN content ON content.hash = execution_templates.body
WHERE execution_templates.execution = :execution AND execution_templates.template = :name;
