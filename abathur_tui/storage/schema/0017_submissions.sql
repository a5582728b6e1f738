-- Work that was handed in with a key: whoever does not know what became of it asks again, and it is there once. Without a key there is no row.

CREATE TABLE submissions (
    first INTEGER PRIMARY KEY REFERENCES executions (id),
    last INTEGER NOT NULL REFERENCES executions (id),
    key TEXT NOT NULL UNIQUE CHECK (length(key) BETWEEN 1 AND 200),
    asked TEXT NOT NULL CHECK (length(asked) = 64),
    CHECK (last >= first)
) STRICT;

CREATE TRIGGER submissions_first BEFORE INSERT ON submissions
WHEN EXISTS (SELECT 1 FROM submissions WHERE key = new.key) OR new.first <= coalesce((SELECT last FROM submissions ORDER BY first DESC LIMIT 1), 0)
    OR NOT EXISTS (SELECT 1 FROM executions WHERE id = new.first) OR NOT EXISTS (SELECT 1 FROM executions WHERE id = new.last)
BEGIN
    SELECT raise(ABORT, 'law: a key is given once, to executions that are there and have none');
END;

CREATE TRIGGER submissions_no_update BEFORE UPDATE ON submissions
BEGIN
    SELECT raise(ABORT, 'law: a key stays with what it was given to');
END;

CREATE TRIGGER submissions_no_delete BEFORE DELETE ON submissions
BEGIN
    SELECT raise(ABORT, 'law: a key stays with what it was given to');
END;
