-- The same laws for less: they run at every change of a task.

-- Of a list of more than two SQLite makes a tree of its own each time that it meets one, in a check as in a trigger: some thirty for a task from its
-- submit to its end. So alternatives stand one by one. What a table's checks say is changed as SQLite's documentation has it for changes that touch no
-- row (https://www.sqlite.org/lang_altertable.html, the second procedure); the triggers below raise the schema's version.

PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = replace(sql, 'kind IN (''agent'', ''loop'', ''join'')', 'kind = ''agent'' OR kind = ''loop'' OR kind = ''join''')
WHERE type = 'table' AND name = 'tasks';
UPDATE sqlite_schema SET sql = replace(
    sql,
    'status IN (''waiting'', ''pending'', ''running'', ''paused'', ''completed'', ''failed'', ''cancelled'', ''interrupted'', ''dead'')',
    'status = ''waiting'' OR status = ''pending'' OR status = ''running'' OR status = ''paused'' OR status = ''completed'' OR '
    || 'status = ''failed'' OR status = ''cancelled'' OR status = ''interrupted'' OR status = ''dead'''
)
WHERE type = 'table' AND name = 'tasks';
UPDATE sqlite_schema
SET sql = replace(sql, 'on_failure IN (''retry'', ''fail'', ''skip'')', 'on_failure = ''retry'' OR on_failure = ''fail'' OR on_failure = ''skip''')
WHERE type = 'table' AND name = 'tasks';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''open'', ''met'', ''broken'')', 'state = ''open'' OR state = ''met'' OR state = ''broken''')
WHERE type = 'table' AND name = 'edges';
UPDATE sqlite_schema SET sql = replace(
    sql,
    'outcome IN (''running'', ''completed'', ''failed'', ''retrying'', ''interrupted'', ''cancelled'', ''paused'', ''released'')',
    'outcome = ''running'' OR outcome = ''completed'' OR outcome = ''failed'' OR outcome = ''retrying'' OR '
    || 'outcome = ''interrupted'' OR outcome = ''cancelled'' OR outcome = ''paused'' OR outcome = ''released'''
)
WHERE type = 'table' AND name = 'attempts';
UPDATE sqlite_schema SET sql = replace(
    sql,
    'state IN (''SPAWNING'', ''IDLE'', ''BUSY'', ''FAILED'', ''TERMINATING'', ''TERMINATED'')',
    'state = ''SPAWNING'' OR state = ''IDLE'' OR state = ''BUSY'' OR '
    || 'state = ''FAILED'' OR state = ''TERMINATING'' OR state = ''TERMINATED'''
)
WHERE type = 'table' AND name = 'agents';
UPDATE sqlite_schema SET sql = replace(sql, 'state IN (''open'', ''done'', ''partial'')', 'state = ''open'' OR state = ''done'' OR state = ''partial''')
WHERE type = 'table' AND name = 'turns';
UPDATE sqlite_schema SET sql = replace(
    sql,
    'status IN (''intended'', ''done'', ''error'', ''unknown'')',
    'status = ''intended'' OR status = ''done'' OR status = ''error'' OR status = ''unknown'''
)
WHERE type = 'table' AND name = 'tool_calls';
UPDATE sqlite_schema SET sql = replace(
    sql,
    'level IN (''debug'', ''info'', ''warning'', ''error'')',
    'level = ''debug'' OR level = ''info'' OR level = ''warning'' OR level = ''error'''
)
WHERE type = 'table' AND name = 'logs';
PRAGMA writable_schema = reset;

DROP VIEW followed;
DROP VIEW followed_far;
DROP TRIGGER tasks_changed;
DROP TRIGGER tasks_law;

-- What a change means for those that wait: the task has ended (how, as its dependents see it), or it comes back, or it gives up its place at work.
CREATE VIEW followed (task, meets, breaks, comes_back, gives_up, at) AS SELECT NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;
CREATE VIEW followed_far (task, meets, breaks, comes_back, gives_up, at) AS SELECT NULL, NULL, NULL, NULL, NULL, NULL WHERE 0;

