-- What belongs to what, and who may say that the file was recovered. Nothing here is met by a plain task but two comparisons of numbers and one of text.

DROP TRIGGER tasks_law;

-- The epoch is the fence of whoever works at a task: raised past its claim, nobody could ever end the task, nor take it back.
CREATE TRIGGER tasks_law BEFORE UPDATE OF id, status, version, epoch, engine, lane, execution ON tasks
WHEN new.status <> old.status OR new.version <> old.version OR new.epoch <> old.epoch OR new.lane <> old.lane OR new.execution <> old.execution
    OR new.id <> old.id OR (new.engine IS NOT old.engine AND new.status = old.status)
BEGIN
    SELECT CASE
        WHEN new.epoch < old.epoch OR new.lane <> old.lane OR new.execution <> old.execution OR new.id <> old.id
            OR (new.status = old.status AND new.version <> old.version)
            THEN raise(ABORT, 'law: version goes with status, epoch never goes back, id, lane and execution stay')
        WHEN new.status = old.status AND new.epoch = old.epoch THEN raise(ABORT, 'law: the engine changes with the status')
        WHEN new.epoch <> old.epoch + (new.status = 'running' AND old.status <> 'running')
            THEN raise(ABORT, 'law: a claim raises the epoch by one, and nothing else does')
        WHEN NOT EXISTS (SELECT 1 FROM transitions WHERE from_status = old.status AND to_status = new.status)
            THEN raise(ABORT, 'law: this status change is not allowed')
        WHEN new.version <> old.version + 1 THEN raise(ABORT, 'law: every status change raises version by one')
        WHEN new.actor = '' OR new.reason = '' OR (old.status = 'running' AND new.reason = 'claimed' AND new.actor = 'engine')
            THEN raise(ABORT, 'law: every change names actor and reason')
        WHEN new.status = 'running' AND new.engine IS NULL THEN raise(ABORT, 'law: a claim names its engine')
        WHEN (old.status = 'failed' OR old.status = 'dead' OR old.status = 'cancelled')
            AND (SELECT purged_at IS NOT NULL FROM executions WHERE id = new.execution)
            THEN raise(ABORT, 'law: what was purged does not run again')
    END;
END;

DROP TRIGGER audit_no_replace;

-- What a recovery has lost is not missed by the check: nobody else may say that there was one. It writes while the laws are not in force.
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN new.id <> -1 OR new.actor = 'recover'
BEGIN
    SELECT CASE
        WHEN new.id <> -1 THEN raise(ABORT, 'law: rows of the audit get the next id, and none is replaced')
        ELSE raise(ABORT, 'law: only a recovery says that there was one')
    END;
END;

DROP TRIGGER loops_first;

CREATE TRIGGER loops_first BEFORE INSERT ON loops
WHEN new.id <> -1 OR EXISTS (SELECT 1 FROM loops WHERE task = new.task) OR (SELECT kind FROM tasks WHERE id = new.task) IS NOT 'loop'
BEGIN
    SELECT raise(ABORT, 'law: a loop is a task of that kind, gets the next id and replaces none');
END;

CREATE TRIGGER loop_bodies_of_loops BEFORE INSERT ON loop_bodies WHEN (SELECT kind FROM tasks WHERE id = new.task) IS NOT 'loop'
BEGIN
    SELECT raise(ABORT, 'law: only a loop makes something in each pass');
END;

CREATE TRIGGER passes_of_loops BEFORE INSERT ON passes
WHEN (SELECT kind FROM tasks WHERE id = new.task) IS NOT 'loop' OR (SELECT execution FROM tasks WHERE id = new.pass_task) IS NOT
    (SELECT execution FROM tasks WHERE id = new.task)
BEGIN
    SELECT raise(ABORT, 'law: a pass is a loop''s, by a task of its execution');
END;

DROP TRIGGER metrics_first;

CREATE TRIGGER metrics_first BEFORE INSERT ON metrics
WHEN new.id <> -1 OR new.value NOT BETWEEN -1e308 AND 1e308 OR new.name = '' OR new.pass < 1
    OR (SELECT round = new.round AND status = 'running' FROM tasks WHERE id = new.task) IS NOT 1
BEGIN
    SELECT raise(ABORT, 'law: a measured value is a finite number of a round that runs, gets the next id and replaces none');
END;

DROP TRIGGER agents_first;

CREATE TRIGGER agents_first BEFORE INSERT ON agents
WHEN new.state <> 'SPAWNING' OR new.id <> -1 OR new.version <> 0 OR new.ended_at IS NOT NULL OR new.turn <> 0
    OR new.tokens_input <> 0 OR new.tokens_output <> 0 OR new.cost_usd <> 0 OR new.unpriced <> 0
BEGIN
    SELECT raise(ABORT, 'law: an agent begins as SPAWNING and has taken nothing, gets the next id and replaces none');
END;

DROP TRIGGER requests_first;

CREATE TRIGGER requests_first BEFORE INSERT ON requests
WHEN new.id <> -1 OR new.closed_at IS NOT NULL OR new.actor = ''
    OR new.epoch IS NOT (SELECT epoch FROM tasks WHERE id = new.task)
BEGIN
    SELECT raise(ABORT, 'law: a request gets the next id, replaces none, is open, of the task''s epoch, and names its actor');
END;
