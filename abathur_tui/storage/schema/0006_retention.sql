-- Seals over the audit, and what retention and purging may take away.

-- Each seal is a hash over the audit rows from `first` to `last` and over the seal before it. A swept one has outlived its rows.
CREATE TABLE seals (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL CHECK (last >= first),
    previous TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    sealed_at REAL NOT NULL,
    swept_at REAL
) STRICT;

CREATE INDEX seals_kept ON seals (first) WHERE swept_at IS NULL;

CREATE TRIGGER seals_first BEFORE INSERT ON seals
WHEN new.swept_at IS NOT NULL
    OR new.first <= coalesce((SELECT last FROM seals ORDER BY first DESC LIMIT 1), 0)
    OR new.previous <> coalesce((SELECT sha256 FROM seals ORDER BY first DESC LIMIT 1), '')
BEGIN
    SELECT raise(ABORT, 'law: a seal follows the one before it');
END;

-- The oldest one that is kept may be marked as swept, once; nothing else about a seal changes.
CREATE TRIGGER seals_law BEFORE UPDATE ON seals
WHEN new.first <> old.first OR new.last <> old.last OR new.previous <> old.previous OR new.sha256 <> old.sha256
    OR new.sealed_at <> old.sealed_at OR old.swept_at IS NOT NULL OR new.swept_at IS NULL
    OR (SELECT swept_at IS NULL FROM seals WHERE first < old.first ORDER BY first DESC LIMIT 1)
BEGIN
    SELECT raise(ABORT, 'law: of a seal only the mark that it was swept is ever made, the oldest first');
END;

CREATE TRIGGER seals_no_delete BEFORE DELETE ON seals
BEGIN
    SELECT raise(ABORT, 'law: no seal is deleted');
END;

-- What retention may take from the audit: the rows of a group whose seal is marked as swept.
DROP TRIGGER audit_no_delete;

CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit
WHEN coalesce((SELECT swept_at IS NULL OR last < old.id FROM seals WHERE first <= old.id ORDER BY first DESC LIMIT 1), 1)
BEGIN
    SELECT raise(ABORT, 'law: nothing is deleted from the audit but swept groups');
END;

-- An execution whose content was taken away has ended for good: what its tasks would need is not there any more.
ALTER TABLE executions ADD COLUMN purged_at REAL;

CREATE INDEX executions_kept ON executions (id) WHERE purged_at IS NULL;

CREATE TRIGGER executions_purge BEFORE UPDATE OF purged_at ON executions
WHEN EXISTS (
    SELECT 1 FROM tasks
    WHERE execution = new.id AND status IN ('waiting', 'pending', 'running', 'paused', 'interrupted')
)
BEGIN
    SELECT raise(ABORT, 'law: only an execution that has ended is purged');
END;

CREATE TRIGGER tasks_purged BEFORE UPDATE OF status ON tasks
WHEN old.status IN ('failed', 'dead', 'cancelled') AND new.status <> old.status
    AND (SELECT purged_at IS NOT NULL FROM executions WHERE id = new.execution)
BEGIN
    SELECT raise(ABORT, 'law: what was purged does not run again');
END;

-- A text that nothing seemed to need when somebody looked. Whoever keeps it again clears the mark; after a second look it is taken away.
ALTER TABLE content ADD COLUMN condemned INTEGER NOT NULL DEFAULT 0;

CREATE INDEX content_condemned ON content (id) WHERE condemned = 1;
