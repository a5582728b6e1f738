-- What happened stays as it was written: what a task took, said, was asked and was paid for is never less, never another and never gone.
-- What costs nothing where all is well is a law here; the rest is compared by `db check`, as docs/database.md says.
-- A trigger on columns that no statement of Abathur sets is never run by it. Where a row's id is not given, it is -1 in a BEFORE INSERT trigger.

-- Tasks.

CREATE TRIGGER tasks_stay BEFORE UPDATE OF
    seq, parent, kind, name, template, template_version, agent, memory_bytes, cores, tags, instance, instances, pass, pass_round, created_at ON tasks
WHEN new.seq <> old.seq OR new.parent IS NOT old.parent OR new.kind <> old.kind OR new.name <> old.name OR new.template IS NOT old.template
    OR new.template_version IS NOT old.template_version OR new.agent IS NOT old.agent OR new.memory_bytes IS NOT old.memory_bytes
    OR new.cores IS NOT old.cores OR new.tags <> old.tags OR new.instance <> old.instance OR new.instances <> old.instances
    OR new.pass IS NOT old.pass OR new.pass_round IS NOT old.pass_round OR new.created_at <> old.created_at
BEGIN
    SELECT raise(ABORT, 'law: what a task was submitted as stays');
END;

CREATE TRIGGER tasks_taken BEFORE UPDATE OF
    status, result, started_at, finished_at, error_code, error_message, cause, attempt, failures, tokens_input, tokens_output, cost_usd, unpriced, round,
    crashes, on_failure, progress, detail ON tasks
WHEN new.tokens_input < old.tokens_input OR new.tokens_output < old.tokens_output OR new.cost_usd NOT BETWEEN old.cost_usd AND 1e12
    OR new.unpriced < old.unpriced OR (new.status = 'completed' AND new.result IS NULL)
    OR (new.status = old.status AND (
        new.result IS NOT old.result OR new.started_at IS NOT old.started_at OR new.finished_at IS NOT old.finished_at
        OR new.error_code IS NOT old.error_code OR new.error_message IS NOT old.error_message OR new.cause IS NOT old.cause
        OR new.attempt <> old.attempt OR new.failures <> old.failures
        OR (old.finished_at IS NOT NULL AND (
            new.tokens_input <> old.tokens_input OR new.tokens_output <> old.tokens_output OR new.cost_usd <> old.cost_usd
            OR new.round <> old.round OR new.crashes <> old.crashes OR new.on_failure <> old.on_failure OR new.progress IS NOT old.progress
            OR new.detail NOT IN (old.detail, '{}')
        ))
    ))
BEGIN
    SELECT CASE
        WHEN new.status = 'completed' AND new.result IS NULL THEN raise(ABORT, 'law: what is completed has a result')
        ELSE raise(ABORT, 'law: what a task took is a finite number and never less; how it began, ended and failed changes with its status')
    END;
END;

CREATE TRIGGER specs_first BEFORE INSERT ON specs WHEN EXISTS (SELECT 1 FROM specs WHERE task = new.task)
BEGIN
    SELECT raise(ABORT, 'law: what a task was asked is not replaced');
END;

CREATE TRIGGER specs_stay BEFORE UPDATE OF
    task, node, depth, prompt, parameters, given, refs, model, timeout_seconds, retries, join_spec, success, lead, estimated_seconds, complexity ON specs
WHEN new.task <> old.task OR new.node <> old.node OR new.depth <> old.depth OR new.prompt <> old.prompt
    OR (new.parameters <> old.parameters AND (old.given IS NULL OR new.given IS NOT NULL))
    OR (new.given IS NOT old.given AND (
        new.given IS NOT NULL OR (SELECT purged_at IS NULL FROM executions WHERE id = (SELECT execution FROM tasks WHERE id = new.task))
    ))
    OR new.refs <> old.refs OR new.model IS NOT old.model OR new.timeout_seconds <> old.timeout_seconds OR new.retries <> old.retries
    OR new.join_spec IS NOT old.join_spec OR new.success IS NOT old.success OR new.lead IS NOT old.lead
    OR new.estimated_seconds <> old.estimated_seconds OR new.complexity <> old.complexity
