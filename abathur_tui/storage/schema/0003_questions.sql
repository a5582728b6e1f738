-- What waits for a person's answer. A question is open until somebody answers it, and never changed after that.

CREATE TABLE questions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    task INTEGER NOT NULL REFERENCES tasks (id),
    round INTEGER NOT NULL,
    kind TEXT NOT NULL,
    place TEXT NOT NULL,
    question TEXT NOT NULL REFERENCES content (hash),
    options TEXT NOT NULL REFERENCES content (hash),
    asked_at REAL NOT NULL,
    answer TEXT REFERENCES content (hash),
    answered_by TEXT,
    answered_at REAL,
    CHECK ((answered_at IS NULL) = (answer IS NULL) AND (answered_at IS NULL) = (coalesce(answered_by, '') = ''))
) STRICT;

CREATE INDEX questions_by_task ON questions (task, round);
CREATE INDEX questions_open ON questions (task, round) WHERE answered_at IS NULL;

CREATE TRIGGER questions_law BEFORE UPDATE ON questions
WHEN old.answered_at IS NOT NULL OR new.id <> old.id OR new.task <> old.task OR new.round <> old.round OR new.kind <> old.kind
    OR new.place <> old.place OR new.question <> old.question OR new.options <> old.options OR new.asked_at <> old.asked_at
BEGIN
    SELECT raise(ABORT, 'law: a question is answered once, and nothing else of it is changed');
END;

CREATE TRIGGER questions_no_delete BEFORE DELETE ON questions WHEN old.answered_at IS NOT NULL
BEGIN
    SELECT raise(ABORT, 'law: a question that was answered is not deleted');
END;

CREATE TRIGGER questions_no_replace BEFORE INSERT ON questions
WHEN EXISTS (SELECT 1 FROM questions WHERE id = new.id AND answered_at IS NOT NULL)
BEGIN
    SELECT raise(ABORT, 'law: a question that was answered is not replaced');
END;