-- Actor and reason are taken away once the audit has them, so that the next change must name its own. Of the two changes that every task goes
-- through they stay: nothing that follows a claim may be called one, and nothing follows a completion.
CREATE TRIGGER tasks_changed AFTER UPDATE OF status ON tasks WHEN new.status <> old.status
BEGIN
    INSERT INTO audit (
        at, actor, action, execution, task, engine, from_state, to_state, version, attempt, cause, error, result, reason
    ) VALUES (
        new.changed_at, new.actor, 'task.' || new.status, new.execution, new.id, coalesce(new.engine, old.engine), old.status, new.status,
        new.version, new.attempt, new.cause, new.error_code, new.result, new.reason
    );
    UPDATE tasks SET actor = '', reason = ''
    WHERE id = new.id AND new.status <> 'completed' AND (new.status <> 'running' OR new.reason <> 'claimed' OR new.actor <> 'engine');
    UPDATE counts SET tasks = tasks - 1 WHERE lane = new.lane AND status = old.status;
    INSERT INTO counts (lane, status, tasks) VALUES (new.lane, new.status, 1)
    ON CONFLICT (lane, status) DO UPDATE SET tasks = tasks + 1;
    INSERT INTO followed (task, meets, breaks, comes_back, gives_up, at) VALUES (
        new.id,
        new.status = 'completed' OR ((new.status = 'failed' OR new.status = 'dead') AND new.on_failure = 'skip'),
        new.status = 'cancelled' OR ((new.status = 'failed' OR new.status = 'dead') AND new.on_failure <> 'skip'),
        old.status = 'failed' OR old.status = 'cancelled' OR old.status = 'dead',
        (old.status = 'running' OR old.status = 'interrupted') AND (new.status = 'pending' OR new.status = 'paused'),
        new.changed_at
    );
END;

-- And not by halves: without recursive triggers SQLite runs for none of what follows what it runs for every other change, no audit row, no counts.
CREATE TRIGGER followed_at_all INSTEAD OF INSERT ON followed
WHEN ((new.meets OR new.breaks OR new.comes_back) AND EXISTS (SELECT 1 FROM edges WHERE depends_on = new.task))
    OR (new.gives_up AND EXISTS (SELECT 1 FROM edges WHERE task = new.task))
BEGIN
    INSERT INTO followed_far (task, meets, breaks, comes_back, gives_up, at)
    VALUES (new.task, new.meets, new.breaks, new.comes_back, new.gives_up, new.at);
    SELECT raise(ABORT, 'law: what follows from a change is in the audit too: PRAGMA recursive_triggers must be on')
    WHERE EXISTS (
        SELECT 1 FROM edges AS e CROSS JOIN tasks AS t ON t.id = e.task
        WHERE e.depends_on = new.task AND t.actor <> '' AND t.status <> 'running' AND t.status <> 'completed'
    );
END;

-- Only what is one step away: longer ways are plain statements of the queue.
-- The plus signs keep SQLite from walking through all tasks of a status instead of the few dependents.
CREATE TRIGGER followed_up INSTEAD OF INSERT ON followed_far
BEGIN
    -- It has ended: the edges that lead to it are settled, and who waited for nothing else is pending.
    UPDATE edges SET state = CASE WHEN new.meets OR need = 'settles' THEN 'met' ELSE 'broken' END
    WHERE (new.meets OR new.breaks) AND depends_on = new.task AND state = 'open';
    UPDATE tasks
    SET status = 'pending', version = version + 1, why = CASE WHEN due IS NULL THEN '' ELSE 'time' END,
        actor = 'queue', reason = 'all that it waits for is there', changed_at = new.at
    WHERE (new.meets OR new.breaks) AND id IN (SELECT task FROM edges WHERE depends_on = new.task AND state = 'met')
        AND +status = 'waiting' AND unmet = 0 AND broken = 0;
    UPDATE tasks SET held = CASE WHEN crashes >= 2 THEN 'suspect' END, why = ''
    WHERE (new.meets OR new.breaks) AND id IN (SELECT task FROM edges WHERE depends_on = new.task) AND +held = 'after' AND unmet = 0;

    -- It comes back: who has not used its end yet waits for it again.
    UPDATE edges SET state = 'open'
    WHERE new.comes_back AND depends_on = new.task AND state <> 'open'
        AND (SELECT status FROM tasks WHERE id = edges.task) NOT IN ('running', 'interrupted', 'completed');
    UPDATE tasks SET held = 'after', why = 'after'
    WHERE new.comes_back AND id IN (SELECT task FROM edges WHERE depends_on = new.task AND state = 'open') AND +status = 'pending';

    -- It gives up its place at work: what came back meanwhile is waited for again.
    UPDATE edges SET state = 'open'
    WHERE new.gives_up AND task = new.task AND state <> 'open'
        AND (SELECT status FROM tasks WHERE id = edges.depends_on) NOT IN ('completed', 'failed', 'cancelled', 'dead');
    UPDATE tasks SET held = 'after', why = 'after' WHERE new.gives_up AND id = new.task AND +status = 'pending' AND unmet > 0;
END;

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
        WHEN new.actor = '' OR new.reason = '' OR (old.status = 'running' AND new.reason = 'claimed' AND new.actor = 'engine')
            THEN raise(ABORT, 'law: every change names actor and reason')
        WHEN new.status = 'running' AND (new.epoch <= old.epoch OR new.engine IS NULL)
            THEN raise(ABORT, 'law: a claim raises the epoch and names its engine')
        WHEN (old.status = 'failed' OR old.status = 'dead' OR old.status = 'cancelled')
            AND (SELECT purged_at IS NOT NULL FROM executions WHERE id = new.execution)
            THEN raise(ABORT, 'law: what was purged does not run again')
    END;
END;
