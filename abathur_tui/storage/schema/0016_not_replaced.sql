-- What a replacing insert (`REPLACE INTO`) could put in the place of what happened, and no check could find: SQLite runs the laws against deleting for
-- it only where recursive triggers are on.

CREATE TRIGGER turns_first BEFORE INSERT ON turns WHEN EXISTS (SELECT 1 FROM turns WHERE id = new.id)
BEGIN
    SELECT raise(ABORT, 'law: turns are not replaced');
END;

DROP TRIGGER tool_calls_first;

CREATE TRIGGER tool_calls_first BEFORE INSERT ON tool_calls
WHEN EXISTS (
    SELECT 1 FROM tool_calls
    WHERE turn = new.turn AND id = new.id
        AND (status = 'done' OR status = 'error' OR task <> new.task OR tool <> new.tool OR arguments <> new.arguments)
)
BEGIN
    SELECT raise(ABORT, 'law: a tool call that has an outcome is not begun again, and what was called stays');
END;

DROP TRIGGER questions_no_replace;

CREATE TRIGGER questions_no_replace BEFORE INSERT ON questions WHEN EXISTS (SELECT 1 FROM questions WHERE id = new.id)
BEGIN
    SELECT raise(ABORT, 'law: a question is not replaced');
END;

CREATE TRIGGER migrations_no_replace BEFORE INSERT ON migrations WHEN EXISTS (SELECT 1 FROM migrations WHERE version = new.version)
BEGIN
    SELECT raise(ABORT, 'law: the record of the schema''s versions stays');
END;
