-- What must hold before a task changes, in one trigger: each one costs, whether it has anything to say or not.

DROP TRIGGER tasks_law;
DROP TRIGGER tasks_version;
DROP TRIGGER tasks_purged;

CREATE TRIGGER tasks_law BEFORE UPDATE OF status, version, epoch, lane, execution ON tasks
WHEN new.status <> old.status OR new.version <> old.version OR new.epoch < old.epoch OR new.lane <> old.lane OR new.execution <> old.execution
BEGIN
    SELECT CASE
        WHEN new.epoch < old.epoch OR new.lane <> old.lane OR new.execution <> old.execution
            OR (new.status = old.status AND new.version <> old.version)
            THEN raise(ABORT, 'law: version goes with status, epoch never goes back, lane and execution stay')
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
