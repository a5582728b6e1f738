-- The ways round the laws that SQLite leaves open: a replacing insert deletes without a DELETE trigger, ids are columns like others, and the tables
-- of what is allowed are tables like others. Where a row's id is not given, it is -1 in a BEFORE INSERT trigger.

DROP TRIGGER audit_no_replace;

CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit WHEN new.id <> -1
BEGIN
    SELECT raise(ABORT, 'law: rows of the audit get the next id, and none is replaced');
END;

DROP TRIGGER tasks_first;

CREATE TRIGGER tasks_first BEFORE INSERT ON tasks
WHEN new.status NOT IN ('waiting', 'pending') OR new.actor = '' OR new.reason = '' OR EXISTS (SELECT 1 FROM tasks WHERE id = new.id)
BEGIN
    SELECT CASE
        WHEN new.status NOT IN ('waiting', 'pending') THEN raise(ABORT, 'law: a task begins as waiting or pending')
        WHEN new.actor = '' OR new.reason = '' THEN raise(ABORT, 'law: every change names actor and reason')
        ELSE raise(ABORT, 'law: tasks are not replaced')
    END;
END;

DROP TRIGGER tasks_law;

CREATE TRIGGER tasks_law BEFORE UPDATE OF id, status, version, epoch, engine, lane, execution ON tasks
WHEN new.status <> old.status OR new.version <> old.version OR new.epoch < old.epoch OR new.lane <> old.lane OR new.execution <> old.execution
    OR new.id <> old.id OR (new.engine IS NOT old.engine AND new.status = old.status)
BEGIN
    SELECT CASE
        WHEN new.epoch < old.epoch OR new.lane <> old.lane OR new.execution <> old.execution OR new.id <> old.id
            OR (new.status = old.status AND new.version <> old.version)
            THEN raise(ABORT, 'law: version goes with status, epoch never goes back, id, lane and execution stay')
        WHEN new.status = old.status THEN raise(ABORT, 'law: the engine changes with the status')
        WHEN NOT EXISTS (SELECT 1 FROM transitions WHERE from_status = old.status AND to_status = new.status)
            THEN raise(ABORT, 'law: this status change is not allowed')
        WHEN new.version <> old.version + 1 THEN raise(ABORT, 'law: every status change raises version by one')
        WHEN new.actor = '' OR new.reason = '' THEN raise(ABORT, 'law: every change names actor and reason')
        WHEN new.status = 'running' AND (new.epoch <= old.epoch OR new.engine IS NULL)
            THEN raise(ABORT, 'law: a claim raises the epoch and names its engine')
        WHEN old.status IN ('failed', 'dead', 'cancelled') AND (SELECT purged_at IS NOT NULL FROM executions WHERE id = new.execution)
            THEN raise(ABORT, 'law: what was purged does not run again')
    END;
END;

CREATE TRIGGER transitions_no_insert BEFORE INSERT ON transitions
BEGIN
    SELECT raise(ABORT, 'law: what is allowed stays');
END;

CREATE TRIGGER transitions_no_update BEFORE UPDATE ON transitions
BEGIN
    SELECT raise(ABORT, 'law: what is allowed stays');
END;

CREATE TRIGGER transitions_no_delete BEFORE DELETE ON transitions
BEGIN
    SELECT raise(ABORT, 'law: what is allowed stays');
END;

CREATE TRIGGER agent_transitions_no_insert BEFORE INSERT ON agent_transitions
BEGIN
    SELECT raise(ABORT, 'law: what is allowed stays');
END;

CREATE TRIGGER agent_transitions_no_update BEFORE UPDATE ON agent_transitions
BEGIN
    SELECT raise(ABORT, 'law: what is allowed stays');
END;

CREATE TRIGGER agent_transitions_no_delete BEFORE DELETE ON agent_transitions
BEGIN
    SELECT raise(ABORT, 'law: what is allowed stays');
END;

-- Edges: what a task waits for is said once.

CREATE TRIGGER edges_law BEFORE UPDATE OF task, depends_on, need ON edges
WHEN new.task <> old.task OR new.depends_on <> old.depends_on OR new.need <> old.need
BEGIN
    SELECT raise(ABORT, 'law: of an edge only the state changes');
END;

CREATE TRIGGER edges_no_delete BEFORE DELETE ON edges
BEGIN
    SELECT raise(ABORT, 'law: edges are not deleted');
END;

-- Agents.

DROP TRIGGER agents_first;

CREATE TRIGGER agents_first BEFORE INSERT ON agents WHEN new.state <> 'SPAWNING' OR new.id <> -1
BEGIN
    SELECT raise(ABORT, 'law: an agent begins as SPAWNING, gets the next id and replaces none');
END;

DROP TRIGGER agents_law;

CREATE TRIGGER agents_law BEFORE UPDATE OF id, state, version ON agents
WHEN new.state <> old.state OR new.version <> old.version OR new.id <> old.id
BEGIN
    SELECT CASE
        WHEN new.id <> old.id OR new.state = old.state THEN raise(ABORT, 'law: an agent''s version goes with its state, and its id stays')
        WHEN NOT EXISTS (SELECT 1 FROM agent_transitions WHERE from_state = old.state AND to_state = new.state)
            THEN raise(ABORT, 'law: this change of an agent''s state is not allowed')
        WHEN new.version <> old.version + 1 THEN raise(ABORT, 'law: every change of an agent''s state raises version by one')
    END;
END;

CREATE TRIGGER agents_no_delete BEFORE DELETE ON agents
BEGIN
    SELECT raise(ABORT, 'law: agents are not deleted');
END;

-- Executions: what was purged stays so.

DROP TRIGGER executions_purge;

CREATE TRIGGER executions_law BEFORE UPDATE OF id, purged_at ON executions
WHEN new.id <> old.id OR old.purged_at IS NOT NULL OR EXISTS (
    SELECT 1 FROM tasks
    WHERE execution = new.id AND status IN ('waiting', 'pending', 'running', 'paused', 'interrupted')
)
BEGIN
    SELECT raise(ABORT, 'law: only an execution that has ended is purged, once, and its id stays');
END;

CREATE TRIGGER executions_no_replace BEFORE INSERT ON executions WHEN new.id <> -1
BEGIN
    SELECT raise(ABORT, 'law: an execution gets the next id and replaces none');
END;

CREATE TRIGGER executions_no_delete BEFORE DELETE ON executions
BEGIN
    SELECT raise(ABORT, 'law: executions are not deleted');
END;

-- Shared state: what would begin anew with a version that somebody has read already.

CREATE TRIGGER state_first BEFORE INSERT ON state
WHEN new.version <> 1 OR EXISTS (SELECT 1 FROM state WHERE execution = new.execution AND key = new.key)
BEGIN
    SELECT raise(ABORT, 'law: a new key in the shared state has version 1, and none is replaced');
END;

DROP TRIGGER state_law;

CREATE TRIGGER state_law BEFORE UPDATE ON state WHEN new.version <> old.version + 1 OR new.execution <> old.execution OR new.key <> old.key
BEGIN
    SELECT raise(ABORT, 'law: every write to the shared state raises version by one, and its key stays');
END;

CREATE TRIGGER state_no_delete BEFORE DELETE ON state WHEN (SELECT purged_at IS NULL FROM executions WHERE id = old.execution)
BEGIN
    SELECT raise(ABORT, 'law: the shared state of an execution stays until it is purged');
END;
