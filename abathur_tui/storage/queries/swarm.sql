-- name: limit
-- How many agents somebody has asked for. By the primary key.
SELECT max_agents FROM swarm WHERE id = 1;

-- name: scale
-- Somebody asks for so many. By the primary key.
UPDATE swarm SET max_agents = :agents, set_by = :actor, set_at = :now WHERE id = 1 AND max_agents IS NOT :agents;

-- name: scale_engines
-- Engines that live have so many slots from now on. Index engines_unended.
UPDATE engines SET slots = :agents WHERE ended_at IS NULL;

-- name: keep_sample
-- What was taken. By the primary key.
INSERT INTO resources (at, engine, memory_bytes, memory_limit, cpu, cpu_limit, processes, gate)
VALUES (:at, :engine, :memory_bytes, :memory_limit, :cores, :cores_limit, :processes, :gate);

-- name: forget_samples
-- What is older than the newest so many. By the primary key.
DELETE FROM resources WHERE id <= (SELECT max(id) FROM resources) - ?;

-- name: samples
-- The newest samples. By the primary key.
SELECT at, engine, memory_bytes, memory_limit, cpu, cpu_limit, processes, gate FROM resources ORDER BY id DESC LIMIT ?;

-- name: gate
-- What holds new agents up. By the primary key.
UPDATE swarm SET gate = :gate WHERE id = 1 AND gate <> :gate;

-- name: audit
-- What was decided about the swarm, for the audit.
INSERT INTO audit (at, actor, action, engine, reason, detail) VALUES (:now, :actor, :action, :engine, :reason, :detail);