BEGIN
    SELECT raise(ABORT, 'law: what a task was asked stays; of what was purged its parameters leave their hash');
END;

CREATE TRIGGER specs_no_delete BEFORE DELETE ON specs
BEGIN
    SELECT raise(ABORT, 'law: what a task was asked is not deleted');
END;

DROP TRIGGER edges_law;

CREATE TRIGGER edges_law BEFORE UPDATE OF task, depends_on, need, position, required ON edges
WHEN new.task <> old.task OR new.depends_on <> old.depends_on OR new.need <> old.need OR new.position <> old.position OR new.required <> old.required
BEGIN
    SELECT raise(ABORT, 'law: of an edge only the state changes');
END;

CREATE TRIGGER edges_first BEFORE INSERT ON edges WHEN EXISTS (SELECT 1 FROM edges WHERE task = new.task AND depends_on = new.depends_on)
BEGIN
    SELECT raise(ABORT, 'law: edges are not replaced');
END;

-- Executions.

CREATE TRIGGER executions_stay BEFORE UPDATE OF root, source, runtime, actor, created_at, schedule ON executions
WHEN (old.root IS NOT NULL AND new.root IS NOT old.root) OR new.source <> old.source OR new.runtime <> old.runtime OR new.actor <> old.actor
    OR new.created_at <> old.created_at OR (old.schedule IS NOT NULL AND new.schedule IS NOT old.schedule)
BEGIN
    SELECT raise(ABORT, 'law: what was submitted, by whom and how it is run stays');
END;

CREATE TRIGGER execution_templates_first BEFORE INSERT ON execution_templates
WHEN EXISTS (SELECT 1 FROM execution_templates WHERE execution = new.execution AND template = new.template)
BEGIN
    SELECT raise(ABORT, 'law: an execution keeps the templates that it was planned with');
END;

CREATE TRIGGER execution_templates_no_update BEFORE UPDATE ON execution_templates
BEGIN
    SELECT raise(ABORT, 'law: an execution keeps the templates that it was planned with');
END;

CREATE TRIGGER execution_templates_no_delete BEFORE DELETE ON execution_templates
BEGIN
    SELECT raise(ABORT, 'law: an execution keeps the templates that it was planned with');
END;

-- Attempts.

CREATE TRIGGER attempts_first BEFORE INSERT ON attempts
WHEN EXISTS (SELECT 1 FROM attempts WHERE task = new.task AND (epoch >= new.epoch OR outcome = 'running'))
    OR new.epoch IS NOT (SELECT epoch FROM tasks WHERE id = new.task)
BEGIN
    SELECT raise(ABORT, 'law: an attempt has its claim''s epoch, one at a time, and replaces none');
END;

CREATE TRIGGER attempts_stay BEFORE UPDATE OF task, epoch, number, engine, started_at ON attempts
WHEN new.task <> old.task OR new.epoch <> old.epoch OR new.number <> old.number OR new.engine <> old.engine OR new.started_at <> old.started_at
BEGIN
    SELECT raise(ABORT, 'law: of an attempt only its agent and its end are written');
END;

CREATE TRIGGER attempts_end BEFORE UPDATE OF agent, ended_at, outcome, error_code, error_message ON attempts WHEN old.outcome <> 'running'
BEGIN
    SELECT raise(ABORT, 'law: an attempt ends once');
END;

CREATE TRIGGER attempts_no_delete BEFORE DELETE ON attempts
BEGIN
    SELECT raise(ABORT, 'law: attempts are not deleted');
END;

-- Turns, and what was done in them.

CREATE TRIGGER turns_stay BEFORE UPDATE OF id, task, round, epoch, attempt, number, agent, shared, messages, started_at ON turns
WHEN new.id <> old.id OR new.task <> old.task OR new.round <> old.round OR new.epoch <> old.epoch OR new.attempt <> old.attempt
    OR new.number <> old.number OR new.agent IS NOT old.agent OR new.shared <> old.shared OR new.messages <> old.messages
    OR new.started_at <> old.started_at
BEGIN
    SELECT raise(ABORT, 'law: whose turn it is and what was sent stays');
END;

