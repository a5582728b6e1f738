-- name: limit
-- How many agents somebody has asked for. By the primary key.
SELECT max_agents FROM swarm WHERE id = 1;

-- name: scale
-- Somebody asks for so many. By the primary key.
UPDATE swarm SET max_agents = :agents, set_by = :actor, set_at = :now WHERE id = 1 AND max_agents IS NOT :agents;

-- name: scale_engines
-- Engines that live have so many slots from now on. Index engines_unended.
UPDATE engines SET slots = :agents WHERE ended_at IS NULL;

-- name: audit
-- What was decided about the swarm, for the audit.
INSERT INTO audit (at, actor, action, engine, reason, detail) VALUES (:now, :actor, :action, :engine, :reason, :detail);
