-- What a law refuses takes its whole transaction back. It did so before: the program gives up a transaction of which one statement was refused. But
-- where a law takes back one statement only, SQLite keeps a copy of each page that the statement changes, for every task and every statement of it: a
-- sixth of the time that these take. So the laws that a task meets between its claim and its end roll back, and what such a statement refers to is
-- looked for at the commit.
-- What is met by a submission stays as it was: a recurring task that is refused must not take the others with it.

PRAGMA writable_schema = on;
UPDATE sqlite_schema SET sql = replace(sql, 'raise(ABORT', 'raise(ROLLBACK')
WHERE type = 'trigger' AND name IN (
    'agents_law', 'agents_stay', 'attempts_end', 'attempts_first', 'attempts_stay', 'audit_no_replace', 'counts_stay', 'edges_law',
    'followed_at_all', 'specs_stay', 'tasks_law', 'tasks_stay', 'tasks_taken', 'turns_end', 'turns_first', 'turns_stay', 'usage_law'
);
UPDATE sqlite_schema SET sql = replace(
    sql,
    'INSERT INTO counts (lane, status, tasks) VALUES (new.lane, new.status, 1)
    ON CONFLICT (lane, status) DO UPDATE SET tasks = tasks + 1;',
    'UPDATE counts SET tasks = tasks + 1 WHERE lane = new.lane AND status = new.status;'
)
WHERE type = 'trigger' AND (name = 'tasks_made' OR name = 'tasks_changed');
UPDATE sqlite_schema SET sql = replace(
    replace(
        replace(
            sql, 'parent INTEGER REFERENCES tasks (id),', 'parent INTEGER REFERENCES tasks (id) DEFERRABLE INITIALLY DEFERRED,'
        ),
        'cause INTEGER REFERENCES tasks (id),', 'cause INTEGER REFERENCES tasks (id) DEFERRABLE INITIALLY DEFERRED,'
    ),
    'result TEXT REFERENCES content (hash),', 'result TEXT REFERENCES content (hash) DEFERRABLE INITIALLY DEFERRED,'
)
WHERE type = 'table' AND name = 'tasks';
UPDATE sqlite_schema SET sql = replace(
    replace(sql, 'REFERENCES tasks (id),', 'REFERENCES tasks (id) DEFERRABLE INITIALLY DEFERRED,'),
    'REFERENCES agents (id),', 'REFERENCES agents (id) DEFERRABLE INITIALLY DEFERRED,'
)
WHERE type = 'table' AND (name = 'attempts' OR name = 'turns');
UPDATE sqlite_schema SET sql = replace(sql, 'REFERENCES content (hash),', 'REFERENCES content (hash) DEFERRABLE INITIALLY DEFERRED,')
WHERE type = 'table' AND name = 'turns';
UPDATE sqlite_schema SET sql = replace(
    replace(
        sql, 'rendered TEXT REFERENCES content (hash),', 'rendered TEXT REFERENCES content (hash) DEFERRABLE INITIALLY DEFERRED,'
    ),
    'system TEXT REFERENCES content (hash)', 'system TEXT REFERENCES content (hash) DEFERRABLE INITIALLY DEFERRED'
)
WHERE type = 'table' AND name = 'specs';
PRAGMA writable_schema = reset;

-- All that a lane counts has its row from the lane's beginning: what finds it or makes it otherwise keeps such a copy too, however it refuses.
CREATE VIEW statuses (status) AS
VALUES ('waiting'), ('pending'), ('running'), ('paused'), ('completed'), ('failed'), ('cancelled'), ('interrupted'), ('dead');

CREATE TRIGGER lanes_made AFTER INSERT ON lanes
BEGIN
    INSERT INTO counts (lane, status, tasks)
    SELECT new.lane, statuses.status, 0 FROM statuses
    WHERE NOT EXISTS (SELECT 1 FROM counts WHERE lane = new.lane AND status = statuses.status);
END;

INSERT INTO counts (lane, status, tasks)
SELECT l.lane, s.status, 0 FROM (SELECT lane FROM lanes UNION SELECT lane FROM counts UNION SELECT 'join') AS l CROSS JOIN statuses AS s
WHERE NOT EXISTS (SELECT 1 FROM counts WHERE lane = l.lane AND status = s.status);

DROP TRIGGER tasks_first;

CREATE TRIGGER tasks_first BEFORE INSERT ON tasks
WHEN new.status NOT IN ('waiting', 'pending') OR new.actor = '' OR new.reason = '' OR EXISTS (SELECT 1 FROM tasks WHERE id = new.id)
    OR NOT EXISTS (SELECT 1 FROM counts WHERE lane = new.lane AND status = new.status)
BEGIN
    SELECT CASE
        WHEN new.status NOT IN ('waiting', 'pending') THEN raise(ABORT, 'law: a task begins as waiting or pending')
        WHEN new.actor = '' OR new.reason = '' THEN raise(ABORT, 'law: every change names actor and reason')
        WHEN EXISTS (SELECT 1 FROM tasks WHERE id = new.id) THEN raise(ABORT, 'law: tasks are not replaced')
        ELSE raise(ABORT, 'law: a task''s lane is there before it')
    END;
END;