CREATE TRIGGER turns_end BEFORE UPDATE OF
    state, answer, said, timing, model, stop_reason, request_id, tokens_input, tokens_output, tokens_cache_read, tokens_cache_write, cost_usd,
    reason, ended_at ON turns
WHEN old.state <> 'open' OR new.state = 'open' OR new.tokens_input < 0 OR new.tokens_output < 0 OR new.tokens_cache_read < 0
    OR new.tokens_cache_write < 0 OR new.cost_usd NOT BETWEEN 0 AND 1e12
BEGIN
    SELECT CASE
        WHEN old.state <> 'open' OR new.state = 'open' THEN raise(ABORT, 'law: a turn ends once')
        ELSE raise(ABORT, 'law: what a turn took is a finite number and not less than nothing')
    END;
END;

CREATE TRIGGER turns_no_delete BEFORE DELETE ON turns
BEGIN
    SELECT raise(ABORT, 'law: turns are not deleted');
END;

CREATE TRIGGER tool_calls_first BEFORE INSERT ON tool_calls
WHEN EXISTS (SELECT 1 FROM tool_calls WHERE turn = new.turn AND id = new.id AND status IN ('done', 'error'))
BEGIN
    SELECT raise(ABORT, 'law: a tool call that has an outcome is not begun again');
END;

CREATE TRIGGER tool_calls_law BEFORE UPDATE ON tool_calls
WHEN old.status IN ('done', 'error') OR new.turn <> old.turn OR new.id <> old.id OR new.task <> old.task OR new.tool <> old.tool
    OR new.arguments <> old.arguments
BEGIN
    SELECT raise(ABORT, 'law: a tool call has one outcome, and what was called stays');
END;

CREATE TRIGGER tool_calls_no_delete BEFORE DELETE ON tool_calls
BEGIN
    SELECT raise(ABORT, 'law: tool calls are not deleted');
END;

-- Loops. A pass whose checksum does not fit is run again and takes its place: `db check` compares passes with the audit.

CREATE TRIGGER passes_stay BEFORE UPDATE OF task, round, number ON passes
WHEN new.task <> old.task OR new.round <> old.round OR new.number <> old.number
BEGIN
    SELECT raise(ABORT, 'law: a pass stays where it is');
END;

CREATE TRIGGER passes_no_delete BEFORE DELETE ON passes
BEGIN
    SELECT raise(ABORT, 'law: passes are not deleted');
END;

CREATE TRIGGER metrics_first BEFORE INSERT ON metrics WHEN new.id <> -1 OR new.value NOT BETWEEN -1e308 AND 1e308
BEGIN
    SELECT raise(ABORT, 'law: a measured value is a finite number, gets the next id and replaces none');
END;

CREATE TRIGGER metrics_no_update BEFORE UPDATE ON metrics
BEGIN
    SELECT raise(ABORT, 'law: a measured value stays');
END;

CREATE TRIGGER metrics_no_delete BEFORE DELETE ON metrics
BEGIN
    SELECT raise(ABORT, 'law: a measured value stays');
END;

CREATE TRIGGER loops_first BEFORE INSERT ON loops
WHEN new.id <> -1 OR EXISTS (SELECT 1 FROM loops WHERE task = new.task)
BEGIN
    SELECT raise(ABORT, 'law: a loop gets the next id and replaces none');
END;

CREATE TRIGGER loops_no_update BEFORE UPDATE ON loops
BEGIN
    SELECT raise(ABORT, 'law: a loop''s id stays');
END;

CREATE TRIGGER loops_no_delete BEFORE DELETE ON loops
BEGIN
    SELECT raise(ABORT, 'law: loops are not deleted');
END;

CREATE TRIGGER loop_bodies_first BEFORE INSERT ON loop_bodies WHEN EXISTS (SELECT 1 FROM loop_bodies WHERE task = new.task)
BEGIN
    SELECT raise(ABORT, 'law: what a loop makes in each pass stays');
END;

CREATE TRIGGER loop_bodies_no_update BEFORE UPDATE ON loop_bodies
BEGIN
    SELECT raise(ABORT, 'law: what a loop makes in each pass stays');
END;

