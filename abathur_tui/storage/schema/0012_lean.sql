-- A change that nobody waits for costs less: whether anybody does is asked by a small trigger, in front of the large one that says what follows.
-- An INSERT from a SELECT with a condition would need a table in memory for each change, and the large trigger room for all of its statements.

DROP TRIGGER tasks_changed;
DROP TRIGGER followed_up;

CREATE VIEW followed_far (task, before, after, skips, at) AS SELECT NULL, NULL, NULL, NULL, NULL WHERE 0;

CREATE TRIGGER tasks_changed AFTER UPDATE OF status ON tasks WHEN new.status <> old.status
BEGIN
    INSERT INTO audit (
        at, actor, action, execution, task, engine, from_state, to_state, version, attempt, cause, error, result, reason
    ) VALUES (
        new.changed_at, new.actor, 'task.' || new.status, new.execution, new.id, coalesce(new.engine, old.engine), old.status, new.status,
        new.version, new.attempt, new.cause, new.error_code, new.result, new.reason
    );
    UPDATE tasks SET actor = '', reason = '' WHERE id = new.id;
    UPDATE counts SET tasks = tasks - 1 WHERE lane = new.lane AND status = old.status;
    INSERT INTO counts (lane, status, tasks) VALUES (new.lane, new.status, 1)
    ON CONFLICT (lane, status) DO UPDATE SET tasks = tasks + 1;
    INSERT INTO followed (task, before, after, skips, at)
    VALUES (new.id, old.status, new.status, new.on_failure = 'skip', new.changed_at);
END;

-- And not by halves: without recursive triggers SQLite runs for none of what follows what it runs for every other change, no audit row, no counts.
CREATE TRIGGER followed_at_all INSTEAD OF INSERT ON followed
WHEN (
        (new.after IN ('completed', 'failed', 'cancelled', 'dead') OR new.before IN ('failed', 'cancelled', 'dead'))
        AND EXISTS (SELECT 1 FROM edges WHERE depends_on = new.task)
    ) OR (
        new.before IN ('running', 'interrupted') AND new.after IN ('pending', 'paused') AND EXISTS (SELECT 1 FROM edges WHERE task = new.task)
    )
BEGIN
    INSERT INTO followed_far (task, before, after, skips, at) VALUES (new.task, new.before, new.after, new.skips, new.at);
    SELECT raise(ABORT, 'law: what follows from a change is in the audit too: PRAGMA recursive_triggers must be on')
    WHERE EXISTS (SELECT 1 FROM edges AS e CROSS JOIN tasks AS t ON t.id = e.task WHERE e.depends_on = new.task AND t.actor <> '');
END;

-- Only what is one step away: longer ways are plain statements of the queue.
-- The plus signs keep SQLite from walking through all tasks of a status instead of the few dependents.

CREATE TRIGGER followed_up INSTEAD OF INSERT ON followed_far
BEGIN
    -- It has ended: the edges that lead to it are settled, and who waited for nothing else is pending.
    UPDATE edges
    SET state = CASE
        WHEN new.after = 'completed' OR need = 'settles' THEN 'met'
        WHEN new.after IN ('failed', 'dead') AND new.skips THEN 'met'
        ELSE 'broken'
    END
    WHERE new.after IN ('completed', 'failed', 'cancelled', 'dead') AND depends_on = new.task AND state = 'open';
    UPDATE tasks
    SET status = 'pending', version = version + 1, why = CASE WHEN due IS NULL THEN '' ELSE 'time' END,
        actor = 'queue', reason = 'all that it waits for is there', changed_at = new.at
    WHERE new.after IN ('completed', 'failed', 'cancelled', 'dead')
        AND id IN (SELECT task FROM edges WHERE depends_on = new.task AND state = 'met')
        AND +status = 'waiting' AND unmet = 0 AND broken = 0;
    UPDATE tasks SET held = CASE WHEN crashes >= 2 THEN 'suspect' END, why = ''
    WHERE new.after IN ('completed', 'failed', 'cancelled', 'dead')
        AND id IN (SELECT task FROM edges WHERE depends_on = new.task) AND +held = 'after' AND unmet = 0;

    -- It comes back: who has not used its end yet waits for it again.
    UPDATE edges
    SET state = 'open'
    WHERE new.before IN ('failed', 'cancelled', 'dead') AND depends_on = new.task AND state <> 'open'
        AND (SELECT status FROM tasks WHERE id = edges.task) NOT IN ('running', 'interrupted', 'completed');
    UPDATE tasks SET held = 'after', why = 'after'
    WHERE new.before IN ('failed', 'cancelled', 'dead')
        AND id IN (SELECT task FROM edges WHERE depends_on = new.task AND state = 'open') AND +status = 'pending';

    -- It gives up its place at work: what came back meanwhile is waited for again.
    UPDATE edges
    SET state = 'open'
    WHERE new.before IN ('running', 'interrupted') AND new.after IN ('pending', 'paused') AND task = new.task AND state <> 'open'
        AND (SELECT status FROM tasks WHERE id = edges.depends_on) NOT IN ('completed', 'failed', 'cancelled', 'dead');
    UPDATE tasks SET held = 'after', why = 'after'
    WHERE new.before IN ('running', 'interrupted') AND new.after = 'pending' AND id = new.task AND unmet > 0;
END;