CREATE TRIGGER loop_bodies_no_delete BEFORE DELETE ON loop_bodies
BEGIN
    SELECT raise(ABORT, 'law: what a loop makes in each pass stays');
END;

-- Sub-agents.

CREATE TRIGGER subagents_first BEFORE INSERT ON subagents
WHEN EXISTS (SELECT 1 FROM subagents WHERE task = new.task OR (turn = new.turn AND call = new.call))
BEGIN
    SELECT raise(ABORT, 'law: whose sub-agent does a task, and what it may, stays');
END;

CREATE TRIGGER subagents_no_update BEFORE UPDATE ON subagents
BEGIN
    SELECT raise(ABORT, 'law: whose sub-agent does a task, and what it may, stays');
END;

CREATE TRIGGER subagents_no_delete BEFORE DELETE ON subagents
BEGIN
    SELECT raise(ABORT, 'law: whose sub-agent does a task, and what it may, stays');
END;

-- Agents.

CREATE TRIGGER agents_stay BEFORE UPDATE OF parent, engine, definition, started_at ON agents
WHEN new.parent IS NOT old.parent OR new.engine <> old.engine OR new.definition <> old.definition OR new.started_at <> old.started_at
BEGIN
    SELECT raise(ABORT, 'law: what an agent is, where it lives and who spawned it stays');
END;

-- Requests.

CREATE TRIGGER requests_first BEFORE INSERT ON requests WHEN new.id <> -1 OR new.closed_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'law: a request gets the next id, replaces none, and is open');
END;

CREATE TRIGGER requests_law BEFORE UPDATE ON requests
WHEN old.closed_at IS NOT NULL OR new.id <> old.id OR new.task <> old.task OR new.epoch <> old.epoch OR new.kind <> old.kind OR new.actor <> old.actor
    OR new.payload <> old.payload OR new.created_at <> old.created_at
BEGIN
    SELECT raise(ABORT, 'law: a request is closed once, and nothing else of it is changed');
END;

CREATE TRIGGER requests_no_delete BEFORE DELETE ON requests
BEGIN
    SELECT raise(ABORT, 'law: requests are not deleted');
END;

-- Money, day by day.

CREATE TRIGGER usage_law BEFORE UPDATE ON usage
WHEN new.day <> old.day OR new.model <> old.model OR new.turns < old.turns OR new.tokens_input < old.tokens_input
    OR new.tokens_output < old.tokens_output OR new.tokens_cache_read < old.tokens_cache_read OR new.tokens_cache_write < old.tokens_cache_write
    OR new.cost_usd NOT BETWEEN old.cost_usd AND 1e12 OR new.unpriced < old.unpriced
BEGIN
    SELECT raise(ABORT, 'law: what a day took is a finite number and never less');
END;

CREATE TRIGGER usage_no_delete BEFORE DELETE ON usage
BEGIN
    SELECT raise(ABORT, 'law: what a day took is not deleted');
END;

-- Texts: only what is condemned is taken away.

CREATE TRIGGER content_law BEFORE UPDATE ON content
WHEN new.id <> old.id OR new.hash <> old.hash OR (old.body IS NOT NULL AND old.condemned = 0 AND new.body IS NOT old.body)
BEGIN
    SELECT raise(ABORT, 'law: a text stays as it is under its hash, and only one that nothing needs is taken away');
END;

CREATE TRIGGER content_no_delete BEFORE DELETE ON content
BEGIN
    SELECT raise(ABORT, 'law: hashes are not deleted');
END;

-- Seals: none over rows that are not there.

CREATE TRIGGER seals_real BEFORE INSERT ON seals
WHEN NOT EXISTS (SELECT 1 FROM audit WHERE id = new.first) OR NOT EXISTS (SELECT 1 FROM audit WHERE id = new.last)
BEGIN
    SELECT raise(ABORT, 'law: a seal is over rows that are there');
END;

-- Swept seals go from the beginning; the newest of them stays, for the chain of those that are kept hangs from it.

DROP TRIGGER seals_no_delete;

CREATE TRIGGER seals_no_delete BEFORE DELETE ON seals
WHEN old.swept_at IS NULL OR EXISTS (SELECT 1 FROM seals WHERE first < old.first)
    OR coalesce((SELECT swept_at IS NULL FROM seals WHERE first > old.first ORDER BY first LIMIT 1), 1)
BEGIN
    SELECT raise(ABORT, 'law: no seal is deleted but swept ones, the oldest first, and never the newest of them');
END;

-- Rows that are only ever added and brought up to date.

CREATE TRIGGER schedules_stay BEFORE UPDATE OF id, name, cron, timezone, plan, options, actor, created_at, removed_at ON schedules
WHEN new.id <> old.id OR new.name <> old.name OR new.cron <> old.cron OR new.timezone <> old.timezone OR new.plan <> old.plan
    OR new.options <> old.options OR new.actor <> old.actor OR new.created_at <> old.created_at
    OR (old.removed_at IS NOT NULL AND new.removed_at IS NOT old.removed_at)
BEGIN
    SELECT raise(ABORT, 'law: what recurs stays as it was made, and is removed once');
END;

CREATE TRIGGER schedules_first BEFORE INSERT ON schedules WHEN new.id <> -1
BEGIN
    SELECT raise(ABORT, 'law: a schedule gets the next id and replaces none');
END;

CREATE TRIGGER schedules_no_delete BEFORE DELETE ON schedules
BEGIN
    SELECT raise(ABORT, 'law: schedules are not deleted');
END;

CREATE TRIGGER engines_first BEFORE INSERT ON engines WHEN EXISTS (SELECT 1 FROM engines WHERE id = new.id)
BEGIN
    SELECT raise(ABORT, 'law: an engine''s id is new at every start');
END;

CREATE TRIGGER engines_stay BEFORE UPDATE OF id, pid, host, started_at, ended_at ON engines
WHEN new.id <> old.id OR new.pid <> old.pid OR new.host <> old.host OR new.started_at <> old.started_at OR old.ended_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'law: an engine ends once');
END;

CREATE TRIGGER engines_no_delete BEFORE DELETE ON engines
BEGIN
    SELECT raise(ABORT, 'law: engines are not deleted');
END;

CREATE TRIGGER counts_no_delete BEFORE DELETE ON counts
BEGIN
    SELECT raise(ABORT, 'law: counts are not deleted');
END;

CREATE TRIGGER lanes_no_delete BEFORE DELETE ON lanes
BEGIN
    SELECT raise(ABORT, 'law: lanes are not deleted');
END;

CREATE TRIGGER lanes_stay BEFORE UPDATE OF lane ON lanes WHEN new.lane <> old.lane
BEGIN
    SELECT raise(ABORT, 'law: a lane''s name stays');
END;

CREATE TRIGGER counts_stay BEFORE UPDATE OF lane, status ON counts WHEN new.lane <> old.lane OR new.status <> old.status
BEGIN
    SELECT raise(ABORT, 'law: what is counted stays');
END;

CREATE TRIGGER logs_no_update BEFORE UPDATE ON logs
BEGIN
    SELECT raise(ABORT, 'law: lines of the log are not changed');
END;

CREATE TRIGGER swarm_no_delete BEFORE DELETE ON swarm
BEGIN
    SELECT raise(ABORT, 'law: the swarm has one row');
END;

CREATE TRIGGER meta_first BEFORE INSERT ON meta WHEN new.key = 'id' AND EXISTS (SELECT 1 FROM meta WHERE key = 'id')
BEGIN
    SELECT raise(ABORT, 'law: the project''s id stays');
END;

CREATE TRIGGER meta_stays BEFORE UPDATE ON meta WHEN old.key = 'id' OR new.key = 'id'
BEGIN
    SELECT raise(ABORT, 'law: the project''s id stays');
END;

CREATE TRIGGER meta_no_delete BEFORE DELETE ON meta WHEN old.key = 'id'
BEGIN
    SELECT raise(ABORT, 'law: the project''s id stays');
END;

CREATE TRIGGER migrations_no_update BEFORE UPDATE ON migrations
BEGIN
    SELECT raise(ABORT, 'law: the record of the schema''s versions stays');
END;

CREATE TRIGGER migrations_no_delete BEFORE DELETE ON migrations
BEGIN
    SELECT raise(ABORT, 'law: the record of the schema''s versions stays');
END;
